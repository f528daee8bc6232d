"""Feedback that is wrong at times."""

from dataclasses import dataclass, replace

import numpy as np

from lingym.rewards.base import RewardError
from lingym.rewards.feedback.around import Around
from lingym.rewards.feedback.by_chance import ByChance
from lingym.rewards.feedback.judge import Verdicts
from lingym.rewards.settings import check_seed
from lingym.types import Labelings


@dataclass(eq=False)
class Noisy(ByChance, Around):
    """Each judgement turned into its opposite, v to 1 - v, with probability p: ``noisy(bandit)``.

    With ``correct`` it is told as (v - p) / (1 - 2 p), whose mean is the right judgement (Natarajan
    et al., 2013, https://papers.nips.cc/paper/5073-learning-with-noisy-labels): beyond [0, 1], and
    the wider the nearer p is to one half.

    Attributes:
        reward: the judge, whose verdicts are in [0, 1]; another reward is told as one score.
        p: how probable it is that a judgement is wrong, 0 to 1.
        seed: of the chance.
        correct: take the noise out on average; p must be known then, and below 0.5.
    """

    p: float = 0.1
    seed: int = 0
    correct: bool = False
    name = "noisy"

    def __post_init__(self) -> None:
        """Refuse a probability that is none, or that cannot be corrected."""
        super().__post_init__()
        if not 0 <= self.p <= 1:
            raise ValueError(f"p is {self.p}: wanted a probability, 0 to 1")
        if self.correct and self.p >= 0.5:
            raise ValueError(f"p is {self.p}: noise can be corrected below 0.5 only")
        check_seed(self.seed)

    def verdicts(self, labelings: Labelings) -> Verdicts:
        """The verdicts inside, some of them wrong.

        Raises:
            RewardError: a verdict is not in [0, 1].
        """
        said = super().verdicts(labelings)
        outside = said.given & ~((said.values >= 0) & (said.values <= 1))
        if outside.any():
            row, unit = np.argwhere(outside)[0]
            raise RewardError(
                f"reward {self.name}: {self.reward.to_spec()} says {said.values[row, unit]} of "
                f"example {labelings.examples[row]}, which has no opposite: wanted 0 to 1"
            )
        wrong = self.draw(labelings) < self.p
        values = np.where(wrong, 1 - said.values, said.values)
        if self.correct:
            values = (values - self.p) / (1 - 2 * self.p)
        return replace(said, values=np.where(said.given, values, 0.0))
