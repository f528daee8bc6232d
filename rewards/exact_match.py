"""Whether a whole labelling is right."""

from dataclasses import dataclass

import numpy as np

from lingym.rewards.base import Reward
from lingym.types import FloatArray, Labelings


@dataclass(eq=False)
class ExactMatch(Reward):
    """1 where every unit has its gold label and nothing more was labelled, else 0.

    So an episode that a label stopped is right if the labels given are the gold ones and no gold
    label comes after them. Labels may be names or candidates. In an episode without units there is
    nothing to match: 0.
    """

    name = "exact_match"

    def score(self, labelings: Labelings) -> FloatArray:
        """1 or 0 for each episode, float64 [B]; 0 until it is complete."""
        same = (labelings.labels == labelings.gold).all(1)
        return np.where(self.scored(labelings) & same, 1.0, 0.0)
