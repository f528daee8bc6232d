"""The official measure of directed relations, by hand, and its gradient by differences."""

import numpy as np
import pytest

from lingym.rewards import RelationF1, RewardError, checked_score, semeval_metrics
from lingym.types import Labelings, LabelSpace

NAMES = ("A-B(e1,e2)", "A-B(e2,e1)", "C-D(e1,e2)", "C-D(e2,e1)", "E-F(e1,e2)", "Other")


def column(labels: list[int]) -> np.ndarray:
    return np.array(labels, np.int32)[:, None]


def test_a_confusion_matrix_by_hand():
    # gold, given, how often
    table = [
        (0, 0, 3),
        (0, 1, 1),  # wrong direction
        (0, 2, 1),
        (1, 1, 2),
        (1, 5, 1),
        (2, 2, 4),
        (3, 2, 2),  # wrong direction
        (5, 3, 1),
        (5, 4, 2),  # a relation that no gold label has: not averaged over
        (5, 5, 5),
    ]
    gold = column([g for g, _, times in table for _ in range(times)])
    given = column([p for _, p, times in table for _ in range(times)])
    # A-B: 5 right, 6 given (3 + 1 + 2), 8 gold (5 + 3). C-D: 4 right, 8 given, 6 gold.
    first, second = 2 * 5 / (6 + 8), 2 * 4 / (8 + 6)
    assert semeval_metrics(given, gold, NAMES) == pytest.approx(
        {
            "semeval_f1": (first + second) / 2,
            "precision": (5 / 6 + 4 / 8) / 2,
            "recall": (5 / 8 + 4 / 6) / 2,
            "micro_f1": 2 * 9 / (14 + 14),
            "accuracy": 14 / 22,
        }
    )


def test_right_and_wrong_labelings():
    gold = column([0, 1, 2, 3, 4, 5])
    assert semeval_metrics(gold, gold, NAMES)["semeval_f1"] == 1
    turned = column([1, 0, 3, 2, 5, 5])
    assert semeval_metrics(turned, gold, NAMES)["semeval_f1"] == 0
    nothing = column([5] * 6)
    assert semeval_metrics(nothing, gold, NAMES) == pytest.approx(
        {"semeval_f1": 0, "precision": 0, "recall": 0, "micro_f1": 0, "accuracy": 1 / 6}
    )


def plain(given: list[str], gold: list[str]) -> float:
    """The official score of strings, label by label."""
    total, relations = 0.0, sorted({name.split("(")[0] for name in gold} - {"Other"})
    for relation in relations:
        pairs = list(zip(given, gold, strict=True))
        right = sum(p == g and g.startswith(relation) for p, g in pairs)
        precision = right / max(sum(p.startswith(relation) for p in given), 1)
        recall = right / sum(g.startswith(relation) for g in gold)
        if right:
            total += 2 * precision * recall / (precision + recall)
    return total / len(relations)


@pytest.mark.parametrize("seed", range(10))
def test_random_labels(seed):
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 6, 30)
    gold[0] = 0
    given = np.where(rng.random(30) < 0.6, gold, rng.integers(0, 6, 30))
    expected = plain([NAMES[i] for i in given], [NAMES[i] for i in gold])
    measured = semeval_metrics(column(given), column(gold), NAMES)["semeval_f1"]
    assert measured == pytest.approx(expected, rel=1e-14)


COUNTS = np.array([300, 100, 500, 100, 200, 900])  # A-B 400, C-D 600, E-F 200: 400 on average


def every_pair() -> Labelings:
    gold, given = (column(axis.ravel()) for axis in np.meshgrid(range(6), range(6)))
    one = np.ones(36, np.int32)
    examples = np.arange(36, dtype=np.int32)
    return Labelings(given, gold, one, one, examples, facts={"label_counts": COUNTS})


@pytest.mark.parametrize("point", [0.0, 0.5, 0.8, 0.95])
def test_a_label_is_worth_what_it_adds_to_the_corpus_score(point):
    reward = RelationF1(operating_point=point)
    reward.bind(LabelSpace(NAMES))
    pairs = every_pair()
    relation = np.array([0, 0, 1, 1, 2, -1])
    gold = np.bincount(relation[:5], COUNTS[:5])

    def macro(tp: np.ndarray, predicted: np.ndarray, wanted: np.ndarray) -> float:
        return float((2 * tp / (predicted + wanted)).mean())

    before, little = macro(point * gold, gold, gold), 1e-4
    for worth, given, wanted in zip(
        checked_score(reward, pairs), pairs.labels[:, 0], pairs.gold[:, 0], strict=True
    ):
        in_given, in_wanted = (np.arange(3) == relation[label] for label in (given, wanted))
        right = in_wanted * (given == wanted)
        after = macro(
            point * gold + little * right, gold + little * in_given, gold + little * in_wanted
        )
        gained = (after - before) / little * 3  # of the sum, not the mean
        assert worth == pytest.approx(gained * gold.mean() / (1 - point), abs=1e-4)


