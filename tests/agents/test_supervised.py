"""Supervised: cross-entropy on gold labels, and dropout on while it trains."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from lingym.agents import LabelVecEnv, Supervised
from lingym.envs import Dataset
from lingym.policies import LabelPolicy

Make = Callable[..., Supervised]


@pytest.fixture
def agent(
    commands: Callable[..., Dataset],
    vec_env: Callable[..., LabelVecEnv],
    randomise: Callable[[LabelPolicy, int], None],
) -> Make:
    def make(policy: dict[str, Any], **arguments: Any) -> Supervised:
        env = vec_env(commands("tagging"))
        made = Supervised("LabelPolicy", env, policy_kwargs=policy, device="cpu", **arguments)
        randomise(made.policy, 0)
        return made

    return make


@pytest.mark.parametrize("history", ["none", "previous"])
@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_the_cross_entropy_to_the_smoothed_gold_over_allowed_labels(
    agent: Make, history: str, constrained: bool, smoothing: float
) -> None:
    policy = {"history": history, "constrained": constrained}
    learner = agent(policy, label_smoothing=smoothing)
    space = learner.policy.labels
    assert space.transitions is not None
    batch = learner.label_env.episodes.batch(range(6))
    gold = torch.from_numpy(batch.gold).long()
    with torch.no_grad():
        features = learner.policy.features(learner.policy.texts(batch))
        log_probs = learner.policy.distribution(features, batch).log_probs(gold)
        loss = learner.loss(batch).item()
    terms = []
    for row, length in enumerate(batch.lengths):
        before = len(space)
        for unit in range(length):
            may = space.transitions[before] if constrained else [True] * len(space)
            target = [smoothing / sum(may) if ok else 0.0 for ok in may]
            target[gold[row, unit]] += 1 - smoothing
            found = log_probs[row, unit].tolist()
            terms.append(-sum(q * p for q, p in zip(target, found, strict=True) if q))
            before = int(gold[row, unit])
    assert loss == pytest.approx(sum(terms) / len(terms), rel=1e-5)


@pytest.mark.parametrize("smoothing", [-0.1, 1.0])
def test_smoothing_that_leaves_no_gold_is_refused(agent: Make, smoothing: float) -> None:
    with pytest.raises(ValueError, match="label_smoothing must be in"):
        agent({}, label_smoothing=smoothing)


def test_dropout_is_on_while_it_trains_and_off_afterwards(
    agent: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = agent({}, n_steps=16, batch_size=8, seed=0)
    losses = []
    compute = learner.loss

    def twice(batch: Any) -> torch.Tensor:
        assert learner.policy.training and learner.policy.encoder.training
        losses.append((compute(batch).item(), compute(batch).item()))
        return compute(batch)

    monkeypatch.setattr(learner, "loss", twice)
    learner.learn(total_episodes=16)
    assert len(losses) == 2 and all(first != second for first, second in losses)
    assert not any(module.training for module in learner.policy.modules())

    monkeypatch.setattr(learner, "loss", lambda batch: compute(batch) * math.nan)
    with pytest.raises(FloatingPointError):
        learner.learn(total_episodes=16)
    assert not any(module.training for module in learner.policy.modules())
