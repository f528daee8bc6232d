"""Longest common subsequences of many pairs of texts at once."""

import numpy as np
import numpy.typing as npt

BITS = 32
Bits = npt.NDArray[np.uint32]


def words_for(length: int) -> int:
    """Words of bits that the mask of a text of this length takes; one bit is to spare."""
    return length // BITS + 1


def bit_masks(tokens: list[int], number: int, words: int) -> Bits:
    """Where each token stands in a text, uint32 [words, number]: bit p is for place p.

    Args:
        tokens: the text, ids in 1 .. number - 1; id 0 stands for tokens that are elsewhere only.
        number: how many ids there are.
        words: at least ``words_for(len(tokens))``.
    """
    rows = [[0] * number for _ in range(words)]
    for place, token in enumerate(tokens):
        rows[place // BITS][token] |= 1 << (place % BITS)
    return np.array(rows, np.uint32).reshape(words, number)


def lcs_lengths(masks: Bits) -> npt.NDArray[np.int64]:
    """Lengths of the longest common subsequences of P pairs of texts, int64 [P].

    One text is read token by token; the state V of a pair has a bit for each place of its other
    text, and its zeros are counted in the end (Hyyrö, 2004, "Bit-parallel LCS-length computation
    revisited"): V becomes (V + (V & M)) | (V & ~M). The states of all pairs stand side by side in
    one long Python integer, the top bit of each kept 0 to catch the carry of its sum: for short
    texts that is several times as fast as an array of states.

    Args:
        masks: uint32 [T, P, words], where the t-th token of one text stands in the other; 0 where
            it does not stand, and after the end.
    """
    steps, pairs, words = masks.shape
    every = np.full((pairs, words), ~np.uint32(0), "<u4")
    every[:, -1] >>= 1
    full = state = int.from_bytes(every.tobytes(), "little")
    read = masks.astype("<u4", copy=False).tobytes()
    size = pairs * words * BITS // 8
    for step in range(steps):
        matched = state & int.from_bytes(read[step * size : (step + 1) * size], "little")
        state = ((state + matched) | (state - matched)) & full  # matched is part of the state
    zeros = np.frombuffer((full ^ state).to_bytes(size, "little"), np.uint8)
    return np.unpackbits(zeros).reshape(pairs, words * BITS).sum(1, dtype=np.int64)
