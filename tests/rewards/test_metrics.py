"""Corpus metrics by hand, and what they refuse."""

import numpy as np
import pytest

from lingym.rewards import corpus_metrics, span_report


def test_entities_of_a_corpus(labelings, tags):
    gold = [["B-PER", "I-PER", "O"], ["O"], ["B-LOC"], ["B-PER", "B-PER"]]
    given = [["B-PER", "I-PER", "O"], ["O"], ["B-PER"], ["B-PER", "I-PER"]]
    both = labelings(given, gold, tags)
    metrics = corpus_metrics(both.labels, both.gold, tags)
    # Spans: 4 in the gold, 3 predicted, 1 of them right. The mean of sentence F1 would be another.
    # Units: 5 of 7 right; B-LOC 0, B-PER 4 of 3 + 3, I-PER 2 of 2 + 1, O 4 of 2 + 2.
    assert metrics == pytest.approx(
        {
            "accuracy": 5 / 7,
            "macro_f1": (0 + 4 / 6 + 2 / 3 + 1) / 4,
            "micro_f1": 5 / 7,
            "precision": 1 / 3,
            "recall": 1 / 4,
            "entity_f1": 2 / 7,
        }
    )
    assert span_report(both.labels, both.gold, tags) == {
        "LOC": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1},
        "PER": {"precision": 1 / 3, "recall": 1 / 3, "f1": 1 / 3, "support": 3},
    }


def test_a_corpus_without_entities_has_entity_f1_0(labelings, tags):
    both = labelings([["O"]], [["O"]], tags)
    metrics = corpus_metrics(both.labels, both.gold, tags)
    assert metrics["entity_f1"] == metrics["precision"] == metrics["recall"] == 0.0
    assert span_report(both.labels, both.gold, tags) == {}


@pytest.mark.parametrize("names", [("O",), ("I-x", "O"), ("B-x", "no"), ("B-", "O")])
def test_labels_that_are_no_tags_have_no_entities(names):
    zero = np.zeros((1, 1), np.int32)
    assert set(corpus_metrics(zero, zero, names)) == {
        "accuracy",
        "macro_f1",
        "micro_f1",
        "precision",
        "recall",
    }


def test_what_stands_in_the_padding_does_not_count(tags, random_labelings):
    both = random_labelings(0, len(tags), episodes=20, units=6)
    noisy = np.where(both.gold < 0, np.int32(2), both.labels)
    measured = corpus_metrics(both.labels, both.gold, tags)
    assert corpus_metrics(noisy, both.gold, tags) == measured
    assert span_report(noisy, both.gold, tags) == span_report(both.labels, both.gold, tags)


@pytest.mark.parametrize(
    ("predicted", "gold", "text"),
    [
        (np.zeros((0, 0)), np.zeros((0, 0)), "nothing to measure: no unit has a gold label"),
        (np.zeros((2, 3)), np.full((2, 3), -1), "nothing to measure: no unit has a gold label"),
        (np.zeros((2, 3)), np.zeros((2, 2)), r"predicted is \[2, 3\] and gold \[2, 2\]"),
        (np.zeros(3), np.zeros(3), r"wanted \[B, U\] twice"),
        (np.full((1, 1), -1), np.zeros((1, 1)), r"a predicted label outside 0 .. 4: found -1"),
        (np.full((1, 1), 5), np.zeros((1, 1)), r"a predicted label outside 0 .. 4: found 5"),
        (np.zeros((1, 1)), np.full((1, 1), 5), r"a gold label outside 0 .. 4: found 5"),
    ],
)
@pytest.mark.parametrize("measure", [corpus_metrics, span_report])
def test_refused(measure, predicted, gold, text, tags):
    with pytest.raises(ValueError, match=text):
        measure(predicted.astype(np.int32), gold.astype(np.int32), tags)
