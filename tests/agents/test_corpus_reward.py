"""A reward with running counts in environments and agents."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lingym.agents import PPO, REINFORCE
from lingym.envs import Dataset, LabelEnv, LabelVectorEnv
from lingym.rewards import Reward, checked_steps, from_spec
from lingym.types import UNDECIDED

SPECS = [
    "corpus_f1(half_life=20.0)",
    "corpus_f1(unit='label', average='macro', dense=True, half_life=20.0)",
    "0.5*corpus_f1(exact=True, dense=True)+0.5*corpus_precision(half_life=None)",
]
TINY: dict[str, Any] = {"policy_kwargs": {"encoder": "tiny"}}


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("vector", [True, False])
def test_stepping_one_episode_at_a_time_is_playing_them(commands: Any, spec: str, vector: bool):
    dataset: Dataset = commands("tagging")
    stepped = LabelVectorEnv(dataset=dataset, reward=from_spec(spec), num_envs=1)
    single = LabelEnv(dataset=dataset, reward=from_spec(spec))
    played = LabelVectorEnv(dataset=dataset, reward=from_spec(spec), num_envs=1)
    rng, worths = np.random.default_rng(0), []
    for example in range(30):
        options = {"example": example % 7}  # the same texts again, with other counts
        batch = played.episodes.batch(np.array([example % 7]))
        gold = batch.gold[0, : batch.lengths[0]]
        labels = np.where(rng.random(len(gold)) < 0.7, gold, rng.integers(0, 5, len(gold)))
        (stepped if vector else single).reset(options=options)
        rewards = []
        for label in labels:
            if vector:
                rewards.append(float(stepped.step(np.array([label]))[1][0]))
            else:
                rewards.append(float(single.step(int(label))[1]))
        whole = played.play(labels[None].astype(np.int32), batch)[0, : len(gold)]
        np.testing.assert_allclose(rewards, whole, atol=1e-12)
        worths.append(sum(rewards))
    state = (stepped.reward if vector else single.game.reward).state()
    assert state == played.reward.state()
    assert np.std(worths) > 0.01


class Watched:
    """Every labelling that a reward observed, from a copy of the reward's own view."""

    def __init__(self, reward: Reward) -> None:
        self.seen: list[Any] = []
        self.observe = reward.observe
        reward.observe = self  # type: ignore[method-assign, assignment]

    def __call__(self, labelings: Any) -> None:
        self.seen.append(labelings)
        self.observe(labelings)


@pytest.mark.parametrize("kind", [REINFORCE, PPO])
def test_an_agents_counts_are_those_of_its_labelings(commands: Any, kind: Any) -> None:
    reward = from_spec("corpus_f1(half_life=None)")
    env = LabelVectorEnv(dataset=commands("tagging"), reward=reward)
    agent = kind("LabelPolicy", env, n_steps=8, batch_size=8, samples=2, **TINY)
    watched = Watched(reward)
    agent.learn(total_episodes=24)
    assert reward.state()["episodes"] == 48
    twin = from_spec("corpus_f1(half_life=None)")
    twin.bind(env.episodes.space)
    for labelings in watched.seen:
        twin.observe(labelings)
    assert twin.state() == reward.state()
    assert sum(len(seen.lengths) for seen in watched.seen) == 48


def test_a_saved_agent_goes_on_with_the_counts(commands: Any, tmp_path: Path) -> None:
    def env() -> LabelVectorEnv:
        return LabelVectorEnv(dataset=commands("tagging"), reward="corpus_f1(half_life=30.0)")

    agent = REINFORCE("LabelPolicy", env(), n_steps=8, samples=2, seed=0, **TINY)
    agent.learn(total_episodes=16)
    agent.save(tmp_path / "agent.zip")
    before = agent.label_env.reward
    again = REINFORCE.load(tmp_path / "agent.zip", env=env())
    after = again.label_env.reward
    assert after is not before
    assert 15 < after.state()["episodes"] < 32
    assert after.state() == before.state()
    assert after.measure() == before.measure()
    batch = agent.label_env.episodes.batch(np.arange(9))
    labelings = batch.complete(np.where(batch.gold >= 0, 1, UNDECIDED).astype(np.int32))
    np.testing.assert_array_equal(checked_steps(after, labelings), checked_steps(before, labelings))
    again.learn(total_episodes=8, reset_num_timesteps=False)
    assert after.state()["episodes"] > before.state()["episodes"]
