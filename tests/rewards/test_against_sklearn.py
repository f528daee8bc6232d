"""F1 of labels, and the corpus measures of labels, equal scikit-learn's."""

from itertools import chain

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    fbeta_score,
    matthews_corrcoef,
    precision_score,
    recall_score,
)

from lingym.rewards import F1, MCC, Accuracy, corpus_metrics
from lingym.types import LabelSpace

NAMES = ("a", "b", "c", "d")
one_label = pytest.mark.filterwarnings("ignore:A single label was found")


@pytest.mark.parametrize("empty", [0.0, 1.0])
@pytest.mark.parametrize("average", ["micro", "macro"])
@pytest.mark.parametrize("counts", [{}, {"ignore": ("d",)}, {"label": "b"}], ids=str)
def test_f1_equals_sklearn(average, counts, empty, random_labelings, names_of):
    labelings = random_labelings(1, len(NAMES), episodes=130, units=6, outside=0.4)
    reward = F1(average=average, empty=empty, **counts)
    reward.bind(LabelSpace(NAMES))
    given, gold = names_of(labelings, NAMES)
    expected = []
    for p, g in zip(given, gold, strict=True):
        labels = sorted(set(p + g) - set(counts.get("ignore", ())))
        if "label" in counts:
            labels = [label for label in labels if label == counts["label"]]
        score = empty
        if labels:
            score = f1_score(g, p, labels=labels, average=average, zero_division=empty)
        expected.append(score)
    np.testing.assert_allclose(reward.score(labelings), expected, rtol=1e-14)


@pytest.mark.parametrize("average", ["micro", "macro"])
def test_dense_f1_takes_an_undecided_unit_for_one_missed(average, random_labelings, names_of):
    labelings = random_labelings(2, len(NAMES), episodes=60, units=6)
    reward = F1(average=average, dense=True)
    reward.bind(LabelSpace(NAMES))
    steps = reward.steps(labelings)
    given, gold = names_of(labelings, NAMES)
    for row, (p, g) in enumerate(zip(given, gold, strict=True)):
        for decided in range(1, len(g) + 1):
            prefix = p[:decided] + ["none"] * (len(g) - decided)
            labels = sorted(set(p[:decided] + g))
            expected = f1_score(g, prefix, labels=labels, average=average, zero_division=0)
            assert steps[row, :decided].sum() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("beta", [0.5, 2, 3.7])
@pytest.mark.parametrize("average", ["micro", "macro", "weighted"])
@pytest.mark.parametrize("counts", [{}, {"ignore": ("d",)}, {"label": "b"}], ids=str)
def test_f_beta_equals_sklearn(average, counts, beta, random_labelings, names_of):
    labelings = random_labelings(4, len(NAMES), episodes=50, units=6, outside=0.4)
    reward = F1(average=average, empty=0.0, beta=beta, **counts)
    dense = F1(average=average, empty=0.0, beta=beta, dense=True, **counts)
    for one in (reward, dense):
        one.bind(LabelSpace(NAMES))
    given, gold = names_of(labelings, NAMES)
    wanted = [counts["label"]] if "label" in counts else set(NAMES) - set(counts.get("ignore", ()))
    expected = []
    for p, g in zip(given, gold, strict=True):
        labels = sorted(set(p + g) & set(wanted))
        how = {"labels": labels, "average": average, "beta": beta, "zero_division": 0.0}
        expected.append(fbeta_score(g, p, **how) if labels else 0.0)
    np.testing.assert_allclose(reward.score(labelings), expected, rtol=1e-14)
    np.testing.assert_allclose(dense.steps(labelings).sum(1), expected, rtol=0, atol=1e-14)


def test_weights_are_those_of_the_mean(random_labelings, names_of):
    labelings = random_labelings(5, len(NAMES), episodes=90, units=6, outside=0.2)
    weights = {"a": 3.0, "b": 0.5, "c": 0.0}
    reward = F1(average="macro", empty=0.25, weights=weights, beta=2.0)
    reward.bind(LabelSpace(NAMES))
    expected = []
    for p, g in zip(*names_of(labelings, NAMES), strict=True):
        labels = sorted(set(p + g))
        each = fbeta_score(g, p, labels=labels, average=None, beta=2.0, zero_division=0)
        own = [weights.get(label, 1.0) for label in labels]
        expected.append(np.average(each, weights=own) if any(own) else 0.25)
    np.testing.assert_allclose(reward.score(labelings), expected, rtol=1e-14)


