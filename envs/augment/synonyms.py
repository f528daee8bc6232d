"""Words exchanged for synonyms out of a lexicon that the user names."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import ClassVar

import numpy as np

from lingym.envs.augment.base import ALL, WordAugmentation
from lingym.envs.augment.tables import read_table
from lingym.envs.augment.words import Text, Word

WORDNET = "wordnet"
_CORE = re.compile(r"(\W*)(.*?)(\W*)", re.DOTALL)

Lexicon = Callable[[str], Sequence[str]]
"""From a word in small letters to its synonyms, sorted; a synonym may be of several words."""


class Synonyms(WordAugmentation):
    """Words exchanged for synonyms (Zhang et al., 2015, https://arxiv.org/abs/1509.01626; Wei and
    Zou, 2019, https://aclanthology.org/D19-1670).

    A word keeps its case and the punctuation at its ends. Where words have tags, only those tagged
    O are exchanged, and all words of a synonym are tagged O: nobody knows whether the tag of a part
    of speech fits another word, and for entities there is `Mentions`.

    Args:
        rate: how probable it is that a word that has synonyms is exchanged.
        lexicon: ``wordnet`` (through nltk, whose data must be installed), or a table: a word, a
            tab, its synonyms with tabs between.
    """  # noqa: D205

    name: ClassVar[str] = "synonyms"
    tasks: ClassVar[tuple[str, ...]] = tuple(task for task in ALL if task != "summary")
    why: ClassVar[str] = "its gold labels say which sentences share words with the summary"

    def __init__(self, rate: float, lexicon: str) -> None:
        super().__init__(rate)
        self.lexicon = lexicon
        self.look_up = wordnet() if lexicon == WORDNET else table(lexicon)

    def change(self, words: Text, rng: np.random.Generator) -> Text:
        """Synonyms for some of the words that are neither fixed nor tagged."""
        changed: list[Word] = []
        for word, hit in zip(words, self.draw(len(words), rng), strict=True):
            changed += self._exchanged(word, rng) if hit and word.untagged else [word]
        return tuple(changed)

    def _exchanged(self, word: Word, rng: np.random.Generator) -> list[Word]:
        """The words of a synonym, or the word itself."""
        match = _CORE.fullmatch(word.text)
        assert match is not None
        before, core, after = match.groups()
        choices = [s for s in self.look_up(core.lower()) if s.lower() != core.lower()]
        if not core or not choices:
            return [word]
        found = _in_case_of(choices[rng.integers(len(choices))], core)
        texts = f"{before}{found}{after}".split()
        rest = [replace(word, text=text, before=" ") for text in texts[1:]]
        return [replace(word, text=texts[0]), *rest]


def _in_case_of(synonym: str, word: str) -> str:
    """A synonym in capitals, or with one, where the word has them."""
    if len(word) > 1 and word.isupper():
        return synonym.upper()
    return synonym[:1].upper() + synonym[1:] if word[:1].isupper() else synonym


def table(file: str) -> Lexicon:
    """The lexicon of a table; a word's lines are taken together.

    Raises:
        DataError: a line is not a word and synonyms.
    """
    found: dict[str, set[str]] = {}
    for word, *synonyms in read_table(file, "WORD<TAB>SYNONYM[<TAB>SYNONYM ...]"):
        found.setdefault(word.lower(), set()).update(" ".join(s.split()) for s in synonyms)
    lexicon = {word: tuple(sorted(synonyms)) for word, synonyms in found.items()}
    return lambda word: lexicon.get(word, ())


def wordnet() -> Lexicon:
    """WordNet's lemmas of a word's first (most frequent) sense of each part of speech.

    Raises:
        ValueError: nltk or its WordNet is not installed; says how to get them.
    """
    try:
        from nltk.corpus import wordnet as corpus
    except ImportError as error:
        raise ValueError(
            "synonyms from wordnet need nltk: pip install nltk, then python -m nltk.downloader "
            "wordnet; or give a table of synonyms instead"
        ) from error
    try:
        corpus.ensure_loaded()
    except LookupError as error:
        raise ValueError(
            "nltk has no WordNet here: python -m nltk.downloader wordnet fetches it (NLTK_DATA "
            "names the folder where it is kept); or give a table of synonyms instead"
        ) from error

    @cache
    def look_up(word: str) -> tuple[str, ...]:
        if not word:
            return ()
        senses = (corpus.synsets(word, pos)[:1] for pos in ("n", "v", "a", "r"))
        lemmas = (lemma for sense in senses for each in sense for lemma in each.lemma_names())
        return tuple(sorted({lemma.replace("_", " ") for lemma in lemmas}))

    return look_up
