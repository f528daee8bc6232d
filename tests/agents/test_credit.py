"""The exact gradient of the expected reward, and what the estimators are on average.

No mean over samples: the mean over all labelings of two short texts, each with its probability.
"""

import json
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lingym.agents import PPO, REINFORCE, ExpectedReward, LabelVecEnv, MinimumRisk, losses
from lingym.agents.minimum_risk import unrepeated
from lingym.envs import Dataset, Tagging, build, load_corpus
from lingym.policies import LabelPolicy
from lingym.rewards import Accuracy
from lingym.types import Batch

LABELS = 3
TEXTS = [0, 1]
"""One of them has one word, the other two."""
TWO = [1]
Make = Callable[..., Any]


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    file: Path = tmp_path_factory.mktemp("short") / "train.jsonl"
    rows = ["1", "02", "120", "21"]
    lines = [{"tokens": [f"a{c}" for c in row], "labels": list(row)} for row in rows]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return build(Tagging(), load_corpus(train=str(file)))


@pytest.fixture
def agent(
    short: Dataset,
    vec_env: Callable[..., LabelVecEnv],
    randomise: Callable[[LabelPolicy, int], None],
) -> Make:
    def make(kind: type, history: str = "previous", reward: Any = "accuracy", **more: Any) -> Any:
        made = kind(
            *("LabelPolicy", vec_env(short, reward)),
            **dict(policy_kwargs={"history": history}, device="cpu", seed=1) | more,
        )
        randomise(made.policy, 4)
        made._setup_learn(1)
        return made

    return make


def texts(agent: Any, which: list[int] = TEXTS) -> Batch:
    return agent.label_env.episodes.batch(which)


def every_labelling(agent: Any, which: list[int] = TEXTS) -> tuple[Tensor, Tensor]:
    """All joint labelings [N, B, U] of these texts, and the log-probability of each text's."""
    policy, batch = agent.policy, texts(agent, which)
    units = int(batch.lengths.sum())
    labels = torch.full((LABELS**units, *batch.gold.shape), -1)
    labels[:, torch.from_numpy(batch.gold) >= 0] = torch.tensor(
        list(product(range(LABELS), repeat=units))
    )
    distribution = policy.distribution(policy.features(policy.texts(batch)), batch)
    every = distribution.log_probs(labels).expand(*labels.shape, LABELS)
    chosen = every.gather(-1, labels.clamp(min=0)[..., None]).squeeze(-1)
    return labels, torch.where(labels >= 0, chosen, 0.0).sum(-1)


def chances(log_probs: Tensor) -> Tensor:
    chance = log_probs.detach().sum(-1).exp()
    assert chance.sum().item() == pytest.approx(1.0, abs=1e-5)
    return chance


def gradient(agent: Any, loss: Tensor) -> Tensor:
    agent.policy.zero_grad()
    loss.backward()
    found = [torch.zeros_like(p) if p.grad is None else p.grad for p in agent.policy.parameters()]
    return torch.cat([part.flatten() for part in found]).double()


def close(found: Tensor, wanted: Tensor) -> None:
    """Equal but for rounding: the policy and its rewards are float32."""
    assert wanted.norm() > 1e-2
    assert (found - wanted).norm() < 2e-5 * wanted.norm()


def expectation(
    agent: Any, samples: int, loss: Callable[[Tensor], Tensor], which: list[int] = TEXTS
) -> Tensor:
    """The mean gradient of a loss of `samples` labelings [S, B, U] of each text."""
    labels, log_probs = every_labelling(agent, which)
    chance = chances(log_probs)
    total: Any = 0.0
    for drawn in product(range(len(labels)), repeat=samples):
        total = total + chance[list(drawn)].prod() * gradient(agent, loss(labels[list(drawn)]))
    return total


def exact(agent: Make, history: str, which: list[int] = TEXTS) -> Tensor:
    learner = agent(ExpectedReward, history)
    return gradient(learner, learner.loss(texts(learner, which))[0])


@pytest.mark.parametrize("history", ["none", "previous"])
def test_it_is_the_mean_over_all_labelings(agent: Make, history: str) -> None:
    reward = "2*accuracy+0.3*cross_entropy"
    learner = agent(ExpectedReward, history, reward)
    labels, log_probs = every_labelling(learner)
    scores = torch.zeros(len(labels), 2, dtype=torch.float64)
    for place, given in enumerate(labels):
        rewards = learner.label_env.play(given.numpy().astype(np.int32), texts(learner))
        scores[place] = torch.from_numpy(rewards.sum(1))
    value = (log_probs.sum(-1).exp()[:, None] * scores).sum()
    wanted = gradient(learner, -value / 3)  # three units
    loss, log = learner.loss(texts(learner))
    assert log["expected_reward"] == pytest.approx(value.item() / 2, rel=1e-5)
    close(gradient(learner, loss), wanted)


