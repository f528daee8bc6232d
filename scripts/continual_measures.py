"""What a forgetting matrix comes to: formulas of the field, and means over seeds.

R [T, T], R[i, j] the score on stage j after stage i was learned; b [T] the scores at the start.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lingym.scripts.few_shot_results import interval
from lingym.types import FloatArray

Matrix = Sequence[Sequence[float] | None]

MEASURES = {
    "average": "average score",
    "learned": "score when learned",
    "backward": "backward transfer",
    "forgetting": "forgetting",
    "forward": "forward transfer",
}
"""The measures of a matrix, and their names."""


def measures(matrix: Matrix, start: Sequence[float]) -> dict[str, float | None]:
    """The measures of one run.

        average     A = 1/T sum_j R[T, j]
        learned         1/T sum_j R[j, j]
        backward    BWT = 1/(T-1) sum_{j<T} (R[T, j] - R[j, j])
        forgetting  F = 1/(T-1) sum_{j<T} (max_{i<T} R[i, j] - R[T, j])
        forward     FWT = 1/(T-1) sum_{j>1} (R[j-1, j] - b[j])

    A, BWT and FWT are of Lopez-Paz and Ranzato, 2017 (https://arxiv.org/abs/1706.08840), F of
    Chaudhry et al., 2018 (https://arxiv.org/abs/1801.10112). BWT is below 0 where stages are
    forgotten; F is above 0 then.

    Args:
        matrix: R; of training on all at once the last row alone, the others None.
        start: b.

    Returns:
        By name; None for what needs rows that there are not.

    Raises:
        ValueError: fewer than two stages, a row or the start is of another length, no last row.
    """
    count = len(matrix)
    last = matrix[-1] if matrix else None
    if count < 2 or last is None:
        raise ValueError(f"wanted a matrix of two or more stages with its last row, got {matrix}")
    for row in (start, *(row for row in matrix if row is not None)):
        if len(row) != count:
            raise ValueError(f"wanted {count} scores in every row, got {len(row)}")
    average = float(np.mean(last))
    rows = [row for row in matrix if row is not None]
    if len(rows) < count:
        return {**dict.fromkeys(MEASURES), "average": average}
    r: FloatArray = np.array(rows, np.float64)
    own = np.diag(r)
    return {
        "average": average,
        "learned": float(own.mean()),
        "backward": float((r[-1, :-1] - own[:-1]).mean()),
        "forgetting": float((r[:-1, :-1].max(0) - r[-1, :-1]).mean()),
        "forward": float((np.diag(r, 1) - np.array(start)[1:]).mean()),
    }


def summarised(methods: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Runs by method, with their measures, and means over seeds with Student's 95 % intervals.

    Args:
        methods: of each method its runs, each with ``seed``, ``start``, ``matrix`` and perhaps
            ``test``.

    Returns:
        A row a method: ``runs``, ``matrix`` (the mean), ``measures``, and of all but the first
        method ``difference``, of the average score to the first's, paired by seed.
    """
    rows: list[dict[str, Any]] = []
    for method, given in methods.items():
        runs = [{**run, "measures": measures(run["matrix"], run["start"])} for run in given]
        row: dict[str, Any] = {
            "method": method,
            "runs": runs,
            "start": np.mean([run["start"] for run in runs], axis=0).tolist(),
            "matrix": [
                None if own[0] is None else np.mean(own, axis=0).tolist()
                for own in zip(*(run["matrix"] for run in runs), strict=True)
            ],
            "measures": {
                name: estimate([run["measures"][name] for run in runs])
                for name in MEASURES
                if runs[0]["measures"][name] is not None
            },
            "seconds": float(np.mean([sum(t["seconds"] for t in r["training"]) for r in runs])),
        }
        if all("test" in run for run in runs):
            row["measures"]["test"] = estimate([float(np.mean(run["test"])) for run in runs])
            row["test"] = np.mean([run["test"] for run in runs], axis=0).tolist()
        if rows:
            first = {run["seed"]: run["measures"]["average"] for run in rows[0]["runs"]}
            pairs = [
                run["measures"]["average"] - first[run["seed"]]
                for run in runs
                if run["seed"] in first
            ]
            row["difference"] = estimate(pairs) if pairs else None
        rows.append(row)
    return rows


def estimate(values: Sequence[float]) -> dict[str, Any]:
    """A mean with its interval over seeds, which one seed has none of."""
    low, high = interval(values)
    return {"mean": float(np.mean(values)), "low": low, "high": high, "values": list(values)}
