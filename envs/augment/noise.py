"""Noise: typing errors, letter case, words left out, words out of order."""

from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np

from lingym.envs.augment.base import WordAugmentation
from lingym.envs.augment.letters import KINDS, Kind, misspelled
from lingym.envs.augment.words import Text

Case = Literal["lower", "upper", "title", "any"]
CASES: tuple[Case, ...] = ("lower", "upper", "title", "any")


class Typos(WordAugmentation):
    """A typing error in a word, one at the most: letters swapped, lost, added, or a key missed.

    After Belinkov and Bisk (2018, "Synthetic and Natural Noise Both Break Neural Machine
    Translation", https://arxiv.org/abs/1711.02173) and Pruthi et al. (2019,
    https://aclanthology.org/P19-1561).

    Args:
        rate: how probable an error in a word is.
        kinds: the errors that there are (`lingym.envs.augment.letters.misspelled`).
    """

    name: ClassVar[str] = "typos"

    def __init__(self, rate: float, kinds: tuple[Kind, ...] = KINDS) -> None:
        super().__init__(rate)
        if not kinds or set(kinds) - set(KINDS):
            raise ValueError(f"kinds must be some of {', '.join(KINDS)}; got {kinds!r}")
        self.kinds = tuple(kinds)

    def change(self, words: Text, rng: np.random.Generator) -> Text:
        """Errors in words that are not fixed."""
        return tuple(
            replace(word, text=misspelled(word.text, self.kinds, rng))
            if hit and not word.fixed
            else word
            for word, hit in zip(words, self.draw(len(words), rng), strict=True)
        )


class Casing(WordAugmentation):
    """Words in another case.

    Args:
        rate: how probable it is that a word changes.
        to: ``lower``, ``upper``, ``title``, or ``any`` of these, drawn for each word.
    """

    name: ClassVar[str] = "casing"

    def __init__(self, rate: float, to: Case = "any") -> None:
        super().__init__(rate)
        if to not in CASES:
            raise ValueError(f"to must be one of {', '.join(CASES)}; got {to!r}")
        self.to = to

    def change(self, words: Text, rng: np.random.Generator) -> Text:
        """Another case for words that are not fixed."""
        hits = self.draw(len(words), rng)
        drawn = rng.integers(3, size=len(words))
        return tuple(
            replace(word, text=cased(word.text, CASES[case] if self.to == "any" else self.to))
            if hit and not word.fixed
            else word
            for word, hit, case in zip(words, hits, drawn, strict=True)
        )


def cased(word: str, case: Case) -> str:
    """A word in a case; title leaves all but the first letter small (``don't``: ``Don't``)."""
    return {"lower": word.lower, "upper": word.upper, "title": word.capitalize}[case]()


class DeletedWords(WordAugmentation):
    """Words left out, with their tags; a text keeps one word at least.

    A word of an entity stays, for without it the tags of the others would say something else.

    Args:
        rate: how probable it is that a word is left out.
    """

    name: ClassVar[str] = "deleted_words"

    def change(self, words: Text, rng: np.random.Generator) -> Text:
        """The words that are left."""
        hits = self.draw(len(words), rng)
        left = [n for n, word in enumerate(words) if not (hits[n] and word.loose)]
        if not left:
            left = [int(rng.integers(len(words)))]
        return tuple(words[n] for n in left)


class SwappedWords(WordAugmentation):
    """Two words side by side change places, with their tags; neither is of an entity.

    Args:
        rate: how probable it is that a word goes behind the next.
    """

    name: ClassVar[str] = "swapped_words"

    def change(self, words: Text, rng: np.random.Generator) -> Text:
        """The words in their new order; blanks stay where they are."""
        hits = self.draw(len(words), rng)
        order = list(range(len(words)))
        place = 0
        while place + 1 < len(words):
            if hits[place] and words[place].loose and words[place + 1].loose:
                order[place], order[place + 1] = place + 1, place
                place += 1  # what was moved stays where it is now
            place += 1
        return tuple(replace(words[old], before=words[new].before) for new, old in enumerate(order))
