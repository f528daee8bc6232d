"""Literal labelings with their rewards worked out by hand."""

import math

import numpy as np
import pytest

from lingym.rewards import F1, Accuracy, CrossEntropy, EntityF1, from_function
from lingym.types import LabelSpace

# (what it shows, gold, given, F1)
SPANS = [
    ("right", "B-PER I-PER O B-LOC", "B-PER I-PER O B-LOC", 1),
    ("one of two", "B-PER I-PER O B-LOC", "B-PER I-PER O O", 2 / 3),
    ("too short", "B-PER I-PER O B-LOC", "B-PER O O B-LOC", 1 / 2),
    ("too long", "B-PER O O B-LOC", "B-PER I-PER O B-LOC", 1 / 2),
    ("another type", "B-PER I-PER", "B-LOC I-LOC", 0),
    ("type changes inside", "B-PER I-PER", "B-PER I-LOC", 0),
    ("type changes after the end", "B-PER O", "B-PER I-LOC", 1),
    ("I- alone begins nothing", "O B-PER I-PER", "O I-PER I-PER", 0),
    ("I- alone, in the gold too", "I-PER I-PER O", "I-PER I-PER O", 9),
    ("I- after O goes on with nothing", "B-PER O O", "B-PER O I-PER", 1),
    ("neighbours of one type", "B-PER B-PER I-PER", "B-PER B-PER I-PER", 1),
    ("neighbours taken for one", "B-PER B-PER I-PER", "B-PER I-PER I-PER", 0),
    ("one taken for neighbours", "B-PER I-PER I-PER", "B-PER I-PER B-PER", 0),
    ("none found", "B-PER O", "O O", 0),
    ("none there", "O O", "O B-LOC", 0),
    ("neither", "O O", "O O", 9),
]


@pytest.mark.parametrize(
    ("gold", "given", "f1"), [case[1:] for case in SPANS], ids=[c[0] for c in SPANS]
)
def test_entity_f1_of_one_sentence(gold, given, f1, labelings, tags):
    reward = EntityF1(empty=9)
    reward.bind(LabelSpace(tags))
    assert reward.score(labelings([given.split()], [gold.split()], tags)) == pytest.approx([f1])


def test_spans_do_not_cross_sentences(labelings, tags):
    reward = EntityF1()
    reward.bind(LabelSpace(tags))
    gold = [["O", "B-PER"], ["I-PER", "O"]]
    np.testing.assert_array_equal(reward.score(labelings(gold, gold, tags)), [1.0, 1.0])


# (gold, given, dense step rewards)
DENSE = [
    ("B-PER I-PER O B-LOC", "B-PER I-PER O B-LOC", [0, 2 / 3, 0, 1 / 3]),
    # The first label ends a span of one unit as long as the second is undecided.
    ("B-PER O O", "B-PER I-PER O", [1, -1, 0]),
    ("B-PER I-PER O", "B-PER O O", [0, 0, 0]),
    ("B-PER I-PER O", "B-PER I-PER I-PER", [0, 1, -1]),
    ("O B-PER O", "O O O", [0, 0, 0]),
    ("O O O", "O O O", [9, 0, 0]),
    ("O O O", "O B-PER O", [9, -9, 0]),
    ("B-PER B-PER", "B-PER B-PER", [2 / 3, 1 / 3]),
]


@pytest.mark.parametrize(("gold", "given", "rewards"), DENSE)
def test_dense_entity_f1(gold, given, rewards, labelings, tags):
    reward = EntityF1(dense=True, empty=9)
    reward.bind(LabelSpace(tags))
    steps = reward.steps(labelings([given.split()], [gold.split()], tags))
    np.testing.assert_allclose(steps, [rewards], rtol=1e-14, atol=1e-15)


def test_accuracy(labelings):
    two = labelings([["a", "b", "b"], ["a"]], [["a", "b", "a"], ["b"]], ("a", "b"))
    np.testing.assert_allclose(Accuracy().steps(two), [[1 / 3, 1 / 3, 0], [0, 0, 0]])
    np.testing.assert_allclose(Accuracy(dense=False).steps(two), [[0, 0, 2 / 3], [0, 0, 0]])


