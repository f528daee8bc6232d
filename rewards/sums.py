"""Weighted sums of rewards, each part logged by its own name."""

import math
from functools import reduce
from typing import Any

import numpy as np

from lingym.rewards.base import Reward, RewardError, gathered
from lingym.rewards.checks import checked_score, checked_steps
from lingym.rewards.schedules import Schedule, Weight, value, written
from lingym.types import FloatArray, Labelings, LabelSpace


class WeightedSum(Reward):
    """The sum of rewards times weights; written ``0.7 * EntityF1() + 0.3 * Accuracy()``.

    A weight may be a `Schedule`, which changes as the run goes on: ``advance`` moves it, and until
    the next ``advance`` it stays. The policy that a run began with is then no longer judged as it
    was: scores before and after a change are not to be compared, those of the parts are.
    """

    progress: float = 0.0

    def __init__(self, terms: tuple[tuple[Weight, Reward], ...]) -> None:
        """Keep the terms; ``WeightedSum.of`` also flattens sums of sums.

        Args:
            terms: (weight, reward) pairs; weights are finite, of either sign, or schedules.

        Raises:
            ValueError: no term, or a weight that is not finite.
        """
        if not terms:
            raise ValueError("a weighted sum needs at least one reward")
        for weight, reward in terms:
            if not isinstance(weight, Schedule) and not math.isfinite(weight):
                raise ValueError(
                    f"the weight of reward {reward.name} is {weight}: wanted a finite number"
                )
        self.terms = terms
        self.name = self.to_spec()
        self.sparse = all(reward.sparse for _, reward in terms)

    @classmethod
    def of(cls, *terms: tuple[Weight, Reward]) -> "WeightedSum":
        """The sum of (weight, reward) pairs, with the terms of inner sums taken out of them."""
        flat: list[tuple[Weight, Reward]] = []
        for weight, reward in terms:
            inner = reward.terms if isinstance(reward, WeightedSum) else ((1.0, reward),)
            flat += [(weight * factor, part) for factor, part in inner]
        return cls(tuple(flat))

    @property
    def inner(self) -> tuple[Reward, ...]:
        """The rewards that are summed."""
        return tuple(reward for _, reward in self.terms)

    @property
    def weights(self) -> tuple[float, ...]:
        """The weight of each part, as far as the run has come.

        Raises:
            RewardError: a schedule gave something that is no finite number.
        """
        weights = tuple(value(weight, self.progress) for weight, _ in self.terms)
        for (weight, reward), now in zip(self.terms, weights, strict=True):
            if not math.isfinite(now):
                raise RewardError(
                    f"the weight {written(weight)} of reward {reward.name} is {now} at progress "
                    f"{self.progress}: wanted a finite number"
                )
        return weights

    def bind(self, space: LabelSpace) -> None:
        """Bind every part."""
        super().bind(space)
        for _, reward in self.terms:
            reward.bind(space)
        self.sparse = all(reward.sparse for _, reward in self.terms)  # the task may decide it

    def score(self, labelings: Labelings) -> FloatArray:
        """The weighted scores, summed, float64 [B]."""
        parts = zip(self.weights, self.inner, strict=True)
        return reduce(np.add, (w * checked_score(reward, labelings) for w, reward in parts))

    def steps(self, labelings: Labelings) -> FloatArray:
        """The weighted step rewards, summed, float64 [B, U]."""
        parts = zip(self.weights, self.inner, strict=True)
        return reduce(np.add, (w * checked_steps(reward, labelings) for w, reward in parts))

    def table(self, labelings: Labelings, count: int) -> FloatArray | None:
        """The weighted tables, summed, float64 [B, U, K]; None where a part has none."""
        total = np.zeros((*labelings.labels.shape, count))
        for weight, reward in zip(self.weights, self.inner, strict=True):
            table = reward.table(labelings, count)
            if table is None:
                return None
            total += weight * table
        return total

    def parts(self, labelings: Labelings) -> dict[str, FloatArray]:
        """Each part's score without its weight; of parts with one name the second is ``name_2``.

        A part that has parts of its own gives these.
        """
        return gathered(raw_parts(reward, labelings) for reward in self.inner)

    def measure(self) -> float | None:
        """The weighted measures of the parts, summed, where all have one."""
        measures = [reward.measure() for reward in self.inner]
        known = [measure for measure in measures if measure is not None]
        if len(known) < len(measures):
            return None
        return sum(weight * measure for weight, measure in zip(self.weights, known, strict=True))

    def advance(self, progress: float) -> None:
        """Move the weights that change.

        Raises:
            ValueError: the progress is not 0 to 1.
        """
        if not 0 <= progress <= 1:
            raise ValueError(f"progress is {progress}: wanted the share of the run done, 0 to 1")
        super().advance(progress)
        self.progress = float(progress)

    def readings(self) -> dict[str, float]:
        """What the parts say, and as ``weight/name`` each weight that changes."""
        terms = zip(self.terms, self.weights, strict=True)
        moved = ({f"weight/{r.name}": w} for (s, r), w in terms if isinstance(s, Schedule))
        return gathered((super().readings(), *moved))

    def state(self) -> dict[str, Any]:
        """The state of the parts, and the progress if weights change with it."""
        own = {"progress": self.progress} if self._scheduled else {}
        return super().state() | own

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a state that ``state`` gave.

        Raises:
            ValueError: it is the state of another reward.
        """
        own, inner = self._split_state(state, *(["progress"] if self._scheduled else []))
        super().load_state(inner)
        if own:
            self.progress = float(own[0])

    @property
    def _scheduled(self) -> bool:
        return any(isinstance(weight, Schedule) for weight, _ in self.terms)

    def to_spec(self) -> str:
        """The terms as ``from_spec`` reads them, e.g. ``0.7*entity_f1+0.3*accuracy``."""
        terms = ((written(weight), reward, reward.to_spec()) for weight, reward in self.terms)
        return "+".join(f"{w}*{_bracketed(reward, text)}" for w, reward, text in terms)

    def __repr__(self) -> str:
        """The expression that makes this sum."""
        terms = ((weight, reward, repr(reward)) for weight, reward in self.terms)
        return " + ".join(
            f"{weight!r} * {_bracketed(reward, text)}" for weight, reward, text in terms
        )


def _bracketed(reward: Reward, text: str) -> str:
    """A term's text; a sum that was not taken apart stands in brackets."""
    return f"({text})" if isinstance(reward, WeightedSum) else text


def raw_parts(reward: Reward, labelings: Labelings) -> dict[str, FloatArray]:
    """The raw scores of a reward by name, float64 [B] each, guarded where there is one only."""
    if type(reward).parts is Reward.parts:
        return {reward.name: checked_score(reward, labelings)}
    return reward.parts(labelings)
