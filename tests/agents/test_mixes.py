"""A mix draws its tasks by weight, and learns from batches of one task each."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lingym.agents import PPO, REINFORCE, LabelVecEnv, Supervised
from lingym.agents.minibatches import minibatches
from lingym.envs import (
    Classification,
    Dataset,
    LabelVectorEnv,
    MultiTask,
    Tagging,
    build,
    load_corpus,
    mixed,
)

CORPUS = "synthetic:commands?train=40&dev=4&test=4"


def mix(weights: dict[str, float] | None, label: str = "intent") -> Dataset:
    tasks = {"slots": Tagging(), "intents": Classification(label=label)}
    corpora = {"slots": load_corpus(CORPUS), "intents": load_corpus(f"{CORPUS}&seed=1")}
    return build(MultiTask(tasks, weights), mixed(corpora))


def test_tasks_are_drawn_by_weight_and_their_texts_in_turn() -> None:
    env = LabelVectorEnv(dataset=mix({"slots": 3, "intents": 1}))
    env.reset(seed=0)
    env.restart()  # the rows hold a text already
    drawn = env.sample(4000)
    parts = env.episodes.parts
    assert parts is not None
    assert np.mean(parts[drawn] == 0) == pytest.approx(0.75, abs=0.03)
    for part in (0, 1):  # none comes again before all of its task have come
        own = drawn[parts[drawn] == part]
        assert sorted(own[:40]) == sorted(np.flatnonzero(parts == part))


def test_without_weights_every_text_comes_once() -> None:
    env = LabelVectorEnv(dataset=mix(None))
    env.reset(seed=0)
    env.restart()
    assert sorted(env.sample(80)) == list(range(80))


def test_a_weight_of_nothing_leaves_a_task_out() -> None:
    env = LabelVectorEnv(dataset=mix({"slots": 0, "intents": 2}), num_envs=4)
    _, info = env.reset(seed=0)
    parts = env.episodes.parts
    assert parts is not None and set(parts[info["example"]]) == {1}


@pytest.mark.parametrize("kind", [Supervised, REINFORCE, PPO])
def test_a_batch_holds_one_task(
    vec_env: Callable[..., LabelVecEnv], kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = kind("LabelPolicy", vec_env(mix(None)), n_steps=40, batch_size=8, seed=0)
    parts = agent.label_env.episodes.parts
    seen = []
    texts = type(agent.policy).texts

    def watched(policy: Any, batch: Any) -> Any:
        seen.append(parts[batch.examples])
        return texts(policy, batch)

    monkeypatch.setattr(type(agent.policy), "texts", watched)
    agent.learn(total_episodes=40)
    assert {int(batch[0]) for batch in seen} == {0, 1}
    assert all(len(set(batch)) == 1 for batch in seen)


def test_minibatches_of_parts_hold_every_row_once() -> None:
    random = np.random.default_rng(0)
    parts = random.integers(3, size=50)
    batches = minibatches(random.integers(1, 9, 50), 8, random, parts)
    assert sorted(np.concatenate(batches)) == list(range(50))
    assert all(len(set(parts[rows])) == 1 and len(rows) <= 8 for rows in batches)