def test_a_right_label_of_an_average_relation_is_worth_1():
    reward = RelationF1()
    reward.bind(LabelSpace(NAMES))
    pairs = every_pair()
    worth = reward.score(pairs).reshape(6, 6)  # [given, gold]
    np.testing.assert_allclose(np.diag(worth), [1, 1, 400 / 600, 400 / 600, 2, 0])
    np.testing.assert_allclose(worth[5, :2], -0.8 / 0.4)  # an average relation missed
    np.testing.assert_allclose(worth[:2, 5], -0.8 / 0.4)  # and one that is not there
    np.testing.assert_allclose(worth[0, 1], -0.8 / 0.2)  # the wrong direction
    np.testing.assert_array_equal(worth.argmax(0), range(6))


def test_the_table_holds_the_worth_of_every_label():
    reward = RelationF1(operating_point=0.6)
    reward.bind(LabelSpace(NAMES))
    pairs = every_pair()
    table = reward.table(pairs, 6)
    assert table.shape == (36, 1, 6)
    np.testing.assert_allclose(table[range(36), 0, pairs.labels[:, 0]], reward.score(pairs))


def test_a_relation_without_gold_labels():
    reward = RelationF1()
    reward.bind(LabelSpace(NAMES))
    counts = np.array([4, 0, 4, 0, 0, 2])
    one = np.ones(2, np.int32)
    two = Labelings(column([4, 4]), column([5, 0]), one, one, one, facts={"label_counts": counts})
    np.testing.assert_allclose(reward.score(two), [0, -2])
    nothing = Labelings(*[column([5])] * 2, *[one[:1]] * 3, facts={"label_counts": counts * 0})
    assert reward.score(nothing) == [0]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (("A-B(e1,e2)", "A-B"), "label 'A-B' is no directed relation: wanted names such as"),
        (("A-B(e1,e1)",), r"label 'A-B\(e1,e1\)' is no directed relation"),
        (("(e1,e2)",), r"label '\(e1,e2\)' is no directed relation"),
        (("other",), "label 'other' is no directed relation"),
        (("Other",), r"no label is a directed relation: found \['Other'\]"),
    ],
)
def test_names_refused(names, text):
    with pytest.raises(ValueError, match=text):
        RelationF1().bind(LabelSpace(names))
    with pytest.raises(ValueError, match=text):
        semeval_metrics(column([0]), column([0]), names)


def test_refused():
    for point in (1, -0.1, np.nan):
        with pytest.raises(ValueError, match="operating_point is"):
            RelationF1(operating_point=point)
    with pytest.raises(ValueError, match="every gold label is Other"):
        semeval_metrics(column([0]), column([5]), NAMES)
    with pytest.raises(ValueError, match="nothing to measure: no unit has a gold label"):
        semeval_metrics(column([0]), column([-1]), NAMES)
    reward = RelationF1()
    reward.bind(LabelSpace(NAMES))
    one = np.ones(1, np.int32)
    with pytest.raises(RewardError, match=r"needs facts\['label_counts'\] of the split, which has"):
        reward.score(Labelings(column([0]), column([0]), one, one, one))
    wrong = Labelings(*[column([0])] * 2, one, one, one, facts={"label_counts": np.ones(3)})
    with pytest.raises(RewardError, match=r"has the shape \[3\]: wanted \[6\]"):
        reward.score(wrong)


@pytest.mark.data
def test_the_real_label_set(data_dir):
    import json
    import lzma

    with lzma.open(data_dir / "semeval2010_task8" / "test.jsonl.xz", "rt", newline="\n") as lines:
        gold = [json.loads(line)["label"] for line in lines]
    names = tuple(sorted(set(gold)))
    ids = np.array([names.index(label) for label in gold], np.int32)
    rng = np.random.default_rng(0)
    given = np.where(rng.random(len(ids)) < 0.7, ids, rng.integers(0, len(names), len(ids)))
    metrics = semeval_metrics(column(given), column(ids), names)
    assert metrics["semeval_f1"] == pytest.approx(plain([names[i] for i in given], gold), rel=1e-14)
    reward = RelationF1()
    reward.bind(LabelSpace(names))
    one = np.ones(len(ids), np.int32)
    counts = {"label_counts": np.bincount(ids, minlength=len(names))}
    right = Labelings(column(ids), column(ids), one, one, np.arange(len(ids)), facts=counts)
    worth = reward.score(right)[[label != "Other" for label in gold]]
    # Nine relations, each worth the average number of its labels in all.
    assert worth.mean() == pytest.approx(1, rel=1e-12)
