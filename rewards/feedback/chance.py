"""Chance that depends on what is asked, not on when: numbers from a hash of the question."""

import numpy as np
import numpy.typing as npt

from lingym.types import FloatArray, IntArray

Words = npt.NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def uniform(*words: int | npt.NDArray[np.integer]) -> FloatArray:
    """Numbers in [0, 1), each a function of its words alone.

    Args:
        words: whole numbers of shapes that broadcast, such as a seed, the examples [B, 1], the
            units [U] and the labels [B, U].

    Returns:
        float64 of the broadcast shape.
    """
    numbers: FloatArray = (hashed(*words) >> np.uint64(11)) * np.float64(2.0**-53)
    return numbers


def hashed(*words: int | npt.NDArray[np.integer]) -> Words:
    """64 bits for each place, a function of its words alone, in their order.

    SplitMix64 (Steele et al., 2014, https://doi.org/10.1145/2660193.2660195), a round for a word.

    Args:
        words: whole numbers of shapes that broadcast.

    Returns:
        uint64 of the broadcast shape.
    """
    state = np.zeros((), np.uint64)
    with np.errstate(over="ignore"):
        for word in words:
            state = _mix(state ^ np.asarray(word).astype(np.int64).view(np.uint64))
    return state


def questions(labels: IntArray) -> Words:
    """What the labels up to each unit are, uint64 [B, U]; what follows a unit does not count.

    A sum of hashes (Zobrist, 1970), so that all prefixes cost no more than the whole.
    """
    each = hashed(np.arange(labels.shape[1]), labels)
    return each.cumsum(1, dtype=np.uint64)


def _mix(word: Words) -> Words:
    word = word + _GOLDEN
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))
