"""Alarms of collapse: each fires on a run that collapses, and none on one that does not."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from lingym.agents import (
    PPO,
    REINFORCE,
    Alarms,
    ExpectedReward,
    LabelVecEnv,
    MinimumRisk,
    Supervised,
)
from lingym.agents.alarms import everywhere
from lingym.agents.callbacks import DevCallback, Measurement
from lingym.agents.earned import Earned
from lingym.agents.probe import Probe
from lingym.envs import Dataset
from lingym.policies import frozen_copy
from lingym.rewards import Accuracy, from_function


@pytest.fixture
def agent(commands: Callable[..., Dataset], vec_env: Callable[..., LabelVecEnv]) -> Any:
    return made(REINFORCE, commands, vec_env, Accuracy(), samples=2)


def made(kind: Any, commands: Any, vec_env: Any, reward: Any, **given: Any) -> Any:
    return kind(
        "LabelPolicy",
        vec_env(commands("tagging"), reward),
        **{"n_steps": 16, "batch_size": 8, "learning_rate": 1e-3, **given},
        policy_kwargs={"encoder": "tiny"},
        seed=0,
        device="cpu",
    )


class Look:
    """Shows alarms what they are told, one measurement after another."""

    def __init__(self, agent: Any, dev: Any, **given: Any) -> None:
        self.said: list[str] = []
        self.alarms = Alarms(tell=self.said.append, **given)
        self.agent, self.dev, self.texts = agent, dev, 0
        self.gold = dev.gold_of(np.arange(len(dev)), dev.max_units)

    def at(self, metric: float, labels: Any = None, rewards: Any = None, done: float = 0.3) -> None:
        self.agent._current_progress_remaining = 1 - done
        if rewards is not None:
            self.agent.guard.earned.add(np.asarray(rewards, float))
        labels = self.gold if labels is None else labels
        self.texts += 100
        now = Measurement(self.texts, 0, 0.0, {"f1": metric})
        self.alarms.look(self.agent, self.dev, labels, now, "f1")

    @property
    def names(self) -> list[str]:
        return [alarm["alarm"] for alarm in self.alarms.raised]


def test_one_label_everywhere_after_better_times(agent: Any, commands: Any) -> None:
    look = Look(agent, commands("tagging")["dev"])
    one = np.where(look.gold >= 0, 0, -1)
    look.at(0.0, one)  # a head that was not trained
    look.at(0.1, one)
    look.at(0.8)
    assert not look.names
    look.at(0.1, one)
    look.at(0.1, one, done=0.9)
    assert look.names == ["one_label"] and len(look.said) == 1  # once
    label = look.dev.space.names[0]
    assert f"100.0% of the units on dev get the label {label}" in look.said[0]
    assert look.alarms.raised[0]["episodes"] == 400


def test_one_label_everywhere_late_in_a_run(agent: Any, commands: Any) -> None:
    look = Look(agent, commands("tagging")["dev"])
    one = np.where(look.gold >= 0, 0, -1)
    for done in (0.0, 0.2, 0.4):
        look.at(0.1, one, done=done)
    assert not look.names
    look.at(0.1, one, done=0.6)
    assert look.names == ["one_label"]


def test_gold_with_one_label_is_no_alarm(commands: Any) -> None:
    dev = commands("tagging")["dev"]
    gold = dev.gold_of(np.arange(len(dev)), dev.max_units)
    one = np.where(gold >= 0, 0, -1)
    assert everywhere(dev, one, one) is None
    assert everywhere(dev, one, gold) == (dev.space.names[0], 1.0)


def test_entropy_that_is_gone(agent: Any, commands: Any) -> None:
    look = Look(agent, commands("tagging")["dev"])
    wrong = np.where(look.gold >= 0, (look.gold + 1) % 3, -1)
    look.at(0.5)
    with torch.no_grad():  # sure of everything
        agent.policy.label_head.weight.mul_(1e5)
    look.at(0.5, rewards=[1, 0])
    assert not look.names  # sure, and right
    look.at(0.5, wrong)
    assert not look.names  # nothing is learned from rewards
    look.at(0.1, wrong, rewards=[0, 0])
    assert look.names == ["entropy"] and "nats a unit" in look.said[0]


def test_kl_beyond_the_bound(agent: Any, commands: Any) -> None:
    dev = commands("tagging")["dev"]
    look, without = Look(agent, dev, kl_bound=0.5), Look(agent, dev)
    for each in (look, without):
        each.at(0.5)
        each.at(0.5)
    assert not look.names
    with torch.no_grad():
        agent.policy.label_head.bias[3] += 20
    for each in (look, without):
        each.at(0.5)
    assert look.names == ["kl"] and without.names == []
    assert look.alarms.raised[0]["kl"] > 0.5


def test_kl_is_that_of_all_labels(agent: Any, commands: Any) -> None:
    dev = commands("tagging")["dev"]
    start, probe = frozen_copy(agent.policy), Probe(dev)
    _, most, kl = probe.measure(agent.policy, start)
    assert kl == 0 and most == pytest.approx(np.log(len(dev.space)))
    with torch.no_grad():
        agent.policy.label_head.bias[3] += 2
    entropy, _, kl = probe.measure(agent.policy, start)
    sums = np.zeros(2)
    units = 0
    for row in range(len(dev)):  # 16 texts, all of them
        batch = dev.batch([row])
        p, q = (
            each.distribution(each.features(each.texts(batch)), batch).scores.log_softmax(-1)[0]
            for each in (agent.policy, start)
        )
        sums += [(p.exp() * (p - q)).sum().item(), -(p.exp() * p).sum().item()]
        units += len(p)
    np.testing.assert_allclose([kl, entropy], sums / units, rtol=1e-4)


def test_reward_up_while_dev_falls(agent: Any, commands: Any) -> None:
    look = Look(agent, commands("tagging")["dev"])
    look.at(0.9)
    look.at(0.9, rewards=[0.1, 0.2] * 50)
    look.at(0.5, rewards=[0.5, 0.6] * 50)
    assert not look.names  # once may be chance
    look.at(0.4, rewards=[0.6, 0.7] * 50)
    assert look.names == ["reward"]
    assert "the reward rose from 0.1500 to 0.6500 while dev f1 0.4000, best 0.9000" in look.said[0]


def test_samples_that_all_earn_the_same(agent: Any, commands: Any) -> None:
    dev = commands("tagging")["dev"]
    differ, same = [[0.5, 1.0], [0.5, 0.0]], [[0.5, 1.0], [0.5, 1.0]]  # [S, B]
    one, other, later = Look(agent, dev), Look(agent, dev), Look(agent, dev)
    one.at(0.9)
    one.at(0.9, rewards=same)
    assert one.names == ["advantage"] and "in 100.0% of the texts (mean reward 0.75)" in one.said[0]
    other.at(0.9)
    other.at(0.9, rewards=[0.5] * 40)  # of one sample a text nothing is known
    later.at(0.9)
    later.at(0.9, rewards=differ)
    later.at(1.0, rewards=same)  # what there was to learn is learned
    assert not other.names and not later.names


def test_a_policy_that_is_sure_has_no_advantages(agent: Any) -> None:
    with torch.no_grad():
        agent.policy.label_head.weight.mul_(1e5)
    agent.learn(total_episodes=32)
    assert agent.guard.earned.share_alike == 1.0
    assert agent.guard.earned.texts == 32 and agent.guard.earned.count == 64


@pytest.mark.parametrize(
    "metrics, rewards",
    [
        ([0.5, 0.6, 0.7, 0.8], [0.1, 0.2, 0.3, 0.4]),  # all is well
        ([0.8, 0.75, 0.7, 0.65], [0.1, 0.2, 0.3, 0.4]),  # of 16 texts that is noise
        ([0.9, 0.9, 0.5, 0.4], [0.4, 0.4, 0.3, 0.2]),  # both fall
        ([0.9, 0.9, 0.4, 0.5], [0.1, 0.1, 0.3, 0.4]),  # dev comes back
    ],
)
def test_a_reward_that_rises_is_no_alarm(
    agent: Any, commands: Any, metrics: list[float], rewards: list[float]
) -> None:
    look = Look(agent, commands("tagging")["dev"])
    for metric, reward in zip(metrics, rewards, strict=True):
        look.at(metric, rewards=[reward - 0.1, reward + 0.1] * 20)
    assert not look.names


def test_a_reward_for_one_label_collapses_and_stops(
    commands: Callable[..., Dataset], vec_env: Callable[..., LabelVecEnv]
) -> None:
    def lazy(predicted: list[str], gold: list[str]) -> float:
        return sum(label == "O" for label in predicted) / len(predicted)

    said: list[str] = []
    agent = made(REINFORCE, commands, vec_env, from_function(lazy), samples=4, learning_rate=3e-3)
    alarms = Alarms(stop=True, tell=said.append)
    dev = DevCallback(commands("tagging")["dev"], "accuracy", every=64, alarms=alarms)
    agent.learn(total_episodes=2048, callback=dev)
    assert {alarm["alarm"] for alarm in alarms.raised} & {"entropy", "one_label"}
    assert agent.num_episodes < 2048 and len(said) == len(alarms.raised)


@pytest.mark.parametrize("kind", [Supervised, PPO, REINFORCE, MinimumRisk, ExpectedReward])
def test_a_healthy_run_raises_none_and_is_not_changed(
    identity: Dataset, vec_env: Callable[..., LabelVecEnv], kind: Any
) -> None:
    def run(alarms: Alarms | None) -> dict[str, Any]:
        agent = kind(
            "LabelPolicy",
            vec_env(identity, Accuracy(dense=True)),
            n_steps=64,
            batch_size=8,
            learning_rate=1e-3,
            policy_kwargs={"encoder": "tiny"},
            **{} if kind in (Supervised, ExpectedReward) else {"samples": 4},
            seed=0,
            device="cpu",
        )
        dev = DevCallback(identity["train"], "accuracy", every=64, alarms=alarms)
        agent.learn(total_episodes=256, callback=dev)
        return {name: value.clone() for name, value in agent.policy.state_dict().items()}

    alarms = Alarms()  # a warning would be an error here
    watched, unwatched = run(alarms), run(None)
    assert alarms.raised == [] and len(alarms.points) == 5
    assert all(torch.equal(value, unwatched[name]) for name, value in watched.items())


def test_alarms_go_on_from_their_state(agent: Any, commands: Any) -> None:
    dev = commands("tagging")["dev"]
    one, other = Look(agent, dev, kl_bound=0.5), Look(agent, dev, kl_bound=0.5)
    one.at(0.9)
    one.at(0.9, rewards=[0.1, 0.2])
    other.alarms.load_run_state(one.alarms.run_state())
    with torch.no_grad():
        agent.policy.label_head.bias[3] += 20
    for each in (one, other):
        each.at(0.3)
    assert other.alarms.points == one.alarms.points
    assert other.alarms.raised[0]["kl"] == one.alarms.raised[0]["kl"]


def test_earned_is_a_mean_and_its_error() -> None:
    earned, scores = Earned(), np.random.default_rng(0).normal(size=50)
    earned.add(scores[:20])
    earned.add(scores[20:])
    mean, error = earned.take()
    assert (mean, error) == (
        pytest.approx(scores.mean()),
        pytest.approx(scores.std() / np.sqrt(50)),
    )
    assert earned.take() == (None, 0.0)
    earned.add(np.array([[1.0, 1.0, 2.0], [1.0, 1.5, 2.0]]))  # of three texts, two samples each
    assert earned.share_alike == pytest.approx(2 / 3)
    earned.take()
    earned.add(np.ones((1, 5)))
    assert earned.share_alike is None


def test_a_bound_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="kl_bound must be above 0, got 0"):
        Alarms(kl_bound=0)
