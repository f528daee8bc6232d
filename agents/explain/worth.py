"""What each label of a text was worth to a reward.

Sizes: B texts, U units, K labels, R labelings scored at a time.
"""

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from lingym.agents.explain.others import AGAINST, Against, ends, other_labels
from lingym.agents.explain.shapley import coalitions, shapley_values
from lingym.rewards import Reward
from lingym.rewards.base import take
from lingym.types import Batch, FloatArray, IntArray, Labelings, Rows, stopped

How = Literal["leave-one-out", "shapley"]


@dataclass(frozen=True)
class Worth:
    """What the labels of B texts were worth.

    Attributes:
        worth: float64 [B, U] how much of the score hangs on this label: the score less the score
            with the other label in its place. NaN where there is no other label.
        others: int32 [B, U] the other labels, -1 where there is none.
        score: float64 [B] what the reward gives the whole labelling.
        shares: float64 [B, U] for a reward that is a sum over units, the part of the score that
            each label gave: they sum to it. None for other rewards.
        how: ``exact`` where the reward is a sum over units, or how else it was found.
    """

    worth: FloatArray
    others: IntArray
    score: FloatArray
    shares: FloatArray | None
    how: Literal["exact", "leave-one-out", "shapley"]


def worth(
    reward: Reward,
    batch: Batch,
    labels: IntArray,
    log_probs: FloatArray,
    against: Against = "best",
    how: How = "leave-one-out",
    nothing: int | None = None,
    seed: int = 0,
) -> Worth:
    r"""What each label was worth to a reward.

    A label is worth something beside another that might stand in its place. With y the labelling
    and y[u: k] the same with label k for unit u,

    .. math:: w_u = \text{score}(y) - \text{score}(y[u: r_u]).

    The other label r_u is, by `against`:

    - ``best``: the gold label where y_u is wrong, and the policy's next choice where y_u is right
      or nobody knows. Wrong labels are then worth what they cost (at most 0, for most rewards),
      right ones what would have been lost.
    - ``gold``: the gold label. A right label is worth 0.
    - ``second``: the policy's next choice, gold or not.
    - ``nothing``: the label that says nothing (O, no, out).

    Where the reward has a `Reward.table` this is exact whatever the other labels are, and so is
    ``shares``. Elsewhere all labelings of all texts are scored in one call. Shapley values
    (Shapley, 1953) share out score(y) - score(r) among the labels, averaging w_u over what of the
    others is left of y; see `lingym.agents.explain.shapley`.

    A label that ends the episode has no other (what would the units after it be?), and no other
    label ends it but the gold one.

    Args:
        reward: bound to the labels, and in the state in which it is to judge.
        batch: the texts.
        labels: [B, U] the labels given, -1 after an episode's end.
        log_probs: [B, U, K] of every label, given the labels before it.
        against: which other label.
        how: for a reward without a table.
        nothing: the id of the label for ``against="nothing"``.
        seed: of sampled Shapley values.

    Raises:
        ValueError: the reward's table does not sum to its score, or Shapley values are asked for
            where a label ends the episode.
    """
    if against not in AGAINST:
        raise ValueError(f"against must be one of {', '.join(AGAINST)}, got {against!r}")
    if how not in get_args(How):
        raise ValueError(f"how must be one of {', '.join(get_args(How))}, got {how!r}")
    others = other_labels(batch, labels, log_probs, against, nothing)
    given = batch.complete(labels)
    score = reward.score(given)
    table = reward.table(given, log_probs.shape[-1])
    if table is not None:
        inside = labels >= 0
        shares = np.where(inside, _picked(table, labels), 0.0)
        gap = float(np.abs(shares.sum(1) - score).max(initial=0))
        if gap > 1e-9 * max(1.0, float(np.abs(score).max(initial=0))):
            raise ValueError(
                f"reward {reward.name} says what labels are worth apart, and they miss its score "
                f"by {gap:.3g}: its table is wrong"
            )
        change = shares - _picked(table, others)
        simple = ~ends(others, batch.stop)  # else the units after it go as well
        if simple.all():
            return Worth(np.where(others >= 0, change, np.nan), others, score, shares, "exact")
    else:
        shares = None
    if how == "shapley":
        if batch.stop is not None:
            raise ValueError("no Shapley values where a label ends the episode: leave-one-out")
        found = np.full(labels.shape, np.nan)
        for row in range(len(labels)):
            units = np.flatnonzero(others[row] >= 0)
            kept = coalitions(len(units), seed)
            changed = np.repeat(labels[[row]], len(kept), 0)
            changed[:, units] = np.where(kept, labels[row, units], others[row, units])
            rows = np.full(len(kept), row)
            found[row, units] = shapley_values(kept, _scores(reward, batch, changed, rows))
        return Worth(found, others, score, shares, "shapley")
    rows, units = np.nonzero(others >= 0)
    changed = labels[rows]
    changed[np.arange(len(rows)), units] = others[rows, units]
    found = np.full(labels.shape, np.nan)
    if len(rows):
        found[rows, units] = score[rows] - _scores(reward, batch, changed, rows)
    return Worth(found, others, score, shares, "leave-one-out")


def _scores(reward: Reward, batch: Batch, labels: IntArray, rows: Rows) -> FloatArray:
    """The scores [R] of labelings [R, U] of the texts at `rows`, in one call."""
    lengths = stopped(labels, batch.lengths[rows], batch.stop)
    labels = np.where(np.arange(labels.shape[1]) < lengths[:, None], labels, -1).astype(np.int32)
    none = Labelings(
        *(batch.gold, batch.gold, batch.lengths, batch.lengths, batch.examples),
        *(batch.kinds, batch.facts),
    )
    return reward.score(replace(take(none, rows), labels=labels, decided=lengths, lengths=lengths))


def _picked(table: FloatArray, labels: IntArray) -> FloatArray:
    """What a table [B, U, K] says of labels [B, U]."""
    return np.take_along_axis(table, np.maximum(labels, 0)[..., None], -1)[..., 0]
