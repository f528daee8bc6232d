"""Measures of a whole corpus, as papers report them: counted over all its units at once."""

from collections.abc import Sequence

import numpy as np

from lingym.rewards.counting import Counts, ratio
from lingym.rewards.spans import Codes, SpanCodes, begins, partings
from lingym.types import UNDECIDED, BoolArray, FloatArray, IntArray


def corpus_metrics(predicted: IntArray, gold: IntArray, names: Sequence[str]) -> dict[str, float]:
    """Score the labels of a corpus.

    ``accuracy``, ``micro_f1`` and ``macro_f1`` are over units and equal scikit-learn's on the same
    labels: averages run over the labels that gold or prediction has, and 0 / 0 is 0. Where one
    label is given to each unit, ``micro_f1`` equals ``accuracy``.

    Where the names are IOB2 tags there is also ``entity_f1``, and ``precision`` and ``recall`` are
    of entities: strict spans, all types and sentences together, equal to seqeval's with
    ``mode="strict", scheme=IOB2``. Elsewhere they are macro averages over labels.

    Args:
        predicted: int32 [B, U] label ids in 0 .. K - 1 wherever gold has one; else ignored.
        gold: int32 [B, U] label ids in 0 .. K - 1; -1 after the last unit of a text.
        names: the K labels.

    Raises:
        ValueError: no unit has a gold label, shapes differ, or a label is out of range.
    """
    predicted = _aligned(predicted, gold, names)
    within = gold >= 0
    matches, chosen, wanted = _label_counts(predicted[within], gold[within], len(names))
    seen = (chosen + wanted) > 0
    precisions, recalls, f1s = _precision_recall_f1(matches[seen], chosen[seen], wanted[seen])
    accuracy = float(matches.sum() / wanted.sum())
    metrics = {"accuracy": accuracy, "macro_f1": float(f1s.mean()), "micro_f1": accuracy}
    if not _are_iob2(names):
        return metrics | {"precision": float(precisions.mean()), "recall": float(recalls.mean())}
    sums = [counts.sum(keepdims=True) for counts in _span_counts(predicted, gold, names)]
    precision, recall, f1 = (float(ratio[0]) for ratio in _precision_recall_f1(*sums))
    return metrics | {"precision": precision, "recall": recall, "entity_f1": f1}


def candidate_metrics(predicted: IntArray, gold: IntArray) -> dict[str, float]:
    """Score labels that are candidates, of which an episode has as many as it has.

    Args:
        predicted: int32 [B, U] ids of candidates wherever gold has one; else ignored.
        gold: int32 [B, U] ids of candidates; -1 after the last unit of a text.

    Returns:
        ``accuracy``, the share of the units with a gold label that got it.

    Raises:
        ValueError: no unit has a gold label, shapes differ, or such a unit has no label.
    """
    within = _measured(predicted, gold)
    if (predicted[within] < 0).any():
        found = predicted[within].min()
        raise ValueError(f"a unit with a gold label has no predicted label: found {found}")
    return {"accuracy": float((predicted == gold)[within].mean())}


def span_report(
    predicted: IntArray, gold: IntArray, names: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Score each entity type that gold or prediction has, in order of its name.

    Args:
        predicted: int32 [B, U], as for ``corpus_metrics``.
        gold: int32 [B, U], likewise.
        names: the K labels, IOB2 tags.

    Returns:
        For each type its ``precision``, ``recall``, ``f1`` and ``support`` (its gold entities).

    Raises:
        ValueError: as for ``corpus_metrics``, or a name is not an IOB2 tag.
    """
    types = SpanCodes.from_names(names).types
    predicted = _aligned(predicted, gold, names)
    matches, chosen, wanted = _span_counts(predicted, gold, names)
    precision, recall, f1 = _precision_recall_f1(matches, chosen, wanted)
    return {
        types[t]: {
            "precision": float(precision[t]),
            "recall": float(recall[t]),
            "f1": float(f1[t]),
            "support": int(wanted[t]),
        }
        for t in sorted(range(len(types)), key=types.__getitem__)
        if chosen[t] + wanted[t] > 0
    }


def _aligned(predicted: IntArray, gold: IntArray, names: Sequence[str]) -> IntArray:
    """The predicted labels of the units that have a gold one, -1 elsewhere."""
    within = _measured(predicted, gold)
    for what, labels in (("gold", gold[within]), ("predicted", predicted[within])):
        if labels.min() < 0 or labels.max() >= len(names):
            raise ValueError(
                f"a unit with a gold label has a {what} label outside 0 .. {len(names) - 1}: "
                f"found {labels.min()} .. {labels.max()}"
            )
    return np.where(within, predicted, np.int32(UNDECIDED))


def _measured(predicted: IntArray, gold: IntArray) -> BoolArray:
    """Which units have a gold label, bool [B, U]."""
    if predicted.shape != gold.shape or gold.ndim != 2:
        raise ValueError(
            f"predicted is {list(predicted.shape)} and gold {list(gold.shape)}: wanted [B, U] twice"
        )
    within: BoolArray = gold >= 0
    if not within.any():
        raise ValueError("there is nothing to measure: no unit has a gold label")
    return within


def _are_iob2(names: Sequence[str]) -> bool:
    try:
        SpanCodes.from_names(names)
    except ValueError:
        return False
    return True


def _label_counts(predicted: IntArray, gold: IntArray, k: int) -> tuple[Counts, Counts, Counts]:
    """Units right, predicted and gold of each label, int [K]; from labels [N]."""
    matches = np.bincount(gold[predicted == gold], minlength=k)
    return matches, np.bincount(predicted, minlength=k), np.bincount(gold, minlength=k)


def _span_counts(
    predicted: IntArray, gold: IntArray, names: Sequence[str]
) -> tuple[Counts, Counts, Counts]:
    """Spans equal, predicted and gold of each type, int [types]."""
    codes = SpanCodes.from_names(names)
    found = partings(given := codes.encode(predicted), wanted := codes.encode(gold))

    def per_type(starts: Codes) -> Counts:
        return np.bincount((starts >> 1) - 1, minlength=len(codes.types))

    matches = per_type(wanted.reshape(-1)[found.start[found.equal]])
    return matches, per_type(given[begins(given)]), per_type(wanted[begins(wanted)])


def _precision_recall_f1(
    matches: Counts, predicted: Counts, gold: Counts
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Element by element; 0 / 0 is 0."""
    return (
        ratio(matches, predicted, 0.0),
        ratio(matches, gold, 0.0),
        ratio(2 * matches, predicted + gold, 0.0),
    )
