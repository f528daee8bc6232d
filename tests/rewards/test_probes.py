"""Labelings of known worth, on cases that can be checked by hand."""

import numpy as np
import pytest

from lingym.rewards.probes import (
    commonest,
    differing,
    rank_correlation,
    shifted,
    silent,
    to_corrupt,
)
from lingym.types import LabelSpace

TAGS = LabelSpace(("B-LOC", "B-PER", "I-LOC", "I-PER", "O"))
KINDS = LabelSpace.joined({"slot": TAGS, "intent": LabelSpace(("ask", "play"))})


def ids(space, rows):
    return np.array([[space.places[n] if n else -1 for n in r.split(",")] for r in rows], np.int32)


@pytest.mark.parametrize(
    ("gold", "moved"),
    [
        ("O,B-PER,O,O", "O,B-PER,I-PER,O"),
        ("O,B-PER,I-PER,O", "O,B-PER,I-PER,I-PER"),
        ("O,O,B-PER,I-PER", "O,O,B-PER,O"),
        ("O,O,O,B-PER", "O,O,O,B-PER"),
        ("B-PER,I-PER,B-PER,O", "B-PER,O,B-PER,I-PER"),
        ("B-LOC,I-LOC,B-PER,I-PER", "B-LOC,O,B-PER,O"),
        ("B-LOC,O,B-LOC,", "B-LOC,I-LOC,B-LOC,"),
        ("O,O,O,O", "O,O,O,O"),
    ],
)
def test_spans_are_moved_by_one_unit(gold, moved):
    np.testing.assert_array_equal(shifted(ids(TAGS, [gold]), TAGS), ids(TAGS, [moved]))


def test_rows_do_not_touch_and_inputs_stay():
    gold = ids(TAGS, ["O,B-PER", "I-PER,O", "O,O"])
    before = gold.copy()
    np.testing.assert_array_equal(shifted(gold, TAGS)[0], gold[0])
    np.testing.assert_array_equal(gold, before)


def test_only_the_kind_with_spans_is_shifted():
    gold = ids(KINDS, ["slot/B-PER,slot/O,intent/play", "slot/O,slot/B-PER,intent/ask"])
    moved = ids(KINDS, ["slot/B-PER,slot/I-PER,intent/play", "slot/O,slot/B-PER,intent/ask"])
    np.testing.assert_array_equal(shifted(gold, KINDS), moved)


def test_a_type_without_an_inside_tag_keeps_its_end():
    space = LabelSpace(("B-a", "B-b", "I-b", "O"))
    gold = ids(space, ["B-a,O,B-b,O"])
    np.testing.assert_array_equal(shifted(gold, space), ids(space, ["B-a,O,B-b,I-b"]))


@pytest.mark.parametrize("names", [("a", "b"), ("B-a", "I-a"), ("O", "I-a")])
def test_labels_that_are_no_spans_are_refused(names):
    with pytest.raises(ValueError, match="no spans"):
        shifted(np.zeros((1, 2), np.int32), LabelSpace(names))


def test_fewer_wrong_units_are_among_more():
    real = np.arange(20) < np.array([[20], [7]]).repeat(50, 0)
    few, many = (to_corrupt(np.random.default_rng(3), real, share) for share in (0.05, 0.2))
    assert (few <= many).all()
    assert not (many & ~real).any()
    assert 0.15 < many.sum() / real.sum() < 0.25
    assert 0.03 < few.sum() / real.sum() < 0.07


def test_the_commonest_label_of_each_group():
    gold = np.array([[0, 2, 1], [0, 2, -1], [1, 0, 1]], np.int32)
    roles = np.tile(np.arange(3, dtype=np.int32), (3, 1))
    wanted = [[0, 2, 1], [0, 2, -1], [0, 2, 1]]
    np.testing.assert_array_equal(commonest(gold, roles, 3), wanted)
    wanted = [[0, 0, 0], [0, 0, -1], [0, 0, 0]]  # 0 and 1 are as common: the first
    np.testing.assert_array_equal(commonest(gold, np.zeros_like(gold), 3), wanted)


def test_what_says_nothing():
    assert silent(TAGS).tolist() == [4]
    assert silent(KINDS).tolist() == [KINDS.places["slot/O"], -1]
    assert silent(LabelSpace(("no", "yes"))).tolist() == [0]
    assert silent(LabelSpace(("bad", "good"))).tolist() == [-1]
    assert silent(LabelSpace((), form="candidates", span=3)).tolist() == [0]
    assert silent(LabelSpace((), form="candidates")).tolist() == [-1]


def test_rank_correlation_by_hand():
    one = np.array([1.0, 2.0, 3.0, 4.0])
    assert rank_correlation(one, one**3) == pytest.approx(1)
    assert rank_correlation(one, -np.exp(one)) == pytest.approx(-1)
    assert rank_correlation(one, np.array([1.0, 3.0, 2.0, 4.0])) == pytest.approx(0.8)
    tied = rank_correlation(np.array([1.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0]))
    assert tied == pytest.approx(np.sqrt(0.75))
    assert rank_correlation(one, np.ones(4)) == 0.0


def test_scores_differ_where_not_all_are_one():
    scores = np.array([[0.0, 1.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 0.5 + 1e-15]])
    assert differing(scores).tolist() == [False, True, False]
