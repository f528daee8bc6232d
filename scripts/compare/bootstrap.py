"""How sure a mean over seeds is: intervals over seeds and test items together.

A score varies with the seed of a run and with the texts that happened to be the test set. Both are
drawn from more seeds and more texts, and they cross: every seed labels every text. The variance of
a mean over seeds then has two parts, and this file estimates both and makes an interval that
covers as often as it says even with two or three seeds; docs/statistics.md has the measurements.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy import special
from scipy.optimize import brentq
from scipy.stats import bootstrap

from lingym.types import FloatArray

RESAMPLES = 2000
"""Resamples of the test items."""
SEED = 20260
"""Of the resampling: fixed, so that the same runs always give the same digits."""
ALPHA = 0.05
"""How often an interval may miss, at the most."""
CELLS = 1 << 20
"""Items resampled at a time: 8 MiB of weights."""
LEAST = 1e-100
"""No p-value is smaller."""


class Scored(Protocol):
    """What one run made of the test items (`lingym.scripts.compare.items.Items`)."""

    def __len__(self) -> int:
        """How many items there are."""
        ...

    def score(self, weights: npt.NDArray[Any] | None = None) -> FloatArray:
        """The metric with every item taken so often: weights [R, N] to scores [..., R]."""
        ...


def resampled(runs: Sequence[Scored], resamples: int = RESAMPLES, seed: int = SEED) -> FloatArray:
    """The scores of runs on the same resamples of their test items.

    SciPy's bootstrap draws them (Efron, 1979). All runs see the same items in a resample, so a
    difference of two rows is that of a paired comparison; and as the draw depends on the number of
    items and the seed alone, the rows of two calls are paired as well.

    Args:
        runs: K runs that labelled the same N items.
        resamples: R, how often the items are drawn.
        seed: of the draw.

    Returns:
        float64 [K, ..., R]; NaN where a resample has nothing to measure.

    Raises:
        ValueError: fewer than 2 items, or runs of different numbers of items.
    """
    counts = sorted({len(run) for run in runs})
    if len(counts) != 1 or counts[0] < 2:
        raise ValueError(f"the runs have {counts} test items: wanted one number, of 2 or more")
    number = counts[0]

    def scores(items: npt.NDArray[np.intp], axis: int = -1) -> FloatArray:
        """Scores [K, ..., r] of items [r, N]."""
        places = items + number * np.arange(len(items))[:, None]
        weights = np.bincount(places.ravel(), minlength=items.size)
        counted = weights.reshape(items.shape).astype(np.float64)
        return np.stack([run.score(counted) for run in runs])

    drawn = bootstrap(
        (np.arange(number),),
        scores,
        n_resamples=resamples,
        batch=max(1, CELLS // number),
        vectorized=True,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    distribution: FloatArray = drawn.bootstrap_distribution
    return distribution


@dataclass(frozen=True)
class Estimate:
    r"""A mean over seeds, of scores or of differences, with the two parts of its variance.

    With :math:`D_s` the value of seed s on all items and :math:`D^*_s` on resampled ones,

    .. math:: V_\text{seeds} = \frac{1}{S (S - 1)} \sum_s (D_s - \bar D)^2, \qquad
        V_\text{items} = \max\Big(0, \frac{1}{S (S - 1)} \sum_{s \neq t}
        \operatorname{cov}^*(D^*_s, D^*_t)\Big)

    V_seeds has what differs between seeds, also by how they meet these items; V_items is what all
    seeds share. Their sum is the variance of the mean when seeds and items cross (Owen, 2007,
    "The pigeonhole bootstrap", https://arxiv.org/abs/0712.1111), counting nothing twice.

    Attributes:
        seeds: the value of each seed on all items.
        seed_variance: of the mean, from seeds; NaN with one seed, which cannot say.
        item_variance: of the mean, from items.
    """

    seeds: tuple[float, ...]
    seed_variance: float
    item_variance: float

    @classmethod
    def of(cls, seen: FloatArray, drawn: FloatArray) -> "Estimate":
        """Of values [S] on all items and [S, R] on resamples; one with a NaN is left out."""
        count = len(seen)
        drawn = drawn[:, np.isfinite(drawn).all(0)]
        covariance = np.cov(drawn).reshape(count, count)
        shared = covariance.sum() - np.trace(covariance)
        pairs = count * (count - 1)
        if count == 1:
            return cls((float(seen[0]),), float("nan"), float(covariance[0, 0]))
        varied = seen.var(ddof=1) / count
        return cls(tuple(map(float, seen)), float(varied), max(0.0, float(shared / pairs)))

    @property
    def mean(self) -> float:
        """Over seeds."""
        return float(np.mean(self.seeds))

    def reach(self, alpha: float) -> float:
        r"""Half the width of the interval that misses with probability alpha at most.

        .. math:: \sqrt{t_{S-1,\,1-\alpha/2}^2 V_\text{seeds} + z_{1-\alpha/2}^2 V_\text{items}}

        Banerjee (1960, "Approximate confidence interval for linear functions of means of k
        populations when the population variances are not equal", Sankhya 22): it covers
        conservatively, whichever of the parts is the larger, because the distribution function of a
        squared normal is concave.
        """
        if len(self.seeds) == 1:
            return float("inf")
        t = special.stdtrit(len(self.seeds) - 1, alpha / 2)
        z = special.ndtri(alpha / 2)
        return float(np.sqrt(t**2 * self.seed_variance + z**2 * self.item_variance))

    def interval(self, alpha: float = ALPHA) -> tuple[float, float]:
        """The lower and the upper end; infinite with one seed."""
        reach = self.reach(alpha)
        return self.mean - reach, self.mean + reach

    def p(self) -> float:
        """The two-sided p-value: the alpha whose interval just touches 0.

        So p < 0.05 exactly where the 95 % interval leaves 0 out.
        """
        far = abs(self.mean)
        if far == 0 or len(self.seeds) == 1:
            return 1.0
        if self.reach(LEAST) <= far:
            return LEAST
        touching = brentq(lambda x: self.reach(10.0**x) - far, np.log10(LEAST), 0, xtol=1e-12)
        return float(10**touching)
