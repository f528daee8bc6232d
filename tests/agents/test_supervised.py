"""Supervised: cross-entropy on gold labels, and dropout on while it trains."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
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
        loss = learner.loss(batch)[0].item()
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

    def twice(batch: Any) -> Any:
        assert learner.policy.training and learner.policy.encoder.training
        losses.append((compute(batch)[0].item(), compute(batch)[0].item()))
        return compute(batch)

    monkeypatch.setattr(learner, "loss", twice)
    learner.learn(total_episodes=16)
    assert len(losses) == 2 and all(first != second for first, second in losses)
    assert not any(module.training for module in learner.policy.modules())

    def broken(batch: Any) -> Any:
        loss, _ = compute(batch)
        return loss * math.nan, {"loss": math.nan}

    monkeypatch.setattr(learner, "loss", broken)
    with pytest.raises(FloatingPointError):
        learner.learn(total_episodes=16)
    assert not any(module.training for module in learner.policy.modules())


def test_units_weigh_by_their_labels_in_the_run_s_texts_and_anew_in_other_texts(
    agent: Make, commands: Callable[..., Dataset], vec_env: Callable[..., LabelVecEnv]
) -> None:
    learner = agent({"history": "previous"}, class_weights="balanced", seed=0)
    plain = agent({"history": "previous"}, seed=0)
    first = commands("tagging")
    texts = first["train"]
    other = replace(texts, gold=np.where(texts.gold == texts.gold[0], 1, texts.gold))
    for dataset in (first, replace(first, splits={"train": other})):
        learner.set_env(vec_env(dataset))
        episodes = learner.label_env.episodes
        batch = episodes.batch(range(6))
        with torch.no_grad():
            features = plain.policy.features(plain.policy.texts(batch))
            gold = torch.from_numpy(batch.gold).long()
            log_probs = plain.policy.distribution(features, batch).log_probs(gold)
            loss = learner.loss(batch)[0].item()
        seen, counts = np.unique(episodes.gold, return_counts=True)
        heavy = counts.sum() / (len(seen) * counts)
        weight = dict(zip(seen.tolist(), heavy.tolist(), strict=True))
        terms = [
            (weight[label], -float(log_probs[row, unit, label]))
            for row, units in enumerate(gold.tolist())
            for unit, label in enumerate(units)
            if label >= 0
        ]
        wanted = sum(w * term for w, term in terms) / sum(w for w, _ in terms)
        assert loss == pytest.approx(wanted, rel=1e-5)


def test_weights_and_focal_loss_are_saved_with_the_agent_and_old_agents_have_none(
    agent: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = agent({}, class_weights="sqrt", focal_gamma=2.0, seed=0)
    learner.learn(total_episodes=8)
    learner.save(tmp_path / "new")
    batch = learner.label_env.episodes.batch(range(6))
    loaded = Supervised.load(tmp_path / "new", env=learner.env, device="cpu")
    with torch.no_grad():
        assert loaded.loss(batch)[0].item() == learner.loss(batch)[0].item()

    excluded = Supervised._excluded_save_params
    new = ["class_weights", "class_beta", "focal_gamma"]
    monkeypatch.setattr(Supervised, "_excluded_save_params", lambda self: [*excluded(self), *new])
    plain = agent({}, seed=0)
    plain.save(tmp_path / "old")  # as before there were weights
    monkeypatch.undo()
    old = Supervised.load(tmp_path / "old", env=learner.env, device="cpu")
    assert (old.class_weights, old.focal_gamma) == ("none", 0.0)
    with torch.no_grad():
        assert old.loss(batch)[0].item() == plain.loss(batch)[0].item()
