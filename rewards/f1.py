"""F1 of the unit labels within an episode."""

from dataclasses import dataclass, field

import numpy as np

from lingym.rewards.base import Reward, rises
from lingym.rewards.counting import correct, count, count_labels, ratio
from lingym.types import UNDECIDED, BoolArray, FloatArray, Labelings, LabelSpace


@dataclass(eq=False)
class F1(Reward):
    """F1 of an episode's unit labels: micro, macro, or of one label.

    With m right units among p that were given a counted label and g that have one in the gold, F1
    is 2 m / (p + g). It equals ``sklearn.metrics.f1_score(gold, predicted, labels=counted,
    average=average, zero_division=empty)``, where the counted labels are those that the episode's
    gold or prediction has, less ``ignore`` (only ``label``, if given).

    Attributes:
        average: "micro" counts all labels together, "macro" takes the mean of their F1.
        label: count this label alone.
        ignore: labels that are not counted, such as ``("O",)``.
        dense: score a prefix by the labels given so far against the whole gold, so that a unit
            without a label is one missed; else only the whole labelling.
        empty: the score where neither gold nor prediction has a counted label, finite;
            scikit-learn's ``zero_division``, which is 0 there by default.
    """

    average: str = "micro"
    label: str | None = None
    ignore: tuple[str, ...] = ()
    dense: bool = False
    empty: float = 1.0
    name = "f1"
    named = True
    _counted: BoolArray = field(init=False, repr=False)  # [K + 1]; the last is for label -1

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other."""
        if self.average not in ("micro", "macro"):
            raise ValueError(f"average is {self.average!r}: wanted 'micro' or 'macro'")
        if not isinstance(self.ignore, tuple):  # a lone name would count letter by letter
            raise ValueError(f"ignore is {self.ignore!r}: wanted a tuple such as ('O',)")
        if self.label in self.ignore:
            raise ValueError(f"label {self.label!r} is also among those to ignore")
        if not np.isfinite(self.empty):
            raise ValueError(f"empty is {self.empty}: wanted a finite score")
        self.sparse = not self.dense

    def bind(self, space: LabelSpace) -> None:
        """Look up the labels to count.

        Raises:
            ValueError: ``label`` or one of ``ignore`` is not a label of the task.
        """
        super().bind(space)
        for name in (*self.ignore, *([] if self.label is None else [self.label])):
            if name not in space.names:
                raise ValueError(f"label {name!r} is none of the task's: {', '.join(space.names)}")
        wanted = set(space.names) - set(self.ignore) if self.label is None else {self.label}
        self._counted = np.array([*(name in wanted for name in space.names), False])

    def score(self, labelings: Labelings) -> FloatArray:
        """F1 of each episode, float64 [B] in [0, 1] (or ``empty``)."""
        f1 = self._macro(labelings) if self.average == "macro" else self._micro(labelings)
        return np.where(self.scored(labelings), f1, 0.0)

    def steps(self, labelings: Labelings) -> FloatArray:
        """Rises of F1, float64 [B, U]; for dense micro F1 in closed form."""
        if self.sparse or self.average == "macro":
            return super().steps(labelings)
        predicted, gold, right = self._counted_units(labelings)
        units = predicted.cumsum(1) + gold.sum(1)[:, None]
        return rises(ratio(2 * right.cumsum(1), units, self.empty), labelings)

    def _micro(self, labelings: Labelings) -> FloatArray:
        predicted, gold, right = self._counted_units(labelings)
        return ratio(2 * count(right), count(predicted) + count(gold), self.empty)

    def _macro(self, labelings: Labelings) -> FloatArray:
        number = len(self.space)
        right = np.where(correct(labelings), labelings.gold, UNDECIDED)
        matches = count_labels(right, number)
        units = count_labels(labelings.labels, number) + count_labels(labelings.gold, number)
        seen = (units > 0) & self._counted[:-1]
        f1 = ratio(2 * matches, units, 0.0)
        return ratio((f1 * seen).sum(1), seen.sum(1), self.empty)

    def _counted_units(self, labelings: Labelings) -> tuple[BoolArray, BoolArray, BoolArray]:
        """Which units have a counted label predicted, in the gold, and both the same; [B, U]."""
        _ = self.space  # an error with words where bind was forgotten
        gold = self._counted.take(labelings.gold)
        return self._counted.take(labelings.labels), gold, gold & correct(labelings)
