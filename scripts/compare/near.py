"""Texts that share most of their shingles: exactly, by a prefix-filter join of sets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
BLOCK = 50_000_000
"""Products of a step of the join: what bounds its memory."""
BUCKETS = 22
"""Bits of the table of frequencies."""
SLACK = 1e-9
"""What a product of two floats may be off, so that no bound is cut too close."""


@dataclass(frozen=True)
class Sets:
    """Sets of shingles; each begins with its rarest, in one order for all sets.

    Attributes:
        members: [M] shingles, set after set.
        bounds: [N + 1] set i is ``members[bounds[i] : bounds[i + 1]]``.
    """

    members: Integers
    bounds: Integers

    @property
    def sizes(self) -> Integers:
        """Shingles of each set, [N]."""
        return np.diff(self.bounds)

    def first(self, counts: Integers) -> tuple[Integers, Integers]:
        """Set and shingle of the first so many members of each set, each [sum counts]."""
        owner = np.repeat(np.arange(len(counts)), counts)
        within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
        return owner, self.members[self.bounds[owner] + within]


@dataclass(frozen=True)
class Pairs:
    """Similar sets, P pairs, sorted by left and then by right.

    Attributes:
        left: [P] rows of one side.
        right: [P] rows of the other.
        similarity: [P] their Jaccard similarities.
    """

    left: Integers
    right: Integers
    similarity: npt.NDArray[np.float64]


def shingles(texts: Sequence[str], n: int) -> Sets:
    """The set of all runs of n characters of each text; a shorter text has none.

    Args:
        texts: N of them.
        n: characters of a shingle.
    """
    codes = _codes("".join(texts), n)
    # How frequent: only roughly, since two shingles may share a bucket. Any one order will do.
    frequency = np.zeros(1 << BUCKETS, np.int64)
    for start in range(0, len(codes), 1 << BUCKETS):
        some = _bucket(codes[start : start + (1 << BUCKETS)])
        frequency += np.bincount(some, minlength=1 << BUCKETS)
    found, start = [np.zeros(0, np.int64)], 0
    for text in texts:
        each = np.unique(codes[start : start + max(0, len(text) - n + 1)])
        found.append(each[np.argsort(frequency[_bucket(each)], kind="stable")])
        start += len(text)
    return Sets(np.concatenate(found), np.cumsum([len(each) for each in found]))


def similar(sets: Sets, left: Integers, right: Integers, near: float, least: int = 1) -> Pairs:
    r"""All pairs of two sides whose Jaccard similarity is `near` or more.

    .. math:: J(a, b) = |a \cap b| / |a \cup b|

    :math:`J(a, b) \ge t` needs an overlap of :math:`t |a|`, so that l of the common shingles are
    among the :math:`|a| - \lceil t |a| \rceil + l` rarest of a, and likewise of b: the prefix
    filter (l = 1: Chaudhuri et al., ICDE 2006; Bayardo et al., WWW 2007; more: Wang et al., SIGMOD
    2012). It also needs :math:`t |a| \le |b| \le |a| / t`. What passes both is counted out, so
    that nothing is missed and nothing estimated.

    Args:
        sets: of both sides.
        left: rows of one side, each once.
        right: rows of the other, each once.
        near: t, above 0 and at most 1.
        least: smaller sets are like none.
    """
    left, right = (side[sets.sizes[side] >= least] for side in (left, right))

    @lru_cache(maxsize=20_000)
    def members(row: int) -> frozenset[int]:
        return frozenset(sets.members[sets.bounds[row] : sets.bounds[row + 1]].tolist())

    found = []
    for a, b in _candidates(sets, left, right, near):
        one, other = members(a), members(b)
        shared = len(one & other)
        similarity = shared / (len(one) + len(other) - shared)
        if similarity >= near:
            found.append((a, b, similarity))
    found.sort()
    columns = tuple(zip(*found, strict=True)) or ((), (), ())
    one_side, other_side, similarities = (np.array(column) for column in columns)
    return Pairs(
        one_side.astype(np.int64), other_side.astype(np.int64), similarities.astype(np.float64)
    )


def _codes(text: str, n: int) -> Integers:
    """A number for each run of n characters, by where it begins; the same for the same run.

    They are numbers in base C, of C different characters. Whenever the next digit would not fit
    into 63 bits, they are replaced by their ranks: unlike hashes, they never collide.
    """
    flat = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    alphabet = np.flatnonzero(np.bincount(flat, minlength=1))
    places = np.zeros(alphabet.max(initial=0) + 1, np.int64)
    places[alphabet] = np.arange(len(alphabet))
    digits, base = places[flat], max(1, len(alphabet))
    runs = max(0, len(flat) - n + 1)
    codes, size = np.zeros(runs, np.int64), 1
    for k in range(n):
        if size > np.iinfo(np.int64).max // base:
            kept, codes = np.unique(codes, return_inverse=True)
            size = len(kept)
        codes *= base
        codes += digits[k : k + runs]
        size *= base
    return codes


def _bucket(codes: Integers) -> Integers:
    """Codes spread over the table of frequencies (multiplicative hashing, Knuth)."""
    spread = codes.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (spread >> np.uint64(64 - BUCKETS)).view(np.int64)


def _candidates(
    sets: Sets, left: Integers, right: Integers, near: float
) -> Iterator[tuple[int, int]]:
    """Pairs that pass the filters, each once."""
    from scipy.sparse import csr_array

    if not len(left) or not len(right):
        return
    sizes = sets.sizes
    overlap = np.ceil(near * sizes - SLACK).astype(np.int64)
    wanted = np.minimum(1 + sizes // 10, overlap)  # l
    prefix = np.zeros_like(sizes)
    sides = np.concatenate([left, right])
    prefix[sides] = (sizes - overlap + wanted)[sides]
    owner, member = sets.first(prefix)
    names, column = np.unique(member, return_inverse=True)
    ones = np.ones(len(owner), np.int32)
    shape = (len(sizes), len(names))
    matrix: Any = csr_array((ones, (owner, column)), shape)
    one, other = matrix[left], matrix[right].T.tocsr()
    work = one @ np.diff(other.indptr)  # products that a row takes
    for rows in _blocks(work):
        counts = (one[rows] @ other).tocoo()
        a, b = left[rows][counts.coords[0]], right[counts.coords[1]]
        fits = counts.data >= np.minimum(wanted[a], wanted[b])
        fits &= np.minimum(sizes[a], sizes[b]) >= near * np.maximum(sizes[a], sizes[b]) - SLACK
        yield from zip(a[fits].tolist(), b[fits].tolist(), strict=True)


def _blocks(costs: Integers) -> Iterator[slice]:
    """Cuts a list into stretches that cost about `BLOCK` at the most, if no item alone does."""
    edges = np.flatnonzero(np.diff(np.cumsum(costs) // BLOCK)) + 1
    for start, stop in zip([0, *edges], [*edges, len(costs)], strict=True):
        if stop > start:
            yield slice(start, stop)
