"""Summaries to compare with: the first sentences, and the best ones that greed finds."""

import math

import numpy as np

from lingym.rewards.references import References
from lingym.types import BoolArray, IntArray


def lead(references: References, limit: int | None = 1, costs: IntArray | None = None) -> BoolArray:
    """The first sentences of each document, as many as fit; bool [E, U].

    Args:
        references: the documents.
        limit: the most that the chosen sentences may cost together; None sets no limit.
        costs: int [E, U] what each sentence costs; 1 if not given.
    """
    there, costs = _there(references), _costs(references, costs)
    chosen: BoolArray = there & (costs.cumsum(1) <= _most(limit))
    return chosen


def oracle(
    references: References, limit: int | None = 1, costs: IntArray | None = None
) -> BoolArray:
    """The sentences that raise the mean of ROUGE-1, -2 and -L F most, bool [E, U].

    Greedy (Nallapati et al., 2017, https://arxiv.org/abs/1611.04230): one sentence after the other,
    each time the one that raises the mean most, the first of equals, until none raises it or fits.
    The first sentence is taken even where every one scores 0. With ``limit=1`` and no costs this
    is the best single sentence.

    Args:
        references: the documents.
        limit: the most that the chosen sentences may cost together; None sets no limit.
        costs: int [E, U] what each sentence costs; 1 if not given.
    """
    there, costs = _there(references), _costs(references, costs)
    chosen = np.zeros_like(there)
    best = np.full(len(there), -1.0)
    open_ = np.arange(len(there))
    while len(open_):
        spent = (costs[open_] * chosen[open_]).sum(1)
        fits = there[open_] & ~chosen[open_] & (spent[:, None] + costs[open_] <= _most(limit))
        scores = np.full(fits.shape, -1.0)
        for row in np.flatnonzero(fits.any(1)):
            units = np.flatnonzero(fits[row])
            tried = np.tile(chosen[open_[row]], (len(units), 1))
            tried[np.arange(len(units)), units] = True
            examples = np.full(len(units), open_[row])
            scores[row, units] = references.scores(tried, examples).mean(1)
        better = scores.max(1, initial=-1.0) > best[open_]
        open_, scores = open_[better], scores[better]
        chosen[open_, scores.argmax(1)] = True
        best[open_] = scores.max(1)
    return chosen


def _there(references: References) -> BoolArray:
    """Which units are sentences of the document, bool [E, U]."""
    number = np.diff(references.first_sentence)
    there: BoolArray = np.arange(number.max(initial=0)) < number[:, None]
    return there


def _costs(references: References, costs: IntArray | None) -> IntArray:
    shape = _there(references).shape
    if costs is None:
        return np.ones(shape, np.int32)
    if costs.shape != shape:
        raise ValueError(f"costs are {list(costs.shape)}: wanted {list(shape)}, one a sentence")
    return costs


def _most(limit: int | None) -> float:
    return math.inf if limit is None else limit
