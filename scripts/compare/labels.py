"""Each label by itself: what an arm gains on it over the reference, and how frequent it is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lingym.scripts.compare.bootstrap import Estimate, resampled
from lingym.scripts.compare.by_label import ByLabel
from lingym.scripts.compare.gathered import Gathered, Run
from lingym.types import FloatArray


@dataclass(frozen=True)
class LabelScores:
    """The F1 of every label of a run, for `resampled`."""

    own: ByLabel

    def __len__(self) -> int:
        """How many test texts there are."""
        return len(self.own.counts.right)

    def score(self, weights: npt.NDArray[Any] | None = None) -> FloatArray:
        """F1 with every text taken so often: weights [R, N] to scores [T, R]."""
        return self.own.f1(weights).T


def labels(done: Gathered) -> list[dict[str, Any]]:
    """Each label of each arm that is compared with the reference: the part of results.json.

    The intervals are of the differences, each label's by itself: with no correction for looking at
    many labels.

    Raises:
        ValueError: runs of a data set have other labels.
    """
    reference, rows = done.study.arms[0].name, []
    for data in (each.name for each in done.study.data):
        found = {run: _read(done, run) for run in done.runs(data)}
        kept = {run: own for run, own in found.items() if own is not None}
        base = {run.seed: run for run in kept if run.arm == reference}
        if not base:
            continue
        names = next(iter(kept.values())).labels
        for run, own in kept.items():
            if own.labels != names:
                raise ValueError(f"{done.folder(done.scored[run])} has other labels than {data}")
        runs = {run: LabelScores(own) for run, own in kept.items()}
        seen = {run: own.score()[:, 0] for run, own in runs.items()}  # [T]
        drawn = dict(zip(runs, resampled(list(runs.values())), strict=True))  # [T, R]
        for arm in (arm for arm in done.arms(data) if arm != reference):
            pairs = [(r, base[r.seed]) for r in kept if r.arm == arm and r.seed in base]
            if not pairs:
                continue
            mine, other = (np.stack([seen[pair[i]] for pair in pairs]) for i in (0, 1))  # [S, T]
            less = np.stack([drawn[run] - drawn[against] for run, against in pairs])  # [S, T, R]
            counts = kept[pairs[0][0]].train_count
            for place, label in enumerate(names):
                estimate = Estimate.of((mine - other)[:, place], less[:, place])
                low, high = estimate.interval()
                rows.append(
                    {
                        "data": data,
                        "arm": arm,
                        "label": label,
                        "train_count": counts[place],
                        "f1_reference": float(other[:, place].mean()),
                        "f1": float(mine[:, place].mean()),
                        "low": low,
                        "high": high,
                    }
                )
    return rows


def _read(done: Gathered, run: Run) -> ByLabel | None:
    folder = done.folder(done.scored[run])
    return ByLabel.read(folder) if (folder / "by_label.json").exists() else None
