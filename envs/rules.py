"""Which labels mean something now: the rules of a label space, on the state of many episodes.

`lingym.policies.distribution` keeps the same rules when it labels whole episodes; a test holds the
two to each other.
"""

import numpy as np

from lingym.types import BoolArray, IntArray, LabelSpace


def meaningful(
    space: LabelSpace,
    count: int,
    labels: IntArray,
    cursor: IntArray,
    lengths: IntArray,
    groups: IntArray,
    kinds: IntArray | None,
    costs: IntArray | None,
) -> BoolArray:
    """The labels that the unit at each cursor may have, transitions left aside; bool [R, K].

    A row always has one: where the labels before leave none (they broke the rules themselves), all
    that exist are given.

    Args:
        space: the labels and their rules.
        count: K.
        labels: [R, U] given so far, -1 where undecided.
        cursor: [R] the unit to label now.
        lengths: [R] units of each episode.
        groups: [R] groups of each episode; its candidates, where labels are candidates.
        kinds: [R, U] kind of each unit, or None.
        costs: [R, U] what a unit takes of the quota; None: 1 each.
    """
    rows, units = labels.shape
    every = np.ones((rows, count), np.bool_)
    if space.form == "candidates":
        every &= np.arange(count) < groups[:, None]
    allowed = every
    here = np.minimum(cursor, units - 1)
    if space.kind_of_label is not None and kinds is not None:
        kind = kinds[np.arange(rows), here]
        allowed = allowed & ((space.kind_of_label == kind[:, None]) | (kind < 0)[:, None])
    if space.span is not None:
        first, label = labels[:, :1], np.arange(count)
        within = (label >= first) & (label < first + space.span) & (first > 0)
        allowed = allowed & (within | ((first == 0) & (label == 0)) | (cursor == 0)[:, None])
    if space.quota is not None:
        allowed = allowed & _within_quota(space, labels, cursor, lengths, costs, count)
    none = ~allowed.any(1)
    allowed[none] = every[none]
    return allowed


def _within_quota(
    space: LabelSpace,
    labels: IntArray,
    cursor: IntArray,
    lengths: IntArray,
    costs: IntArray | None,
    count: int,
) -> BoolArray:
    quota = space.quota
    assert quota is not None
    rows, units = labels.shape
    given = labels == quota.label
    price = np.ones(labels.shape, np.int64) if costs is None else costs.astype(np.int64)
    here = price[np.arange(rows), np.minimum(cursor, units - 1)]
    fits = np.ones(rows, np.bool_)
    if quota.limit is not None:
        fits = (price * given).sum(1) + here <= quota.limit
    allowed = np.ones((rows, count), np.bool_)
    allowed[:, quota.label] = fits
    if quota.required:
        wanting = ~given.any(1)
        forced = wanting & fits & (cursor == lengths - 1)
        allowed[forced] = np.arange(count) == quota.label
        if space.stop is not None and space.stop != quota.label:
            allowed[wanting, space.stop] = False
    return allowed
