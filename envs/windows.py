"""Cutting a text that is longer than the encoder takes into overlapping windows."""

from dataclasses import dataclass

import numpy as np

from lingym.envs.tokenizer import Pieces
from lingym.types import NO_UNIT


@dataclass(frozen=True)
class Window:
    """Tokens start .. end - 1 of a text, and the units that this window speaks for."""

    start: int
    end: int
    units: list[int]  # [end - start] the unit that a token belongs to here, -1 where it is context


def cut(pieces: Pieces, size: int) -> list[Window]:
    """Overlapping windows of whole units, each unit owned by the one in which it is most central.

    Neighbouring windows share about a quarter of their tokens. A unit longer than a quarter may
    stand in one window only, but it always stands whole in at least one. A unit that is longer than
    a window is cut into parts of half a window, which are placed like units and all belong to it.

    Args:
        pieces: the tokens of a text of several units.
        size: how many tokens a window holds, without special tokens.

    Returns:
        One window if the text fits.
    """
    total = len(pieces.ids)
    if total <= size:
        return [Window(0, total, pieces.units)]
    units = np.asarray(pieces.units)
    first = np.flatnonzero(np.diff(units, prepend=-1))  # first token of each unit
    last = np.append(first[1:], total)
    if (last - first).max() > size:
        first = np.concatenate(
            [
                np.arange(start, end, max(1, size // 2)) if end - start > size else [start]
                for start, end in zip(first, last, strict=True)
            ]
        )
        last = np.append(first[1:], total)
    part = np.repeat(np.arange(len(first)), last - first)  # [T] the unit, or part of a long one
    spans = []
    head = 0  # first unit of the window
    while True:
        tail = int(np.searchsorted(last, first[head] + size, side="right"))  # one past its last
        spans.append((head, tail))
        if tail == len(first):
            break
        # The next window starts about three quarters on, but always lets a new unit in.
        reach = int(np.searchsorted(first, first[head] + size - size // 4))
        head = min(max(reach, head + 1), tail)
        while last[tail] - first[head] > size:
            head += 1
    starts = np.array([first[head] for head, _ in spans])
    ends = np.array([last[tail - 1] for _, tail in spans])
    # Window by window, not all at once: memory would grow with the square of the text's length.
    best = np.full(len(first), -1)
    owners = np.zeros(len(first), np.int64)
    for w, (head, tail) in enumerate(spans):
        before, after = first[head:tail] - starts[w], ends[w] - last[head:tail]
        margin = np.minimum(before, after)
        if w == 0:  # the edges of the text are no edges: nothing is missing beyond them
            margin = after
        elif w == len(spans) - 1:
            margin = before
        better = margin > best[head:tail]
        best[head:tail][better] = margin[better]
        owners[head:tail][better] = w
    owner = owners[part]  # [T] the window that owns each token
    return [
        Window(int(s), int(e), np.where(owner[s:e] == w, units[s:e], NO_UNIT).tolist())
        for w, (s, e) in enumerate(zip(starts, ends, strict=True))
    ]


def cut_text(pieces: Pieces, size: int) -> list[Window]:
    """Windows of a text that is one unit: every token belongs to it, a quarter is shared."""
    total = len(pieces.ids)
    step = max(1, size - size // 4)
    starts = [0] if total <= size else range(0, total - size + step, step)
    return [Window(s, min(s + size, total), pieces.units[s : min(s + size, total)]) for s in starts]
