"""Rewards that come late."""

from dataclasses import dataclass, replace

import numpy as np

from lingym.rewards.checks import checked_score, checked_steps
from lingym.rewards.settings import is_whole
from lingym.rewards.wrapper import Wrapper
from lingym.types import UNDECIDED, FloatArray, Labelings


@dataclass(eq=False)
class Delayed(Wrapper):
    """What a unit earns is paid ``units`` later, or at the end: ``delayed(bandit, units=3)``.

    The score of a whole labelling is that of the reward inside, and that of a prefix of n labels is
    that of its first n - units. A sparse reward is paid at the end as before.

    Attributes:
        reward: any reward, a judge or not.
        units: how many units later, 0 or more.
    """

    units: int = 1
    name = "delayed"

    def __post_init__(self) -> None:
        """Refuse a delay that is none."""
        super().__post_init__()
        if not is_whole(self.units, least=0):
            raise ValueError(f"units is {self.units!r}: wanted a whole number from 0 on")

    def measure(self) -> float | None:
        """The measure inside, which is of whole labelings."""
        return self.reward.measure()

    def score(self, labelings: Labelings) -> FloatArray:
        """The score inside of the labels that are paid for already, float64 [B]."""
        complete = labelings.decided >= labelings.lengths
        late = np.maximum(labelings.decided - self.units, 0)
        paid = np.where(complete, labelings.decided, late).astype(np.int32)
        known = np.arange(labelings.labels.shape[1]) < paid[:, None]
        labels = np.where(known, labelings.labels, UNDECIDED).astype(np.int32)
        return checked_score(self.reward, replace(labelings, labels=labels, decided=paid))

    def steps(self, labelings: Labelings) -> FloatArray:
        """The step rewards inside, moved to where they are paid, float64 [B, U]."""
        steps = checked_steps(self.reward, labelings)
        rows, units = steps.shape
        last = np.maximum(labelings.lengths, 1)[:, None] - 1
        due = np.minimum(np.arange(units) + self.units, last) + np.arange(rows)[:, None] * units
        paid = np.bincount(due.ravel(), steps.ravel(), minlength=steps.size)
        return np.asarray(paid, np.float64).reshape(steps.shape)
