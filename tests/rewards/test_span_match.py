"""The four ways to match spans: by hand, and beside a plain implementation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lingym.rewards import EntityF1
from lingym.types import Labelings, LabelSpace
from tests.rewards.plain_spans import averaged, matched, spans_of

MATCHES = ("strict", "exact", "partial", "type")
TAGS = ("B-LOC", "B-PER", "I-LOC", "I-PER", "O")
AVERAGES = ("micro", "macro", "weighted")

# (what it shows, gold, given, worth by strict, exact, partial, type), as MUC-5 and SemEval-2013
# task 9.1 count it: the spans of both sides are counted in the test.
CASES = [
    ("right", "B-PER I-PER O", "B-PER I-PER O", 1, 1, 1, 1),
    ("another type", "B-PER I-PER O", "B-LOC I-LOC O", 0, 1, 1, 0),
    ("too short", "B-PER I-PER O", "B-PER O O", 0, 0, 0.5, 1),
    ("too long", "O B-PER O", "B-PER I-PER I-PER", 0, 0, 0.5, 1),
    ("too short, another type", "B-PER I-PER O", "O B-LOC O", 0, 0, 0.5, 0),
    ("beside it", "B-PER O O", "O B-PER O", 0, 0, 0, 0),
    ("one in two parts", "B-PER I-PER I-PER I-PER", "B-PER I-PER B-PER I-PER", 0, 0, 0.5, 1),
    ("two in one", "B-PER B-PER", "B-PER I-PER", 0, 0, 0.5, 1),
    # The LOC takes the PER's place only if pairs are made in order, without regard to their worth.
    ("another type in its way", "B-PER I-PER I-PER", "B-LOC B-PER I-PER", 0, 0, 0.5, 1),
    ("each shifted by one", "B-PER I-PER B-PER I-PER O", "O B-PER I-PER B-PER I-PER", 0, 0, 1, 2),
    # The long span could have either; the best pairing leaves it the second.
    ("a chain", "B-PER I-PER B-PER O", "B-PER B-PER I-PER O", 0, 0, 1, 2),
    ("I- alone is no span", "O B-PER O", "O I-PER I-PER", 0, 0, 0, 0),
    ("type changes inside", "B-PER I-PER O", "B-PER I-LOC O", 0, 0, 0.5, 1),
]


def reward_of(names: tuple[str, ...] = TAGS, **options) -> EntityF1:
    reward = EntityF1(**options)
    reward.bind(LabelSpace(names))
    return reward


@pytest.mark.parametrize(("gold", "said", "worths"), [(g, p, w) for _, g, p, *w in CASES])
def test_by_hand(gold, said, worths, labelings):
    one = labelings([said.split()], [gold.split()], TAGS)
    spans = len(spans_of(said.split())) + len(spans_of(gold.split()))
    for match, worth in zip(MATCHES, worths, strict=True):
        assert matched(spans_of(said.split()), spans_of(gold.split()), match) == worth
        assert reward_of(match=match).score(one) == pytest.approx([2 * worth / spans], rel=1e-14)


@pytest.mark.parametrize("match", MATCHES)
@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_equals_the_plain_way(match, average, beta, random_labelings, names_of):
    names = (*TAGS[:4], "B-x", "I-x", "B-never", "O")
    many = random_labelings(11, len(names), episodes=400, units=12, outside=0.3)
    said, gold = names_of(many, names)
    how = {"match": match, "average": average, "beta": beta, "empty": 0.25}
    expected = [averaged(p, g, **how) for p, g in zip(said, gold, strict=True)]
    np.testing.assert_allclose(reward_of(names, **how).score(many), expected, rtol=1e-13)
    dense = reward_of(names, **how, dense=True).steps(many).sum(1)
    np.testing.assert_allclose(dense, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("match", MATCHES)
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_long_chains_of_overlaps(match, seed):
    """Few spans begin and hardly any unit is outside, so that most spans overlap several."""
    rng = np.random.default_rng(seed)
    labels, gold = (rng.choice(5, (3, 40), p=[0.05, 0.25, 0.1, 0.58, 0.02]) for _ in range(2))
    units = np.full(3, 40, np.int32)
    many = Labelings(*(ids.astype(np.int32) for ids in (labels, gold)), units, units, units)
    expected = [
        averaged(*([TAGS[i] for i in row] for row in rows), match, "micro", 1.0, 1.0)
        for rows in zip(labels, gold, strict=True)
    ]
    np.testing.assert_allclose(reward_of(match=match).score(many), expected, rtol=1e-13)


@pytest.mark.parametrize("match", MATCHES)
@pytest.mark.parametrize("average", AVERAGES)
def test_a_prefix_is_scored_as_though_the_rest_were_outside(
    match, average, random_labelings, names_of
):
    many = random_labelings(12, len(TAGS), episodes=40, units=9)
    steps = reward_of(match=match, average=average, dense=True).steps(many)
    said, gold = names_of(many, TAGS)
    for row, (p, g) in enumerate(zip(said, gold, strict=True)):
        for decided in range(1, len(g) + 1):
            prefix = p[:decided] + ["O"] * (len(g) - decided)
            expected = averaged(prefix, g, match, average, 1.0, 1.0)
            assert steps[row, :decided].sum() == pytest.approx(expected, abs=1e-13)


def test_weights_by_type(labelings):
    one = labelings([["B-PER", "O", "O"]], [["B-PER", "O", "B-LOC"]], TAGS)
    for weights, expected in [(None, 1 / 2), ({"PER": 3.0}, 3 / 4), ({"PER": 0.0}, 0.0)]:
        for dense in (False, True):
            reward = reward_of(average="macro", weights=weights, dense=dense)
            assert reward.score(one) == pytest.approx([expected])
            assert reward.steps(one).sum() == pytest.approx(expected)
    only = reward_of(average="macro", weights={"PER": 0.0, "LOC": 0.0}, empty=0.5)
    assert only.score(one) == [0.5]


def test_a_span_where_the_gold_has_none_is_wrong_whatever_the_average(labelings):
    one = labelings([["O", "B-PER"]], [["O", "O"]], TAGS)
    for average in AVERAGES:
        for dense in (False, True):
            reward = reward_of(average=average, dense=dense)
            assert reward.score(one) == [0.0]
            assert reward.steps(one).sum() == 0.0
