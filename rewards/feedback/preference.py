"""Which of two labelings of a text is better, and nothing else."""

from dataclasses import dataclass
from typing import NoReturn
from zlib import crc32

import numpy as np

from lingym.rewards.base import Reward, RewardError
from lingym.rewards.checks import checked_score
from lingym.rewards.feedback.by_chance import ByChance
from lingym.rewards.feedback.chance import Words, questions, uniform
from lingym.rewards.feedback.judge import Judge, Verdicts
from lingym.rewards.settings import check_seed, is_whole
from lingym.rewards.wrapper import Wrapper
from lingym.types import FloatArray, Labelings, LabelSpace

TIES = ("none", "coin")
_SAME = 1e-9  # scores nearer than this differ by rounding


@dataclass(eq=False)
class Preference(ByChance, Wrapper):
    """A judge who says which of two labelings is better, by a reward: ``preference(entity_f1)``.

    It has no score to tell, so that agents which want one are refused: train with
    `lingym.agents.PreferenceLearning` (``--agent preference``), which calls ``compare``.

        P(a is said to be better) = sigmoid((score(a) - score(b)) / temperature)

    (Bradley and Terry, 1952, https://doi.org/10.2307/2334029); without a temperature the higher
    score wins. Chance is the same for a pair in either order, and until its text is judged again.

    Attributes:
        reward: the measure that the judge has in mind.
        noise: how probable it is that an answer is turned round, 0 to 1.
        temperature: how much better a labelling must be to be told apart, above 0; None: at all.
        ties: equal scores are no preference (``none``), or a ``coin`` is thrown; with a temperature
            it always is.
        budget: how many comparisons it makes in the run. Then it makes no more, and the agent goes
            on with what it knows. None sets no limit.
        seed: of the chance.
        spent: comparisons made so far.
    """

    reward: Reward
    noise: float = 0.0
    temperature: float | None = None
    ties: str = "none"
    budget: int | None = None
    seed: int = 0
    name = "preference"

    def __post_init__(self) -> None:
        """Refuse settings that mean nothing.

        Raises:
            ValueError: one of them is so.
        """
        super().__post_init__()
        if not 0 <= self.noise <= 1:
            raise ValueError(f"noise is {self.noise}: wanted a probability, 0 to 1")
        if self.temperature is not None and not 0 < self.temperature < float("inf"):
            raise ValueError(f"temperature is {self.temperature}: wanted a number above 0, or None")
        if self.ties not in TIES:
            raise ValueError(f"ties is {self.ties!r}: wanted one of {', '.join(TIES)}")
        if self.budget is not None and not is_whole(self.budget, least=1):
            raise ValueError(
                f"budget is {self.budget!r}: wanted a whole number of comparisons, from 1 on, or "
                "None"
            )
        check_seed(self.seed)
        self.sparse = False

    @property
    def hides_gold(self) -> bool:
        """Whether the measure reads gold labels; one that does not (a user's) needs none."""
        return self.reward.needs_gold or self.reward.hides_gold

    @property
    def left(self) -> int | None:
        """The comparisons that are left; None without a budget."""
        return None if self.budget is None else max(0, self.budget - self.spent)

    def bind(self, space: LabelSpace) -> None:
        """Bind the measure."""
        Wrapper.bind(self, space)
        self.sparse = False  # whoever asks for a score shall be told at the first label

    def compare(self, a: Labelings, b: Labelings, observe: bool = True) -> FloatArray:
        """Which of two labelings of each text is better, float64 [B]: 1 a, 0 b, .5 neither.

        Args:
            a: complete labelings of B texts; gold labels in them are not looked at.
            b: others of the same texts, in the same order.
            observe: count these comparisons.

        Raises:
            RewardError: the texts differ, or no environment brought the gold labels.
            ValueError: more is asked than the budget has.
        """
        if not np.array_equal(a.examples, b.examples):
            raise RewardError(f"reward {self.name} compares labelings of one text with each other")
        if observe and self.left is not None and len(a.examples) > self.left:
            raise ValueError(
                f"reward {self.name} is asked for {len(a.examples)} comparisons, and of "
                f"{self.budget} it has {self.left} left"
            )
        one, other = self.reveal(a), self.reveal(b)
        lead = checked_score(self.reward, one) - checked_score(self.reward, other)
        said = self._said(np.where(abs(lead) < _SAME, 0.0, lead), a, b)
        if observe:
            self.spent += len(said)
            self._judged = self._up_to(a.examples)
            self._judged[a.examples] += 1
            for labelings in (one, other):
                if isinstance(self.reward, Judge):
                    self.reward.note(labelings)
                else:
                    self.reward.observe(labelings)
        return said

    def _said(self, lead: FloatArray, a: Labelings, b: Labelings) -> FloatArray:
        one, other = _digest(a), _digest(b)
        times = self._up_to(a.examples)[a.examples]
        pair = (one + other).view(np.int64)
        words = (crc32(self.to_spec().encode()), self.seed, times, a.examples, pair)
        drawn = uniform(*words, 0)
        if self.temperature is None:
            chance = (np.sign(lead) + 1) / 2
        else:
            chance = (1 + np.tanh(lead / (2 * self.temperature))) / 2
        # Of the two orders of a pair one draws below the chance, the other above the rest.
        won = np.where(one > other, drawn >= 1 - chance, drawn < chance)
        said = won.astype(np.float64)
        if self.temperature is None and self.ties == "none":
            said[lead == 0] = 0.5
        turned = (uniform(*words, 1) < self.noise) & (said != 0.5)
        return np.where(turned, 1 - said, said)

    def score(self, labelings: Labelings) -> FloatArray:
        """Refused.

        Raises:
            RewardError: always.
        """
        self._refuse()

    def steps(self, labelings: Labelings) -> FloatArray:
        """Refused, as ``score``."""
        self._refuse()

    def verdicts(self, labelings: Labelings) -> Verdicts:
        """Refused, as ``score``: a labelling alone gets none."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise RewardError(
            f"reward {self.name} tells which of two labelings is better, not what one is worth: "
            "train with --agent preference (lingym.agents.PreferenceLearning)"
        )


def _digest(labelings: Labelings) -> Words:
    """A number for each labelling, uint64 [B], whatever the padding."""
    rows, last = np.arange(len(labelings.lengths)), labelings.lengths - 1
    if not labelings.labels.shape[1]:
        return np.zeros(len(rows), np.uint64)
    return np.where(last < 0, np.uint64(0), questions(labelings.labels)[rows, last])
