"""Texts that repeat others, within a part and between parts, exactly or nearly."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from lingym.scripts.compare.near import Pairs, Sets, shingles, similar
from lingym.scripts.compare.repeats import LEAST, NEAR, SHINGLE, normalised

WORDS = 3
"""Words of a shingle, where shingles are of words."""
PLACES = 0x10FFFF
"""Different words that shingles of words can tell apart."""
Row = tuple[str, int]
"""A text: its part, and its place there."""


@dataclass(frozen=True)
class Same:
    """Which texts are the same, and which nearly.

    Attributes:
        groups: the rows of each different text (`normalised`), in the order of parts and rows.
        pairs: left < right, places in `groups`: near repeats, with their similarities.
        near: the similarity from which on two texts are near repeats.
    """

    groups: Sequence[Sequence[Row]]
    pairs: Pairs
    near: float

    def within(self, part: str) -> dict[str, int]:
        """Texts of a part that repeat an earlier one of it, and those that do so only nearly."""
        rows = [[row for row in group if row[0] == part] for group in self.groups]
        exact = sum(len(each) - 1 for each in rows if each)
        left, right = self.pairs.left.tolist(), self.pairs.right.tolist()
        later = {
            max(rows[a][0], rows[b][0])
            for a, b in zip(left, right, strict=True)
            if rows[a] and rows[b]
        }
        return {"exact": exact, "near": len(later)}

    def between(self, earlier: str, later: str) -> dict[str, int]:
        """Texts of the later part with an exact repeat in the earlier, and with a near one only.

        ``texts`` counts each different text once, however often it stands in the later part.
        """
        has = [{part for part, _ in group} for group in self.groups]
        exact = {place for place, parts in enumerate(has) if {earlier, later} <= parts}
        near = set()
        left, right = self.pairs.left.tolist(), self.pairs.right.tolist()
        for a, b in zip(left + right, right + left, strict=True):
            if earlier in has[a] and later in has[b]:
                near.add(b)
        return {
            "exact": self._rows(exact, later),
            "texts": len(exact),
            "near": self._rows(near - exact, later),
        }

    def _rows(self, places: set[int], part: str) -> int:
        return sum(row[0] == part for place in places for row in self.groups[place])


def same(
    texts: Mapping[str, Sequence[str]],
    near: float | None = NEAR,
    of: Literal["characters", "words"] = "characters",
    search: Literal["exact", "minhash"] = "exact",
    seed: int = 0,
) -> Same:
    r"""Find repeats and near repeats among the texts of all parts.

    Two texts are repeats if they are equal but for case, spaces and Unicode's compatible forms, and
    near repeats if the Jaccard similarity of their sets of shingles is `near` or more
    (Broder 1997):

    .. math:: J(a, b) = |a \cap b| / |a \cup b|

    Args:
        texts: of each part.
        near: above 0 and at most 1; None looks for exact repeats alone.
        of: shingles are runs of 5 characters, or of 3 words.
        search: ``exact`` misses nothing (`lingym.scripts.compare.near`); ``minhash`` counts out
            what `lingym.scripts.hygiene.minhash` proposes.
        seed: of the hash functions.

    Raises:
        ValueError: `near` is out of its range, or there are more than a million different words.
    """
    if near is not None and not 0 < near <= 1:
        raise ValueError(f"--near must be above 0 and at most 1, got {near}")
    groups: dict[str, list[Row]] = defaultdict(list)
    for part, each in texts.items():
        for row, text in enumerate(each):
            groups[normalised(text)].append((part, row))
    none = Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    pairs = none if near is None else near_pairs(list(groups), near, of, search, seed)
    return Same(list(groups.values()), pairs, near or 1.0)


def near_pairs(
    texts: Sequence[str], near: float, of: str = "characters", search: str = "exact", seed: int = 0
) -> Pairs:
    """All near repeats among different texts, left < right; arguments as for `same`."""
    sets = sets_of(texts, of)
    if search == "minhash":
        from lingym.scripts.hygiene.minhash import proposed

        return proposed(sets, near, LEAST if of == "characters" else 1, seed)
    every = np.arange(len(texts))
    pairs = similar(sets, every, every, near, LEAST if of == "characters" else 1)
    once = pairs.left < pairs.right
    return Pairs(pairs.left[once], pairs.right[once], pairs.similarity[once])


def sets_of(texts: Sequence[str], of: str) -> Sets:
    """The shingles of texts; a word stands for one character, where they are of words."""
    if of == "characters":
        return shingles(texts, SHINGLE)
    places: dict[str, int] = {}
    coded = [[places.setdefault(word, len(places)) for word in text.split()] for text in texts]
    if len(places) > PLACES:
        raise ValueError(f"{len(places)} different words: take shingles of characters")
    return shingles(["".join(map(chr, text)) for text in coded], WORDS)


def part_pairs(parts: Sequence[str]) -> list[tuple[str, str]]:
    """Each part with each later one."""
    return list(combinations(parts, 2))
