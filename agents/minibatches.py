"""Cutting episodes into batches of texts of like length, so that little is padding."""

from collections.abc import Iterator

import numpy as np

from lingym.types import Rows


def minibatches(costs: Rows, size: int, random: np.random.Generator) -> list[Rows]:
    """A random partition into batches of `size` whose members cost about the same.

    Args:
        costs: [B] tokens of each episode.
        size: episodes to a batch; the last one may be smaller.
        random: breaks ties and orders the batches.

    Returns:
        Row indices, each of 0 .. B - 1 in exactly one batch.
    """
    order = random.permutation(len(costs))
    order = order[np.argsort(costs[order], kind="stable")]
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    return [batches[place] for place in random.permutation(len(batches))]


def by_budget(costs: Rows, budget: int) -> Iterator[Rows]:
    """All rows, longest first, in batches of at most `budget` padded tokens (one row at least)."""
    order = np.argsort(-costs, kind="stable")
    start = 0
    while start < len(order):
        size = max(1, budget // max(1, int(costs[order[start]])))
        yield order[start : start + size]
        start += size
