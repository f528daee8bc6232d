"""The arrays that every room shares, and the one error for bad data.

Sizes: B episodes, N windows, L tokens to a window, U units, K labels. Integers are int32.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.integer[Any]]
"""Indices of any integer type."""

UNDECIDED = -1
"""A unit that has no label yet, and padding after an episode's last unit."""

NO_UNIT = -1
"""The unit of a token that belongs to none: special tokens and padding."""


class DataError(ValueError):
    """Text or labels that are not what was wanted; the message starts with ``file:line:``."""


@dataclass(frozen=True)
class LabelSpace:
    """What the actions of a task mean.

    Attributes:
        names: the K labels; a label's id is its place here.
        transitions: bool [K + 1, K], ``transitions[p, k]`` says whether label k may follow label p;
            row K is the start of the episode. None where every label may follow every other.
        of_text: whether the one unit of an episode is its whole text.
    """

    names: tuple[str, ...]
    transitions: BoolArray | None = None
    of_text: bool = False

    def __len__(self) -> int:
        """K, the number of labels."""
        return len(self.names)

    @cached_property
    def places(self) -> dict[str, int]:
        """The id of each label name."""
        return {name: place for place, name in enumerate(self.names)}


@dataclass(frozen=True)
class Labelings:
    """Labels given to the units of B episodes, complete or not, beside the gold ones."""

    labels: IntArray  # [B, U] label ids; -1 where undecided and after the last unit
    gold: IntArray  # [B, U] gold label ids; -1 after the last unit
    decided: IntArray  # [B] units labelled so far: units 0 .. decided - 1 have a label
    lengths: IntArray  # [B] units of the episode
    examples: IntArray  # [B] index of the episode's example in its corpus split


@dataclass(frozen=True)
class Batch:
    """The texts of B episodes, ready for an encoder: only real windows, cut to the longest."""

    input_ids: IntArray  # [N, L] token ids, padded with the tokenizer's padding id
    attention_mask: IntArray  # [N, L] 1 for a token, 0 for padding
    unit_of_token: IntArray  # [N, L] unit (within its episode) of a token, -1 for none
    episode_of_window: IntArray  # [N] row in 0 .. B - 1, ascending
    lengths: IntArray  # [B] units of each episode
    gold: IntArray  # [B, U] gold label ids, -1 after the last unit and where there is no gold
    examples: IntArray  # [B] index of each episode's example in its corpus split

    def __len__(self) -> int:
        """B, the number of episodes."""
        return len(self.lengths)

    def complete(self, labels: IntArray) -> Labelings:
        """The finished labelings of these episodes; labels [B, U], -1 after the last unit."""
        return Labelings(labels, self.gold, self.lengths, self.lengths, self.examples)
