"""Right or wrong, for the chosen label only."""

from dataclasses import dataclass

import numpy as np

from lingym.rewards.counting import correct, units_of_text
from lingym.rewards.feedback.judge import Judge, Verdicts, decided_units
from lingym.types import Labelings


@dataclass(eq=False)
class Bandit(Judge):
    """Each label is said to be right (1) or wrong (0); what were right is not said.

    Bandit feedback as in structured prediction (Sokolov et al., 2016,
    https://arxiv.org/abs/1601.04468), here unit by unit. The score is the share of units that are
    right: the accuracy.
    """

    name = "bandit"

    def verdicts(self, labelings: Labelings) -> Verdicts:
        """Whether each label given so far is right."""
        right = correct(labelings).astype(np.float64)
        given = decided_units(labelings) & (labelings.gold >= 0)
        return Verdicts(right, given, 1 / units_of_text(labelings))
