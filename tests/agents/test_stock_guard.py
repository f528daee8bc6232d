"""Stable-Baselines3's own algorithms take no step by what is no number, either."""

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3 import A2C, DQN
from stable_baselines3 import PPO as StockPPO

from lingym.agents import LabelVecEnv, NonFiniteError
from lingym.envs import Dataset, LabelEnv
from lingym.policies import LabelPolicy, LabelQPolicy
from lingym.policies.steps import check_values
from lingym.rewards import Accuracy, RewardError
from lingym.types import FloatArray, Labelings

Make = Callable[..., Any]
STOCK: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "dqn": (
        *(DQN, LabelQPolicy),
        {"learning_starts": 8, "batch_size": 8, "train_freq": 1, "buffer_size": 200},
    ),
    "ppo": (StockPPO, LabelPolicy, {"n_steps": 8, "batch_size": 8, "n_epochs": 1}),
    "a2c": (A2C, LabelPolicy, {"n_steps": 8}),
}


class Worth(Accuracy):
    """Whatever it is told to be, on every second text."""

    worth: float = 1.0

    def score(self, labelings: Labelings) -> FloatArray:
        score = super().score(labelings)
        return np.where(labelings.examples % 2 == 0, self.worth, score)


@pytest.fixture
def make(commands: Callable[..., Dataset], vec_env: Callable[..., LabelVecEnv]) -> Make:
    def make(name: str, reward: Any = None, single: bool = False, **given: Any) -> Any:
        kind, policy, own = STOCK[name]
        reward = Accuracy(dense=True) if reward is None else reward
        dataset = commands("tagging")
        env = LabelEnv(dataset=dataset, reward=reward) if single else vec_env(dataset, reward)
        settings = {"learning_rate": 1e-3, **own, **given}
        return kind(
            policy, env, policy_kwargs={"encoder": "tiny"}, seed=0, device="cpu", **settings
        )

    return make


def state(agent: Any) -> dict[str, Any]:
    """Copies of the weights, and of the optimiser's numbers."""
    found = copy.deepcopy(agent.policy.state_dict())
    moments = agent.policy.optimizer.state_dict()["state"]
    return {
        **found,
        **{f"{place} of {k}": v for k, own in moments.items() for place, v in own.items()},
    }


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert {*one} == {*other}
    assert all(torch.equal(torch.as_tensor(one[k]), torch.as_tensor(other[k])) for k in one)


def head(agent: Any) -> Any:
    return getattr(agent.policy, "q_net", agent.policy).label_head


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("name", STOCK)
def test_a_gradient_that_is_no_number_moves_nothing(make: Make, name: str, bad: float) -> None:
    agent = make(name)
    agent.learn(64)  # so that there are moments
    before = copy.deepcopy(state(agent))
    handle = head(agent).weight.register_hook(lambda gradient: gradient + bad)
    with pytest.raises(NonFiniteError, match=r"the gradient is not finite \(.*no step was taken"):
        agent.learn(64, reset_num_timesteps=False)
    assert_same(before, state(agent))
    handle.remove()
    agent.learn(64, reset_num_timesteps=False)
    assert any(not torch.equal(before[k], v) for k, v in agent.policy.state_dict().items())


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("worth", [math.nan, math.inf, 1e300, 1e30])
@pytest.mark.parametrize("name", STOCK)
def test_a_reward_that_no_loss_can_be_made_of_is_named(
    make: Make, name: str, worth: float, single: bool
) -> None:
    """As float32, 1e300 is infinite, and the Huber loss has a finite gradient even so."""
    reward = Worth()
    reward.worth = worth
    agent = make(name, reward, single)
    with pytest.raises(RewardError, match=r"accuracy.* of example \d*[02468] is"):
        agent.learn(200)
    assert all(value.isfinite().all() for value in agent.policy.state_dict().values())


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e20])
@pytest.mark.parametrize("network", ["q_net", "q_net_target"])
def test_a_target_that_is_no_number_moves_nothing(make: Make, network: str, bad: float) -> None:
    """An infinite target has an infinite loss, whose gradient is 1: nothing in it is seen."""
    agent = make("dqn")
    agent.learn(64)
    with torch.no_grad():
        getattr(agent.policy, network).label_head.bias[0] = bad
    before = copy.deepcopy(state(agent))
    with pytest.raises(NonFiniteError, match="action values are not finite, or of no use"):
        agent.train(1, 8)
    assert_same(
        {k: v.nan_to_num() for k, v in before.items()},
        {k: v.nan_to_num() for k, v in state(agent).items()},
    )


@pytest.mark.parametrize("name", STOCK)
def test_a_learning_rate_that_explodes_ends_with_words(make: Make, name: str) -> None:
    agent = make(name, learning_rate=1e30)
    with pytest.raises(NonFiniteError, match="not finite"):
        agent.learn(400)


def test_an_agent_that_was_loaded_is_guarded(make: Make, tmp_path: Any) -> None:
    agent = make("dqn")
    agent.learn(32)
    agent.save(tmp_path / "agent")
    again = DQN.load(tmp_path / "agent", env=agent.get_env(), device="cpu")
    head(again).weight.register_hook(lambda gradient: gradient * math.nan)
    with pytest.raises(NonFiniteError, match="the gradient is not finite"):
        again.learn(64, reset_num_timesteps=False)


def test_values_as_they_should_be_are_let_through() -> None:
    check_values(torch.tensor([-1e8, 1e14]), "values")
    check_values(torch.zeros(0), "values")
