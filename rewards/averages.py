"""Measures of a whole corpus as functions of its counts, and their gradients.

With TP true positives, P predictions and G gold ones, and the share a = b^2 / (1 + b^2),

    F_b = (1 + b^2) TP / (P + b^2 G) = TP / ((1 - a) P + a G),

van Rijsbergen's measure (1979, Information Retrieval, chapter 7): a = 0 is precision, a = 1 recall.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from lingym.rewards.corpus_counts import Totals
from lingym.rewards.counting import ratio, summed
from lingym.types import FloatArray


class Measure(ABC):
    """A number that the counts of a corpus give."""

    @abstractmethod
    def value(self, totals: Totals) -> FloatArray:
        """The measure of counts [..., T], float64 [...]."""

    @abstractmethod
    def gradient(self, totals: Totals) -> Totals:
        """Its derivatives at counts [T], by each of the counts, [T]."""


@dataclass(frozen=True, eq=False)
class FMeasure(Measure):
    """F of all types together, or a mean of theirs.

    Attributes:
        average: "micro" is the F of the counts summed over the types, "macro" the mean of each
            type's F, "weighted" their mean weighted by G; scikit-learn's averages, where a type
            without predictions and gold has F 0 (``zero_division=0``).
        recall_share: a, 0 to 1.
        weights: float64 [T] what each type weighs in sum or mean.
    """

    average: str
    recall_share: float
    weights: FloatArray

    def value(self, totals: Totals) -> FloatArray:
        """F of counts [..., T], float64 [...]."""
        if self.average == "micro":
            return self._f(Totals(*(summed(count * self.weights) for count in totals)))
        share = self._share(totals)
        return ratio(summed(share * self._f(totals)), summed(share), 0.0)

    def gradient(self, totals: Totals) -> Totals:
        """The derivatives of F: 1, -(1 - a) F and -a F over (1 - a) P + a G for each type."""
        if self.average == "micro":
            whole = Totals(*(summed(count * self.weights, keep=True) for count in totals))
            return Totals(*(self.weights * slope for slope in self._slopes(whole)))
        share = self._share(totals)
        total = share.sum()
        right, given, gold = (share / total * slope for slope in self._slopes(totals))
        if self.average == "weighted":  # and one more gold one moves the shares
            gold = gold + self.weights / total * (self._f(totals) - self.value(totals))
        return Totals(right, given, gold)

    def _share(self, totals: Totals) -> FloatArray:
        """What each type weighs in the mean, [..., T]."""
        if self.average == "weighted":
            return self.weights * totals.gold
        return np.broadcast_to(self.weights, totals.gold.shape)

    def _whole(self, totals: Totals) -> FloatArray:
        return (1 - self.recall_share) * totals.given + self.recall_share * totals.gold

    def _f(self, totals: Totals) -> FloatArray:
        return ratio(totals.right, self._whole(totals), 0.0)

    def _slopes(self, totals: Totals) -> Totals:
        f, one = self._f(totals), ratio(np.ones_like(totals.gold), self._whole(totals), 0.0)
        return Totals(one, -(1 - self.recall_share) * f * one, -self.recall_share * f * one)


@dataclass(frozen=True, eq=False)
class MCC(Measure):
    """Matthews' correlation of K classes, R_K (Gorodkin, 2004).

    With c units right of s, p_k predictions and t_k gold ones of class k,

        R_K = (c s - sum of p_k t_k) / sqrt((s^2 - sum of p_k^2) (s^2 - sum of t_k^2)),

    https://doi.org/10.1016/j.compbiolchem.2004.09.006; 0 where the root is, as in scikit-learn.
    """

    def value(self, totals: Totals) -> FloatArray:
        """R_K of counts [..., K], float64 [...] in [-1, 1]."""
        joint, given, gold = self._covariances(totals)
        return ratio(joint, np.sqrt(given * gold), 0.0)

    def gradient(self, totals: Totals) -> Totals:
        """The derivatives of R_K by the c, p_k and t_k."""
        joint, given, gold = self._covariances(totals)
        root = np.sqrt(given * gold)
        if not root > 0:
            zero = np.zeros_like(totals.gold)
            return Totals(zero, zero, zero)
        value, size = joint / root, summed(totals.gold)
        # The covariances move by c: s; by p_k: -t_k, -2 p_k; by t_k, and s with it: c - p_k, ...
        by_given = -totals.gold / root + value * totals.given / given
        by_gold = (summed(totals.right) - totals.given) / root - value * (
            size / given + (size - totals.gold) / gold
        )
        return Totals(np.full_like(by_given, size / root), by_given, by_gold)

    def _covariances(self, totals: Totals) -> tuple[FloatArray, FloatArray, FloatArray]:
        size = summed(totals.gold)
        joint = summed(totals.right) * size - summed(totals.given * totals.gold)
        given, gold = (
            np.maximum(size**2 - summed(count**2), 0.0) for count in (totals.given, totals.gold)
        )
        return joint, given, gold
