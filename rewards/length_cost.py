"""Prices for what is labelled, whatever the gold labels are."""

from dataclasses import dataclass, field

import numpy as np

from lingym.rewards.base import Reward
from lingym.rewards.counting import count, planned
from lingym.types import BoolArray, FloatArray, Labelings, LabelSpace


@dataclass(eq=False)
class LengthCost(Reward):
    """Minus a price for every unit that gets one of some labels, without a look at the gold.

    With n such units the score is -price n; 0 where there is none. Added to another reward it makes
    the labelling sparser: sentences taken into a summary, words called an entity. A price below 0
    pays for them instead.

    Attributes:
        price: of one unit, finite.
        labels: the labels that cost, such as ``("in",)``; none named: all but ``free``.
        free: the labels that cost nothing, such as ``("O",)``, where ``labels`` are not named.
    """

    price: float = 0.1
    labels: tuple[str, ...] = ()
    free: tuple[str, ...] = ()
    name = "length_cost"
    named = True
    sparse = False
    _costs: BoolArray = field(init=False, repr=False)  # [K + 1]; the last is for label -1

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other."""
        _check_price(self.price)
        for what, names in (("labels", self.labels), ("free", self.free)):
            if not isinstance(names, tuple):  # a lone name would count letter by letter
                raise ValueError(f"{what} is {names!r}: wanted a tuple such as ('O',)")
        if self.labels and self.free:
            raise ValueError("length_cost has labels that cost and free ones: wanted one of them")

    @property
    def needs_gold(self) -> bool:
        """No."""
        return False

    def bind(self, space: LabelSpace) -> None:
        """Look up the labels.

        Raises:
            ValueError: a name is none of the task's labels.
        """
        super().bind(space)
        for name in (*self.labels, *self.free):
            if name not in space.places:
                raise ValueError(f"label {name!r} is none of the task's: {', '.join(space.names)}")
        costs = set(self.labels) or set(space.names) - set(self.free)
        self._costs = np.array([*(name in costs for name in space.names), False])

    def score(self, labelings: Labelings) -> FloatArray:
        """Minus the price of the units so labelled, float64 [B]."""
        return 0.0 - self.price * count(self._costly(labelings))

    def steps(self, labelings: Labelings) -> FloatArray:
        """Minus the price of each unit, float64 [B, U]."""
        return np.where(self._costly(labelings), -float(self.price), 0.0)

    def table(self, labelings: Labelings, count: int) -> FloatArray | None:
        """Minus the price of every label that costs, float64 [B, U, K]; None as in `StepCost`."""
        if _cut(self.space, labelings):
            return None
        each = np.where(self._costs[:-1], -float(self.price), 0.0)
        return each * planned(labelings)[..., None]

    def _costly(self, labelings: Labelings) -> BoolArray:
        _ = self.space  # an error with words where bind was forgotten
        return self._costs.take(labelings.labels)


@dataclass(eq=False)
class StepCost(Reward):
    """Minus a price for every label given, which makes an agent stop early where it may.

    With n labels given the score is -price n; 0 where none is. Where no label ends an episode its
    length is fixed, and the price changes nothing.

    Attributes:
        price: of one label, finite; below 0 it pays for going on.
    """

    price: float = 0.01
    name = "step_cost"
    sparse = False

    def __post_init__(self) -> None:
        """Refuse what is no price."""
        _check_price(self.price)

    @property
    def needs_gold(self) -> bool:
        """No."""
        return False

    def score(self, labelings: Labelings) -> FloatArray:
        """Minus the price of the labels given, float64 [B]."""
        return 0.0 - self.price * labelings.decided.astype(np.float64)

    def steps(self, labelings: Labelings) -> FloatArray:
        """Minus the price of each label, float64 [B, U]."""
        within = np.arange(labelings.labels.shape[1]) < labelings.lengths[:, None]
        return np.where(within, -float(self.price), 0.0)

    def table(self, labelings: Labelings, count: int) -> FloatArray | None:
        """Minus the price for every label, float64 [B, U, K].

        None where a label can stop an episode and no gold label says how long it would have been.
        """
        if _cut(self._space, labelings):
            return None
        return np.repeat(-float(self.price) * planned(labelings)[..., None], count, 2)


def _cut(space: LabelSpace | None, labelings: Labelings) -> bool:
    """Whether it is not known how many units the episodes have: they may have been stopped."""
    can_stop = space is not None and space.stop is not None
    return can_stop and not bool((labelings.gold >= 0).any())


def _check_price(price: float) -> None:
    if not np.isfinite(price):
        raise ValueError(f"price is {price}: wanted a finite number")
