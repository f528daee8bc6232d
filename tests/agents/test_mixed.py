"""Gold labels beside a reward, and dropout that labels are drawn and learned under."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from lingym.agents import (
    PPO,
    REINFORCE,
    ExpectedReward,
    LabelVecEnv,
    MinimumRisk,
    PreferenceLearning,
)
from lingym.agents.gold import cross_entropy
from lingym.envs import Dataset
from lingym.policies import LabelDistribution, LabelPolicy

Make = Callable[..., Any]
SAMPLED = [REINFORCE, MinimumRisk, ExpectedReward]


@pytest.fixture
def agent(
    commands: Callable[..., Dataset],
    vec_env: Callable[..., LabelVecEnv],
    randomise: Callable[[LabelPolicy, int], None],
) -> Make:
    def make(kind: Any, reward: str = "accuracy", history: str = "none", **own: Any) -> Any:
        env = vec_env(commands("tagging"), reward)
        policy = {"history": history}
        sizes = {"n_steps": 16, "batch_size": 8, "device": "cpu", "seed": 0}
        made = kind("LabelPolicy", env, policy_kwargs=policy, **sizes, **own)
        randomise(made.policy, 0)
        made._setup_learn(0)  # a log, for losses outside `learn`
        return made

    return make


def gradients(policy: LabelPolicy, loss: Tensor) -> dict[str, Tensor]:
    policy.zero_grad()
    loss.backward()
    found = policy.named_parameters()
    return {name: p.grad.clone() for name, p in found if p.grad is not None}


def of_gold(learner: Any, batch: Any, smoothing: float) -> Tensor:
    policy = learner.policy
    distribution = policy.distribution(policy.features(policy.texts(batch)), batch)
    return cross_entropy(distribution, batch, smoothing)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("history", ["none", "previous"])
@pytest.mark.parametrize("kind", [PPO, *SAMPLED])
def test_the_gradient_is_that_of_the_reward_and_so_much_of_gold(
    agent: Make, kind: Any, history: str, smoothing: float
) -> None:
    own: dict[str, Any] = {} if kind is ExpectedReward else {"samples": 4}
    own["label_smoothing"] = smoothing
    mixed, plain = (agent(kind, history=history, gold_coef=c, **own) for c in (0.3, 0.0))
    with torch.no_grad():  # less sure, so that samples differ
        for learner in (mixed, plain):
            learner.policy.label_head.weight.mul_(0.1)
    batch = plain.label_env.episodes.batch(range(8))
    if kind is PPO:
        plain.rollout = mixed.rollout = plain.label_texts(batch.examples)
        given: tuple[Any, ...] = (batch.examples,)
    elif kind is ExpectedReward:
        given = (batch,)
    else:
        policy = plain.policy
        with torch.no_grad():
            read = policy.distribution(policy.features(policy.texts(batch)), batch)
            given = (batch, read.sample(4, plain._generator))
    (loss, log), (alone, _) = mixed.loss(*given), plain.loss(*given)
    gold = of_gold(plain, batch, smoothing)
    assert log["gold_loss"] == pytest.approx(gold.item(), rel=1e-5)
    assert loss.item() == pytest.approx(alone.item() + 0.3 * gold.item(), rel=1e-5)
    found = gradients(mixed.policy, loss)
    rl, ce = gradients(plain.policy, alone), gradients(plain.policy, gold)
    assert found.keys() == rl.keys() | ce.keys() and found
    for name, gradient in found.items():
        wanted = rl.get(name, torch.zeros(())) + 0.3 * ce.get(name, torch.zeros(()))
        torch.testing.assert_close(gradient, wanted.expand_as(gradient), rtol=1e-4, atol=1e-6)
    assert all(part["label_head.weight"].abs().max() > 1e-4 for part in (rl, ce))


@pytest.mark.parametrize("kind", [PPO, REINFORCE])
def test_gold_that_is_hidden_or_not_there_is_refused_when_made_and_when_set(
    agent: Make, commands: Callable[..., Dataset], vec_env: Callable[..., LabelVecEnv], kind: Any
) -> None:
    more = {"samples": 2, "baseline": "leave-one-out"}
    who = rf"{kind.__name__} with gold_coef 0.5 learns from gold labels"
    with pytest.raises(ValueError, match=rf"{who}, which reward bandit keeps to itself"):
        agent(kind, "bandit", gold_coef=0.5, **more)
    data = commands("tagging")
    bare = vec_env(replace(data, splits={"train": data["train"].without_gold()}), "length_cost")
    with pytest.raises(ValueError, match=rf"{who}; some of these texts have none"):
        kind("LabelPolicy", bare, gold_coef=0.5, **more)
    learner = agent(kind, gold_coef=0.5, **more)
    before = learner.env
    for env in (bare, vec_env(data, "bandit")):
        with pytest.raises(ValueError, match=who):
            learner.set_env(env)
    assert learner.env is before
    other = vec_env(data, "entity_f1")
    learner.set_env(other)
    assert learner.env is other
    agent(kind, "bandit", **more).set_env(bare)  # a reward alone needs none


def test_gold_in_the_sample_is_refused_when_set(
    agent: Make, commands: Callable[..., Dataset], vec_env: Callable[..., LabelVecEnv]
) -> None:
    learner = agent(MinimumRisk, include_gold=True)
    with pytest.raises(ValueError, match="include_gold would show the gold labels that reward"):
        learner.set_env(vec_env(commands("tagging"), "bandit"))


@pytest.mark.parametrize("wrong", [-0.5, float("nan"), float("inf")])
def test_a_weight_of_gold_that_cannot_be_is_refused(agent: Make, wrong: float) -> None:
    with pytest.raises(ValueError, match="gold_coef must be 0 or more"):
        agent(REINFORCE, gold_coef=wrong)


@pytest.mark.parametrize("history", ["none", "previous"])
@pytest.mark.parametrize("kind", SAMPLED)
def test_labels_are_drawn_and_learned_under_one_mask(
    agent: Make, kind: Any, history: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = agent(kind, history=history, dropout=True)
    policy, batch = learner.policy, learner.label_env.episodes.batch(range(8))
    read: list[Tensor] = []
    drawn: list[Tensor] = []
    features, sample = policy.features, LabelDistribution.sample

    def reading(texts: Any) -> Tensor:
        assert policy.training and policy.encoder.training
        read.append(features(texts))
        return read[-1]

    def drawing(self: LabelDistribution, *given: Any) -> Tensor:
        drawn.append(sample(self, *given))
        return drawn[-1]

    monkeypatch.setattr(policy, "features", reading)
    monkeypatch.setattr(LabelDistribution, "sample", drawing)
    noise = copy.deepcopy(learner._generator.get_state())
    policy.train(True)
    loss, _ = learner.loss(batch)
    policy.train(False)
    assert len(read) == len(drawn) == 1  # one encoding, with one mask
    masked = policy.distribution(read[0], batch)
    generator = torch.Generator()
    generator.set_state(noise)
    assert torch.equal(sample(masked, len(drawn[0]), generator), drawn[0])
    clean = policy.distribution(features(policy.texts(batch)), batch)
    assert (clean.scores - masked.scores).abs().max() > 0.01
    # And the gradient is of these log-probabilities: with the features as given, the same loss.
    monkeypatch.setattr(policy, "features", lambda _: read[0])
    if kind is ExpectedReward:
        again, _ = learner.loss(batch)
    else:
        again, _ = learner.loss(batch, drawn[0])
    assert again.item() == loss.item()


@pytest.mark.parametrize("kind", SAMPLED)
def test_a_run_with_dropout_ends_without_also_after_an_error(
    agent: Make, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = agent(kind, dropout=True)
    compute, modes = learner.loss, []

    def watched(batch: Any) -> Any:
        modes.append(learner.policy.training)
        return compute(batch)

    monkeypatch.setattr(learner, "loss", watched)
    learner.learn(total_episodes=16)
    assert modes == [True, True]
    assert not any(module.training for module in learner.policy.modules())

    def torn(batch: Any) -> Any:
        raise RuntimeError("torn")

    monkeypatch.setattr(learner, "loss", torn)
    with pytest.raises(RuntimeError, match="torn"):
        learner.learn(total_episodes=16)
    assert not any(module.training for module in learner.policy.modules())


@pytest.mark.parametrize(
    ("kind", "reward", "own"),
    [
        *((kind, "accuracy", {}) for kind in SAMPLED),
        (REINFORCE, "accuracy", {"feedback_delay": 8}),
        (PreferenceLearning, "preference(accuracy)", {"comparisons": 1, "model_updates": 1}),
    ],
)
def test_without_dropout_no_mask_is_ever_drawn(
    agent: Make, kind: Any, reward: str, own: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = agent(kind, reward, **own)
    features = learner.policy.features

    def reading(texts: Any) -> Tensor:
        assert not any(module.training for module in learner.policy.modules())
        return features(texts)

    monkeypatch.setattr(learner.policy, "features", reading)
    before = torch.get_rng_state()
    learner.learn(total_episodes=32)
    assert torch.equal(torch.get_rng_state(), before)  # as it was before dropout could be on
    assert learner.dropout is False


def test_dropout_is_refused_where_feedback_is_late(agent: Make) -> None:
    with pytest.raises(ValueError, match="dropout cannot be on with a feedback_delay"):
        agent(REINFORCE, dropout=True, feedback_delay=8)


@pytest.mark.parametrize("kind", [PPO, *SAMPLED])
def test_agents_that_were_saved_before_go_on_without(
    agent: Make, kind: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = agent(kind)
    excluded = kind._excluded_save_params
    new = ["gold_coef", "dropout"]
    monkeypatch.setattr(kind, "_excluded_save_params", lambda self: [*excluded(self), *new])
    learner.save(tmp_path / "old")
    monkeypatch.undo()
    loaded = kind.load(tmp_path / "old", env=learner.env, device="cpu")
    loaded.learn(total_episodes=16)
    assert loaded.gold_coef == 0 and not getattr(loaded, "dropout", False)


def test_both_are_saved(agent: Make, tmp_path: Path) -> None:
    agent(REINFORCE, gold_coef=0.5, dropout=True).save(tmp_path / "agent")
    loaded = REINFORCE.load(tmp_path / "agent", device="cpu")
    assert (loaded.gold_coef, loaded.dropout) == (0.5, True)
