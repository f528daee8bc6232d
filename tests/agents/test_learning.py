"""Every agent learns to read a label off its word, the same way each time it is run."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from lingym.agents import (
    PPO,
    REINFORCE,
    ExpectedReward,
    LabelVecEnv,
    MinimumRisk,
    Supervised,
    evaluate,
)
from lingym.envs import Dataset
from lingym.policies import LabelPolicy

FAST = {"learning_rate": 1e-3, "n_steps": 64, "batch_size": 16}
CALM = {**FAST, "learning_rate": 3e-4}
AGENTS: dict[str, tuple[type, int, dict[str, Any]]] = {
    "ppo": (PPO, 768, CALM),
    "ppo leave-one-out": (PPO, 512, {**CALM, "samples": 4, "baseline": "leave-one-out"}),
    "reinforce none": (REINFORCE, 512, {**FAST, "baseline": "none"}),
    "reinforce mean": (REINFORCE, 512, {**FAST, "baseline": "mean"}),
    "reinforce value": (REINFORCE, 512, {**FAST, "baseline": "value"}),
    "reinforce greedy": (REINFORCE, 512, {**FAST, "baseline": "greedy"}),
    "reinforce leave-one-out": (REINFORCE, 512, {**FAST, "baseline": "leave-one-out"}),
    "reinforce group": (REINFORCE, 512, {**FAST, "baseline": "group"}),
    "expected reward": (ExpectedReward, 512, FAST),
    "minimum risk": (MinimumRisk, 512, FAST),
    "supervised": (Supervised, 256, FAST),
}
Make = Callable[..., Any]


@pytest.fixture
def agent(identity: Dataset, vec_env: Callable[..., LabelVecEnv]) -> Make:
    """An agent by its name here: ``agent(name, history, reward, **arguments)``."""

    def make(
        name: str, history: str = "none", reward: str = "accuracy", rows: int = 1, **arguments: Any
    ) -> Any:
        kind, _, settings = AGENTS[name]
        policy = {"history": history}
        return kind(
            *("LabelPolicy", vec_env(identity, reward, rows)),
            **{"seed": 0, "device": "cpu", "policy_kwargs": policy, **settings, **arguments},
        )

    return make


def accuracy(agent: Any) -> float:
    return evaluate(agent.policy, agent.label_env.episodes)["accuracy"]


@pytest.mark.slow
@pytest.mark.parametrize("history", ["none", "previous"])
@pytest.mark.parametrize("name", AGENTS)
def test_the_identity_labelling_is_learned(agent: Make, name: str, history: str) -> None:
    learner = agent(name, history)
    assert accuracy(learner) < 0.6
    learner.learn(total_episodes=AGENTS[name][1])
    assert accuracy(learner) >= 0.99


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "near", "more"),
    [
        ("reinforce leave-one-out", 0.03, {"batch_size": 16, "samples": 8}),
        ("ppo", 0.1, {"batch_size": 32}),  # clipped, and slower: its values are learned first
    ],
)
def test_cross_entropy_with_the_entropy_learns_its_target(
    agent: Make, name: str, near: float, more: dict[str, Any]
) -> None:
    # Rewards stay what they are: normalised advantages would outweigh the entropy, or the reverse.
    exact = {"learning_rate": lambda left: 1e-3 * left, "ent_coef": 1.0} | more
    reward = "cross_entropy(smoothing=0.2)"
    learner = agent(name, reward=reward, normalize_advantage=False, **exact)
    learner.learn(total_episodes=1024)
    assert accuracy(learner) >= 0.99
    # The optimum is q itself: .85 on the gold label, where accuracy alone would end near 1.
    batch = learner.label_env.episodes.batch(range(64))
    gold = torch.from_numpy(batch.gold).long()
    chosen, _, _ = learner.policy.evaluate_labels(batch, gold)
    assert chosen[gold >= 0].exp().mean().item() == pytest.approx(0.85, abs=near)


@pytest.mark.slow
@pytest.mark.parametrize("name", AGENTS)
def test_one_seed_gives_one_set_of_weights(agent: Make, name: str) -> None:
    first, second = (agent(name, "previous").learn(total_episodes=128) for _ in range(2))
    other = agent(name, "previous", seed=1).learn(total_episodes=128)
    begun = agent(name, "previous").policy.state_dict()
    weights = first.policy.state_dict()
    for key, value in second.policy.state_dict().items():
        assert torch.equal(value, weights[key]), key
    for key in ("label_head.weight", "encoder.embeddings.word_embeddings.weight"):
        assert not torch.equal(begun[key], weights[key])
        assert not torch.equal(other.policy.state_dict()[key], weights[key])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ppo", "reinforce leave-one-out"])
@pytest.mark.parametrize("history", ["none", "previous"])
def test_the_kl_holds_the_policy_near_its_reference(agent: Make, name: str, history: str) -> None:
    def moved(kl_coef: float) -> float:
        learner = agent(name, history, kl_coef=kl_coef)
        learner.set_reference()
        learner.learn(total_episodes=128, log_interval=None)
        batch = learner.label_env.episodes.batch(range(64))
        gold = torch.from_numpy(batch.gold).long()
        now, _, _ = learner.policy.evaluate_labels(batch, gold)
        before, _, _ = learner.reference.evaluate_labels(batch, gold)
        assert ("train/reference_kl" in learner.logger.name_to_value) == (kl_coef > 0)
        return (now - before)[gold >= 0].abs().mean().item()

    free, held = moved(0.0), moved(10.0)
    assert held < 0.2 * free


def test_the_reference_is_the_policy_as_it_was_when_learning_began(agent: Make) -> None:
    learner = agent("reinforce mean", kl_coef=0.1)
    begun = {name: value.clone() for name, value in learner.policy.state_dict().items()}
    learner.learn(total_episodes=32)
    for name, value in learner.reference.state_dict().items():
        assert torch.equal(value, begun[name]), name
    other: LabelPolicy = agent("reinforce mean", seed=3).policy
    learner.set_reference(other)
    assert torch.equal(learner.reference.label_head.weight, other.label_head.weight)
