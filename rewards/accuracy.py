"""The share of units with the gold label."""

from dataclasses import dataclass

import numpy as np

from lingym.rewards.base import Reward
from lingym.rewards.counting import correct, count, units_of_text
from lingym.types import FloatArray, Labelings


@dataclass(eq=False)
class Accuracy(Reward):
    """Share of an episode's units that got their gold label: with c right of s, c / s in [0, 1].

    It equals ``sklearn.metrics.accuracy_score(gold, predicted)`` of the episode; an episode without
    gold labels scores 0. Units without a gold label do not count. So an episode that a label
    stopped too early is judged by all the units that it should have labelled, and the score of a
    prefix does not depend on where the episode will stop.

    Attributes:
        dense: score a prefix by the units that are right so far; else only the whole labelling.
    """

    dense: bool = True
    name = "accuracy"

    def __post_init__(self) -> None:
        """Be sparse unless dense."""
        self.sparse = not self.dense

    def score(self, labelings: Labelings) -> FloatArray:
        """Right units over the units that have a gold label, float64 [B] in [0, 1]."""
        share = count(correct(labelings)) / units_of_text(labelings)
        return np.where(self.scored(labelings), share, 0.0)

    def steps(self, labelings: Labelings) -> FloatArray:
        """A right unit gives 1 over the units that have a gold label, float64 [B, U]."""
        if self.sparse:
            return super().steps(labelings)
        return correct(labelings) / units_of_text(labelings)[:, None]

    def table(self, labelings: Labelings, count: int) -> FloatArray:
        """1 over the units that have a gold label for a right label, float64 [B, U, K]."""
        right = labelings.gold[..., None] == np.arange(count)
        return right / units_of_text(labelings)[:, None, None]
