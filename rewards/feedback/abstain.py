"""An annotator who answers where the policy abstains, for a price."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lingym.rewards.base import Reward
from lingym.rewards.checks import checked_score, checked_steps
from lingym.rewards.counting import units_of_text
from lingym.rewards.feedback.judge import decided_units
from lingym.rewards.settings import is_whole
from lingym.rewards.wrapper import Wrapper
from lingym.types import BoolArray, FloatArray, IntArray, Labelings, LabelSpace

ABSTAIN = "ABSTAIN"
"""The label that asks the annotator; the last one of its space."""


def without_abstain(space: LabelSpace) -> LabelSpace:
    """The labels of the task itself, those of a space whose last is ABSTAIN.

    Raises:
        ValueError: the last label is another.
    """
    if not space.names or space.names[-1] != ABSTAIN:
        raise ValueError(
            f"the labels have no {ABSTAIN}: put Abstaining(task) around the task (--abstain); they "
            f"are {', '.join(space.names) or 'candidates'}"
        )
    own = len(space) - 1
    transitions = space.transitions
    if transitions is not None:
        transitions = np.delete(np.delete(transitions, own, 0), own, 1)
    return replace(space, names=space.names[:own], transitions=transitions, quota=None)


def answered(labelings: Labelings, label: int, most: int | None = None) -> Labelings:
    """The labelings after the annotator replaced each ABSTAIN by the gold label.

    Args:
        labelings: beside their gold labels.
        label: the id of ABSTAIN.
        most: how many of each text are answered, from its first unit on; None: all. To the others
            nobody has an answer, and they get a wrong label: the first that is not the gold one.
    """
    asked = labelings.labels == label
    heard = asked if most is None else asked & (asked.cumsum(1) <= most)
    wrong = (labelings.gold == 0).astype(np.int32)
    labels = np.where(heard & (labelings.gold >= 0), labelings.gold, labelings.labels)
    return replace(labelings, labels=np.where(labels == label, wrong, labels).astype(np.int32))


@dataclass(eq=False)
class Abstain(Wrapper):
    """A reward in which abstained units are answered by an annotator: ``abstain(entity_f1)``.

        score = reward(labels, each ABSTAIN replaced by its gold label) - price * asked / units

    where units are those of the text. So a price is on the scale of accuracy, whatever the reward:
    with ``abstain(accuracy)`` abstaining pays exactly where the best label is right with less than
    1 - price (Chow, 1970, https://doi.org/10.1109/TIT.1970.1054406), and never at a price above 1.
    The price is paid with the unit; the reward inside is paid as it is. A prefix is scored like any
    other: answers are there as soon as they are asked for.

    With ``answers`` the annotator gives so many in the whole run and no more: then a unit that is
    abstained counts as labelled wrong (as the first label that is not its gold one), and costs its
    price all the same. What is left is known between batches: in a batch no text gets more answers
    than were left at its beginning, so a run may end with more answers than that by what one batch
    asks at once, and ``answers_spent`` in the log says how many they were.

    Attributes:
        reward: any reward of the task; it never sees ABSTAIN.
        price: of one answer, at least 0.
        answers: how many the annotator gives in the run; None sets no limit.
        spent: the answers given so far.
    """

    reward: Reward
    price: float = 0.3
    answers: int | None = None
    name = "abstain"
    spent = 0

    def __post_init__(self) -> None:
        """Refuse prices and budgets that mean nothing, and feedback inside.

        Raises:
            ValueError: one of them is so.
        """
        super().__post_init__()
        if not 0 <= self.price < float("inf"):
            raise ValueError(f"price is {self.price}: wanted a number, 0 or more")
        if self.answers is not None and not is_whole(self.answers, least=0):
            raise ValueError(
                f"answers is {self.answers!r}: wanted a whole number from 0 on, or None"
            )
        if self.reward.hides_gold:
            raise ValueError(
                f"abstain reads gold labels, which {self.reward.to_spec()} hides: put abstain "
                "inside the feedback, as in one_score(abstain(accuracy))"
            )
        self.sparse = False

    @property
    def needs_gold(self) -> bool:
        """Whether it reads gold labels: yes, they are the annotator's answers."""
        return True

    def bind(self, space: LabelSpace) -> None:
        """Bind the reward inside to the labels without ABSTAIN.

        Raises:
            ValueError: there is no such label.
        """
        try:
            own = without_abstain(space)
        except ValueError as error:
            raise ValueError(f"reward {self.name}: {error}") from None
        Reward.bind(self, space)
        self.reward.bind(own)

    def score(self, labelings: Labelings) -> FloatArray:
        """The score with the answers, less their price, float64 [B]."""
        asked = self._asked(labelings).sum(1)
        cost = self.price * asked / units_of_text(labelings)
        return checked_score(self.reward, self._answered(labelings)) - cost

    def steps(self, labelings: Labelings) -> FloatArray:
        """The steps with the answers, less the price of each, float64 [B, U]."""
        cost = self._asked(labelings) * (self.price / units_of_text(labelings))[:, None]
        return checked_steps(self.reward, self._answered(labelings)) - cost

    def table(self, labelings: Labelings, count: int) -> FloatArray | None:
        """The table inside; ABSTAIN is worth the gold label less the price, float64 [B, U, K].

        None where that has none, and while so few answers are left that a text may need more.
        """
        inside = self.reward.table(replace(labelings, labels=labelings.gold), count - 1)
        left = self.left
        if inside is None or (left is not None and 0 < left < labelings.labels.shape[1]):
            return None
        gold = labelings.gold
        label = gold.clip(min=0) if left is None or left else (gold == 0).astype(np.int32)
        worth = np.take_along_axis(inside, label[..., None], 2)
        price = (self.price / units_of_text(labelings))[:, None] * (gold >= 0)
        return np.concatenate([inside, worth - price[..., None]], 2)

    def observe(self, labelings: Labelings) -> None:
        """Count the answers given in finished labelings."""
        asked = self._asked(labelings).sum(1)
        given = asked if self.left is None else np.minimum(asked, self.left)
        self.reward.observe(self._answered(labelings))
        self.spent += int(given.sum())

    @property
    def left(self) -> int | None:
        """The answers that are left; None without a limit."""
        return None if self.answers is None else max(0, self.answers - self.spent)

    def readings(self) -> dict[str, float]:
        """The answers given so far, and what the reward inside says of itself."""
        return super().readings() | {"answers_spent": float(self.spent)}

    def state(self) -> dict[str, Any]:
        """The answers given, and the state inside."""
        return {**super().state(), "spent": self.spent}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a saved state.

        Raises:
            ValueError: it is the state of another reward.
        """
        (spent,), inner = self._split_state(state, "spent")
        super().load_state(inner)
        self.spent = int(spent)

    def _asked(self, labelings: Labelings) -> BoolArray:
        """Which units are abstained, bool [B, U]."""
        labels: IntArray = labelings.labels
        return (labels == len(self.space) - 1) & decided_units(labelings)

    def _answered(self, labelings: Labelings) -> Labelings:
        return answered(labelings, len(self.space) - 1, self.left)
