"""Many data sets in one number, as rliable defines them.

Agarwal et al. (2021), "Deep Reinforcement Learning at the Edge of the Statistical Precipice",
https://arxiv.org/abs/2108.13264. The runs of a data set are a stratum: a resample draws as many
runs of each data set as it has, and each data set by itself. So these intervals speak of seeds, and
of the data sets as they are; test items and further data sets are no part of them, and with three
seeds they are too narrow, as percentile intervals of few values are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import bootstrap, trim_mean

from lingym.scripts.compare.bootstrap import ALPHA, RESAMPLES, SEED
from lingym.types import FloatArray

BATCH = 500
"""Resamples at a time."""

Runs = Sequence[FloatArray]
"""Of each data set, the scores [n] of its runs."""


@dataclass(frozen=True)
class Range:
    """A value with its interval; the ends are infinite where no resample can say them."""

    mean: float
    low: float
    high: float


def iqm(runs: Runs) -> Range:
    """The interquartile mean: of all runs of all data sets together, the mean of the middle half.

    A quarter of the scores is cut off at either end, rounded down (`scipy.stats.trim_mean`).

    Raises:
        ValueError: no runs.
    """
    _check(runs, "runs")

    def middle(*drawn: FloatArray, axis: int = -1) -> FloatArray:
        return np.asarray(trim_mean(np.concatenate(drawn, axis), 0.25, axis))

    return _stratified(runs, middle)


def probability_of_improvement(runs: Runs, against: Runs) -> Range:
    r"""How likely a run of one arm beats a run of another on a data set taken at random.

    .. math:: \frac{1}{M} \sum_{m=1}^{M} \frac{1}{n_m k_m} \sum_{i, j}
        \Big([x_{m,i} > y_{m,j}] + \tfrac12 [x_{m,i} = y_{m,j}]\Big)

    The summand is the Mann-Whitney U statistic over its greatest value. The runs of both arms are
    drawn apart.

    Args:
        runs: of M data sets, the scores of one arm.
        against: the scores of the other arm, of the same data sets in the same order.

    Raises:
        ValueError: no runs, or other numbers of data sets.
    """
    _check(runs, "runs")
    _check(against, "against")
    if len(runs) != len(against):
        raise ValueError(f"against has {len(against)} data sets: wanted {len(runs)}")

    def chance(*drawn: FloatArray, axis: int = -1) -> FloatArray:
        half = len(drawn) // 2
        return np.mean([wins(drawn[m], drawn[half + m]) for m in range(half)], 0)

    return _stratified([*runs, *against], chance)


def wins(x: FloatArray, y: FloatArray) -> FloatArray:
    """The share of pairs that x [..., n] wins over y [..., k], a tie being half of one."""
    left, right = x[..., :, None], y[..., None, :]
    return ((left > right) + 0.5 * (left == right)).mean((-2, -1))


def _check(runs: Runs, name: str) -> None:
    if not runs or not all(len(each) for each in runs):
        raise ValueError(f"{name} has {[len(each) for each in runs]} runs: wanted 1 or more each")


def _stratified(strata: Runs, statistic: Callable[..., FloatArray]) -> Range:
    """A statistic of samples that are drawn independently of each other."""
    mean = float(statistic(*strata))
    if min(map(len, strata)) < 2:  # one run says nothing of how runs vary
        return Range(mean, float("-inf"), float("inf"))
    ends = bootstrap(
        strata,
        statistic,
        n_resamples=RESAMPLES,
        batch=BATCH,
        vectorized=True,
        confidence_level=1 - ALPHA,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return Range(mean, float(ends.low), float(ends.high))
