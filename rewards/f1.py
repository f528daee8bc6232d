"""F-beta of the unit labels within an episode."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from lingym.rewards.base import Reward, rises
from lingym.rewards.counting import correct, count, count_labels
from lingym.rewards.f_beta import Events, LabelMean, check_settings, f_beta, weights_of
from lingym.types import UNDECIDED, BoolArray, FloatArray, Labelings, LabelSpace


@dataclass(eq=False)
class F1(Reward):
    """F1 (or F-beta) of an episode's unit labels: micro, macro, weighted, or of one label.

    With m right units among p that were given a counted label and g that have one in the gold, it
    is (1 + b^2) m / (p + b^2 g), in [0, 1]. It equals ``sklearn.metrics.fbeta_score(gold,
    predicted, labels=counted, average=average, beta=beta, zero_division=empty)``, where the counted
    labels are those that the episode's gold or prediction has, less ``ignore`` (only ``label``, if
    given). Where predictions are counted and no gold label is, it is 0, whatever ``empty`` says.

    Attributes:
        average: "micro" counts all labels together; "macro" takes the mean of their F; "weighted"
            takes the mean by how often each is in the gold.
        label: count this label alone.
        ignore: labels that are not counted, such as ``("O",)``.
        dense: score a prefix by the labels given so far against the whole gold, so that a unit
            without a label is one missed; else only the whole labelling.
        empty: the score where neither gold nor prediction has a counted label, finite;
            scikit-learn's ``zero_division``, which is 0 there by default.
        beta: b, over 0; above 1 it weighs recall more, below 1 precision.
        weights: of labels by name in the macro mean, such as ``{"B-PER": 2.0}``; the others weigh
            1, and a label with weight 0 is left out of the mean.
    """

    average: str = "micro"
    label: str | None = None
    ignore: tuple[str, ...] = ()
    dense: bool = False
    empty: float = 1.0
    beta: float = 1.0
    weights: Mapping[str, float] | None = None
    name = "f1"
    named = True
    _counted: BoolArray = field(init=False, repr=False)  # [K + 1]; the last is for label -1
    _mean: LabelMean = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other."""
        check_settings(self.beta, self.empty, self.average, self.weights)
        if not isinstance(self.ignore, tuple):  # a lone name would count letter by letter
            raise ValueError(f"ignore is {self.ignore!r}: wanted a tuple such as ('O',)")
        if self.label in self.ignore:
            raise ValueError(f"label {self.label!r} is also among those to ignore")
        self.sparse = not self.dense

    def bind(self, space: LabelSpace) -> None:
        """Look up the labels to count.

        Raises:
            ValueError: ``label``, one of ``ignore`` or of ``weights`` is not a label of the task.
        """
        super().bind(space)
        for name in (*self.ignore, *([] if self.label is None else [self.label])):
            if name not in space.names:
                raise ValueError(f"label {name!r} is none of the task's: {', '.join(space.names)}")
        wanted = set(space.names) - set(self.ignore) if self.label is None else {self.label}
        self._counted = np.array([*(name in wanted for name in space.names), False])
        weights = weights_of(space.names, self.weights, "label")
        self._mean = LabelMean(
            self.beta, self.empty, None if self.average == "weighted" else weights
        )

    def score(self, labelings: Labelings) -> FloatArray:
        """F of each episode, float64 [B] in [0, 1] (or ``empty``)."""
        f = self._micro(labelings) if self.average == "micro" else self._by_label(labelings)
        return np.where(self.scored(labelings), f, 0.0)

    def steps(self, labelings: Labelings) -> FloatArray:
        """Rises of F, float64 [B, U], in closed form."""
        if self.sparse:
            return super().steps(labelings)
        predicted, gold, right = self._counted_units(labelings)
        if self.average != "micro":
            row, unit = np.nonzero(predicted)
            label, met = labelings.labels[row, unit].astype(np.intp), right[row, unit].astype(int)
            events = Events(row, label, unit, np.ones_like(met), met)
            wanted = count_labels(labelings.gold, len(self.space)) * self._counted[:-1]
            return rises(self._mean.of_prefixes(events, wanted, predicted.shape[1]), labelings)
        counts = right.cumsum(1), predicted.cumsum(1), gold.sum(1)[:, None]
        return rises(f_beta(*counts, self.beta, self.empty), labelings)

    def _micro(self, labelings: Labelings) -> FloatArray:
        predicted, gold, right = self._counted_units(labelings)
        return f_beta(count(right), count(predicted), count(gold), self.beta, self.empty)

    def _by_label(self, labelings: Labelings) -> FloatArray:
        number, counted = len(self.space), self._counted[:-1]
        right = np.where(correct(labelings), labelings.gold, UNDECIDED)
        sorts = (right, labelings.labels, labelings.gold)
        return self._mean.of(*(count_labels(labels, number) * counted for labels in sorts))

    def _counted_units(self, labelings: Labelings) -> tuple[BoolArray, BoolArray, BoolArray]:
        """Which units have a counted label predicted, in the gold, and both the same; [B, U]."""
        _ = self.space  # an error with words where bind was forgotten
        gold = self._counted.take(labelings.gold)
        return self._counted.take(labelings.labels), gold, gold & correct(labelings)
