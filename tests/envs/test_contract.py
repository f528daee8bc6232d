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
from lingym.envs import LabelEnv, LabelVectorEnv, Tagging
from lingym.types import UNDECIDED
from tests.envs.every_task import FORMS, corpus_of, every_task

CORPUS = "synthetic:commands?train=24&dev=6&test=6"
IDS = sorted(
    name
    for name, spec in gymnasium.registry.items()
    if spec.namespace == "lingym" and spec.entry_point == "lingym.envs.registered:label_env"
)
Make = Callable[..., gymnasium.Env]


@pytest.fixture(params=FORMS)
def name(request: pytest.FixtureRequest) -> str:
    """The name of a form of a task."""
    return str(request.param)


@pytest.fixture
def make(name: str) -> Make:
    """Makes the environment of a registered id, on a data set that is built already."""
    return lambda **given: gymnasium.make(FORMS[name].id, dataset=every_task(name), **given)


@pytest.fixture
def make_by_arguments(name: str) -> Make:
    """Makes it from a corpus, and from the arguments of the task's class."""
    task = FORMS[name].make()
    own: dict[str, Any] = {key: getattr(task, key) for key in task.settings}
    if FORMS[name].environment == "ExtractiveSummary":
        own["oracle"] = task.oracle  # type: ignore[attr-defined]
    if FORMS[name].environment == "MultiTask":
        own["tasks"] = task.tasks  # type: ignore[attr-defined]
    corpus = corpus_of(FORMS[name].corpus)
    return lambda **given: gymnasium.make(FORMS[name].id, corpus=corpus, **own, **given)


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


def test_every_task_is_registered_and_tried_here() -> None:
    assert {"lingym/Tagging-v0", "lingym/SpanQA-v0", "lingym/MultiTask-v0"} <= set(IDS)
    assert {form.id for form in FORMS.values()} == set(IDS)


@pytest.mark.parametrize("mode", [None, "ansi"])
def test_gymnasium_checker(make: Make, mode: str | None) -> None:
    check_env(make(render_mode=mode).unwrapped)


def test_stable_baselines3_checker(make: Make) -> None:
    sb3_check_env(make().unwrapped)


@pytest.mark.parametrize("id", IDS)
def test_without_arguments_it_plays_a_generated_corpus(id: str) -> None:
    env = gymnasium.make(id)
    assert len(single(env).game.episodes) >= 1000
    random = np.random.default_rng(0)
    env.reset(seed=0)
    ended = 0
    while ended < 3:
        masks = single(env).action_masks()
        *_, done, _, info = env.step(int(random.choice(np.flatnonzero(masks))))
        if done:
            assert np.isfinite(info["score"])
            env.reset()
        ended += int(done)


def test_an_argument_that_nobody_takes(name: str) -> None:
    with pytest.raises(TypeError, match="colour"):
        gymnasium.make(FORMS[name].id, corpus=corpus_of(FORMS[name].corpus), colour="red")
    with pytest.raises(TypeError, match="colour: an argument of the task, which is given already"):
        gymnasium.make(FORMS[name].id, dataset=every_task(name), colour="red")


def test_arguments_make_the_same_game(make: Make, make_by_arguments: Make) -> None:
    assert data_equivalence(trace(make_by_arguments(), 7), trace(make(), 7), exact=True)


def test_make_vec_plays_the_same_game(name: str, make: Make) -> None:
    many = gymnasium.make_vec(FORMS[name].id, num_envs=2, dataset=every_task(name))
    assert isinstance(many.unwrapped, LabelVectorEnv)
    one = make()
    assert many.single_observation_space == one.observation_space
    assert many.single_action_space == one.action_space
    observed, _ = many.reset(options={"example": [3, 4]})
    own, _ = one.reset(options={"example": 3})
    assert observed in many.observation_space
    done = False
    while not done:
        assert data_equivalence({k: v[0] for k, v in observed.items()}, own, exact=True)
        assert (many.unwrapped.action_masks()[0] == single(one).action_masks()).all()
        label = oracle(single(one))
        own, reward, done, _, _ = one.step(label)
        observed, rewards, ended, _, _ = many.step(np.array([label, 0]))
        assert (rewards[0], ended[0]) == (reward, done)


def test_spec_makes_it_again(make_by_arguments: Make) -> None:
    env = make_by_arguments(render_mode="ansi")
    assert env.spec is not None
    again = gymnasium.make(env.spec)
    assert again.render_mode == "ansi"
    assert again.action_space == env.action_space
    assert data_equivalence(trace(again, 3), trace(env, 3), exact=True)


