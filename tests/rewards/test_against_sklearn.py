"""F1 of labels, and the corpus measures of labels, equal scikit-learn's."""

from itertools import chain

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from lingym.rewards import F1, Accuracy, corpus_metrics
from lingym.types import LabelSpace

NAMES = ("a", "b", "c", "d")


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
