"""The tuning environment: checkers, rewards, moves, seeds, and what it refuses."""

import copy
import itertools
import pickle
import re
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env, data_equivalence
from stable_baselines3.common.env_checker import check_env as sb3_check_env

from lingym.envs.tuning import ParameterTuningEnv, generated_scores, measure, summary_names
from lingym.envs.tuning.generated import Form

CASES: list[tuple[Form, str]] = [
    ("labels", "bias"),
    ("labels", "subspace"),
    ("labels", "bias+temperature"),
    ("tags", "bias"),
    ("sets", "threshold"),
    ("sets", "thresholds"),
    ("sets", "thresholds+temperature"),
]
SPEC = EnvSpec("tests/Tuning-v0", entry_point="lingym.envs.tuning:ParameterTuningEnv")


def made(form: Form = "labels", parameters: str = "bias", **given: Any) -> ParameterTuningEnv:
    given = {"batch_size": 40, "horizon": 6, **given}
    return ParameterTuningEnv(generated_scores(form, 100), parameters, **given)


def trace(env: gymnasium.Env, seed: int, spoil: bool = False) -> list[Any]:
    said: list[Any] = [copy.deepcopy(env.reset(seed=seed))]
    env.action_space.seed(seed)
    for _ in range(30):
        reply = env.step(env.action_space.sample())
        said.append(copy.deepcopy(reply))
        if spoil:
            reply[0][:] = 1
            reply[4]["values"][:] = 9
        if reply[2]:
            said.append(copy.deepcopy(env.reset()))
    return said


@pytest.mark.parametrize("discrete", [True, False])
@pytest.mark.parametrize(("form", "parameters"), CASES)
def test_checkers(form: Form, parameters: str, discrete: bool) -> None:
    env = gymnasium.make(
        SPEC, scores=generated_scores(form, 100), parameters=parameters, discrete=discrete
    )
    check_env(env.unwrapped)
    sb3_check_env(env.unwrapped)


def test_runs_without_any_argument() -> None:
    env = gymnasium.make(SPEC, render_mode="ansi")
    observation, _ = env.reset(seed=0)
    assert observation.shape == (5 + 1 + 5 + 5 + 1,)
    check_env(env.unwrapped)
    assert env.spec is not None
    again = gymnasium.make(env.spec)
    assert data_equivalence(trace(again, 3), trace(env, 3), exact=True)


@pytest.mark.parametrize("discrete", [True, False])
@pytest.mark.parametrize(("form", "parameters"), CASES)
def test_rewards_sum_to_the_gain(form: Form, parameters: str, discrete: bool) -> None:
    """And the metric is the one of the labels that the parameters give, at every step."""
    env = made(form, parameters, discrete=discrete)
    env.action_space.seed(1)
    moved = 0.0
    for episode in range(5):
        _, info = env.reset(seed=episode)
        assert env.batch is not None
        score = measure(env.batch)
        before = score(env.batch.logits.argmax(1).astype(np.int32))
        assert info["metric"] == before
        total, steps, done = 0.0, 0, False
        while not done:
            _, reward, done, truncated, info = env.step(env.action_space.sample())
            assert not truncated
            total, steps = total + reward, steps + 1
            moved += abs(reward)
            now = score(env.parameters.labels(env.batch, info["values"]))
            assert info["metric"] == now
            assert total == pytest.approx(now - before, abs=1e-12)
        assert steps == 6
    assert moved > 0


def test_discrete_moves() -> None:
    env = made("sets", "thresholds", discrete=True, step_size=0.4, limit=1.0)
    assert env.action_space.n == 17
    env.reset(seed=0)
    wanted = np.zeros(8)
    for action, place, rise in [(0, 0, 0.0), (1, 0, 0.4), (16, 7, -0.4), (6, 2, -0.4)]:
        wanted[place] += rise
        assert env.step(action)[4]["values"] == pytest.approx(wanted)
    env.reset(seed=0)
    values = [float(env.step(5)[4]["values"][2]) for _ in range(4)]
    assert values == pytest.approx([0.4, 0.8, 1.0, 1.0])


