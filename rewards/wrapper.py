"""A reward around another."""

from dataclasses import dataclass

from lingym.rewards.base import Reward
from lingym.types import LabelSpace


@dataclass(eq=False)
class Wrapper(Reward):
    """What all rewards around one other have in common; a subclass changes the score.

    Attributes:
        reward: the one inside.
    """

    reward: Reward

    def __post_init__(self) -> None:
        """Be sparse where the reward inside is.

        Raises:
            ValueError: there is no reward inside.
        """
        if not isinstance(self.reward, Reward):
            raise ValueError(
                f"{self.name} stands around a reward, such as {self.name}(accuracy); "
                f"got {self.reward!r}"
            )
        self.sparse = self.reward.sparse

    @property
    def inner(self) -> tuple[Reward, ...]:
        """The one reward inside."""
        return (self.reward,)

    def bind(self, space: LabelSpace) -> None:
        """Bind the reward inside, too."""
        super().bind(space)
        self.reward.bind(space)
        self.sparse = self.reward.sparse  # the task may decide it
