"""One reward as high as it can be while another stays above, or below, a bound."""

import math
from dataclasses import dataclass, field
from typing import Any

from lingym.rewards.base import Reward, RewardError, gathered
from lingym.rewards.checks import checked_score, checked_steps
from lingym.rewards.spread import Spread
from lingym.rewards.sums import raw_parts
from lingym.types import FloatArray, Labelings, LabelSpace


@dataclass(eq=False)
class Constrained(Reward):
    """The highest objective under a constraint on another reward, by a learned multiplier.

    "Precision as high as can be, with recall at least 0.9" has the Lagrangian P + m (R - 0.9). The
    score is (objective + m constraint) / (1 + m), which differs from it by a constant and in scale
    only, so that the step size need not follow m; with ``at_most`` it is (objective - m constraint)
    / (1 + m). The multiplier m begins at 0, and follows by how much the constraint is not kept,
    its lack (below 0 where it is more than kept; m never is):

        m = price + damping * lack,    price += rate * lack    for each observed episode

    The price is dual ascent (for policies: Tessler, Mankowitz and Mannor, 2019,
    https://arxiv.org/abs/1805.11074), which alone swings about the bound; the other term calms it
    (Stooke, Achiam and Abbeel, 2020, https://arxiv.org/abs/2007.03964).

    Attributes:
        objective: what is to be high.
        constraint: what is to be kept: by its ``measure`` if it has one (the corpus metrics have),
            else by the decayed mean of its score.
        at_least: the constraint's lower bound; or
        at_most: its upper bound. Exactly one is given.
        rate: how much the price moves for an episode and a lack of 1. A labelling is an episode:
            several samples of a text are as many.
        half_life: of the mean of the constraint's score, in episodes.
        damping: how much the multiplier exceeds the price at a lack of 1, at least 0.
        limit: the highest price and multiplier, so that a bound that cannot be kept for long does
            not leave a price that takes as long to come down.
    """

    objective: Reward
    constraint: Reward
    at_least: float | None = None
    at_most: float | None = None
    rate: float = 0.002
    half_life: float = 500.0
    damping: float = 5.0
    limit: float = 100.0
    name = "constrained"
    _sign: float = field(init=False, repr=False)
    _bound: float = field(init=False, repr=False)
    _seen: Spread = field(init=False, repr=False)
    _measured: float | None = field(default=None, init=False, repr=False)
    _price: float = field(default=0.0, init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse what is no constraint.

        Raises:
            ValueError: not exactly one bound, or a setting out of range.
        """
        for own in ("objective", "constraint"):
            if not isinstance(getattr(self, own), Reward):
                raise ValueError(f"{own} is {getattr(self, own)!r}: wanted a reward")
        bounds = [bound for bound in (self.at_least, self.at_most) if bound is not None]
        if len(bounds) != 1 or not math.isfinite(bounds[0]):
            raise ValueError(
                f"at_least is {self.at_least} and at_most {self.at_most}: wanted one finite bound"
            )
        for own in ("rate", "limit"):
            if not 0 < getattr(self, own) < math.inf:
                raise ValueError(f"{own} is {getattr(self, own)}: wanted a number above 0")
        if not 0 <= self.damping < math.inf:
            raise ValueError(f"damping is {self.damping}: wanted a finite number, at least 0")
        self._sign = 1.0 if self.at_most is None else -1.0
        self._bound = float(bounds[0])
        self._seen = Spread(self.half_life)
        self.sparse = self.objective.sparse and self.constraint.sparse

    @property
    def inner(self) -> tuple[Reward, ...]:
        """The objective and the constraint."""
        return (self.objective, self.constraint)

    @property
    def multiplier(self) -> float:
        """What the constraint weighs now, to the objective's 1."""
        lack = 0.0 if self._measured is None else self._lack(self._measured)
        return min(max(self._price + self.damping * lack, 0.0), self.limit)

    def _lack(self, measured: float) -> float:
        """How far the constraint is from being kept; below 0 where it is."""
        return self._sign * (self._bound - measured)

    def bind(self, space: LabelSpace) -> None:
        """Bind both."""
        super().bind(space)
        for reward in self.inner:
            reward.bind(space)
        self.sparse = self.objective.sparse and self.constraint.sparse  # the task may decide it

    def score(self, labelings: Labelings) -> FloatArray:
        """The Lagrangian's score, float64 [B], in the scale of the two."""
        return self._together(*(checked_score(reward, labelings) for reward in self.inner))

    def steps(self, labelings: Labelings) -> FloatArray:
        """The Lagrangian's step rewards, float64 [B, U]."""
        return self._together(*(checked_steps(reward, labelings) for reward in self.inner))

    def table(self, labelings: Labelings, count: int) -> FloatArray | None:
        """The Lagrangian's table, float64 [B, U, K], where both have one."""
        objective, constraint = (reward.table(labelings, count) for reward in self.inner)
        if objective is None or constraint is None:
            return None
        return self._together(objective, constraint)

    def _together(self, objective: FloatArray, constraint: FloatArray) -> FloatArray:
        multiplier = self.multiplier
        return (objective + self._sign * multiplier * constraint) / (1 + multiplier)

    def parts(self, labelings: Labelings) -> dict[str, FloatArray]:
        """The raw scores of both."""
        return gathered(raw_parts(reward, labelings) for reward in self.inner)

    def observe(self, labelings: Labelings) -> None:
        """Measure the constraint, and move the multiplier.

        Raises:
            RewardError: the constraint has no measure and a part of it has one.
        """
        # Scored before it takes note of them, by the state that the episodes were paid by.
        scores = checked_score(self.constraint, labelings)
        super().observe(labelings)
        episodes = len(labelings.lengths)
        if not episodes:
            return
        measured = self.constraint.measure()
        if measured is None:
            _refuse_hidden_measure(self.constraint)
            self._seen.add(scores)
            measured = self._seen.mean
        moved = self._price + self.rate * episodes * self._lack(measured)
        self._price = min(max(moved, 0.0), self.limit)
        self._measured = measured

    def readings(self) -> dict[str, float]:
        """``lagrange_multiplier``, and once it was measured ``constraint``."""
        own = {"lagrange_multiplier": self.multiplier}
        if self._measured is not None:
            own["constraint"] = self._measured
        return gathered((super().readings(), own))

    def state(self) -> dict[str, Any]:
        """The multiplier, the constraint's mean, and what both rewards have learned."""
        own = {"price": self._price, "measured": self._measured}
        return super().state() | own | {"seen": self._seen.state()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a state that ``state`` gave.

        Raises:
            ValueError: it is the state of another reward.
        """
        (price, measured, seen), inner = self._split_state(state, "price", "measured", "seen")
        super().load_state(inner)
        self._seen.load_state(seen)
        self._price, self._measured = price, measured


def _refuse_hidden_measure(reward: Reward) -> None:
    """Refuse a constraint whose scores do not say what a part of it measures."""
    inside = list(reward.inner)
    while inside:
        part = inside.pop()
        if part.measure() is not None:
            raise RewardError(
                f"reward constrained holds {reward.to_spec()}, and only {part.to_spec()} inside it "
                "measures a corpus; the mean of its scores would say nothing of a bound: constrain "
                "that alone, or a sum of such"
            )
        inside += part.inner
