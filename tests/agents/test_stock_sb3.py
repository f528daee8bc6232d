"""Stock Stable-Baselines3 algorithms train our policy on our environments, as they are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

import lingym  # noqa: F401  (registers the environments)
from lingym.agents.adapter import LabelVecEnv, as_vec_env
from lingym.agents.callbacks import RewardProgress
from lingym.envs import LabelVectorEnv, Tagging
from lingym.policies import LabelPolicy
from lingym.policies.maskable import MaskableLabelPolicy

IDS = ["lingym/Tagging-v0", "lingym/Classification-v0"]
CORPUS = "synthetic:commands?train=24&dev=6&test=6"
REWARD = "cross_entropy"  # never 0, so that every update has something to learn
ROWS = 4
ALGORITHMS: dict[str, tuple[type[BaseAlgorithm], type[LabelPolicy], dict[str, Any]]] = {
    "PPO": (PPO, LabelPolicy, {"n_steps": 32, "batch_size": 32, "n_epochs": 2}),
    "A2C": (A2C, LabelPolicy, {"n_steps": 16, "use_rms_prop": False}),
    "MaskablePPO": (
        MaskablePPO,
        MaskableLabelPolicy,
        {"n_steps": 32, "batch_size": 32, "n_epochs": 2},
    ),
}


class Witness(gymnasium.Wrapper):
    """Counts the actions that the masks forbid."""

    forbidden = 0

    def step(self, action: Any) -> Any:
        self.forbidden += not self.env.unwrapped.action_masks()[action]  # type: ignore[attr-defined]
        return self.env.step(action)

    def action_masks(self) -> Any:
        return self.env.unwrapped.action_masks()  # type: ignore[attr-defined]


class VectorWitness(LabelVecEnv):
    """The same behind the adapter."""

    forbidden = 0

    def step_async(self, actions: np.ndarray) -> None:
        self.forbidden += int((~self.env.action_masks()[np.arange(ROWS), actions]).sum())
        super().step_async(actions)


def single(name: str) -> Witness:
    return Witness(gymnasium.make(name, corpus=CORPUS, reward=REWARD))


def vector(name: str) -> VectorWitness:
    inner = gymnasium.make_vec(name, num_envs=ROWS, corpus=CORPUS, reward=REWARD).unwrapped
    assert isinstance(inner, LabelVectorEnv)
    return VectorWitness(inner)


def trained(algorithm: str, env: Any, steps: int) -> BaseAlgorithm:
    kind, policy, given = ALGORITHMS[algorithm]
    settings = given | {"seed": 0, "device": "cpu", "policy_kwargs": {"encoder": "tiny"}}
    agent = kind(policy, env, learning_rate=3e-4, **settings)
    before = {name: value.clone() for name, value in agent.policy.state_dict().items()}
    agent.learn(steps)
    after = agent.policy.state_dict()
    moved = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert {"label_head.weight", "value_head.weight"} <= moved
    assert any(name.startswith("encoder.encoder.layer.0") for name in moved)
    assert all(torch.isfinite(value).all() for value in after.values())
    return agent


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("make", [single, vector])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_trains_saves_and_loads(
    tmp_path: Path, algorithm: str, make: Callable[[str], Any], name: str
) -> None:
    env = make(name)
    agent = trained(algorithm, env, 128)
    assert agent.num_timesteps == 128
    assert agent.ep_info_buffer is not None
    assert len(agent.ep_info_buffer) > 5
    assert all(-200 < episode["r"] < 0 for episode in agent.ep_info_buffer)
    if name == IDS[0]:
        assert (env.forbidden == 0) == (algorithm == "MaskablePPO")

    agent.save(tmp_path / "agent")
    again = type(agent).load(tmp_path / "agent", env=make(name), device="cpu")
    observation = make(name).reset()
    observation = observation[0] if isinstance(observation, tuple) else observation
    actions, _ = agent.predict(observation, deterministic=True)
    assert np.array_equal(again.predict(observation, deterministic=True)[0], actions)
    weights = again.policy.state_dict()
    assert all(torch.equal(weights[k], v) for k, v in agent.policy.state_dict().items())


def test_a2c_with_its_own_optimiser() -> None:
    """A2C hands the policy RMSprop, unless it is told not to."""
    A2C(LabelPolicy, single(IDS[0]), policy_kwargs={"encoder": "tiny"}, device="cpu").learn(10)


def test_maskable_ppo_predicts_what_is_allowed() -> None:
    env = single(IDS[0])
    agent = trained("MaskablePPO", env, 64)
    for _ in range(20):
        observation, _ = env.reset()
        done = False
        while not done:
            masks = env.action_masks()
            action, _ = agent.predict(observation, action_masks=masks)  # type: ignore[call-arg]
            assert masks[action]
            observation, _, done, _, _ = env.step(int(action))


# The adapter against Stable-Baselines3's own vector environment.


def test_adapter_equals_dummy_vec_env() -> None:
    """Observations, rewards, ends, last observations and episode statistics."""
    ours = vector(IDS[0])
    theirs = DummyVecEnv([lambda: gymnasium.make(IDS[0], corpus=CORPUS, reward=REWARD)] * ROWS)
    observation: Any = ours.reset()
    random = np.random.default_rng(0)
    theirs.set_options([{"example": info["example"]} for info in ours.reset_infos])
    wanted = theirs.reset()
    examples = ours.env.game.examples.copy()
    total, ends = np.zeros(ROWS), 0
    for _ in range(40):
        for key, value in wanted.items():  # type: ignore[union-attr]
            assert np.array_equal(observation[key], value)
        actions = random.integers(len(ours.env.episodes.space), size=ROWS)
        observation, rewards, done, infos = ours.step(actions)
        _, wanted_rewards, wanted_done, wanted_infos = theirs.step(actions)
        assert rewards.dtype == wanted_rewards.dtype
        assert np.array_equal(rewards, wanted_rewards)
        assert np.array_equal(done, wanted_done)
        total += rewards
        for row in np.flatnonzero(done):
            ends += 1
            last, own = infos[row]["terminal_observation"], wanted_infos[row]
            assert infos[row]["TimeLimit.truncated"] is own["TimeLimit.truncated"] is False
            for key, value in own["terminal_observation"].items():
                assert np.array_equal(last[key], value)
            episode = infos[row]["episode"]
            length = (own["terminal_observation"]["labels"] >= 0).sum()
            assert (episode["r"], episode["l"]) == (pytest.approx(total[row]), length)
            total[row] = 0.0
            # Theirs drew another next text: give it ours.
            example = int(ours.env.game.examples[row])
            theirs.envs[row].reset(options={"example": example})
        examples = np.where(done, ours.env.game.examples, examples)
        assert np.array_equal(ours.env.game.examples, examples)
        wanted = {
            key: np.stack([env.unwrapped._observe()[key] for env in theirs.envs])  # type: ignore[attr-defined]
            for key in observation
        }
    assert ends > 8


def test_adapter_seeds_options_and_masks() -> None:
    env = vector(IDS[0])
    env.seed(3)
    env.reset()
    first = [info["example"] for info in env.reset_infos]
    env.reset()
    assert [info["example"] for info in env.reset_infos] != first
    env.seed(3)
    env.reset()
    assert [info["example"] for info in env.reset_infos] == first
    env.set_options({"example": 5})
    env.reset()
    assert env.reset_infos == [{"example": 5}] * ROWS
    env.set_options([{"example": 5}, {}, {}, {}])
    with pytest.raises(ValueError, match="a whole number, or 4 of them"):
        env.reset()
    masks = env.env_method("action_masks")
    assert np.array_equal(np.stack(masks), env.env.action_masks())
    assert np.array_equal(env.env_method("action_masks", indices=[2])[0], masks[2])
    assert env.get_attr("num_envs") == [ROWS] * ROWS
    assert env.has_attr("action_masks")
    assert not env.has_attr("no_such_thing")
    assert env.env_is_wrapped(gymnasium.Wrapper) == [False] * ROWS
    with pytest.raises(NotImplementedError, match="set x on the environment"):
        env.set_attr("x", 1)


def test_as_vec_env_takes_any_form() -> None:
    one = gymnasium.make(IDS[0], corpus=CORPUS)
    many = gymnasium.make_vec(IDS[0], num_envs=3, corpus=CORPUS)
    adapted = as_vec_env(one, rows=2)
    assert isinstance(adapted, VecEnv)
    assert adapted.num_envs == 2
    assert as_vec_env(many).env is many.unwrapped
    assert as_vec_env(adapted) is adapted
    for other in (gymnasium.make("CartPole-v1"), DummyVecEnv([lambda: one])):
        with pytest.raises(TypeError, match="need a lingym environment"):
            as_vec_env(other)


def test_a_callback_tells_the_reward_how_far_the_run_is() -> None:
    env = LabelVectorEnv(
        Tagging(), corpus="synthetic:commands", reward="linear(1, 0)*accuracy", num_envs=4
    )
    agent = PPO(LabelPolicy, LabelVecEnv(env), n_steps=8, batch_size=32, n_epochs=1)
    seen: list[float] = []
    advance = env.reward.advance
    env.reward.advance = lambda progress: (seen.append(progress), advance(progress))
    agent.learn(96, callback=RewardProgress())
    assert seen == pytest.approx([0, 1 / 3, 2 / 3])
    assert env.reward.readings()["weight/accuracy"] == pytest.approx(1 / 3)
