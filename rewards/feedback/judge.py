"""Who gives feedback: a judge alone knows the gold labels, and tells what it judges by them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lingym.rewards.base import Reward, RewardError
from lingym.rewards.counting import summed
from lingym.types import BoolArray, FloatArray, Gold, Labelings


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What a judge says of the units of B labelings.

    Attributes:
        values: float64 [B, U], what is said of a unit; 0 where nothing is.
        given: bool [B, U], where something is said. A verdict about a whole labelling stands at its
            last unit.
        share: float64 [B], what one verdict of an episode weighs in its score.
    """

    values: FloatArray
    given: BoolArray
    share: FloatArray


class Judge(Reward):
    """Feedback on labelings, simulated from gold labels that nothing else in the run sees.

    An environment gives its gold labels and facts to the judge (``entrust``) and keeps the texts
    without. The score of a labelling is the sum of the verdicts about it, each times its share; a
    verdict about a unit is paid when the unit is labelled.

    A subclass gives ``verdicts``. Those about a unit may depend on the labels up to it only. One
    that draws by chance is a `ByChance`.

    Attributes:
        spent: verdicts given so far in the run; each sample of a text that is judged counts.
    """

    sparse = False
    spent: int = 0
    _gold: Gold | None = None

    @property
    def needs_gold(self) -> bool:
        """Whether it reads gold labels in labelings: no, it has its own."""
        return False

    @property
    def hides_gold(self) -> bool:
        """Whether an environment must keep gold labels to it alone: yes."""
        return True

    def entrust(self, gold: Gold) -> None:
        """Take the gold labels of the split; later ones must begin with the same texts.

        Raises:
            ValueError: they are those of another split.
        """
        super().entrust(gold)
        if self._gold is not None:
            had, texts = self._gold, len(self._gold.bounds)
            same = np.array_equal(had.bounds, gold.bounds[:texts])
            if not same or not np.array_equal(had.labels, gold.labels[: len(had.labels)]):
                raise ValueError(
                    f"reward {self.name} judges the texts of another environment already: make one "
                    "for each"
                )
        self._gold = gold

    @property
    def entrusted(self) -> Gold | None:
        """The gold labels that it was given."""
        return self._gold

    def reveal(self, labelings: Labelings) -> Labelings:
        """The labelings beside the gold labels that the judge knows.

        Raises:
            RewardError: it was given none.
        """
        if not self.hides_gold:  # it judges without them
            return labelings
        if self._gold is None:
            raise RewardError(
                f"reward {self.name} has no gold labels to judge by: an environment gives it its "
                "own (entrust)"
            )
        return self._gold.reveal(labelings)

    def verdicts(self, labelings: Labelings) -> Verdicts:
        """What is said of labelings, complete or not.

        Args:
            labelings: beside their gold labels (``reveal``).
        """
        raise NotImplementedError

    def note(self, labelings: Labelings) -> None:
        """Count the verdicts about finished labelings, which stand beside their gold labels."""
        self.spent += int(self.verdicts(labelings).given.sum())
        for reward in self.inner:
            if isinstance(reward, Judge):
                reward.note(labelings)
            else:
                reward.observe(labelings)

    def score(self, labelings: Labelings) -> FloatArray:
        """The verdicts about the labels given so far, each times its share, float64 [B]."""
        return summed(self.steps(labelings))

    def steps(self, labelings: Labelings) -> FloatArray:
        """What each unit's verdict pays, float64 [B, U]."""
        _ = self.space  # an error with words where bind was forgotten
        said = self.verdicts(self.reveal(labelings))
        return np.where(said.given, said.values * said.share[:, None], 0.0)

    def observe(self, labelings: Labelings) -> None:
        """Count the verdicts about finished labelings."""
        self.note(self.reveal(labelings))

    def readings(self) -> dict[str, float]:
        """The verdicts given so far, and what the rewards inside say of themselves."""
        return super().readings() | {"feedback_spent": float(self.spent)}

    def state(self) -> dict[str, Any]:
        """How much was judged, and the states inside."""
        return {**super().state(), "spent": self.spent}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a saved state.

        Raises:
            ValueError: it is the state of another reward.
        """
        (spent,), inner = self._split_state(state, "spent")
        super().load_state(inner)
        self.spent = int(spent)


def decided_units(labelings: Labelings) -> BoolArray:
    """Which units have a label so far, bool [B, U]."""
    number: BoolArray = np.arange(labelings.labels.shape[1]) < labelings.decided[:, None]
    return number


def last_units(labelings: Labelings) -> BoolArray:
    """The last unit of each complete labelling, bool [B, U]; none of one that is not complete."""
    last = np.arange(labelings.labels.shape[1]) == labelings.lengths[:, None] - 1
    complete = (labelings.decided >= labelings.lengths)[:, None]
    ended: BoolArray = last & complete
    return ended
