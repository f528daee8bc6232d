"""Entities exchanged for others of their type; the tags follow, however long the new mention is."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from lingym.envs.augment.base import WordAugmentation
from lingym.envs.augment.tables import read_table
from lingym.envs.augment.views import VIEWS, view_of
from lingym.envs.augment.words import Text, Word
from lingym.envs.tasks import Example, Task

Mention = tuple[str, ...]
Pool = Mapping[str, Sequence[Mention]]
"""Mentions of each type, each once, sorted."""


def spans(words: Text) -> list[tuple[int, int, str]]:
    """The entities of tagged words: from word, to word (not included), type.

    A stray I- tag belongs to none.
    """
    found: list[tuple[int, int, str]] = []
    for place, word in enumerate(words):
        prefix, _, kind = (word.tag or "O").partition("-")
        if prefix == "B":
            found.append((place, place + 1, kind))
        elif prefix == "I" and found and found[-1][1:] == (place, kind):
            found[-1] = (found[-1][0], place + 1, kind)
    return found


def mentions_of(examples: Sequence[Example], task: Task | None = None) -> Pool:
    """The mentions of each type in tagged texts, each once, in an order of their own.

    Args:
        examples: of tagging or slots and intent.
        task: what they are of; None takes tagging.
    """
    view = VIEWS["tagging"] if task is None else view_of(task)
    found: dict[str, set[Mention]] = {}
    for example in examples:
        (words,) = view.texts(example)
        for start, end, kind in spans(words):
            found.setdefault(kind, set()).add(tuple(word.text for word in words[start:end]))
    return {kind: sorted(found[kind]) for kind in sorted(found)}


def read_mentions(file: str | Path) -> Pool:
    """Mentions from a table: a type, a tab, a mention, whose words stand between blanks.

    Raises:
        DataError: a line is something else; the message names file and line.
    """
    found: dict[str, set[Mention]] = {}
    for kind, *given in read_table(file, "TYPE<TAB>MENTION"):
        for mention in given:
            found.setdefault(kind, set()).add(tuple(mention.split()))
    return {kind: sorted(found[kind]) for kind in sorted(found)}


class EntityAugmentation(WordAugmentation):
    """Exchanges entities; a subclass says for which mentions.

    Args:
        rate: how probable it is that an entity is exchanged.
    """

    tasks: ClassVar[tuple[str, ...]] = ("tagging", "slots_intent")
    why: ClassVar[str] = "its words have no entity tags, so nothing says where an entity is"

    def change(self, words: Text, rng: np.random.Generator) -> Text:
        """Other mentions of the same types, with tags for their own number of words."""
        changed: list[Word] = []
        found, end = spans(words), 0
        for (start, stop, kind), hit in zip(found, self.draw(len(found), rng), strict=True):
            changed += words[end:start]
            old, end = words[start:stop], stop
            mention = self.other(tuple(word.text for word in old), kind, rng) if hit else None
            changed += old if mention is None else tagged(mention, old[0], kind)
        return (*changed, *words[end:])

    def other(self, old: Mention, kind: str, rng: np.random.Generator) -> Mention | None:
        """Another mention of a type; None where there is none."""
        raise NotImplementedError(f"{type(self).__name__} must define other")


class Mentions(EntityAugmentation):
    """Entities exchanged for other mentions of their type, each as probable as any other.

    Mention replacement of Dai and Adel (2020, https://aclanthology.org/2020.coling-main.343). A
    type that has one mention alone keeps it.

    Args:
        rate: how probable it is that an entity is exchanged.
        file: a table of mentions (`read_mentions`); None takes those of the training texts.
        pool: mentions that are at hand, instead of a file.
    """

    name: ClassVar[str] = "mentions"

    def __init__(self, rate: float, file: str | None = None, pool: Pool | None = None) -> None:
        super().__init__(rate)
        if file is not None and pool is not None:
            raise ValueError("file and pool both say which mentions there are: give one")
        self.pool = read_mentions(file) if file is not None else pool

    def fitted(self, examples: Sequence[Example], task: Task | None = None) -> "Mentions":
        """With the mentions of these texts, unless it has some already."""
        return (
            self
            if self.pool is not None
            else Mentions(self.rate, None, mentions_of(examples, task))
        )

    def other(self, old: Mention, kind: str, rng: np.random.Generator) -> Mention | None:
        """Another mention of the pool."""
        if self.pool is None:
            raise ValueError(
                "mentions needs some: fit it to training texts (fitted), or name a file of them"
            )
        return drawn(self.pool.get(kind, ()), old, rng)


def drawn(choices: Sequence[Mention], old: Mention, rng: np.random.Generator) -> Mention | None:
    """One of the choices that is not the old mention; None where there is none."""
    if all(mention == old for mention in choices[:2]):  # each stands there once
        return None
    while True:
        mention = choices[int(rng.integers(len(choices)))]
        if mention != old:
            return mention


def tagged(mention: Mention, first: Word, kind: str) -> list[Word]:
    """A mention's words with tags of their own: one B-, then I-; bare tags stay bare."""
    inside = "I" if first.tag == "B" else f"I-{kind}"
    rest = [Word(text, tag=inside) for text in mention[1:]]
    return [replace(first, text=mention[0]), *rest]
