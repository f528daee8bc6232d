"""A typing error in a word, made between what a reader takes for letters."""

import unicodedata
from collections.abc import Callable
from typing import Literal

import numpy as np

Kind = Literal["swap", "delete", "insert", "neighbour"]
KINDS: tuple[Kind, ...] = ("swap", "delete", "insert", "neighbour")

_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")


def _keys() -> dict[str, str]:
    """The keys beside each key of a QWERTY keyboard, whose rows are set off by half a key."""
    beside: dict[str, str] = {}
    for r, row in enumerate(_ROWS):
        for k, key in enumerate(row):
            near = [(r, k - 1), (r, k + 1), (r - 1, k), (r - 1, k + 1), (r + 1, k - 1), (r + 1, k)]
            known = [(a, b) for a, b in near if 0 <= a < len(_ROWS) and 0 <= b < len(_ROWS[a])]
            own = [_ROWS[a][b] for a, b in known if _ROWS[a][b].isdigit() == key.isdigit()]
            beside[key] = "".join(own)
    return beside


KEYS = _keys()
"""The letters (or digits) beside each letter (or digit) on a QWERTY keyboard."""


def clusters(word: str) -> list[str]:
    """A word cut where a reader sees letters end; joined, they are the word.

    Combining marks, variation selectors, skin tones and what a zero-width joiner joins stay with
    the letter or the sign before them, and regional letters make flags by two: the main rules of
    Unicode's grapheme clusters (https://unicode.org/reports/tr29/).
    """
    parts: list[str] = []
    for letter in word:
        code = ord(letter)
        joined = bool(parts) and (
            unicodedata.category(letter).startswith("M")
            or code in (0x200C, 0x200D)
            or 0x1F3FB <= code <= 0x1F3FF
            or parts[-1].endswith("\u200d")
            or (_flag(letter) and len(parts[-1]) == 1 and _flag(parts[-1]))
        )
        if joined:
            parts[-1] += letter
        else:
            parts.append(letter)
    return parts


def _flag(letter: str) -> bool:
    return 0x1F1E6 <= ord(letter) <= 0x1F1FF


def misspelled(word: str, kinds: tuple[Kind, ...], rng: np.random.Generator) -> str:
    """A word with one error among its letters and digits; other signs stay.

    Args:
        word: without letters and digits (``!``, an emoji) it is given back as it is.
        kinds: the errors to choose from, those that this word allows alike: ``swap`` two letters
            side by side, ``delete`` one (never the last), ``insert`` one, or hit the key of a
            ``neighbour``. What is inserted is a neighbour of the key, or the letter once more.
        rng: draws the error and its place.
    """
    parts = clusters(word)
    places = [n for n, part in enumerate(parts) if part[0].isalnum()]
    pairs = [n for n in places if n + 1 in places and parts[n] != parts[n + 1]]
    able: dict[Kind, list[int]] = {
        "swap": pairs,
        "delete": places if len(places) > 1 else [],
        "insert": places,
        "neighbour": [n for n in places if parts[n].lower() in KEYS],
    }
    able = {kind: able[kind] for kind in kinds if able[kind]}
    if not able:
        return word
    kind = tuple(able)[rng.integers(len(able))]
    place = able[kind][rng.integers(len(able[kind]))]
    return "".join(_ERRORS[kind](parts, place, rng))


def _swap(parts: list[str], place: int, rng: np.random.Generator) -> list[str]:
    return [*parts[:place], parts[place + 1], parts[place], *parts[place + 2 :]]


def _delete(parts: list[str], place: int, rng: np.random.Generator) -> list[str]:
    return [*parts[:place], *parts[place + 1 :]]


def _insert(parts: list[str], place: int, rng: np.random.Generator) -> list[str]:
    return [*parts[: place + 1], _near(parts[place], rng, True), *parts[place + 1 :]]


def _neighbour(parts: list[str], place: int, rng: np.random.Generator) -> list[str]:
    return [*parts[:place], _near(parts[place], rng), *parts[place + 1 :]]


def _near(letter: str, rng: np.random.Generator, itself: bool = False) -> str:
    """A key beside a letter's, in the letter's case; perhaps the letter itself."""
    choices = [*KEYS.get(letter.lower(), ""), *([letter] if itself else [])]
    found = choices[rng.integers(len(choices))]
    return found.upper() if letter.isupper() else found


_ERRORS: dict[Kind, Callable[[list[str], int, np.random.Generator], list[str]]] = {
    "swap": _swap,
    "delete": _delete,
    "insert": _insert,
    "neighbour": _neighbour,
}