def test_same_seed_same_game(make: Make) -> None:
    check_determinism(make)


def test_arrays_are_the_callers_own(make: Make) -> None:
    check_own_arrays(make)


def allowed_labelings(env: LabelEnv, example: int) -> np.ndarray:
    """All labelings of a text that keep the rules, [N, U], by walking every one of them."""
    units = env.game.gold.shape[1]
    found: list[list[int]] = []
    begun: list[list[int]] = [[]]
    while begun:
        labels = begun.pop()
        env.reset(options={"example": example})
        done = False
        for label in labels:
            *_, done, _, _ = env.step(label)
        if done:
            found.append([*labels, *[UNDECIDED] * (units - len(labels))])
        else:
            begun += [[*labels, int(label)] for label in np.flatnonzero(env.action_masks())]
    return np.array(found, np.int32)


def test_oracle_gets_the_maximum(name: str, make: Make) -> None:
    """1, where the task knows no other; else the best of all labelings that are allowed."""
    wrapped, env = make(), single(make())
    totals = returns(wrapped, oracle)
    bounded = name not in ("relation", "summary", "summary of 2", "summary in words")
    if bounded:
        assert totals == pytest.approx([1.0] * 24, abs=1e-12)
        return
    game = env.game
    for example in range(0, 24, 3):
        labelings = allowed_labelings(env, example)
        assert len(labelings) > 3
        batch = game.episodes.batch([example] * len(labelings))
        scores = game.play(batch, labelings[:, : batch.gold.shape[1]]).sum(1)
        if name in ("relation", "summary"):
            assert totals[example] == pytest.approx(scores.max(), abs=1e-12)
        else:  # found by greed: no better than the best, and no worse than any sentence alone
            one = (labelings == 0).sum(1) == 1
            assert scores[one].max() - 1e-12 <= totals[example] <= scores.max() + 1e-12


def test_the_gold_labels_keep_the_rules(make: Make) -> None:
    env = single(make())
    for example in range(24):
        env.reset(options={"example": example})
        done = False
        while not done:
            assert env.action_masks()[oracle(env)]
            *_, done, _, _ = env.step(oracle(env))


def test_random_policy_stays_in_the_range(name: str, make: Make) -> None:
    random = np.random.default_rng(0)
    totals = returns(make(), lambda env: int(random.integers(env.game.action_space.n)))
    assert min(totals) >= 0.0 or name == "relation"  # the worth of a wrong relation is negative
    assert np.mean(totals) < 0.9 * np.mean(returns(make(), oracle))


SHOWN = {  # what a person must be told, beside units and labels
    "tagging": (),
    "classification": (),
    "multilabel": ("text",),
    "spanqa": ("question",),
    "choice": ("question", "choices", "context"),
    "choice one by one": ("question", "choices", "context"),
    "relation": ("head", "tail", "label"),
    "summary": ("title", "references"),
    "summary of 2": ("title", "references"),
    "summary in words": ("title", "references"),
    "sentences": (),
    "slots and intent": ("intent",),
    "mix": (),
}


def test_a_person_can_read_what_is_shown(name: str, make: Make) -> None:
    env = make(render_mode="ansi")
    for example in (0, 10, 23):
        env.reset(options={"example": example})
        given = single(env).game.episodes.examples[example]
        fields = given.record.fields
        before = str(env.render())
        for key in SHOWN[name]:
            values = [fields[key]] if isinstance(fields[key], str) else fields[key]
            assert all(" ".join(value.split()) in before for value in values), key
        for choice in given.candidates if name == "choice" else ():
            assert f"- {choice}" in before.splitlines()
        for unit in given.units:  # long ones are cut
            assert " ".join(unit.split())[:30] in before
        assert sum(line.startswith(">") for line in before.splitlines()) == 1
        assert all(word not in before for word in (" ok", "wrong"))
        label = oracle(single(env))
        *_, done, _, _ = env.step(label)
        after = str(env.render())
        assert "  ok" in after
        while not done:
            *_, done, _, _ = env.step(oracle(single(env)))
        assert "wrong" not in str(env.render())
        assert all(len(line) < 2000 and line == line.rstrip() for line in after.splitlines())


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
        batch = episodes.batch([int(example)])
        assert np.array_equal(real, batch.input_ids[batch.attention_mask == 1])


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
