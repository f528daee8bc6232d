"""Cross-entropy as a reward."""

import math
from dataclasses import dataclass

import numpy as np

from lingym.rewards.base import Reward
from lingym.rewards.counting import correct, count, planned
from lingym.types import FloatArray, Labelings, LabelSpace


@dataclass(eq=False)
class CrossEntropy(Reward):
    """Log-probability of the given labels under the gold label, smoothed.

    With K labels and smoothing e, the reward of a step is log q(label | gold), where
    q = (1 - e) onehot(gold) + e / K (Szegedy et al., 2016, https://arxiv.org/abs/1512.00567); the
    score is the sum over the units that have a label, at most 0, and 0 where none has one.

    For labels drawn from the policy, E[log q] + H(policy) = -KL(policy || q). So with no discount
    (gamma = 1) and an entropy coefficient of 1 the best policy is q itself; with a smaller
    coefficient c it is q^(1/c), normalised, which is sharper. Labels that a mask forbids keep their
    share of q. Where a label ends the episode it also ends the costs, so that with a smaller
    coefficient it is given too early.

    Attributes:
        smoothing: e, over 0 and at most 1. At 0 every wrong label would cost infinity; at 1 all
            labels are worth the same.
    """

    smoothing: float = 0.1
    name = "cross_entropy"
    named = True
    sparse = False

    def __post_init__(self) -> None:
        """Refuse a smoothing that gives no finite reward."""
        if not 0 < self.smoothing <= 1:
            raise ValueError(f"smoothing is {self.smoothing}: wanted 0 < smoothing <= 1")

    def bind(self, space: LabelSpace) -> None:
        """Share the smoothing among the labels."""
        super().bind(space)
        share = self.smoothing / len(space)
        self._right, self._wrong = math.log(1 - self.smoothing + share), math.log(share)

    def score(self, labelings: Labelings) -> FloatArray:
        """Sum of log q over the labels given, float64 [B], at most 0."""
        _ = self.space  # an error with words where bind was forgotten
        right = count(correct(labelings))
        return right * self._right + (labelings.decided - right) * self._wrong

    def steps(self, labelings: Labelings) -> FloatArray:
        """The log q of each label, float64 [B, U]."""
        _ = self.space
        within = np.arange(labelings.labels.shape[1]) < labelings.lengths[:, None]
        return np.where(within, np.where(correct(labelings), self._right, self._wrong), 0.0)

    def table(self, labelings: Labelings, count: int) -> FloatArray:
        """The log q of every label, float64 [B, U, K]."""
        _ = self.space
        right = labelings.gold[..., None] == np.arange(count)
        return np.where(
            planned(labelings)[..., None], np.where(right, self._right, self._wrong), 0.0
        )
