"""F-beta from counts, its mean over labels, and how that mean changes unit by unit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lingym.rewards.counting import Numbers, ratio
from lingym.types import BoolArray, FloatArray

Places = npt.NDArray[np.intp]
AVERAGES = ("micro", "macro", "weighted")
Weights = Mapping[str, float]


def f_beta(
    matches: Numbers, predicted: Numbers, gold: Numbers, beta: float, empty: float
) -> FloatArray:
    """(1 + b^2) matches / (predicted + b^2 gold) element by element, and ``empty`` for 0 / 0.

    It is (1 + b^2) P R / (b^2 P + R) of precision P and recall R (van Rijsbergen, 1979), where
    there is something to find and something found.
    """
    weight = float(beta) ** 2
    part = np.asarray((1 + weight) * matches, np.float64)
    return ratio(part, np.asarray(predicted + weight * gold, np.float64), empty)


def check_settings(
    beta: float, empty: float, average: str = "micro", weights: Weights | None = None
) -> None:
    """Refuse settings that give no score, or contradict each other.

    Raises:
        ValueError: one is not as wanted; the message names it.
    """
    if not 0 < beta < np.inf:
        raise ValueError(f"beta is {beta}: wanted a finite number over 0")
    if not np.isfinite(empty):
        raise ValueError(f"empty is {empty}: wanted a finite score")
    if average not in AVERAGES:
        raise ValueError(f"average is {average!r}: wanted 'micro', 'macro' or 'weighted'")
    if weights is None:
        return
    if not isinstance(weights, Mapping):
        raise ValueError(f"weights is {weights!r}: wanted numbers by name, such as {{'PER': 2.0}}")
    if average != "macro":
        raise ValueError(f"weights are for average='macro', the mean they weigh; got {average!r}")
    for name, weight in weights.items():
        if not 0 <= weight < np.inf:
            raise ValueError(
                f"the weight of {name!r} is {weight}: wanted a finite number, 0 or over"
            )


def weights_of(names: Sequence[str], weights: Weights | None, what: str) -> FloatArray:
    """The weight of each name, float64 [K]; 1 where none is given.

    Raises:
        ValueError: a weight is for none of the names, which the message calls a ``what``.
    """
    for name in weights or {}:
        if name not in names:
            raise ValueError(f"{what} {name!r} is none of the task's: {', '.join(names)}")
    return np.array([float((weights or {}).get(name, 1.0)) for name in names])


class Events(NamedTuple):
    """What changed the counts of a label when a unit was decided; arrays [N], in any order."""

    row: Places  # the episode
    label: Places  # the label whose counts change
    unit: Places  # the unit with which they do
    predicted: Numbers  # how much is predicted more
    matches: Numbers  # how much is matched more; below 0 where a match is lost again


@dataclass(frozen=True, eq=False)
class LabelMean:
    """The mean of the F-beta of K labels.

    Attributes:
        beta: b of F-beta.
        empty: the score where nothing is counted.
        weights: float64 [K] of each label in the mean over the labels that gold or prediction has;
            None weighs each by its gold count instead (scikit-learn's "weighted").
    """

    beta: float
    empty: float
    weights: FloatArray | None

    def of(self, matches: Numbers, predicted: Numbers, gold: Numbers) -> FloatArray:
        """The mean from counts [B, K], float64 [B]."""
        f = f_beta(matches, predicted, gold, self.beta, 0.0)
        weights = self._weights(gold, (predicted + gold) > 0)
        mean = ratio((f * weights).sum(1), weights.sum(1), self.empty)
        if self.weights is None:  # none has weight, though what was predicted is wrong
            mean[(gold.sum(1) == 0) & (predicted.sum(1) > 0)] = 0.0
        return mean

    def of_prefixes(self, events: Events, gold: Numbers, units: int) -> FloatArray:
        """The means of all prefixes, float64 [B, U], from what each unit changes.

        A unit changes the counts of a label or two, so the mean of a prefix is a running sum of the
        few changes of F, and no table [B, U, K] is ever made.

        Args:
            events: the changes; a unit may bring several.
            gold: [B, K] how often each label is in the gold.
            units: U.
        """
        rows, labels = gold.shape
        own = events.row * labels + events.label
        order = np.argsort(own * units + events.unit, kind="stable")
        own, grew, met = own[order], events.predicted[order], events.matches[order]
        place = (events.row * units + events.unit)[order]
        first = np.diff(own, prepend=-1) != 0
        predicted, matches = _within(grew, first), _within(met, first)
        wanted = gold.reshape(-1)[own]
        f = f_beta(matches, predicted, wanted, self.beta, 0.0)
        rise = np.diff(f, prepend=0.0)
        rise[first] = f[first]
        entered = (wanted == 0) & (grew > 0) & (predicted == grew)

        def running(values: Numbers) -> FloatArray:
            each = np.bincount(place, values, minlength=rows * units)
            return each.reshape(rows, units).cumsum(1)

        weights = wanted if self.weights is None else self.weights[own % labels]
        whole = running(weights * entered) + self._weights(gold, gold > 0).sum(1)[:, None]
        mean = ratio(running(weights * rise), whole, self.empty)
        if self.weights is None:
            mean[(whole == 0) & (running(grew) > 0)] = 0.0
        return mean

    def _weights(self, gold: Numbers, seen: BoolArray) -> FloatArray:
        return gold.astype(np.float64) if self.weights is None else self.weights * seen


def _within(changes: Numbers, first: BoolArray) -> Numbers:
    """Running sums that begin again at each first of a group."""
    total = changes.cumsum()
    before = (total - changes)[first]
    return total - before[first.cumsum() - 1] if len(total) else total
