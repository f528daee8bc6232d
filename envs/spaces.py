"""Gymnasium spaces that know what their numbers mean, so that a policy needs no other word.

Stable-Baselines3 and Gymnasium see a plain Box and a plain Discrete.
"""

from typing import Any

import numpy as np
from gymnasium import spaces

from lingym.types import UNDECIDED, LabelSpace


class TokenBox(spaces.Box):
    """Token ids of windows of tokens, one after another, int32 [windows * tokens].

    Flat, because Stable-Baselines3 takes a matrix for a faulty image.
    """

    def __init__(self, vocab_size: int, windows: int, tokens: int) -> None:
        super().__init__(0, vocab_size - 1, (windows * tokens,), np.int32)
        self.vocab_size = vocab_size
        self.windows = windows
        self.tokens = tokens


class LabelDiscrete(spaces.Discrete):
    """An action is the id of a label; equal only to a space in which an action means the same.

    Args:
        labels: the labels.
        count: K, where labels are candidates: the most that an episode has.
    """

    def __init__(self, labels: LabelSpace, count: int | None = None) -> None:
        super().__init__(len(labels) or count or 1)
        self.labels = labels

    def __eq__(self, other: object) -> bool:
        """Whether an action means the same in the other space."""
        if not isinstance(other, LabelDiscrete):
            return False
        same = ("names", "form", "roles", "kinds", "stop", "quota", "span")
        return all(getattr(self.labels, n) == getattr(other.labels, n) for n in same)


def observation_space(
    vocab_size: int,
    windows: int,
    tokens: int,
    units: int,
    labels: int,
    groups: int | None = None,
    ruled: bool = False,
) -> spaces.Dict:
    """The Dict of an observation; W windows, L tokens, U units, K labels, all int32.

    - input_ids [W * L]: token ids.
    - attention_mask [W * L]: 1 for a token, 0 for padding.
    - unit_of_token [W * L]: the group (unit, whole text, or candidate) that a token belongs to, -1
      for none; there are `groups` of them at the most, by default as many as units.
    - labels [U]: labels given so far, -1 where undecided.
    - cursor [1]: the unit to label now; the number of units when all are labelled.
    - allowed [K], only where `ruled`: 1 for a label that means something for the unit at the
      cursor, 0 for one that does not (a candidate that is not there, another kind's label, one
      over the quota).
    """
    size = (windows * tokens,)
    known: dict[str, spaces.Space[Any]] = {
        "input_ids": TokenBox(vocab_size, windows, tokens),
        "attention_mask": spaces.Box(0, 1, size, np.int32),
        "unit_of_token": spaces.Box(-1, (groups or units) - 1, size, np.int32),
        "labels": spaces.Box(UNDECIDED, labels - 1, (units,), np.int32),
        "cursor": spaces.Box(0, units, (1,), np.int32),
    }
    if ruled:
        known["allowed"] = spaces.Box(0, 1, (labels,), np.int32)
    return spaces.Dict(known)