def test_a_prediction_where_no_gold_label_is_counted_is_wrong_whatever_the_average(labelings):
    one = labelings([["a", "b"]], [["b", "b"]], ("a", "b"))
    for average in ("micro", "macro", "weighted"):
        for dense in (False, True):
            reward = F1(average=average, label="a", empty=1.0, dense=dense)
            reward.bind(LabelSpace(("a", "b")))
            assert reward.score(one) == [0.0]
            assert reward.steps(one).sum() == 0.0


@one_label
@pytest.mark.parametrize("labels", [2, 4])
def test_mcc_equals_sklearn(labels, random_labelings, names_of):
    names = NAMES[:labels]
    labelings = random_labelings(6, labels, episodes=200, units=9, outside=0.4)
    sparse, dense, paid = MCC(), MCC(dense=True), MCC(empty=0.7)
    for reward in (sparse, dense, paid):
        reward.bind(LabelSpace(names))
    given, gold = names_of(labelings, names)
    expected = np.array([matthews_corrcoef(g, p) for p, g in zip(given, gold, strict=True)])
    np.testing.assert_allclose(sparse.score(labelings), expected, rtol=0, atol=1e-14)
    np.testing.assert_allclose(dense.steps(labelings).sum(1), expected, rtol=0, atol=1e-14)
    alike = [p == g and len(set(g)) == 1 for p, g in zip(given, gold, strict=True)]
    assert any(alike) and not all(alike)
    np.testing.assert_allclose(
        paid.score(labelings), np.where(alike, 0.7, expected), rtol=0, atol=1e-14
    )


@one_label
def test_dense_mcc_takes_an_undecided_unit_for_a_label_of_its_own(random_labelings, names_of):
    labelings = random_labelings(7, len(NAMES), episodes=60, units=6)
    reward = MCC(dense=True)
    reward.bind(LabelSpace(NAMES))
    steps = reward.steps(labelings)
    given, gold = names_of(labelings, NAMES)
    for row, (p, g) in enumerate(zip(given, gold, strict=True)):
        for decided in range(1, len(g) + 1):
            prefix = p[:decided] + ["none"] * (len(g) - decided)
            expected = matthews_corrcoef(g, prefix)
            assert steps[row, :decided].sum() == pytest.approx(expected, abs=1e-14)


def test_accuracy_equals_sklearn(random_labelings, names_of):
    labelings = random_labelings(3, len(NAMES), episodes=300, units=7)
    given, gold = names_of(labelings, NAMES)
    expected = [accuracy_score(g, p) for p, g in zip(given, gold, strict=True)]
    np.testing.assert_allclose(Accuracy().score(labelings), expected, rtol=1e-14)


@pytest.mark.parametrize("names", [NAMES, ("B-x", "I-x", "O")], ids=str)
@pytest.mark.parametrize("seed", range(15))
def test_corpus_metrics_equal_sklearn(names, seed, random_labelings, names_of):
    labelings = random_labelings(seed, len(names), episodes=1 + seed, units=3, outside=0.5)
    given, gold = (list(chain(*rows)) for rows in names_of(labelings, names))
    metrics = corpus_metrics(labelings.labels, labelings.gold, names)
    macro = {"average": "macro", "zero_division": 0}
    expected = {
        "accuracy": accuracy_score(gold, given),
        "macro_f1": f1_score(gold, given, **macro),
        "micro_f1": f1_score(gold, given, average="micro"),
    }
    if names is NAMES:
        expected["precision"] = precision_score(gold, given, **macro)
        expected["recall"] = recall_score(gold, given, **macro)
    for name, value in expected.items():
        assert metrics[name] == pytest.approx(value, rel=1e-14), name
    assert ("entity_f1" in metrics) == (names is not NAMES)
