"""A reward as a metric: what all texts of a split are worth together, in one number."""

from dataclasses import dataclass

import numpy as np

from lingym.rewards.averages import Measure
from lingym.rewards.base import Reward
from lingym.rewards.checks import checked_score
from lingym.rewards.corpus_counts import Totals
from lingym.rewards.corpus_reward import CorpusReward
from lingym.rewards.schedules import Schedule
from lingym.rewards.spec import from_spec
from lingym.rewards.sums import WeightedSum
from lingym.types import FloatArray, Labelings, LabelSpace


@dataclass(frozen=True, eq=False)
class Part:
    """One summand of a metric, by text.

    Attributes:
        factor: its weight.
        values: float64 [N] the scores that it is the mean of; None where ``measure`` is given.
        totals: [N, T] the counts that it is a measure of.
        measure: of the counts, summed over texts.
    """

    factor: float
    values: FloatArray | None = None
    totals: Totals | None = None
    measure: Measure | None = None

    def value(self) -> float:
        """The summand; NaN without any text."""
        if self.totals is None or self.measure is None:
            assert self.values is not None
            return self.factor * float(self.values.mean() if len(self.values) else np.nan)
        return self.factor * float(self.measure.value(Totals(*(c.sum(0) for c in self.totals))))


def metric_reward(spec: str, space: LabelSpace) -> Reward:
    """The reward that a text names, bound to these labels and fit to be a metric.

    Raises:
        ValueError: it is no reward, cannot score these labels, or says another thing of the same
            labels as a run goes on.
    """
    reward = from_spec(spec)
    reward.bind(space)
    _check(reward, spec)
    return reward


def parts_of(spec: str, labelings: Labelings, space: LabelSpace) -> list[Part]:
    """What each text adds to a reward as a metric.

    Args:
        spec: the reward as text, see `from_spec`.
        labelings: complete ones of N texts.
        space: the labels.

    Raises:
        ValueError: see `metric_reward`.
        RewardError: the reward failed, or gave something that is no score.
    """
    return _parts(metric_reward(spec, space), labelings)


def as_metric(spec: str, labelings: Labelings, space: LabelSpace) -> float:
    """A reward as a metric of a split.

    A measure of the corpus (``corpus_f1(beta=2)``) is that measure of all these texts, with no text
    forgotten and no pseudo count; a sum is the sum of its parts; any other reward
    (``cost_matrix(...)``, a function of your own) is the mean of its scores over texts.

    Args:
        spec: the reward as text, see `from_spec`.
        labelings: complete ones of N texts.
        space: the labels.

    Raises:
        ValueError: see `metric_reward`.
        RewardError: the reward failed, or gave something that is no score.
    """
    return sum(part.value() for part in parts_of(spec, labelings, space))


def _check(reward: Reward, spec: str) -> None:
    if isinstance(reward, WeightedSum):
        for weight, inner in reward.terms:
            if isinstance(weight, Schedule):
                raise ValueError(f"{spec!r} is no metric: the weight {weight} changes in a run")
            _check(inner, spec)
    elif not isinstance(reward, CorpusReward) and (reward.hides_gold or reward.state()):
        raise ValueError(
            f"{spec!r} is no metric: what {reward.name} says depends on what it was asked before"
        )


def _parts(reward: Reward, labelings: Labelings) -> list[Part]:
    match reward:
        case WeightedSum():
            return [
                Part(weight * part.factor, part.values, part.totals, part.measure)
                for weight, (_, inner) in zip(reward.weights, reward.terms, strict=True)
                for part in _parts(inner, labelings)
            ]
        case CorpusReward():
            return [Part(1.0, totals=reward.counts(labelings), measure=reward.of_counts)]
    return [Part(1.0, checked_score(reward, labelings))]
