"""What sums over the items of a corpus come to: ratios of them, and measures of counts by type."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lingym.rewards.averages import FMeasure
from lingym.rewards.corpus_counts import Totals
from lingym.rewards.counting import ratio
from lingym.types import FloatArray

Measure = Literal["f1", "precision", "recall"]
Over = Literal["all", "seen", "gold"]


@dataclass(frozen=True, eq=False)
class Ratio:
    """The sum of one number over that of another.

    Attributes:
        right: float64 [N] the part, such as units that are right.
        total: float64 [N] the whole, such as units.
        empty: what a whole of 0 gives; NaN where there is then nothing to measure.
    """

    right: FloatArray
    total: FloatArray
    empty: float = float("nan")

    def columns(self) -> FloatArray:
        """What is summed, float64 [N, 2]."""
        return np.stack([self.right, self.total], 1)

    def value(self, sums: FloatArray) -> FloatArray:
        """The ratio of sums [R, 2], float64 [R]."""
        return ratio(sums[:, 0], sums[:, 1], self.empty)


@dataclass(frozen=True, eq=False)
class Counts:
    """F1, precision or recall of T types; 0 / 0 is 0.

    Attributes:
        right: float64 [N, T] true positives.
        given: float64 [N, T] predictions.
        gold: float64 [N, T] gold ones.
        average: "micro" is of the counts summed over types, "macro" the mean of each type's.
        over: the types that are averaged: all; those that gold or prediction has (scikit-learn's
            macro average of classes); or those that gold has (SemEval-2010 task 8). Where there is
            none, there is nothing to measure: NaN.
        measure: what is averaged.
    """

    right: FloatArray
    given: FloatArray
    gold: FloatArray
    average: Literal["micro", "macro"] = "micro"
    over: Over = "all"
    measure: Measure = "f1"

    def columns(self) -> FloatArray:
        """What is summed, float64 [N, 3 T]."""
        return np.concatenate([self.right, self.given, self.gold], 1)

    def value(self, sums: FloatArray) -> FloatArray:
        """The measure of sums [R, 3 T], float64 [R]."""
        right, given, gold = np.split(sums, 3, 1)
        among = {"all": gold >= 0, "seen": given + gold > 0, "gold": gold > 0}[self.over]
        number = among.sum(1)
        if self.average == "micro":
            right, given, gold = (
                (each * among).sum(1, keepdims=True) for each in (right, given, gold)
            )
        part = 2 * right if self.measure == "f1" else right
        whole = {"f1": given + gold, "precision": given, "recall": gold}[self.measure]
        values = ratio(part, whole, 0.0)
        if self.average == "micro":
            return np.where(number > 0, values[:, 0], np.nan)
        return ratio((values * among).sum(1), number, np.nan)


@dataclass(frozen=True, eq=False)
class Weighted:
    """F-beta of T types as a reward counts it (`lingym.rewards.averages.FMeasure`).

    Attributes:
        right: float64 [N, T] true positives.
        given: float64 [N, T] predictions.
        gold: float64 [N, T] gold ones.
        average: "micro", "macro" or "weighted".
        recall_share: b^2 / (1 + b^2).
        weights: what each type weighs.
    """

    right: FloatArray
    given: FloatArray
    gold: FloatArray
    average: str
    recall_share: float
    weights: Sequence[float]

    def columns(self) -> FloatArray:
        """What is summed, float64 [N, 3 T]."""
        return np.concatenate([self.right, self.given, self.gold], 1)

    def value(self, sums: FloatArray) -> FloatArray:
        """The measure of sums [R, 3 T], float64 [R]."""
        measure = FMeasure(self.average, self.recall_share, np.array(self.weights, np.float64))
        return measure.value(Totals(*np.split(sums, 3, 1)))


Term = Ratio | Counts | Weighted