def test_continuous_moves() -> None:
    env = made("labels", "bias", step_size=0.4, limit=1.0)
    env.reset(seed=0)
    action = np.array([1, -1, 0.5, 0, -0.25], np.float32)
    _, _, _, _, info = env.step(action)
    assert info["values"] == pytest.approx(0.4 * action)
    env.step(action)
    _, _, _, _, info = env.step(action)
    assert info["values"] == pytest.approx([1.0, -1.0, 0.6, 0.0, -0.3])


def test_observation_says_what_it_is_said_to() -> None:
    env = made("sets", "thresholds+temperature", horizon=4, limit=2.0)
    names = summary_names(env.scores, env.parameters.names)
    env.reset(seed=0)
    observation, *_ = env.step(np.linspace(-1, 1, 9, dtype=np.float32))
    assert env.observation_space.shape == (len(names),) == observation.shape
    says = dict(zip(names, observation.tolist(), strict=True))
    assert env.batch is not None
    logits = env.parameters.logits(env.batch, env.values).astype(np.float64)
    odds = np.exp(logits)
    p = odds / odds.sum(1, keepdims=True)
    entropy = np.sort(-(p * np.log(p)).sum(1) / np.log(2))
    yes = (p[:, 1] > 0.5).reshape(-1, 8).mean(0)
    assert says["log temperature"] == pytest.approx(-0.25)
    assert says["threshold topic H"] == pytest.approx(0.25)
    assert says["mean confidence"] == pytest.approx(p.max(1).mean(), abs=1e-6)
    assert says["entropy, quantile 0.5"] == pytest.approx(entropy[159], abs=1e-5)
    assert [says[f"rate of topic {x}"] for x in "ABCDEFGH"] == pytest.approx(yes, abs=1e-6)
    assert says["steps left"] == 0.75


def test_observation_tells_no_gold_label() -> None:
    env, blind = made(), made()
    blind.scores = copy.copy(blind.scores)
    object.__setattr__(blind.scores, "gold", np.zeros_like(blind.scores.gold))
    seen, unseen = trace(env, 5), trace(blind, 5)
    assert data_equivalence([s[0] for s in seen], [s[0] for s in unseen], exact=True)
    assert [s[1] for s in seen[1:6]] != [s[1] for s in unseen[1:6]]


def test_seeds_and_own_arrays() -> None:
    env = made(discrete=True)
    assert data_equivalence(trace(env, 7), trace(made(discrete=True), 7, spoil=True), exact=True)
    assert not data_equivalence(trace(env, 7), trace(env, 8), exact=True)
    env.reset(seed=1)
    for twin in (copy.deepcopy(env), pickle.loads(pickle.dumps(env))):
        again = copy.deepcopy(env)
        mine = [again.step(3), *(again.reset() for _ in range(4))]
        assert data_equivalence(mine, [twin.step(3), *(twin.reset() for _ in range(4))], exact=True)


def test_batches_are_random_texts() -> None:
    env = made(batch_size=10)
    sums = set()
    for _ in range(20):
        env.reset()
        assert env.batch is not None
        assert len(env.batch) == 10
        sums.add(float(env.batch.logits.sum()))
    assert len(sums) == 20
    env = made(batch_size=1000)
    env.reset(seed=0)
    assert env.batch is not None
    assert np.array_equal(np.sort(env.batch.logits, 0), np.sort(env.scores.logits, 0))


def test_keep_and_options() -> None:
    env = made(keep=True)
    env.reset(seed=0)
    env.step(np.full(5, 0.5, np.float32))
    assert env.reset()[1]["values"].tolist() == [0.25] * 5
    own = made()
    own.reset(seed=0)
    own.step(np.full(5, 0.5, np.float32))
    assert own.reset()[1]["values"].tolist() == [0.0] * 5
    _, info = own.reset(options={"texts": [3, 3, 7], "values": [1, 2, 0, -3, 3]})
    assert info["values"].tolist() == [1, 2, 0, -3, 3]
    assert own.batch is not None
    assert np.array_equal(own.batch.logits, own.scores.logits[[3, 3, 7]])


