"""The game of choosing what to label: checkers, rewards, seeds, refusals, and its numbers."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as sb3_check_env

import lingym  # noqa: F401  (registers the environments)
from lingym.envs.active import (
    NAMES,
    ActiveLabellingEnv,
    GeneratedOracle,
    candidate_features,
    density,
    nearest,
)


def made(**given: Any) -> ActiveLabellingEnv:
    sizes = {"start": 4, "horizon": 4, "candidates": 5, **given}
    return ActiveLabellingEnv(GeneratedOracle(40, seed=3), **sizes)


def test_checkers_and_no_argument_is_needed() -> None:
    sizes = {"start": 4, "horizon": 4, "candidates": 5}
    env = gymnasium.make("lingym/ActiveLabelling-v0", oracle=GeneratedOracle(40), **sizes)
    check_env(env.unwrapped)
    with pytest.warns(UserWarning, match="unconventional shape"):  # a table of texts
        sb3_check_env(env.unwrapped)
    shown, info = gymnasium.make("lingym/ActiveLabelling-v0", render_mode="ansi").reset(seed=0)
    assert shown.shape == (10, len(NAMES)) and len(info["labelled"]) == 4


def test_rewards_sum_to_the_gain_and_no_text_is_labelled_twice() -> None:
    env = made(render_mode="ansi")
    _, begun = env.reset(seed=1)
    rewards, done, info = [], False, begun
    while not done:
        assert not set(info["rows"]) & set(info["labelled"])
        wanted = info["rows"][2]
        _, reward, done, truncated, info = env.step(2)
        assert info["labelled"][-1] == wanted and not truncated
        rewards.append(reward)
    assert len(rewards) == 4 and len(set(info["labelled"])) == 8
    assert sum(rewards) == pytest.approx(info["metric"] - begun["metric"])
    assert env.oracle(info["labelled"]).metric == info["metric"]
    assert f"label 4 of 4, 8 labelled\nmetric {begun['metric']:.4f} before" in (env.render() or "")


def test_a_seed_repeats_an_episode() -> None:
    def trace(seed: int) -> list[Any]:
        env = made()
        shown, info = env.reset(seed=seed)
        found = [shown.tolist(), info["labelled"].tolist()]
        for action in (0, 3, 1):
            shown, reward, _, _, info = env.step(action)
            found += [shown.tolist(), reward, info["rows"].tolist()]
        return found

    assert trace(5) == trace(5) != trace(6)


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="the pool has 40 texts: wanted 41 or more"):
        made(start=30, candidates=7)
    with pytest.raises(ValueError, match="horizon is 0"):
        made(horizon=0)
    env = made()
    with pytest.raises(ValueError, match="call reset"):
        env.step(0)
    env.reset(seed=0, options={"labelled": [3, 1, 2, 0]})
    assert env.labelled == [3, 1, 2, 0]
    for action in (5, -1, 0.5):
        with pytest.raises(ValueError, match=r"action must be a whole number in 0 \.\. 4"):
            env.step(action)  # type: ignore[arg-type]
    for texts in ([0, 1, 2], [0, 0, 1, 2], [0, 1, 2, 40]):
        with pytest.raises(ValueError, match="option labelled"):
            env.reset(options={"labelled": texts})
    with pytest.raises(ValueError, match="no option texts"):
        env.reset(options={"texts": []})


def test_distance_density_and_standardised_numbers_by_definition() -> None:
    random = np.random.default_rng(0)
    points, centres = random.normal(size=(30, 4)), np.array([3, 7, 7, 20], np.int32)
    plain = [min(float(np.linalg.norm(p - points[c])) for c in centres) for p in points]
    np.testing.assert_allclose(nearest(points, centres), plain, atol=1e-6)
    assert np.isinf(nearest(points, centres[:0])).all()
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    np.testing.assert_allclose(density(points), (unit @ unit.T).mean(1))
    columns = random.random((30, 4))
    found = candidate_features(*columns.T, np.full(30, 5), centres)
    free = np.setdiff1d(np.arange(30), centres)
    np.testing.assert_allclose(found[free, :4].mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(found[free, :4].std(0), 1)
    assert not found[:, 4].any()  # all of one length
    far = nearest(points, centres[:0])
    bare = candidate_features(*columns.T[:2], far, columns[:, 3], np.full(30, 5), centres[:0])
    assert not bare[:, 2].any()  # nothing to be far from


def test_where_uncertainty_is_planted_it_beats_random_choice() -> None:
    def height(by_entropy: bool) -> float:
        env = ActiveLabellingEnv(GeneratedOracle(200, seed=3), horizon=12, candidates=20)
        metrics = []
        for seed in range(10):
            shown, _ = env.reset(seed=seed)
            for _ in range(12):
                action = int(shown[:, 0].argmax()) if by_entropy else 0  # shown in random order
                shown, _, _, _, info = env.step(action)
                metrics.append(info["metric"])
        return float(np.mean(metrics))

    unsure, even = height(True), height(False)
    assert unsure > even + 0.02, (unsure, even)
