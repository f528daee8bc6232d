"""Which point of its grid an arm is judged by: the best on dev, before anybody looks at test."""

from collections.abc import Iterable, Mapping
from itertools import product
from math import isnan
from typing import Any

from lingym.scripts.compare.study import Arm, Study


def grid_points(arm: Arm) -> list[dict[str, Any]]:
    """Every combination of an arm's grid, in the file's order; one empty point without a grid."""
    return [dict(zip(arm.grid, values, strict=True)) for values in product(*arm.grid.values())]


def choose(
    rows: Iterable[Mapping[str, Any]], data: str, arm: str, share: float, study: Study
) -> dict[str, Any]:
    r"""The grid point with the best mean dev metric over the seeds that the grid is run on.

    .. math:: \arg\max_{g} \frac{1}{S} \sum_{s=1}^{S} m_{g,s}

    Ties go to the point that is first in the grid, and a point with a measurement that is not a
    number is never chosen. An arm with ``of`` takes what that arm chooses.

    Args:
        rows: of the table; only train rows of this data set, arm and share are looked at, and of
            two rows of one cell the later counts.
        data: name of the data set, whose metric decides.
        arm: name of the arm.
        share: of the training texts.
        study: that says the grid, the metric and the seeds.

    Raises:
        ValueError: a row that the choice depends on is missing or lacks the metric, or no point of
            the grid has a number.
    """
    one = study.arm_named(study.arm_named(arm).of or arm)
    points = grid_points(one)
    if len(points) == 1:
        return points[0]
    metric = study.data_named(data).metric
    where = f"{data}, {one.name}, share {share:g}"
    mine = [
        row
        for row in rows
        if (row["kind"], row["data"], row["arm"], row["share"]) == ("train", data, one.name, share)
    ]
    best, best_mean = None, float("-inf")
    for point in points:
        values = []
        for seed in study.grid_seeds():
            found = [r for r in mine if r["seed"] == seed and r["settings"] == point]
            if not found:
                raise ValueError(f"{where}: no row of seed {seed} with {point}: its cell must run")
            if metric not in found[-1]["dev"]:
                raise ValueError(f"{where}: the row of seed {seed} with {point} has no {metric}")
            values.append(found[-1]["dev"][metric])
        mean = sum(values) / len(values)
        if not isnan(mean) and (best is None or mean > best_mean):
            best, best_mean = point, mean
    if best is None:
        raise ValueError(f"{where}: {metric} on dev is not a number at any point of the grid")
    return best