def test_render() -> None:
    env = made("sets", "threshold", render_mode="ansi", horizon=3, limit=2.0, step_size=1.0)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.render()
    env.reset(seed=0)
    env.step(np.array([-0.5], np.float32))
    shown = env.render()
    assert shown is not None
    lines = shown.splitlines()
    assert lines[0] == "step 1 of 3, 40 texts"
    gain = env.now - env.before
    assert lines[1] == f"metric {env.before:.4f} before, {env.now:.4f} now ({gain:+.4f})"
    assert lines[2:] == ["  threshold yes   -0.500  [        ==|          ]"]
    assert made().render() is None


@pytest.mark.parametrize("action", [-1, 11, 0.5, True, [0], None])
def test_no_such_discrete_action(action: Any) -> None:
    env = made(discrete=True)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"action must be a whole number in 0 \.\. 10; got"):
        env.step(action)
    assert (env.steps, env.values.any()) == (0, False)


@pytest.mark.parametrize("action", [0, [0.5] * 4, [1.1] * 5, [np.nan] * 5, [True] * 5, ["0"] * 5])
def test_no_such_continuous_action(action: Any) -> None:
    env = made()
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"action must (be 5 numbers in|lie in) -1 \.\. 1; got"):
        env.step(action)
    assert (env.steps, env.values.any()) == (0, False)


def test_no_step_after_the_end_or_before_the_start() -> None:
    env = made(discrete=True, horizon=1)
    with pytest.raises(ValueError, match=r"call reset\(\)"):
        env.step(0)
    env.reset(seed=0)
    assert env.step(0)[2]
    with pytest.raises(ValueError, match="the episode is over"):
        env.step(0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"example": 3}, "no option example: choose texts, values"),
        ({"texts": [100]}, r"they are 0 .. 99"),
        ({"texts": [-1]}, r"they are 0 .. 99"),
        ({"texts": []}, "a list of whole numbers"),
        ({"texts": [0.5]}, "a list of whole numbers"),
        ({"values": [0, 0]}, "must be 5 numbers in ± 3.0"),
        ({"values": [4, 0, 0, 0, 0]}, "must be 5 numbers in ± 3.0"),
        ({"values": [np.nan, 0, 0, 0, 0]}, "must be 5 numbers in ± 3.0"),
    ],
)
def test_bad_options(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        made().reset(options=options)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"horizon": 0}, "horizon is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"step_size": 0.0}, "0 < step_size <= limit"),
        ({"step_size": 4.0}, "0 < step_size <= limit"),
        ({"limit": float("inf")}, "0 < step_size <= limit"),
        ({"metric": "rouge"}, "no metric 'rouge' for one label to a unit: choose accuracy"),
        ({"metric": "sample_f1"}, "no metric 'sample_f1' for one label"),
        ({"parameters": "thresholds"}, "chooses between two labels, and there are 5"),
    ],
)
def test_bad_arguments(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        made(**given)


def test_a_metric_of_ones_own() -> None:
    def right(labelings: Any) -> float:
        return float((labelings.labels == labelings.gold)[labelings.gold >= 0].mean())

    own, named = made("tags", metric=right), made("tags", metric="accuracy")
    assert data_equivalence(trace(own, 2), trace(named, 2), exact=True)
    broken = made(metric=lambda labelings: float("nan"))
    with pytest.raises(ValueError, match="gave nan: wanted a finite number"):
        broken.reset()


def test_there_is_something_to_gain() -> None:
    """Each generated labeller gets better by some move of one parameter."""
    forms: list[Form] = ["labels", "tags", "sets"]
    for form, parameters in zip(forms, ["bias", "bias", "thresholds"], strict=True):
        env = made(form, parameters, horizon=1, batch_size=100)
        gains = []
        for place, way in itertools.product(range(len(env.parameters)), (-1, 1)):
            env.reset(seed=0)
            action = np.zeros(len(env.parameters), np.float32)
            action[place] = way
            gains.append(env.step(action)[1])
        assert max(gains) > 0.005
        assert min(gains) < 0
