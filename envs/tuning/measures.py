"""Corpus metrics of labels that are asked for again and again on the same texts.

They equal `lingym.rewards.corpus_metrics` and scikit-learn; what depends on the gold labels alone
is counted once.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from lingym.envs.tuning.scores import Scores
from lingym.rewards.spans import SpanCodes, begins, partings
from lingym.types import IntArray, Labelings

Metric = str | Callable[[Labelings], float]
"""A name of `NAMES`, or a function of finished labelings."""


class Measure(Protocol):
    """A metric of texts that it was made for."""

    def __call__(self, labels: IntArray) -> float:
        """Of labels [S]."""


class Accuracy:
    """The share of units with their gold label."""

    def __init__(self, scores: Scores) -> None:
        self.gold = scores.gold

    def __call__(self, labels: IntArray) -> float:
        """Of labels [S]."""
        return float((labels == self.gold).mean())


class MacroF1:
    """The mean F1 of the labels that gold or prediction has; 0 / 0 is 0."""

    def __init__(self, scores: Scores) -> None:
        self.gold, self.count = scores.gold, len(scores.names)
        self.wanted = np.bincount(self.gold, minlength=self.count)

    def __call__(self, labels: IntArray) -> float:
        """Of labels [S]."""
        both = np.bincount(labels, minlength=self.count) + self.wanted
        right = np.bincount(self.gold[labels == self.gold], minlength=self.count)
        seen = both > 0
        return float((2 * right[seen] / both[seen]).mean())


class EntityF1:
    """F1 of strict IOB2 spans over all texts together; 0 where there is none."""

    def __init__(self, scores: Scores) -> None:
        self.scores = scores
        self.codes = SpanCodes.from_names(scores.names)
        self.gold = self.codes.encode(scores.padded_gold)
        self.wanted = int(begins(self.gold).sum())

    def __call__(self, labels: IntArray) -> float:
        """Of labels [S]."""
        given = self.codes.encode(self.scores.padded(labels))
        spans = int(begins(given).sum()) + self.wanted
        return 2 * int(partings(given, self.gold).equal.sum()) / spans if spans else 0.0


class _Sets:
    """Multi-label: the texts as rows, the candidate labels as columns, yes or no."""

    axis: int | None

    def __init__(self, scores: Scores) -> None:
        self.shape = (len(scores), len(scores.roles))
        self.gold = scores.gold.reshape(self.shape) == 1
        self.wanted = np.asarray(self.gold.sum(self.axis))

    def __call__(self, labels: IntArray) -> float:
        """Of labels [S]."""
        given = labels.reshape(self.shape) == 1
        right = np.asarray((given & self.gold).sum(self.axis))
        both = np.asarray(given.sum(self.axis)) + self.wanted
        return float((2 * right / np.maximum(both, 1)).mean())


class SampleF1(_Sets):
    """The mean over texts of the F1 of their sets of labels; a text without any counts 0."""

    axis = 1


class SetMacroF1(_Sets):
    """The mean F1 of all candidate labels; 0 / 0 is 0."""

    axis = 0


class SetMicroF1(_Sets):
    """F1 of all yes-decisions together."""

    axis = None


class Function:
    """A function of labelings.

    Args:
        scores: the texts.
        function: its value is a finite number.
    """

    def __init__(self, scores: Scores, function: Callable[[Labelings], float]) -> None:
        self.scores, self.function = scores, function

    def __call__(self, labels: IntArray) -> float:
        """Of labels [S].

        Raises:
            ValueError: the function gave something else than a finite number.
        """
        value = float(self.function(self.scores.labelings(labels)))
        if not np.isfinite(value):
            raise ValueError(f"the metric {self.function} gave {value}: wanted a finite number")
        return value


_UNITS: dict[str, Callable[[Scores], Measure]] = {
    "accuracy": Accuracy,
    "macro_f1": MacroF1,
    "entity_f1": EntityF1,
}
_SETS: dict[str, Callable[[Scores], Measure]] = {
    "accuracy": Accuracy,
    "macro_f1": SetMacroF1,
    "micro_f1": SetMicroF1,
    "sample_f1": SampleF1,
}
NAMES = tuple(sorted({*_UNITS, *_SETS}))
"""The metrics that have a name."""


def default_metric(scores: Scores) -> str:
    """Entity F1 for IOB2 tags, sample F1 for several labels to a text, else macro F1."""
    if scores.roles:
        return "sample_f1"
    return "entity_f1" if are_tags(scores.names) else "macro_f1"


def measure(scores: Scores, metric: Metric | None = None) -> Measure:
    """The metric of labels of these texts, prepared.

    Args:
        scores: the texts.
        metric: None takes `default_metric`.

    Raises:
        ValueError: there is no such metric, or not for these labels.
    """
    if metric is None:
        metric = default_metric(scores)
    if callable(metric):
        return Function(scores, metric)
    known = _SETS if scores.roles else _UNITS
    if metric not in known:
        kind = "several labels to a text" if scores.roles else "one label to a unit"
        raise ValueError(f"no metric {metric!r} for {kind}: choose {', '.join(known)}")
    return known[metric](scores)


def are_tags(names: tuple[str, ...]) -> bool:
    """Whether the labels are IOB2 tags."""
    try:
        SpanCodes.from_names(names)
    except ValueError:
        return False
    return True
