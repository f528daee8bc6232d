"""Counts of units by row, and ratios of counts."""

import numpy as np
import numpy.typing as npt

from lingym.types import BoolArray, FloatArray, IntArray, Labelings

Counts = npt.NDArray[np.int64]
Numbers = Counts | FloatArray


def correct(labelings: Labelings) -> BoolArray:
    """Which units got their gold label, bool [B, U]; padding and undecided units did not."""
    right: BoolArray = (labelings.labels == labelings.gold) & (labelings.gold >= 0)
    return right


def planned(labelings: Labelings) -> BoolArray:
    """The units that the episodes have if no label stops them, bool [B, U].

    Where a label stopped an episode, its gold labels say how many it would have had.
    """
    within = np.arange(labelings.labels.shape[1]) < labelings.lengths[:, None]
    there: BoolArray = within | (labelings.gold >= 0)
    return there


def count(flags: BoolArray) -> FloatArray:
    """How many of each row are true, float64 [B]."""
    # Faster than a sum of booleans over short rows. A product with ones is faster still, but
    # OpenBLAS 0.3.31 (SkylakeX, float32, 5 columns) may read memory that nobody wrote, and warn.
    return np.einsum("ij->i", flags.view(np.int8), dtype=np.int32).astype(np.float64)


def units_of_text(labelings: Labelings) -> FloatArray:
    """How many units of each text have a gold label, at least 1, float64 [B].

    Unlike the length of an episode it does not depend on a label that stops it.
    """
    return np.maximum(count(labelings.gold >= 0), 1)


def summed(values: FloatArray, keep: bool = False) -> FloatArray:
    """The sum over the last axis, from left to right; ``keep`` keeps the axis.

    NumPy's own sum would round otherwise for a row alone than in a batch, or beside padding.
    """
    sums: FloatArray = values.cumsum(-1)[..., -1:]
    return sums if keep else sums.sum(-1)


def count_labels(labels: IntArray, number: int) -> Counts:
    """How often each row has each label, int64 [B, number]; -1 is no label."""
    rows = len(labels)
    first = np.arange(rows)[:, None] * (number + 1) + 1  # place 0 of a row counts its -1s
    counts = np.bincount((labels + first).reshape(-1), minlength=rows * (number + 1))
    return counts.reshape(rows, number + 1)[:, 1:]


def ratio(part: Numbers, whole: Numbers, empty: float) -> FloatArray:
    """``part / whole`` element by element, and ``empty`` where the whole is 0; float64."""
    ratios = np.full(whole.shape, float(empty))
    np.divide(part, whole, out=ratios, where=whole > 0)
    return ratios
