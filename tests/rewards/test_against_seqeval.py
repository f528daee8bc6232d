"""Entity F1 equals seqeval's strict mode, on tag sequences of which most are not valid."""

import numpy as np
import pytest
from seqeval.metrics import classification_report, f1_score, precision_score, recall_score
from seqeval.metrics.v1 import precision_recall_fscore_support
from seqeval.scheme import IOB2

from lingym.rewards import EntityF1, corpus_metrics, span_report
from lingym.types import LabelSpace

# seqeval warns where a ratio is 0 / 0 although zero_division says what to give.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")

STRICT = {"mode": "strict", "scheme": IOB2, "zero_division": 0}
LABELS = [
    ("B-LOC", "B-PER", "I-LOC", "I-PER", "O"),
    ("B-x", "I-x", "O"),
    ("B-a-b", "B-a", "I-a", "I-a-b", "I-never-begun", "O"),
    ("I-x", "B-x"),
    (*(f"{prefix}-{kind}" for kind in range(150) for prefix in "IB"), "O"),
]


@pytest.mark.parametrize("names", LABELS, ids=len)
@pytest.mark.parametrize("empty", [0.0, 1.0, 0.25])
def test_entity_f1_equals_seqeval(names, empty, random_labelings, names_of):
    labelings = random_labelings(0, len(names), episodes=500, units=9, outside=0.4)
    reward = EntityF1(empty=empty)
    reward.bind(LabelSpace(names))
    given, gold = names_of(labelings, names)
    expected = [
        f1_score([g], [p], **STRICT) if any(tag[0] == "B" for tag in g + p) else empty
        for p, g in zip(given, gold, strict=True)
    ]
    np.testing.assert_allclose(reward.score(labelings), expected, rtol=1e-14)


@pytest.mark.parametrize("names", LABELS[:3], ids=len)
@pytest.mark.parametrize("average", ["micro", "macro", "weighted"])
@pytest.mark.parametrize("beta", [1.0, 0.5, 3])
def test_entity_f_beta_and_its_averages_equal_seqeval(
    names, average, beta, random_labelings, names_of
):
    labelings = random_labelings(9, len(names), episodes=100, units=9, outside=0.4)
    given, gold = names_of(labelings, names)
    how = {"average": average, "beta": beta, "scheme": IOB2, "zero_division": 0}
    expected = [
        precision_recall_fscore_support([g], [p], **how)[2]
        if any(tag[0] == "B" for tag in g + p)
        else 0.25
        for p, g in zip(given, gold, strict=True)
    ]
    for dense in (False, True):
        reward = EntityF1(average=average, beta=beta, empty=0.25, dense=dense)
        reward.bind(LabelSpace(names))
        np.testing.assert_allclose(reward.score(labelings), expected, rtol=1e-14)
        np.testing.assert_allclose(reward.steps(labelings).sum(1), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("names", LABELS, ids=len)
@pytest.mark.parametrize("seed", range(8))
def test_corpus_metrics_equal_seqeval(names, seed, random_labelings, names_of):
    labelings = random_labelings(seed, len(names), episodes=1 + 3 * seed, units=12, outside=0.4)
    given, gold = names_of(labelings, names)
    metrics = corpus_metrics(labelings.labels, labelings.gold, names)
    assert metrics["entity_f1"] == pytest.approx(f1_score(gold, given, **STRICT), rel=1e-14)
    assert metrics["precision"] == pytest.approx(precision_score(gold, given, **STRICT), rel=1e-14)
    assert metrics["recall"] == pytest.approx(recall_score(gold, given, **STRICT), rel=1e-14)


@pytest.mark.parametrize("seed", range(12))
def test_span_report_equals_seqeval(seed, tags, random_labelings, names_of):
    labelings = random_labelings(seed, len(tags), episodes=8, units=7)
    given, gold = names_of(labelings, tags)
    theirs = classification_report(gold, given, output_dict=True, **STRICT)
    report = span_report(labelings.labels, labelings.gold, tags)
    assert list(report) == ["LOC", "PER"]
    for kind, ours in report.items():
        assert ours["precision"] == pytest.approx(theirs[kind]["precision"], rel=1e-14)
        assert ours["recall"] == pytest.approx(theirs[kind]["recall"], rel=1e-14)
        assert ours["f1"] == pytest.approx(theirs[kind]["f1-score"], rel=1e-14)
        assert ours["support"] == theirs[kind]["support"]
