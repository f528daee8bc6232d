"""Several labelings of a text share one encoding, and count as so many episodes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lingym.agents import PPO, REINFORCE, LabelVecEnv
from lingym.envs import Dataset
from lingym.policies import LabelPolicy

EXAMPLES = np.arange(6, dtype=np.int32)


@pytest.fixture
def agent(
    identity: Dataset,
    vec_env: Callable[..., LabelVecEnv],
    randomise: Callable[[LabelPolicy, int], None],
) -> Callable[..., Any]:
    def make(kind: type, **arguments: Any) -> Any:
        env = vec_env(identity, "accuracy")
        made = kind(
            *("LabelPolicy", env),
            **dict(normalize_advantage=False, device="cpu", seed=0) | arguments,
            policy_kwargs={"history": "previous", "value_gradient": True},
        )
        randomise(made.policy, 2)
        made._setup_learn(1)
        return made

    return make


def labelings(agent: Any, samples: int) -> Tensor:
    """Random labels [S, B, U] of the texts, -1 as padding."""
    gold = torch.from_numpy(agent.label_env.episodes.batch(EXAMPLES).gold)
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randint(4, (samples, *gold.shape), generator=generator)
    return torch.where(gold >= 0, drawn, -1)


def gradients(agent: Any, loss: Tensor) -> dict[str, Tensor]:
    agent.policy.zero_grad()
    loss.backward()
    named = agent.policy.named_parameters()
    return {name: p.grad.clone() for name, p in named if p.grad is not None}


def assert_equal_gradients(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    assert found.keys() == wanted.keys()
    whole = torch.stack([value.norm() for value in wanted.values()]).norm()
    for name, value in wanted.items():
        assert (found[name] - value).norm() < 1e-5 * max(value.norm(), 1e-3 * whole), name


@pytest.mark.parametrize("normalize", [False, True])
def test_two_samples_of_a_text_are_the_text_twice(
    agent: Callable[..., Any], shift: Callable[[LabelPolicy, int, float], None], normalize: bool
) -> None:
    arguments = {"ent_coef": 0.1, "clip_range_vf": 0.3, "normalize_advantage": normalize}
    together, twice = agent(PPO, samples=2, **arguments), agent(PPO, **arguments)
    labels = labelings(together, 2)
    together.rollout = together.label_texts(EXAMPLES, labels)
    twice.rollout = twice.label_texts(np.tile(EXAMPLES, 2), labels.flatten(0, 1)[None])
    for learner in (together, twice):
        shift(learner.policy, 5, 0.008)
    one, log = together.loss(np.arange(6))
    two, twin = twice.loss(np.arange(12))
    assert one.item() == pytest.approx(two.item(), rel=1e-5)
    for name, value in twin.items():
        assert log[name] == pytest.approx(value, rel=1e-4, abs=1e-6), name
    assert log["clip_fraction"] > 0
    assert_equal_gradients(gradients(together, one), gradients(twice, two))


@pytest.mark.parametrize("baseline", ["leave-one-out", "group"])
def test_ppo_at_ratio_1_is_reinforce_with_the_same_baseline(
    agent: Callable[..., Any], baseline: str
) -> None:
    shared = {"samples": 3, "baseline": baseline, "ent_coef": 0.1}
    clipped, plain = agent(PPO, **shared), agent(REINFORCE, **shared)
    labels = labelings(plain, 3)
    clipped.rollout = clipped.label_texts(EXAMPLES, labels)
    loss, log = clipped.loss(np.arange(6))
    assert log["clip_fraction"] == 0 and abs(log["approx_kl"]) < 1e-7
    ours = gradients(clipped, loss)
    wanted, _ = plain.loss(plain.label_env.episodes.batch(EXAMPLES), labels)
    assert_equal_gradients(ours, gradients(plain, wanted))


def test_contradictions_are_refused(agent: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="unknown baseline 'greedy': one of value, leave-one-out"):
        agent(PPO, baseline="greedy")
    with pytest.raises(ValueError, match="'leave-one-out' does not work with samples=1"):
        agent(PPO, baseline="leave-one-out")
    with pytest.raises(ValueError, match="'value' does not work with samples=0"):
        agent(PPO, samples=0)


def test_labels_of_every_sample_are_counted_and_texts_once(agent: Callable[..., Any]) -> None:
    learner = agent(PPO, samples=3, n_steps=8, batch_size=4, n_epochs=1)
    learner.learn(total_episodes=16)
    assert learner.num_episodes == 16
    once = agent(PPO, n_steps=8, batch_size=4, n_epochs=1).learn(total_episodes=16)
    assert learner.num_timesteps == 3 * once.num_timesteps