@pytest.mark.parametrize("history", ["none", "previous"])
@pytest.mark.parametrize("baseline", ["none", "greedy"])
def test_reinforce_is_it_on_average(agent: Make, baseline: str, history: str) -> None:
    learner = agent(REINFORCE, history, samples=1, baseline=baseline)
    batch = texts(learner)
    found = expectation(learner, 1, lambda labels: learner.loss(batch, labels)[0])
    close(found, exact(agent, history))


@pytest.mark.parametrize("baseline", ["leave-one-out", "group"])
def test_so_are_samples_that_are_compared_with_one_another(
    agent: Make, baseline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A group's mean has the sample itself in it, which takes 1/S of the gradient away.
    unscaled = partial(losses.group_advantages, scale=False)
    monkeypatch.setattr("lingym.agents.reinforce.group_advantages", unscaled)
    learner = agent(REINFORCE, samples=2, baseline=baseline)
    batch = texts(learner, TWO)
    found = expectation(learner, 2, lambda labels: learner.loss(batch, labels)[0], TWO)
    close(found * (2 if baseline == "group" else 1), exact(agent, "previous", TWO))


def test_so_is_the_first_update_of_ppo(agent: Make) -> None:
    learner = agent(PPO, samples=2, baseline="leave-one-out", normalize_advantage=False)

    def loss(labels: Tensor) -> Tensor:
        learner.rollout = learner.label_texts(np.array(TWO, np.int32), labels)
        found: Tensor = learner.loss(np.arange(1))[0]
        return found

    close(expectation(learner, 2, loss, TWO), exact(agent, "previous", TWO))


def test_a_group_over_its_deviation_is_another_gradient(agent: Make) -> None:
    learner = agent(REINFORCE, "none", samples=2, baseline="group")
    labels = torch.tensor([[[1, -1], [0, 0]], [[1, -1], [0, 2]]])  # one text: both are right
    policy, batch = learner.policy, texts(learner)
    log_probs, _, _ = policy.evaluate_labels(batch, labels[0])
    other, _, _ = policy.evaluate_labels(batch, labels[1])
    # Returns of the second text: .5 and 1 for both units' sum, 0 and .5 for the last unit.
    half = 0.25 / (np.sqrt(2 * 0.25**2) + 1e-4)
    wanted = -half * (other[1].sum() - log_probs[1].sum()) / 6
    loss, _ = learner.loss(batch, labels)
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-5)
    close(gradient(learner, loss), gradient(learner, wanted))


def test_the_entropy_and_the_kl_are_those_of_reinforce_where_units_are_independent(
    agent: Make, shift: Callable[[LabelPolicy, int, float], None]
) -> None:
    more = {"ent_coef": 0.3, "kl_coef": 0.2}

    def referred(kind: type, **own: Any) -> Any:
        learner = agent(kind, "none", **more, **own)
        learner.set_reference()
        shift(learner.reference, 5, 0.05)
        return learner

    learner = referred(REINFORCE, samples=1, baseline="none")
    batch = texts(learner)
    found = expectation(learner, 1, lambda labels: learner.loss(batch, labels)[0])
    ours = referred(ExpectedReward)
    loss, log = ours.loss(batch)
    assert log["reference_kl"] > 1e-3
    close(found, gradient(ours, loss))


def test_the_entropy_and_the_kl_of_a_chain_are_those_of_whole_labelings(
    agent: Make, shift: Callable[[LabelPolicy, int, float], None]
) -> None:
    learner = agent(ExpectedReward, ent_coef=0.3, kl_coef=0.2)
    learner.set_reference()
    shift(learner.reference, 5, 0.05)
    batch = texts(learner)
    loss, log = learner.loss(batch)
    found = gradient(learner, loss)

    bare = agent(ExpectedReward)
    bare.policy.load_state_dict(learner.policy.state_dict())
    _, log_probs = every_labelling(bare)
    log_prob = log_probs.sum(-1)
    policy, bare.policy = bare.policy, learner.reference
    reference = every_labelling(bare)[1].sum(-1).detach()
    bare.policy = policy
    entropy = -(log_prob.exp() * log_prob).sum() / 3
    kl = (log_prob.exp() * (log_prob - reference)).sum() / 3
    assert log["entropy_loss"] == pytest.approx(-entropy.item(), rel=1e-5)
    assert log["reference_kl"] == pytest.approx(kl.item(), rel=1e-5)
    close(found, gradient(bare, bare.loss(batch)[0] - 0.3 * entropy + 0.2 * kl))


