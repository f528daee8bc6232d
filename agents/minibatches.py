"""Cutting episodes into batches of texts of like length, so that little is padding."""

from collections.abc import Iterator

import numpy as np

from lingym.types import Rows


def minibatches(
    costs: Rows, size: int, random: np.random.Generator, parts: Rows | None = None
) -> list[Rows]:
    """A random partition into batches of `size` whose members cost about the same.

    Args:
        costs: [B] tokens of each episode.
        size: episodes to a batch; the last one, or the last of each part, may be smaller.
        random: breaks ties and orders the batches.
        parts: [B] the task of each episode, where a batch must hold one only.

    Returns:
        Row indices, each of 0 .. B - 1 in exactly one batch.
    """
    order = random.permutation(len(costs))
    order = order[np.argsort(costs[order], kind="stable")]
    groups = [order] if parts is None else [order[parts[order] == p] for p in np.unique(parts)]
    batches = [
        group[start : start + size] for group in groups for start in range(0, len(group), size)
    ]
    return [batches[place] for place in random.permutation(len(batches))]


def by_budget(costs: Rows, budget: int) -> Iterator[Rows]:
    """All rows, longest first, in batches of at most `budget` padded tokens (one row at least)."""
    order = np.argsort(-costs, kind="stable")
    start = 0
    while start < len(order):
        size = max(1, budget // max(1, int(costs[order[start]])))
        yield order[start : start + size]
        start += size
