"""The deletion test: methods that find the deciding word beat chance, and chance does not."""

from itertools import pairwise

import numpy as np
import pytest

from lingym.agents.explain import Method, deletion_test
from lingym.agents.explain.faithfulness import BINS, _measures, _plan
from tests.agents.explain.test_attribution import trained


def test_who_finds_the_deciding_word_beats_chance() -> None:
    policy, dataset = trained()
    methods: list[Method] = ["leave-one-out", "integrated-gradients"]
    found = deletion_test(policy, dataset["test"], methods, rows=range(16), tolerance=0.1)
    assert [row.method for row in found] == [*methods, "random"]
    for row in found[:2]:
        assert row.beyond["comprehensiveness"].low > 0
        assert row.beyond["sufficiency"].high < 0
        assert row.beyond["area"].high < 0
        assert row.comprehensiveness.low <= row.comprehensiveness.mean <= row.comprehensiveness.high
    random = found[-1]
    assert all(vars(each) == {"mean": 0, "low": 0, "high": 0} for each in random.beyond.values())
    np.testing.assert_allclose([row.curve[0] for row in found], random.curve[0])
    again = deletion_test(policy, dataset["test"], methods[:1], rows=range(16))
    np.testing.assert_array_equal(again[0].texts, found[0].texts)


def test_words_go_in_order() -> None:
    order = np.array([4, 2, 0, 1])  # word 3 is a marker
    kept = _plan(order, 5)
    gone = [set(np.flatnonzero(~row).tolist()) for row in kept]
    assert gone[0] == set()
    assert gone[1:6] == [{4}, {4}, {4}, {4}, {4, 2}]  # 1, 5, 10, 20, 50 % of four, rounded up
    assert gone[6:11] == [{2, 0, 1}] * 4 + [{0, 1}]  # these alone
    assert gone[-1] == {4, 2, 0, 1} and gone[15] == {4, 2}
    assert all(before <= after for before, after in pairwise(gone[11:]))


def test_measures_are_as_defined() -> None:
    bins = len(BINS)
    removed, alone = np.linspace(0.8, 0.4, bins), np.linspace(0.1, 0.5, bins)
    tenths = np.linspace(0.81, 0.0, 10)
    found = _measures(np.concatenate([[0.9], removed, alone, tenths]))
    assert found[0] == pytest.approx(0.9 - 0.6)
    assert found[1] == pytest.approx(0.9 - 0.3)
    assert found[2] == pytest.approx(0.45)  # under a line from .9 to 0
    np.testing.assert_allclose(found[3:], np.append(0.9, tenths))


def test_one_text_is_no_test() -> None:
    policy, dataset = trained()
    with pytest.raises(ValueError, match="two texts or more, got 1"):
        deletion_test(policy, dataset["test"], rows=[0])
