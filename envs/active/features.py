"""What may be known of a text before it is labelled, as numbers that mean the same on any corpus.

Sizes: E texts, M labelled ones, D features of a text, F = 5 numbers.
"""

from typing import Any

import numpy as np

from lingym.envs.active.oracle import Floats
from lingym.types import Rows

NAMES = ("entropy", "margin", "distance", "density", "length")
"""The numbers of a text: the mean entropy of its units, one less their mean margin, the distance to
the nearest labelled text, the likeness to all texts, and the logarithm of its units."""

BLOCK = 1 << 22
"""Numbers in a block of distances."""


def nearest(vectors: Any, centres: Rows) -> Floats:
    """The Euclidean distance of every text to the nearest of some, [E]; infinite without any.

    Args:
        vectors: [E, D].
        centres: [M] the texts to measure to.
    """
    points = np.asarray(vectors, np.float64)
    out = np.full(len(points), np.inf)
    squares = (points**2).sum(1)
    size = max(1, BLOCK // max(1, len(points)))
    for start in range(0, len(centres), size):
        rows = centres[start : start + size]
        found = squares[:, None] + squares[rows] - 2 * points @ points[rows].T
        np.minimum(out, found.min(1), out=out)
    out[centres] = 0.0
    return np.sqrt(np.maximum(out, 0.0))


def density(vectors: Any) -> Floats:
    """The mean cosine of every text with all texts, [E], which is one product with their mean.

    That of Settles and Craven (2008), https://aclanthology.org/D08-1112. A vector of zeros has
    cosine 0.

    Args:
        vectors: [E, D].
    """
    points = np.asarray(vectors, np.float64)
    sizes = np.linalg.norm(points, axis=1, keepdims=True)
    unit = np.divide(points, sizes, out=np.zeros_like(points), where=sizes > 0)
    return unit @ unit.mean(0)


def candidate_features(
    entropy: Any, margin: Any, distance: Any, like: Any, lengths: Any, labelled: Rows
) -> Floats:
    """The numbers `NAMES` of every text, [E, F], standardised over those without a label.

    So they say how a text stands among those that can be chosen, and not what the corpus, the
    encoder or the number of labels makes of it: what was learned on one corpus can be used on
    another. A column that is the same for all, or not finite, is 0.

    Args:
        entropy: [E] mean entropy of a text's units.
        margin: [E] one less the mean margin.
        distance: [E] see `nearest`.
        like: [E] see `density`.
        lengths: [E] units.
        labelled: [M] the texts that have a label.
    """
    columns = (entropy, margin, distance, like, np.log(np.asarray(lengths, np.float64)))
    found = np.stack([np.asarray(column, np.float64) for column in columns], 1)
    found[:, ~np.isfinite(found).all(0)] = 0.0
    free = np.ones(len(found), np.bool_)
    free[labelled] = False
    own = found[free] if free.any() else found
    spread = own.std(0)
    flat = spread <= 1e-9 * np.maximum(1.0, np.abs(own).max(0))
    return np.where(flat, 0.0, (found - own.mean(0)) / np.where(flat, 1.0, spread))
