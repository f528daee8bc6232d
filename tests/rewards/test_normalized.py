"""Parts by other names and in the scale of their spread."""

import numpy as np
import pytest

from lingym.rewards import (
    Accuracy,
    CrossEntropy,
    EntityF1,
    ExactMatch,
    Named,
    Normalized,
    Reward,
    from_spec,
)
from lingym.rewards.spread import Spread
from tests.rewards.worlds import WORLDS

WORLD = WORLDS["tags"]


@pytest.fixture
def labelings():
    return WORLD.draw(5, episodes=60, units=6)


class Fixed(Reward):
    """The same score for all."""

    name = "fixed"

    def __init__(self, value: float) -> None:
        self.value = value

    def score(self, labelings):
        return np.where(self.scored(labelings), self.value, 0.0)


@pytest.mark.parametrize("half_life", [None, 7.0])
def test_the_spread_is_numpys_however_the_scores_come(half_life):
    scores = np.random.default_rng(0).normal(1e6, 3.0, 101)  # far from 0, where sums lose digits
    keep = 1.0 if half_life is None else 0.5 ** (1 / half_life)
    weights = keep ** np.arange(100, -1, -1.0)
    mean = np.average(scores, weights=weights)
    std = np.sqrt(np.average((scores - mean) ** 2, weights=weights))
    for cuts in ([], [1], [50, 50, 99], range(1, 101)):
        spread = Spread(half_life)
        for batch in np.split(scores, cuts):
            spread.add(batch)
        assert (spread.mean, spread.std) == pytest.approx((mean, std), rel=1e-9)
        assert spread.episodes == 101
    assert Spread().std == 0.0


def test_the_score_is_divided_by_the_spread_of_what_was_observed(labelings):
    inside = CrossEntropy()
    reward = Normalized(CrossEntropy(), after=100, eps=0.5)
    for one in (inside, reward):
        one.bind(WORLD.space)
    raw = inside.score(labelings)
    reward.observe(labelings)
    assert reward.readings() == {"scale/cross_entropy": 1.0}  # 60 of 100 observed
    np.testing.assert_array_equal(reward.score(labelings), raw)
    other = WORLD.draw(6, episodes=50, units=6)
    reward.observe(other)
    scale = np.concatenate([raw, inside.score(other)]).std() + 0.5
    assert reward.readings()["scale/cross_entropy"] == pytest.approx(scale, rel=1e-12)
    np.testing.assert_allclose(reward.score(labelings), raw / scale, rtol=1e-12)
    np.testing.assert_allclose(reward.steps(labelings), inside.steps(labelings) / scale, rtol=1e-12)
    np.testing.assert_array_equal(reward.parts(labelings)["cross_entropy"], raw)


def test_parts_of_different_scale_are_weighed_alike(labelings):
    reward = Normalized(1000 * Accuracy(), after=2) + Normalized(Accuracy(), after=2)
    reward.bind(WORLD.space)
    reward.observe(labelings)
    large, small = (part.score(labelings) for part in reward.inner)
    np.testing.assert_allclose(large, small, rtol=1e-6)
    assert small.std() == pytest.approx(1, rel=1e-6)
    parts = reward.parts(labelings)
    assert list(parts) == ["accuracy", "accuracy_2"]
    assert list(reward.readings()) == ["scale/1000.0*accuracy", "scale/accuracy"]


@pytest.mark.parametrize("value", [0.0, 0.1, -3.0])
def test_scores_that_are_all_alike_are_left_as_they_are(labelings, value):
    reward = Normalized(Fixed(value), after=2)
    reward.bind(WORLD.space)
    for _ in range(5):
        reward.observe(labelings)
    np.testing.assert_array_equal(reward.score(labelings), np.full(60, value))


def test_a_state_goes_on_bit_for_bit(labelings):
    one, other = (from_spec("normalized(entity_f1+accuracy, after=50, half_life=40)") for _ in "ab")
    for reward in (one, other):
        reward.bind(WORLD.space)
    one.observe(labelings)
    other.load_state(one.state())
    more = WORLD.draw(9, episodes=30, units=4)
    for reward in (one, other):
        reward.observe(more)
    assert one.state() == other.state()
    np.testing.assert_array_equal(one.score(labelings), other.score(labelings))
    with pytest.raises(ValueError, match="a spread has episodes, weight, mean, squares; got mean"):
        one.load_state({"seen": {"mean": 1.0}})
    with pytest.raises(ValueError, match="has no 'seen': it is another's"):
        one.load_state({"price": 1.0})


def test_the_table_is_scaled_where_there_is_one(labelings):
    reward = Normalized(Accuracy(), after=2)
    reward.bind(WORLD.space)
    reward.observe(labelings)
    table = Accuracy().table(labelings, 5)
    np.testing.assert_allclose(reward.table(labelings, 5), table / reward.scale, rtol=1e-15)
    assert Normalized(EntityF1()).table(labelings, 5) is None


def test_two_parts_of_one_kind_are_told_apart_by_name(labelings):
    reward = from_spec(
        "named(entity_f1, called='strict')+named(normalized(accuracy), called='share')"
        "+named(accuracy+exact_match, called='both')"
    )
    reward.bind(WORLD.space)
    f1 = EntityF1()
    f1.bind(WORLD.space)
    parts = reward.parts(labelings)
    assert list(parts) == ["strict", "share", "both/accuracy", "both/exact_match"]
    np.testing.assert_array_equal(parts["strict"], f1.score(labelings))
    np.testing.assert_array_equal(parts["share"], Accuracy().score(labelings))
    np.testing.assert_array_equal(parts["both/exact_match"], ExactMatch().score(labelings))
    named = Named(Accuracy(), "share")
    np.testing.assert_array_equal(named.table(labelings, 5), Accuracy().table(labelings, 5))
    np.testing.assert_array_equal(named.steps(labelings), Accuracy().steps(labelings))
    assert str(named) == "named(accuracy, called='share')"
    assert list(Normalized(named).parts(labelings)) == ["share"]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("named(accuracy)", "named needs called="),
        ("named(accuracy, called='')", "called is '': wanted a name"),
        ("named(accuracy, called=2)", "called is 2, not text"),
        ("named(called='x')", "named stands around a reward"),
        ("normalized", "normalized stands around a reward"),
        (
            "normalized(accuracy, after=1)",
            "after is 1: wanted a whole number of episodes from 2 on",
        ),
        ("normalized(accuracy, half_life=0)", "half_life is 0: wanted more than 0 episodes"),
        ("normalized(accuracy, eps=-1)", "eps is -1: wanted a finite number, at least 0"),
    ],
)
def test_refused(text, cause):
    with pytest.raises(ValueError) as caught:
        from_spec(text)
    assert cause in str(caught.value)
