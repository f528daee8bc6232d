"""The share of units with the gold label."""

from dataclasses import dataclass

import numpy as np

from lingym.rewards.base import Reward
from lingym.rewards.counting import correct, count
from lingym.types import FloatArray, Labelings


@dataclass(eq=False)
class Accuracy(Reward):
    """Share of an episode's units that got their gold label.

    Attributes:
        dense: score a prefix by the units that are right so far; else only the whole labelling.
    """

    dense: bool = True
    name = "accuracy"

    def __post_init__(self) -> None:
        """Be sparse unless dense."""
        self.sparse = not self.dense

    def score(self, labelings: Labelings) -> FloatArray:
        """Right units over all units, float64 [B] in [0, 1]."""
        share = count(correct(labelings)) / np.maximum(labelings.lengths, 1)
        return np.where(self.scored(labelings), share, 0.0)

    def steps(self, labelings: Labelings) -> FloatArray:
        """A right unit gives 1 / length, float64 [B, U]."""
        if self.sparse:
            return super().steps(labelings)
        return correct(labelings) / np.maximum(labelings.lengths, 1)[:, None]
