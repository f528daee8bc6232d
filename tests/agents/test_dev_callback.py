"""When a run is measured on dev."""

import math
from collections.abc import Callable

import pytest

from lingym.agents import LabelVecEnv, Supervised, callbacks
from lingym.agents.callbacks import DevCallback
from lingym.envs import Dataset


@pytest.mark.parametrize(
    ("rollout", "places"), [(16, [0, 32, 64, 96]), (24, [0, 48, 72, 96]), (96, [0, 96])]
)
def test_rollouts_of_other_sizes_are_measured_as_often_where_they_can_be(
    commands: Callable[..., Dataset],
    vec_env: Callable[..., LabelVecEnv],
    rollout: int,
    places: list[int],
) -> None:
    dataset = commands("tagging")
    env = vec_env(dataset, "accuracy")
    agent = Supervised("LabelPolicy", env, n_steps=rollout, batch_size=8, seed=0, device="cpu")
    dev = DevCallback(dataset["dev"], "accuracy", every=32)
    agent.learn(total_episodes=96, callback=dev)
    assert [point.episodes for point in dev.curve] == places


def test_a_metric_that_has_no_value_yet_is_not_the_best(
    commands: Callable[..., Dataset],
    vec_env: Callable[..., LabelVecEnv],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = iter([math.nan, 0.2, math.nan, 0.1])
    monkeypatch.setattr(callbacks, "evaluate", lambda *_, **__: {"auc": next(values)})
    dataset = commands("tagging")
    env = vec_env(dataset, "accuracy")
    agent = Supervised("LabelPolicy", env, n_steps=32, batch_size=8, seed=0, device="cpu")
    dev = DevCallback(dataset["dev"], "auc", every=32)
    agent.learn(total_episodes=96, callback=dev)
    assert dev.best is not None
    assert (dev.best.episodes, dev.best.metrics["auc"]) == (32, 0.2)
