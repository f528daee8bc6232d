"""All runs of a data set on the same resamples of its test texts."""

from collections.abc import Mapping, Sequence

import numpy as np

from lingym.scripts.compare.bootstrap import Estimate, resampled
from lingym.scripts.compare.gathered import Run
from lingym.scripts.compare.items import Items
from lingym.types import BoolArray, FloatArray


class Drawn:
    """The scores of runs, on all test texts and on each resample, for any comparison of them.

    Args:
        items: of each run what the test texts add to its metric.
        mask: [N] the texts that count; None: all.
    """

    def __init__(self, items: Mapping[Run, Items], mask: BoolArray | None = None) -> None:
        kept = {run: own if mask is None else own.keep(mask) for run, own in items.items()}
        self.runs = list(kept)
        self.count = len(next(iter(kept.values())))
        self.seen = {run: float(own.score()[0]) for run, own in kept.items()}
        self._drawn = dict(zip(kept, resampled(list(kept.values())), strict=True))

    def seeds(self, arm: str, share: float = 1.0) -> dict[int, Run]:
        """The runs of an arm, by seed."""
        own = [run for run in self.runs if (run.arm, run.share) == (arm, share)]
        return {run.seed: run for run in sorted(own, key=lambda run: run.seed)}

    def scores(self, arm: str) -> FloatArray:
        """The score of each seed of an arm."""
        return np.array([self.seen[run] for run in self.seeds(arm).values()])

    def estimate(self, arm: str, share: float = 1.0) -> Estimate:
        """The mean of an arm."""
        runs = list(self.seeds(arm, share).values())
        return self._of(runs, [])

    def difference(self, arm: str, against: str) -> Estimate | None:
        """The mean of an arm less that of another, on the seeds that both have; None without."""
        mine, other = self.seeds(arm), self.seeds(against)
        both = [seed for seed in mine if seed in other]
        if not both:
            return None
        return self._of([mine[seed] for seed in both], [other[seed] for seed in both])

    def _of(self, runs: Sequence[Run], less: Sequence[Run]) -> Estimate:
        seen = np.array([self.seen[run] for run in runs])
        drawn = np.stack([self._drawn[run] for run in runs])
        if less:
            seen = seen - np.array([self.seen[run] for run in less])
            drawn = drawn - np.stack([self._drawn[run] for run in less])
        return Estimate.of(seen, drawn)


def unrepeated(count: int, repeated: Sequence[int]) -> BoolArray | None:
    """The mask [count] of test texts that repeat no training or dev text; None where all do not.

    Raises:
        ValueError: a row that is none of the texts: the repeats are of another test set.
    """
    if repeated and not 0 <= min(repeated) <= max(repeated) < count:
        raise ValueError(f"test_rows_repeated has row {max(repeated)}: {count} texts were scored")
    mask = np.ones(count, np.bool_)
    mask[list(repeated)] = False
    return None if mask.all() else mask
