"""Entities exchanged for some that no training text has."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from lingym.envs.augment.letters import clusters
from lingym.envs.augment.mentions import (
    EntityAugmentation,
    Mention,
    Pool,
    drawn,
    mentions_of,
    read_mentions,
)
from lingym.envs.tasks import Example, Task

ALPHABETS = ("aeiouy", "bcdfghjklmnpqrstvwxz", "0123456789")
"""Letters that are drawn for one another."""
TRIES = 20
"""Draws before a mention is given up."""


class UnseenEntities(EntityAugmentation):
    """Entities exchanged for mentions of their type that do not stand in the training texts.

    Where the new mentions come from:

    - a file or a pool: its mentions, without those of the training texts;
    - else training texts (`fitted`): **recombined** ones, the first words of one mention of the
      type and the last words of another, as long as the mention that they replace; a one-word
      mention, or a type with too few mentions of that length, is invented;
    - else **invented** words: each letter of the old mention drawn anew, a vowel for a vowel, a
      consonant for a consonant, a digit for a digit, in the same case. Letters of other alphabets,
      and all other signs, stay.

    So only the entity's shape and its place in the sentence tell its type (Fu et al., 2020,
    https://arxiv.org/abs/2001.03844; Lin et al., 2021, https://aclanthology.org/2021.findings-acl.267).

    Args:
        rate: how probable it is that an entity is exchanged.
        file: a table of mentions (`read_mentions`).
        pool: mentions that are at hand, instead of a file.
        seen: the mentions of the training texts.
    """

    name: ClassVar[str] = "unseen_entities"

    def __init__(
        self,
        rate: float,
        file: str | None = None,
        pool: Pool | None = None,
        seen: Pool | None = None,
    ) -> None:
        super().__init__(rate)
        if file is not None and pool is not None:
            raise ValueError("file and pool both say which mentions there are: give one")
        self.seen = dict(seen or {})
        self._known = {kind: frozenset(known) for kind, known in self.seen.items()}
        self.pool = read_mentions(file) if file is not None else pool
        self._new = {
            kind: [mention for mention in known if mention not in self._of(kind)]
            for kind, known in (self.pool or {}).items()
        }

    def fitted(self, examples: Sequence[Example], task: Task | None = None) -> "UnseenEntities":
        """With these as the training texts, unless it knows of some already."""
        if self.seen:
            return self
        return UnseenEntities(self.rate, None, self.pool, mentions_of(examples, task))

    def other(self, old: Mention, kind: str, rng: np.random.Generator) -> Mention | None:
        """A mention that no training text has."""
        if self.pool is not None:
            return drawn(self._new.get(kind, ()), old, rng)
        alike = [mention for mention in self.seen.get(kind, ()) if len(mention) == len(old)]
        for _ in range(TRIES if len(old) > 1 and len(alike) > 1 else 0):
            first, last = (alike[rng.integers(len(alike))] for _ in range(2))
            cut = rng.integers(1, len(old))
            mention = (*first[:cut], *last[cut:])
            if mention != old and mention not in self._of(kind):
                return mention
        for _ in range(TRIES):
            mention = tuple(invented(word, rng) for word in old)
            if mention != old and mention not in self._of(kind):
                return mention
        return None

    def _of(self, kind: str) -> frozenset[Mention]:
        return self._known.get(kind, frozenset())


def invented(word: str, rng: np.random.Generator) -> str:
    """A word of the same shape, of other letters."""
    return "".join(_invented(part, rng) for part in clusters(word))


def _invented(letter: str, rng: np.random.Generator) -> str:
    for alphabet in ALPHABETS:
        if letter.lower() in alphabet and letter:
            other = alphabet[rng.integers(len(alphabet))]
            return other.upper() if letter.isupper() else other
    return letter
