"""An end to feedback."""

from dataclasses import dataclass

from lingym.rewards.feedback.around import Around
from lingym.rewards.settings import is_whole


@dataclass(eq=False)
class Budget(Around):
    """A judge that judges so often and no more: ``budget(bandit, judgements=10000)``.

    When the budget is spent the reward is ``exhausted``, and lingym's agents end their run. What is
    labelled together is judged whole, so more may be spent than the budget has: by less than one
    minibatch with all its samples (REINFORCE), or one rollout (PPO: ``n_steps`` texts). What was
    spent is logged as ``feedback_spent``, and what is left as ``feedback_left``.

    Attributes:
        reward: the judge; another reward is told as one score.
        judgements: how many verdicts it gives, at least 1; see `Judge.spent`.
    """

    judgements: int = 10000
    name = "budget"

    def __post_init__(self) -> None:
        """Refuse a budget that is no number of judgements."""
        super().__post_init__()
        if not is_whole(self.judgements, least=1):
            raise ValueError(f"judgements is {self.judgements!r}: wanted a whole number from 1 on")

    @property
    def exhausted(self) -> bool:
        """Whether the budget is spent."""
        return self.spent >= self.judgements or super().exhausted

    def readings(self) -> dict[str, float]:
        """What was spent, and what is left."""
        left = max(self.judgements - self.spent, 0)
        return super().readings() | {"feedback_left": float(left)}
