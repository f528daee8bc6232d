"""What holds of every registered environment, tried also on environments that break it."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence
from stable_baselines3.common.env_checker import check_env as sb3_check_env

import lingym  # noqa: F401  (registers the environments)
from lingym.envs import LabelEnv, Tagging

CORPUS = "synthetic:commands?train=24&dev=6&test=6"
IDS = sorted(name for name, spec in gymnasium.registry.items() if spec.namespace == "lingym")
Make = Callable[..., gymnasium.Env]


@pytest.fixture(params=IDS)
def make(request: pytest.FixtureRequest) -> Make:
    """Makes the environment of a registered id."""
    return lambda **given: gymnasium.make(request.param, **{"corpus": CORPUS, **given})


def single(env: gymnasium.Env) -> LabelEnv:
    assert isinstance(env.unwrapped, LabelEnv)
    return env.unwrapped


def trace(env: gymnasium.Env, seed: int, steps: int = 50, spoil: bool = False) -> list[Any]:
    """All that an environment says to random actions; `spoil` overwrites it once it is noted."""
    random = np.random.default_rng(seed)
    said: list[Any] = []

    def note(reply: tuple[Any, ...]) -> None:
        said.append(copy.deepcopy(reply))
        if spoil:
            for array in reply[0].values():
                array[:] = 1

    note(env.reset(seed=seed))
    for _ in range(steps):
        note(env.step(int(random.integers(env.action_space.n))))  # type: ignore[attr-defined]
        if said[-1][2]:
            note(env.reset())
    return said


def returns(env: gymnasium.Env, act: Callable[[LabelEnv], int]) -> list[float]:
    """The sum of rewards of every text, under a policy that may look at the gold labels."""
    totals = []
    for example in range(len(single(env).game.episodes)):
        env.reset(options={"example": example})
        total, done = 0.0, False
        while not done:
            _, reward, done, truncated, info = env.step(act(single(env)))
            assert not truncated
            total += float(reward)
        assert total == pytest.approx(info["score"], abs=1e-12)
        totals.append(total)
    return totals


def oracle(env: LabelEnv) -> int:
    return int(env.game.gold[0, env.game.cursor[0]])


def check_own_arrays(make: Make) -> None:
    """What is handed out belongs to the caller: writing into it changes nothing."""
    assert data_equivalence(trace(make(), 7), trace(make(), 7, spoil=True), exact=True)


def check_determinism(make: Make) -> None:
    assert data_equivalence(trace(make(), 7), trace(make(), 7), exact=True)
    assert not data_equivalence(trace(make(), 7), trace(make(), 8), exact=True)


def test_both_tasks_are_registered() -> None:
    assert {"lingym/Tagging-v0", "lingym/Classification-v0"} <= set(IDS)


@pytest.mark.parametrize("mode", [None, "ansi"])
def test_gymnasium_checker(make: Make, mode: str | None) -> None:
    check_env(make(render_mode=mode).unwrapped)


def test_stable_baselines3_checker(make: Make) -> None:
    sb3_check_env(make().unwrapped)


def test_spec_makes_it_again(make: Make) -> None:
    env = make(render_mode="ansi")
    assert env.spec is not None
    again = gymnasium.make(env.spec)
    assert again.render_mode == "ansi"
    assert again.action_space == env.action_space
    assert data_equivalence(trace(again, 3), trace(env, 3), exact=True)


def test_same_seed_same_game(make: Make) -> None:
    check_determinism(make)


def test_arrays_are_the_callers_own(make: Make) -> None:
    check_own_arrays(make)


def test_oracle_gets_the_maximum(make: Make) -> None:
    assert returns(make(), oracle) == pytest.approx([1.0] * 24, abs=1e-12)


def test_random_policy_stays_in_the_range(make: Make) -> None:
    random = np.random.default_rng(0)
    totals = returns(make(), lambda env: int(random.integers(env.game.action_space.n)))
    assert min(totals) >= 0.0
    assert np.mean(totals) < 0.9 < max(returns(make(), oracle))


def test_every_text_comes_once_before_any_again(make: Make) -> None:
    env = make()
    first = [env.reset(seed=5)[1]["example"], *(env.reset()[1]["example"] for _ in range(23))]
    second = [env.reset()[1]["example"] for _ in range(24)]
    assert sorted(first) == sorted(second) == list(range(24))
    assert first != second


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_a_copy_goes_on_alike_and_apart(make: Make, copied: Callable[[Any], Any]) -> None:
    env = make()
    env.reset(seed=1)
    twin = copied(env)

    def future(env: gymnasium.Env) -> list[Any]:
        return [env.step(0), *(env.reset() for _ in range(30))]

    assert data_equivalence(future(env), future(twin), exact=True)


def test_options_pick_the_text(make: Make) -> None:
    env = make()
    episodes = single(env).game.episodes
    for example in (3, np.int64(23), 0):
        observation, info = env.reset(options={"example": example})
        assert info == {"example": int(example)}
        real = observation["input_ids"][observation["attention_mask"] == 1]
        assert np.array_equal(real, episodes.batch([int(example)]).input_ids[0])


@pytest.mark.parametrize(
    ("example", "words"),
    [(24, "no example 24: .* 0 .. 23"), (-1, "no example -1"), (1.5, "whole number; got 1.5")]
    + [(other, "whole number") for other in ("1", True, [0, 1])],
)
def test_no_such_example(make: Make, example: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make().reset(options={"example": example})


@pytest.mark.parametrize("action", [-1, 10_000, 0.5, True, [0]])
def test_no_such_action(make: Make, action: Any) -> None:
    env = single(make())
    before, _ = env.reset(seed=0)
    with pytest.raises(ValueError, match=r"actions? must be"):
        env.step(action)
    assert data_equivalence(env._observe(), before, exact=True)


def test_no_step_after_the_end_or_before_the_start(make: Make) -> None:
    with pytest.raises(ValueError, match=r"call reset\(\)"):
        single(make()).step(0)
    env = single(make())
    env.reset(seed=0)
    while not env.step(0)[2]:
        pass
    with pytest.raises(ValueError, match="the episode is over"):
        env.step(0)


def test_a_vector_environment_renders_nothing() -> None:
    with pytest.raises(ValueError, match=r"use gymnasium\.make"):
        gymnasium.make_vec(IDS[0], num_envs=1, corpus=CORPUS, render_mode="ansi")


class SameArrays(LabelEnv):
    """Hands out its own state."""

    def _observe(self) -> Any:
        own = super()._observe()
        return own | {"labels": self.game.labels[0]}


class OwnDice(LabelEnv):
    """Does not care for the seed."""

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        return super().reset(seed=None, options=options)


def test_the_checks_find_broken_environments() -> None:
    def broken(kind: type[LabelEnv]) -> Make:
        return lambda: kind(Tagging(), corpus=CORPUS)

    for check in (check_own_arrays, check_determinism):
        check(broken(LabelEnv))
    with pytest.raises(AssertionError):
        check_own_arrays(broken(SameArrays))
    with pytest.raises(AssertionError):
        check_determinism(broken(OwnDice))
