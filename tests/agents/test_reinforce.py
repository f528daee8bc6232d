"""REINFORCE's gradient is that of the expected score, with every baseline."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lingym.agents import REINFORCE, LabelVecEnv
from lingym.agents.losses import normalized
from lingym.agents.reinforce import Baseline
from lingym.envs import Dataset
from lingym.policies import LabelPolicy

REWARD = "0.5 * accuracy + 0.5 * accuracy(dense=False)"
BASELINES = [name for name in Baseline.__args__ if name != "group"]  # which is biased on purpose


@pytest.fixture
def agent(
    identity: Dataset,
    vec_env: Callable[..., LabelVecEnv],
    randomise: Callable[[LabelPolicy, int], None],
) -> Callable[..., REINFORCE]:
    def make(baseline: Baseline, samples: int = 2, **arguments: Any) -> REINFORCE:
        policy = {"history": "previous", "value_gradient": True}
        made = REINFORCE(
            *("LabelPolicy", vec_env(identity, REWARD)),
            **{"vf_coef": 0.0, **arguments},
            **dict(baseline=baseline, samples=samples, policy_kwargs=policy, device="cpu", seed=1),
        )
        randomise(made.policy, 4)
        made._setup_learn(1)
        return made

    return make


def gradient(agent: REINFORCE, loss: Tensor) -> Tensor:
    agent.policy.zero_grad()
    loss.backward()
    found = [torch.zeros_like(p) if p.grad is None else p.grad for p in agent.policy.parameters()]
    return torch.cat([part.flatten() for part in found])


@pytest.mark.parametrize("baseline", BASELINES)
def test_the_gradient_is_unbiased(agent: Callable[..., REINFORCE], baseline: Baseline) -> None:
    # Not a mean over samples: the mean over all labelings of a text of two words, each with its
    # probability, which is the expectation itself.
    samples = 2 if baseline == "leave-one-out" else 1
    learner = agent(baseline, samples)
    text = int(np.flatnonzero(learner.label_env.episodes.lengths == 2)[0])
    batch = learner.label_env.episodes.batch([text])
    labelings = torch.tensor(list(product(range(4), repeat=2)))  # [16, 2]

    every = learner.label_env.episodes.batch([text] * 16)
    log_probs, _, _ = learner.policy.evaluate_labels(every, labelings)
    probabilities = log_probs.sum(1).exp()
    assert float(probabilities.sum().detach()) == pytest.approx(1.0, abs=1e-5)
    scores = learner.label_env.play(labelings.numpy(), every).sum(1)
    exact = gradient(learner, -(probabilities * torch.from_numpy(scores).float()).sum() / 2)

    expected = torch.zeros_like(exact)
    probability = probabilities.detach()
    for drawn in product(range(16), repeat=samples):
        learner.running_mean = 0.3
        loss, _ = learner.loss(batch, labelings[list(drawn)][:, None])
        expected += probability[list(drawn)].prod() * gradient(learner, loss)
    assert (expected - exact).norm() < 1e-3 * exact.norm()


def test_the_first_minibatch_has_no_running_mean_and_the_next_ones_have_that_of_the_earlier(
    agent: Callable[..., REINFORCE],
) -> None:
    learner = agent("mean", 1)
    batch = learner.label_env.episodes.batch(range(4))
    gold = torch.from_numpy(batch.gold).long()[None]  # every return of a right labelling is known
    mask = gold >= 0
    returns = _returns(learner, batch, gold)
    first, _ = learner.loss(batch, gold)
    assert learner.running_mean == pytest.approx(float(returns[mask].mean()), abs=1e-6)
    log_probs, _, _ = learner.policy.evaluate_labels(batch, gold[0])
    plain = -(log_probs[None] * returns)[mask].mean()
    assert first.item() == pytest.approx(plain.item(), rel=1e-5)
    learner.running_mean = 0.5
    second, _ = learner.loss(batch, gold)
    wanted = -(log_probs[None] * (returns - 0.5))[mask].mean()
    assert second.item() == pytest.approx(wanted.item(), rel=1e-5)
    assert learner.running_mean == pytest.approx(0.45 + 0.1 * float(returns[mask].mean()), abs=1e-6)


def _returns(agent: REINFORCE, batch: Any, labels: Tensor) -> Tensor:
    rewards = agent.label_env.play(labels[0].numpy(), batch)
    return torch.from_numpy(rewards[:, ::-1].cumsum(1)[:, ::-1].copy()).float()[None]


def test_the_greedy_baseline_of_the_greedy_labelling_leaves_no_gradient(
    agent: Callable[..., REINFORCE],
) -> None:
    learner = agent("greedy", 1)
    batch = learner.label_env.episodes.batch(range(6))
    best = torch.from_numpy(learner.policy.label(batch)).long()[None]
    loss, _ = learner.loss(batch, best)
    assert gradient(learner, loss).norm() == 0
    loss, _ = learner.loss(batch, torch.where(best >= 0, 3 - best, -1))
    assert gradient(learner, loss).norm() > 0


def test_the_value_loss_entropy_and_normalisation_by_hand(
    agent: Callable[..., REINFORCE],
) -> None:
    learner = agent("value", 2, vf_coef=0.7, ent_coef=0.2, normalize_advantage=True)
    batch = learner.label_env.episodes.batch(range(5))
    mask = torch.from_numpy(batch.gold) >= 0
    random = np.random.default_rng(0)
    labels = torch.where(mask, torch.from_numpy(random.integers(4, size=(2, *mask.shape))), -1)
    loss, log = learner.loss(batch, labels)

    parts = [learner.policy.evaluate_labels(batch, sample) for sample in labels]
    log_prob, entropy, values = (torch.stack(part) for part in zip(*parts, strict=True))
    returns = torch.cat([_returns(learner, batch, sample[None]) for sample in labels])
    both = mask.expand_as(labels)
    advantages = normalized(returns - values, both)
    policy_loss = -(log_prob * advantages)[both].mean()
    value_loss = (values - returns)[both].square().mean()
    wanted = policy_loss + 0.7 * value_loss - 0.2 * entropy[both].mean()
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-5)
    assert log["value_loss"] == pytest.approx(value_loss.item(), rel=1e-5)


def test_contradictions_are_refused(agent: Callable[..., REINFORCE]) -> None:
    with pytest.raises(ValueError, match="unknown baseline 'median': one of none, mean, value"):
        agent("median")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'leave-one-out' does not work with samples=1"):
        agent("leave-one-out", 1)


def test_one_label_alone_can_be_learned_from(
    commands: Callable[..., Dataset], vec_env: Callable[..., LabelVecEnv]
) -> None:
    env = vec_env(commands("classification"))
    learner = REINFORCE("LabelPolicy", env, samples=1, baseline="none", device="cpu", seed=1)
    learner._setup_learn(1)
    _, log = learner.loss(learner.label_env.episodes.batch([0]))
    assert np.isfinite(list(log.values())).all()


def test_a_greedy_baseline_is_scored_before_the_reward_takes_note_of_the_samples(
    identity: Dataset, vec_env: Callable[..., LabelVecEnv], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Else the baseline would depend on the samples, by way of what the reward counts.
    env = vec_env(identity, "corpus_f1(unit='label', half_life=20)")
    agent = REINFORCE("LabelPolicy", env, device="cpu", seed=0, baseline="greedy")
    agent._setup_learn(1)
    done: list[str] = []
    game, reward = agent.label_env, agent.label_env.reward
    play, observe = game.play, reward.observe

    def played(*given: Any, **how: Any) -> Any:
        done.append("play")
        return play(*given, **how)

    def observed(labelings: Any) -> None:
        done.append("observe")
        observe(labelings)

    monkeypatch.setattr(game, "play", played)
    monkeypatch.setattr(reward, "observe", observed)
    agent.loss(game.episodes.batch(range(8)))
    assert done == ["play", "play", "observe"]
