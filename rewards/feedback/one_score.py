"""One score for a whole labelling."""

from dataclasses import dataclass

import numpy as np

from lingym.rewards.base import Reward
from lingym.rewards.checks import checked_score
from lingym.rewards.feedback.judge import Judge, Verdicts, last_units
from lingym.rewards.settings import is_whole
from lingym.rewards.wrapper import Wrapper
from lingym.types import Labelings, LabelSpace


@dataclass(eq=False)
class OneScore(Judge, Wrapper):
    """The score of any reward, told at the end as one number: ``one_score(entity_f1)``.

    Attributes:
        reward: the measure that the judge has in mind.
        levels: how many marks it can give, at least 2: the score, cut to [0, 1], is then told as
            the nearest of 0, 1 / (levels - 1), ..., 1 (five stars: 5). None tells it as it is.
    """

    reward: Reward
    levels: int | None = None
    name = "one_score"

    def __post_init__(self) -> None:
        """Refuse marks that tell nothing."""
        super().__post_init__()
        if self.levels is not None and not is_whole(self.levels, least=2):
            raise ValueError(f"levels is {self.levels!r}: wanted a whole number from 2 on, or None")
        self.sparse = True

    @property
    def hides_gold(self) -> bool:
        """Whether the measure reads gold labels; one that does not (a user's) needs none."""
        return self.reward.needs_gold or self.reward.hides_gold

    def bind(self, space: LabelSpace) -> None:
        """Bind the measure; told at the end only."""
        Wrapper.bind(self, space)
        self.sparse = True

    def verdicts(self, labelings: Labelings) -> Verdicts:
        """The score, at the last unit of each complete labelling."""
        score = checked_score(self.reward, labelings)
        if self.levels is not None:
            score = np.round(score.clip(0, 1) * (self.levels - 1)) / (self.levels - 1)
        given = last_units(labelings)
        return Verdicts(np.where(given, score[:, None], 0.0), given, np.ones(len(score)))
