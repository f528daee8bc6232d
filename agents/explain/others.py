"""The label that a label is compared with, to say what it was worth.

Sizes: B texts, U units, K labels.
"""

from typing import Literal, get_args

import numpy as np

from lingym.types import Batch, BoolArray, FloatArray, IntArray

Against = Literal["best", "gold", "second", "nothing"]
AGAINST: tuple[Against, ...] = get_args(Against)


def other_labels(
    batch: Batch,
    labels: IntArray,
    log_probs: FloatArray,
    against: Against,
    nothing: int | None = None,
) -> IntArray:
    """The label that each label is compared with, int32 [B, U]; -1 where there is none.

    Args:
        batch: the texts.
        labels: [B, U] the labels given.
        log_probs: [B, U, K] of every label, given those before it.
        against: as for `worth`.
        nothing: the label that says nothing.
    """
    gold = batch.gold
    chances = log_probs.copy()
    if batch.stop is not None:
        chances[..., batch.stop] = -np.inf
    rows, units = np.nonzero(labels >= 0)
    chances[rows, units, labels[rows, units]] = -np.inf
    second = chances.argmax(-1)
    second[chances.max(-1) < -1e6] = -1  # no other label means anything there
    if against == "gold":
        others = gold.astype(np.int64)
    elif against == "second":
        others = second
    elif against == "nothing":
        if nothing is None:
            raise ValueError("against='nothing' needs the label that says nothing, and none does")
        others = np.full(labels.shape, nothing)
    else:
        others = np.where((gold >= 0) & (gold != labels), gold, second)
    out = (labels < 0) | ends(labels, batch.stop)
    return np.where(out, -1, others).astype(np.int32)


def ends(labels: IntArray, stop: int | None) -> BoolArray:
    """Which labels end the episode, bool [B, U]."""
    return np.zeros(labels.shape, np.bool_) if stop is None else labels == stop
