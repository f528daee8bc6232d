"""Weighted sums of rewards, each part logged by its own name."""

import math
from functools import reduce

import numpy as np

from lingym.rewards.base import Reward
from lingym.rewards.checks import checked_score, checked_steps
from lingym.types import FloatArray, Labelings, LabelSpace


class WeightedSum(Reward):
    """The sum of rewards times weights; written ``0.7 * EntityF1() + 0.3 * Accuracy()``."""

    def __init__(self, terms: tuple[tuple[float, Reward], ...]) -> None:
        """Keep the terms; ``WeightedSum.of`` also flattens sums of sums.

        Args:
            terms: (weight, reward) pairs; weights are finite, of either sign.

        Raises:
            ValueError: no term, or a weight that is not finite.
        """
        if not terms:
            raise ValueError("a weighted sum needs at least one reward")
        for weight, reward in terms:
            if not math.isfinite(weight):
                raise ValueError(
                    f"the weight of reward {reward.name} is {weight}: wanted a finite number"
                )
        self.terms = terms
        self.name = self.to_spec()
        self.sparse = all(reward.sparse for _, reward in terms)

    @classmethod
    def of(cls, *terms: tuple[float, Reward]) -> "WeightedSum":
        """The sum of (weight, reward) pairs, with the terms of inner sums taken out of them."""
        flat: list[tuple[float, Reward]] = []
        for weight, reward in terms:
            inner = reward.terms if isinstance(reward, WeightedSum) else ((1.0, reward),)
            flat += [(weight * factor, part) for factor, part in inner]
        return cls(tuple(flat))

    @property
    def inner(self) -> tuple[Reward, ...]:
        """The rewards that are summed."""
        return tuple(reward for _, reward in self.terms)

    def bind(self, space: LabelSpace) -> None:
        """Bind every part."""
        super().bind(space)
        for _, reward in self.terms:
            reward.bind(space)
        self.sparse = all(reward.sparse for _, reward in self.terms)  # the task may decide it

    def score(self, labelings: Labelings) -> FloatArray:
        """The weighted scores, summed, float64 [B]."""
        return reduce(np.add, (w * checked_score(reward, labelings) for w, reward in self.terms))

    def steps(self, labelings: Labelings) -> FloatArray:
        """The weighted step rewards, summed, float64 [B, U]."""
        return reduce(np.add, (w * checked_steps(reward, labelings) for w, reward in self.terms))

    def table(self, labelings: Labelings, count: int) -> FloatArray | None:
        """The weighted tables, summed, float64 [B, U, K]; None where a part has none."""
        total = np.zeros((*labelings.labels.shape, count))
        for weight, reward in self.terms:
            table = reward.table(labelings, count)
            if table is None:
                return None
            total += weight * table
        return total

    def parts(self, labelings: Labelings) -> dict[str, FloatArray]:
        """Each part's score without its weight; of parts with one name the second is ``name_2``."""
        parts: dict[str, FloatArray] = {}
        for _, reward in self.terms:
            name, count = reward.name, 1
            while name in parts:
                count += 1
                name = f"{reward.name}_{count}"
            parts[name] = checked_score(reward, labelings)
        return parts

    def to_spec(self) -> str:
        """The terms as ``from_spec`` reads them, e.g. ``0.7*entity_f1+0.3*accuracy``."""
        return "+".join(f"{weight!r}*{reward.to_spec()}" for weight, reward in self.terms)

    def __repr__(self) -> str:
        """The expression that makes this sum."""
        return " + ".join(f"{weight!r} * {reward!r}" for weight, reward in self.terms)
