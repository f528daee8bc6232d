"""Weights that change as a run goes on."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingym.rewards import (
    Accuracy,
    Cosine,
    EntityF1,
    Linear,
    RewardError,
    Schedule,
    Step,
    WeightedSum,
    from_spec,
    from_to,
)
from tests.rewards.worlds import WORLDS

WORLD = WORLDS["tags"]


def later(progress: float) -> float:
    return progress**2


@pytest.fixture
def labelings():
    return WORLD.draw(3, episodes=40, units=6)


@pytest.mark.parametrize(
    ("schedule", "values"),  # at 0, 0.1, 0.2, 0.5, 0.8, 1
    [
        (Linear(1, 0), [1, 0.9, 0.8, 0.5, 0.2, 0]),
        (Linear(1, 3, begin=0.2, end=0.8), [1, 1, 1, 2, 3, 3]),
        (Cosine(1, 0), [1, 0.9755282581, 0.9045084972, 0.5, 0.0954915028, 0]),
        (Cosine(0, 2, begin=0.5, end=0.8), [0, 0, 0, 0, 2, 2]),
        (Step(1, 0), [1, 1, 1, 0, 0, 0]),
        (Step(0.25, 4, at=0.1), [0.25, 4, 4, 4, 4, 4]),
        (from_to(1, 0, begin=0.2, end=0.8), [1, 1, 1, 0.5, 0, 0]),
        (from_to(1, 0, "cosine", end=0.5), [1, 0.9045084972, 0.6545084972, 0, 0, 0]),
        (from_to(1, 0, "step", begin=0.7, end=0.9), [1, 1, 1, 1, 0, 0]),
        (Schedule.of(later), [0, 0.01, 0.04, 0.25, 0.64, 1]),
        (2 * Linear(1, 0) * Linear(0, 1) * 3, [0, 0.54, 0.96, 1.5, 0.96, 0]),
    ],
)
def test_values_over_a_run(schedule, values):
    found = [schedule(progress) for progress in (0, 0.1, 0.2, 0.5, 0.8, 1)]
    assert found == pytest.approx(values, abs=1e-9)


@given(st.floats(-9, 9), st.floats(-9, 9), st.floats(0, 0.9), st.floats(0, 1))
def test_from_one_value_to_the_other_and_nowhere_else(first, last, begin, progress):
    for kind in (Linear, Cosine):
        schedule = kind(first, last, begin=begin)
        assert (schedule(0), schedule(1)) == (first, last)
        assert min(first, last) - 1e-12 <= schedule(progress) <= max(first, last) + 1e-12


def test_advance_moves_the_weights_and_nothing_else_does(labelings):
    reward = Linear(1, 0) * Accuracy() + 0.5 * (Step(0, 1, at=0.3) * EntityF1(dense=True))
    reward.bind(WORLD.space)
    accuracy, f1 = (part.score(labelings) for part in reward.inner)
    for progress, one, other in ((0, 1, 0), (0.25, 0.75, 0), (0.5, 0.5, 0.5), (1, 0, 0.5)):
        reward.advance(progress)
        assert reward.weights == (one, other)
        np.testing.assert_array_equal(reward.score(labelings), one * accuracy + other * f1)
        reward.observe(labelings)
        np.testing.assert_allclose(
            reward.steps(labelings).sum(1), reward.score(labelings), atol=1e-12
        )
        assert reward.readings() == {"weight/accuracy": one, "weight/entity_f1": other}
        parts = reward.parts(labelings)
        np.testing.assert_array_equal(parts["accuracy"], accuracy)  # raw, whatever the weight
        np.testing.assert_array_equal(parts["entity_f1"], f1)


def test_the_state_keeps_the_progress(labelings):
    reward = from_spec("cosine(1, 0)*accuracy+normalized(linear(0, 1)*entity_f1+accuracy)")
    reward.bind(WORLD.space)
    reward.advance(0.3)
    again = from_spec(str(reward))
    again.bind(WORLD.space)
    again.load_state(reward.state())
    assert again.state() == reward.state() != {}
    np.testing.assert_array_equal(again.score(labelings), reward.score(labelings))
    assert WeightedSum.of((2.0, Accuracy())).state() == {}
    with pytest.raises(ValueError, match="has no state 'progress'"):
        WeightedSum.of((2.0, Accuracy())).load_state({"progress": 0.5})


def test_the_table_has_the_weights_of_now(labelings):
    reward = Linear(1, 0) * Accuracy() + 2 * Accuracy()
    reward.bind(WORLD.space)
    reward.advance(0.25)
    table, own = reward.table(labelings, 5), Accuracy().table(labelings, 5)
    np.testing.assert_allclose(table, 2.75 * own, rtol=1e-15)


def test_products_are_written_in_one_way():
    reward = 2 * (Linear(1, 0) * (0.5 * Accuracy() + Step(0, 1) * EntityF1()))
    text = "linear(1, 0)*accuracy+2.0*linear(1, 0)*step(0, 1)*entity_f1"
    assert str(reward) == text
    assert repr(from_spec(text)) == repr(reward)
    assert repr(Accuracy() * Linear(1, 0)) == repr(Linear(1, 0) * Accuracy())
    terms = WeightedSum(((Linear(1, 0), Accuracy()), (1.0, EntityF1())))
    assert str(terms) == "linear(1, 0)*accuracy+1.0*entity_f1"


def test_a_function_is_a_weight_too(labelings):
    reward = Schedule.of(later) * Accuracy()
    assert str(reward) == "later*accuracy"
    reward.bind(WORLD.space)
    reward.advance(0.5)
    again = pickle.loads(pickle.dumps(reward))
    np.testing.assert_array_equal(again.score(labelings), 0.25 * Accuracy().score(labelings))
    broken = Schedule.of(lambda p: float("nan"), name="mine") * Accuracy()
    with pytest.raises(RewardError, match="weight mine of reward accuracy is nan at progress 0"):
        broken.score(labelings)


@pytest.mark.parametrize("progress", [-0.1, 1.1, float("nan")])
def test_progress_is_a_share(progress):
    with pytest.raises(ValueError, match=f"progress is {progress}: wanted the share"):
        (Linear(1, 0) * Accuracy()).advance(progress)


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (lambda: Linear(1, float("inf")), "linear: last is inf: wanted a finite number"),
        (lambda: Cosine("a", 0), "cosine: first is 'a': wanted a finite number"),
        (lambda: Step(True, 0), "step: first is True"),
        (lambda: Linear(1, 0, begin=0.5, end=0.5), "wanted 0 <= begin < end <= 1"),
        (lambda: Linear(1, 0, end=1.5), "begin is 0.0 and end 1.5"),
        (lambda: Step(1, 0, at=0), "step: at is 0: wanted more than 0, at most 1"),
        (lambda: from_to(1, 0, "quadratic"), "shape is 'quadratic': wanted cosine, linear, step"),
        (lambda: from_to(1, 0, "step", begin=0.8, end=0.2), "begin is 0.8 and end 0.2"),
        (lambda: from_spec("linear(1, 0)"), "is a weight, not a reward"),
        (lambda: from_spec("linear*f1"), "linear goes from one weight to another, such as linear("),
        (lambda: from_spec("step(1)*f1"), "step goes from one weight to another"),
        (lambda: from_spec("linear(1, 0, 0.5)*f1"), "beyond two by name: begin, end"),
        (lambda: from_spec("step(1, 0, begin=0)*f1"), "step has no setting 'begin'"),
        (lambda: from_spec("linear(1, 0, first=1)*f1"), "linear is given first twice"),
        (lambda: from_spec("linear(1, f1)*f1"), "linear: last is f1, not a number"),
        (lambda: from_spec("linear(1, 0)+f1"), "linear(1, 0) + f1 adds a weight"),
        (lambda: Linear(1, 0) * "2", "can't multiply"),
    ],
)
def test_refused(make, cause):
    with pytest.raises((ValueError, TypeError)) as caught:
        make()
    assert cause in str(caught.value)
