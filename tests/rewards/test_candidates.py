"""Labels that are candidates, and labelings that a label stopped."""

import numpy as np
import pytest

from lingym.rewards import (
    F1,
    Accuracy,
    CrossEntropy,
    EntityF1,
    ExactMatch,
    candidate_metrics,
    checked_score,
    from_function,
)
from lingym.types import Labelings, LabelSpace

CHOICES = LabelSpace((), form="candidates", roles=("answer",))


def episodes(labels: list[list[int]], gold: list[list[int]]) -> Labelings:
    """Complete episodes from ids; they end with their last label."""
    given = np.array(labels, np.int32)
    lengths = (given >= 0).sum(1).astype(np.int32)
    examples = np.arange(len(given), dtype=np.int32)
    return Labelings(given, np.array(gold, np.int32), lengths, lengths, examples)


@pytest.mark.parametrize("reward", [Accuracy(), ExactMatch(), 0.5 * Accuracy() + ExactMatch()])
def test_candidates_are_compared_with_gold(reward):
    reward.bind(CHOICES)
    score = checked_score(reward, episodes([[0], [7], [2]], [[0], [7], [1]]))
    assert (score[:2] == score[0]).all() and score[0] > score[2] == 0


@pytest.mark.parametrize("reward", [CrossEntropy(), F1(), EntityF1(), from_function(max)], ids=repr)
def test_rewards_that_read_names_refuse_candidates(reward):
    with pytest.raises(ValueError, match=f"reward {reward.name} reads the names of labels"):
        reward.bind(CHOICES)
    with pytest.raises(ValueError, match=f"reward {reward.name} reads the names of labels"):
        (Accuracy() + reward).bind(CHOICES)


@pytest.mark.parametrize(
    ("other", "text"),
    [
        (LabelSpace((), form="candidates", roles=("start", "end")), r"roles \['answer'\] and can"),
        (LabelSpace(("a",)), r"labels \[\] and cannot score \['a'\] too"),
        (LabelSpace((), form="text", roles=("answer",)), "form candidates and cannot score text"),
        (
            LabelSpace((), form="candidates", roles=("answer",), kinds=("x",)),
            r"kinds \[\] and cannot score \['x'\] too: make a reward for each task",
        ),
    ],
)
def test_bound_to_another_task(other, text):
    reward = Accuracy()
    reward.bind(CHOICES)
    reward.bind(LabelSpace((), form="candidates", roles=("answer",)))
    with pytest.raises(ValueError, match=text):
        reward.bind(other)


# CONTINUE is 0 and ANSWER is 1; the gold answers the second choice of three.
STOPPED = [
    ("right", [0, 1, -1], 1, 1),
    ("too early", [1, -1, -1], 0, 0),
    ("too late", [0, 0, 1], 1 / 2, 0),
    ("never", [0, 0, 0], 1 / 2, 0),
]


@pytest.mark.parametrize(
    ("labels", "accuracy", "exact"), [case[1:] for case in STOPPED], ids=[c[0] for c in STOPPED]
)
def test_an_episode_that_a_label_stopped(labels, accuracy, exact):
    one = episodes([labels], [[0, 1, -1]])
    assert Accuracy().score(one) == [accuracy]
    assert Accuracy().steps(one).sum() == accuracy
    assert ExactMatch().score(one) == [exact]
    expected = np.zeros((1, 3))
    expected[0, one.lengths[0] - 1] = exact
    np.testing.assert_array_equal(ExactMatch().steps(one), expected)


def test_stopping_before_the_gold_does_is_no_exact_match():
    assert ExactMatch().score(episodes([[0, -1], [0, 1]], [[0, 1], [0, 1]])).tolist() == [0, 1]
    assert Accuracy().score(episodes([[0, -1]], [[0, 1]])) == [0.5]


def test_candidate_metrics():
    both = episodes([[0, 3], [7, -1], [2, 2]], [[0, 4], [7, -1], [2, 2]])
    assert candidate_metrics(both.labels, both.gold) == {"accuracy": 4 / 5}


@pytest.mark.parametrize(
    ("labels", "gold", "text"),
    [
        ([[0, 1]], [[0]], r"predicted is \[1, 2\] and gold \[1, 1\]"),
        ([[0]], [[-1]], "nothing to measure: no unit has a gold label"),
        ([[-1]], [[0]], "a unit with a gold label has no predicted label: found -1"),
    ],
)
def test_candidate_metrics_refuse(labels, gold, text):
    with pytest.raises(ValueError, match=text):
        candidate_metrics(np.array(labels, np.int32), np.array(gold, np.int32))
