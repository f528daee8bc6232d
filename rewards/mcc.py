"""Correlation of an episode's labels with its gold labels."""

from dataclasses import dataclass

import numpy as np

from lingym.rewards.base import Reward, rises
from lingym.rewards.counting import Counts, Numbers, correct, count, count_labels
from lingym.types import UNDECIDED, FloatArray, IntArray, Labelings


@dataclass(eq=False)
class MCC(Reward):
    """Matthews correlation of an episode's unit labels, for any number of labels (R_K).

    With s units, c of them right, and p_k and t_k units that have label k in prediction and gold,

        (c s - sum p_k t_k) / sqrt((s^2 - sum p_k^2) (s^2 - sum t_k^2)),

    in [-1, 1] (Gorodkin, 2004, https://doi.org/10.1016/j.compbiolchem.2004.09.006); for two labels
    it is that of Matthews (1975). It is ``sklearn.metrics.matthews_corrcoef(gold, predicted)``: 0
    for labels drawn by chance, however frequent one of them is, and 0 where it would be 0 / 0,
    because gold or prediction has one label only. Units without a gold label do not count.

    In short episodes it is mostly 0 / 0, and in those of one unit (classification) always: it is a
    measure of a corpus, so there take a reward that scores a corpus.

    Attributes:
        dense: score a prefix as though the units without a label had one of their own, which no
            gold has; else only the whole labelling.
        empty: the score of a labelling that is all right where the gold has one label only, finite;
            scikit-learn says 0, which rewards nothing there. A wrong one scores 0 all the same.
    """

    dense: bool = False
    empty: float = 0.0
    name = "mcc"
    named = True

    def __post_init__(self) -> None:
        """Refuse an ``empty`` that is no score."""
        if not np.isfinite(self.empty):
            raise ValueError(f"empty is {self.empty}: wanted a finite score")
        self.sparse = not self.dense

    def score(self, labelings: Labelings) -> FloatArray:
        """The correlation of each episode, float64 [B] in [-1, 1] (or ``empty``)."""
        labels, gold, wanted = self._counts(labelings)
        given = count_labels(labels, len(self.space))
        products, squares = (given * wanted).sum(1) * 1.0, (given * given).sum(1) * 1.0
        units = count(gold >= 0)
        squares += (units - given.sum(1)) ** 2
        score = self._ratio(count(correct(labelings)), products, squares, units, wanted)
        return np.where(self.scored(labelings), score, 0.0)

    def steps(self, labelings: Labelings) -> FloatArray:
        """Rises of the correlation, float64 [B, U], in closed form."""
        if self.sparse:
            return super().steps(labelings)
        labels, gold, wanted = self._counts(labelings)
        there = labels >= 0
        row = np.arange(len(labels))[:, None]
        products = np.where(there, wanted[row, labels], 0).cumsum(1)
        # The n-th unit with a label raises the square of its count by 2 n - 1.
        squares = np.where(there, 2 * _rank(labels, len(self.space)) - 1, 0).cumsum(1)
        units = count(gold >= 0)[:, None]
        squares = squares + (units - there.cumsum(1)) ** 2
        right = correct(labelings).cumsum(1)
        return rises(self._ratio(right, products, squares, units, wanted[:, None]), labelings)

    def _counts(self, labelings: Labelings) -> tuple[IntArray, IntArray, Counts]:
        """Labels of the units that have a gold one, these, and how often the gold has each."""
        gold = labelings.gold
        wanted = count_labels(gold, len(self.space))
        labels: IntArray = np.where(gold >= 0, labelings.labels, np.int32(UNDECIDED))
        return labels, gold, wanted

    def _ratio(
        self,
        right: Numbers,
        products: Numbers,
        squares: Numbers,
        units: FloatArray,
        wanted: Counts,
    ) -> FloatArray:
        """The correlation from its sums, of any shape; wanted has the labels in one axis more."""
        spread = (units**2 - squares) * (units**2 - (wanted * wanted).sum(-1))
        score = np.zeros(spread.shape)
        np.divide(right * units - products, np.sqrt(spread), out=score, where=spread > 0)
        score[(spread == 0) & (right == units) & (units > 0)] = self.empty
        return score


def _rank(labels: IntArray, number: int) -> Counts:
    """Which of the units with its label a unit is, counted from 1 in each row, int [B, U]."""
    key = (labels + np.arange(len(labels))[:, None] * (number + 1)).reshape(-1)
    order = np.argsort(key, kind="stable")
    here = np.arange(len(key))
    first = np.maximum.accumulate(np.where(np.diff(key[order], prepend=-2) != 0, here, 0))
    rank = np.empty(len(key), np.int64)
    rank[order] = here - first + 1
    ranks: Counts = rank.reshape(labels.shape)
    return ranks