def test_f1(labelings):
    names = ("a", "b", "c")
    one = labelings([["a", "a", "b", "c"]], [["a", "b", "b", "b"]], names)
    # a: 2 of 2 + 1; b: 2 of 1 + 3; c: 0 of 1 + 0
    for reward, expected in [
        (F1(), 4 / 8),
        (F1(average="macro"), (2 / 3 + 2 / 4 + 0) / 3),
        (F1(average="macro", ignore=("c",)), (2 / 3 + 2 / 4) / 2),
        (F1(ignore=("a",)), 2 / 5),
        (F1(label="b"), 2 / 4),
        (F1(label="c"), 0),
    ]:
        reward.bind(LabelSpace(names))
        np.testing.assert_allclose(reward.score(one), [expected], err_msg=repr(reward))


def test_f1_of_labels_that_are_not_there_is_empty(labelings):
    one = labelings([["a"]], [["a"]], ("a", "b"))
    for reward in (F1(label="b", empty=7), F1(ignore=("a",), empty=7, average="macro")):
        reward.bind(LabelSpace(("a", "b")))
        assert reward.score(one) == [7.0]


def test_cross_entropy(labelings):
    reward = CrossEntropy(smoothing=0.3)
    reward.bind(LabelSpace(("a", "b", "c")))
    one = labelings([["a", "b"]], [["a", "c"]], ("a", "b", "c"))
    np.testing.assert_allclose(reward.steps(one), [[math.log(0.8), math.log(0.1)]], rtol=1e-14)


@pytest.mark.parametrize("seed", range(5))
def test_cross_entropy_plus_entropy_is_minus_kl(seed, labelings):
    names = tuple("abcde")
    reward = CrossEntropy(smoothing=0.2)
    reward.bind(LabelSpace(names))
    gold = seed % 5
    rewards = reward.score(labelings([[name] for name in names], [[names[gold]]] * 5, names))
    q = 0.8 * np.eye(5)[gold] + 0.2 / 5
    policy = np.random.default_rng(seed).dirichlet(np.ones(5))
    divergence = (policy * np.log(policy / q)).sum()
    entropy = -(policy * np.log(policy)).sum()
    assert (policy * rewards).sum() + entropy == pytest.approx(-divergence, rel=1e-12)
    assert (q * rewards).sum() - (q * np.log(q)).sum() == pytest.approx(0, abs=1e-15)


def test_a_function_sees_whole_labelings_only(labelings):
    calls = []

    def first_right(predicted: list[str], gold: list[str]) -> float:
        calls.append((predicted, gold))
        return predicted[0] == gold[0]

    reward = from_function(first_right)
    reward.bind(LabelSpace(("a", "b")))
    two = labelings([["a", "b"], ["b"]], [["a", "a"], ["a"]], ("a", "b"))
    np.testing.assert_array_equal(reward.steps(two), [[0, 1], [0, 0]])
    assert calls == [(["a", "b"], ["a", "a"]), (["b"], ["a"])]


def test_parts_are_raw_and_told_apart(labelings, tags):
    reward = 0.5 * EntityF1(empty=0.0) + 3 * EntityF1() + Accuracy() + EntityF1(dense=True)
    reward.bind(LabelSpace(tags))
    one = labelings([["O", "O"]], [["O", "O"]], tags)
    parts = {name: part.tolist() for name, part in reward.parts(one).items()}
    assert parts == {
        "entity_f1": [0.0],
        "entity_f1_2": [1.0],
        "accuracy": [1.0],
        "entity_f1_3": [1.0],
    }
    assert reward.score(one) == [5.0]


def test_sums_of_sums_are_flat():
    inner = 0.5 * Accuracy() + EntityF1()
    assert repr(2 * inner + CrossEntropy()) == (
        f"1.0 * Accuracy(dense=True) + 2.0 * {EntityF1()!r} + 1.0 * CrossEntropy(smoothing=0.1)"
    )
