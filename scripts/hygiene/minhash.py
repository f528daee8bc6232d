"""Near repeats by MinHash and locality-sensitive hashing, for corpora too large to compare."""

import numpy as np

from lingym.scripts.compare.near import Pairs, Sets

HASHES = 128
WEIGHTS = (0.1, 0.9)
"""How bad it is to propose a pair in vain, and to miss one: what is proposed is counted out."""


def proposed(sets: Sets, near: float, least: int = 1, seed: int = 0) -> Pairs:
    """Near repeats among sets: proposed by MinHash LSH, kept if their similarity is `near`.

    The smallest values of 128 hash functions over a set agree between two sets, each with the
    probability of their Jaccard similarity (Broder 1997); sets that agree on a whole band of them
    are compared (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, chapter 3). What is
    found is right; a pair barely above the threshold may be missed.

    Args:
        sets: of shingles.
        near: the Jaccard similarity from which on.
        least: smaller sets are like none.
        seed: of the hash functions.

    Raises:
        ValueError: datasketch is not installed.
    """
    try:
        from datasketch import MinHash, MinHashLSH
    except ImportError:
        raise ValueError(
            "--near-search minhash needs datasketch: pip install 'lingym[hygiene]'"
        ) from None
    index = MinHashLSH(threshold=near, num_perm=HASHES, weights=WEIGHTS)
    blank = MinHash(num_perm=HASHES, seed=seed + 1, hashfunc=int)
    found: list[tuple[int, int, float]] = []
    kept: dict[int, frozenset[int]] = {}
    folded = (sets.members ^ (sets.members >> 32)).astype(np.uint64) & np.uint64(0xFFFFFFFF)
    for row, (start, stop) in enumerate(zip(sets.bounds[:-1], sets.bounds[1:], strict=True)):
        if stop - start < max(1, least):
            continue
        sketch = blank.copy()
        sketch.update_batch(folded[start:stop].tolist())
        own = frozenset(sets.members[start:stop].tolist())
        for other in sorted(index.query(sketch)):
            if other not in kept:
                kept[other] = frozenset(
                    sets.members[slice(*sets.bounds[other : other + 2])].tolist()
                )
            shared = len(own & kept[other])
            similarity = shared / (len(own) + len(kept[other]) - shared)
            if similarity >= near:
                found.append((other, row, similarity))
        index.insert(row, sketch)
    found.sort()
    columns = tuple(zip(*found, strict=True)) or ((), (), ())
    return Pairs(
        np.array(columns[0], np.int64), np.array(columns[1], np.int64), np.array(columns[2], float)
    )
