"""Which of several results no other beats: the Pareto front."""

import numpy as np
import numpy.typing as npt

from lingym.types import BoolArray


def pareto_front(points: npt.ArrayLike) -> BoolArray:
    """Which points no other dominates.

    A point dominates another if it is at least as high in every measure and higher in one. Equal
    points do not dominate each other.

    Args:
        points: [N, M] N results by M measures, higher is better.

    Returns:
        bool [N].

    Raises:
        ValueError: not a table, or not all finite.
    """
    table = np.asarray(points, np.float64)
    if table.ndim != 2:
        raise ValueError(f"points have shape {list(table.shape)}: wanted [results, measures]")
    if not np.isfinite(table).all():
        row = np.flatnonzero(~np.isfinite(table).all(1))[0]
        raise ValueError(f"point {row} is {table[row].tolist()}: wanted finite numbers")
    one, other = table[:, None], table[None]  # [N, 1, M], [1, N, M]
    dominates = np.all(other >= one, axis=2) & np.any(other > one, axis=2)
    front: BoolArray = ~np.any(dominates, axis=1)
    return front
