"""A judge around another, whose verdicts it passes on, changed or counted."""

from dataclasses import dataclass

from lingym.rewards.base import Reward
from lingym.rewards.feedback.judge import Judge, Verdicts
from lingym.rewards.feedback.one_score import OneScore
from lingym.rewards.wrapper import Wrapper
from lingym.types import Labelings


@dataclass(eq=False)
class Around(Judge, Wrapper):
    """What judges around one other have in common; a subclass changes the verdicts.

    Attributes:
        reward: the judge inside; a reward that is none is told as one score, ``one_score(reward)``.
    """

    reward: Reward

    def __post_init__(self) -> None:
        """Take a reward that is no judge as one score.

        Raises:
            ValueError: there is no reward inside, or one that is no judge and has a judge inside.
        """
        super().__post_init__()
        if not isinstance(self.reward, Judge):
            if self.reward.hides_gold:
                raise ValueError(
                    f"{self.name} stands around one judge, such as {self.name}(bandit), and "
                    f"{self.reward.to_spec()} is no judge: put {self.name} inside it"
                )
            self.reward = OneScore(self.reward)
        self.sparse = self.reward.sparse

    @property
    def judge(self) -> Judge:
        """The judge inside."""
        assert isinstance(self.reward, Judge)
        return self.reward

    @property
    def hides_gold(self) -> bool:
        """Whether the judge inside judges by gold labels."""
        return self.judge.hides_gold

    def verdicts(self, labelings: Labelings) -> Verdicts:
        """Those of the judge inside."""
        return self.judge.verdicts(labelings)
