"""Chance that depends on what is asked, not on when: numbers from a hash of the question."""

import numpy as np
import numpy.typing as npt

from lingym.types import FloatArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def uniform(*words: int | npt.NDArray[np.integer]) -> FloatArray:
    """Numbers in [0, 1), each a function of its words alone.

    SplitMix64 (Steele et al., 2014, https://doi.org/10.1145/2660193.2660195), a round for a word.

    Args:
        words: whole numbers of shapes that broadcast, such as a seed, a round, the examples [B, 1],
            the units [U] and the labels [B, U].

    Returns:
        float64 of the broadcast shape.
    """
    state = np.zeros((), np.uint64)
    with np.errstate(over="ignore"):
        for word in words:
            state = _mix(state ^ np.asarray(word).astype(np.int64).view(np.uint64))
    numbers: FloatArray = (state >> np.uint64(11)) * np.float64(2.0**-53)
    return numbers


def _mix(word: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    word = word + _GOLDEN
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))