@pytest.mark.parametrize("history", ["none", "previous"])
def test_minimum_risk_over_all_labelings_is_the_expected_score(agent: Make, history: str) -> None:
    learner = agent(MinimumRisk, history, alpha=1.0)
    labels, _ = every_labelling(learner)  # each text's labelings repeat, and are taken once
    loss, log = learner.loss(texts(learner), labels)
    assert log["unique_labelings"] == (3 + 9) / 2
    close(gradient(learner, loss), exact(agent, history))


def test_minimum_risk_by_hand(agent: Make) -> None:
    more = {"ent_coef": 0.2, "reward": "exact_match"}
    learner = agent(MinimumRisk, alpha=0.5, **more)
    labels = torch.tensor([[[0, -1], [0, 1]], [[1, -1], [0, 2]], [[0, -1], [1, 1]]])
    loss, _ = learner.loss(texts(learner), labels)
    found = gradient(learner, loss)
    parts = [learner.policy.evaluate_labels(texts(learner), given) for given in labels]
    log_prob = torch.stack([part[0] for part in parts])
    first, second = log_prob[:, 0, 0], log_prob[:, 1].sum(-1)
    # The first text's first and third labelings are one; only its second is right, as the other's.
    right = (0.5 * first[1]).exp() / (0.5 * first[:2]).exp().sum()
    right = right + (0.5 * second[1]).exp() / (0.5 * second).exp().sum()
    entropy = torch.stack([part[1] for part in parts])[labels >= 0].mean()
    wanted = -right / 3 / 0.5 - 0.2 * entropy
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-5)
    close(found, gradient(learner, wanted))


def test_the_gold_labelling_may_be_in_the_sample_and_is_not_logged(agent: Make) -> None:
    more: dict[str, Any] = {"ent_coef": 0.2, "kl_coef": 0.1}
    learner, plain = agent(MinimumRisk, include_gold=True, **more), agent(MinimumRisk)
    for one in (learner, plain):
        one.set_reference()
    labels = torch.tensor([[[0, -1], [0, 1]], [[2, -1], [1, 2]]])
    gold = torch.from_numpy(texts(plain).gold).long()[None]
    ours, log = learner.loss(texts(learner), labels)
    _, wanted = plain.loss(texts(plain), torch.cat([labels, gold]))
    assert log["risk"] == pytest.approx(wanted["risk"], rel=1e-5)
    assert log["unique_labelings"] == 3
    _, without = plain.loss(texts(plain), labels)
    assert log["entropy_loss"] == pytest.approx(without["entropy_loss"], rel=1e-5)
    assert torch.isfinite(ours)
    assert learner.logger.name_to_value["reward/accuracy"] == pytest.approx(0.25)


def test_labelings_are_told_apart_by_text() -> None:
    labels = torch.tensor([[[0, 1], [2, -1]], [[0, 2], [2, -1]], [[0, 1], [1, -1]]])
    assert unrepeated(labels).tolist() == [[True, True], [True, False], [False, True]]


def test_what_has_no_exact_expectation_is_refused_before_the_run(agent: Make) -> None:
    words = (
        r"reward 0\.5\*exact_match does not say what each label is worth.*REINFORCE or MinimumRisk"
    )
    with pytest.raises(ValueError, match=words):
        agent(ExpectedReward, reward="0.5*exact_match")
    with pytest.raises(ValueError, match=r"gamma must be 1 .* got 0\.9"):
        agent(ExpectedReward, gamma=0.9)


class Hidden(Accuracy):
    """A stand for feedback: it has a table, which nobody may see."""

    name = "hidden"
    hides_gold = True
    needs_gold = False


def test_hidden_gold_labels_stay_hidden(agent: Make) -> None:
    with pytest.raises(ValueError, match="reward hidden does not say what each label is worth"):
        agent(ExpectedReward, reward=Hidden())
    with pytest.raises(ValueError, match=r"include_gold would show .* reward hidden hides"):
        agent(MinimumRisk, reward=Hidden(), include_gold=True)


def test_contradictions_are_refused(agent: Make) -> None:
    with pytest.raises(ValueError, match="two labelings or more, got samples=1"):
        agent(MinimumRisk, samples=1)
    with pytest.raises(ValueError, match="alpha must be above 0, got 0"):
        agent(MinimumRisk, alpha=0.0)
    with pytest.raises(ValueError, match=r"gamma must be 1.* got 0\.9"):
        agent(MinimumRisk, gamma=0.9)
    for kind in (PPO, REINFORCE):
        with pytest.raises(ValueError, match="'group' does not work with samples=1"):
            agent(kind, samples=1, baseline="group")
