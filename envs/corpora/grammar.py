"""What the generated corpora share: random streams, choices, and templates that know their spans.

In a template ``(a|b|)`` is a choice and ``{name}`` a value.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

Draw = Callable[[], float]
"""Gives the next number of a random stream, in [0, 1)."""

Fields = dict[str, Any]
"""The fields of one record."""

Span = tuple[int, int]
"""Characters [start, end)."""

_CHOICE = re.compile(r"\(([^()]*)\)")


@dataclass(frozen=True)
class Grammar:
    """How the records of a generated corpus are written.

    Attributes:
        write: draws the fields of one record of a split.
        text: what no record of train shares with a record of dev or test.
        corrupt: puts wrong labels into records, in place, each with the given probability.
        numbered: whether each record gets an ``id``.
    """

    write: Callable[[Draw, str], Fields]
    text: Callable[[Fields], str]
    corrupt: Callable[[list[Fields], float, Draw], None]
    numbered: bool = True


def stream(*seed: int) -> Draw:
    """The random stream of a seed: the same on every machine."""
    return np.random.Generator(np.random.PCG64(seed)).random


def uniform(values: Sequence[T], draw: Draw) -> T:
    """One of the values, all equally likely."""
    return values[int(len(values) * draw())]


def skewed(values: Sequence[T], draw: Draw) -> T:
    """One of the values, the earlier the likelier."""
    return values[int(len(values) * min(draw(), draw()))]


def some(values: Sequence[T], count: int, draw: Draw) -> list[T]:
    """So many different places of the values, in random order, all equally likely."""
    left = list(values)
    return [left.pop(int(len(left) * draw())) for _ in range(count)]


def choose(text: str, draw: Draw) -> str:
    """The text with every choice made, the innermost first."""
    while choice := _CHOICE.search(text):
        chosen = uniform(choice[1].split("|"), draw)
        text = text[: choice.start()] + chosen + text[choice.end() :]
    return text


def fill(
    template: str, values: Mapping[str, str], draw: Draw, at: int = 0
) -> tuple[str, dict[str, Span]]:
    """A sentence with its choices made, its values put in and its first letter raised.

    Args:
        template: the sentence.
        values: what stands for each ``{name}``; those that do not occur are left out.
        draw: makes the choices.
        at: where the sentence begins in its text.

    Returns:
        The sentence, and the span of each value in the text.
    """
    text, spans = "", {}
    for literal, name, _, _ in Formatter().parse(re.sub(" +", " ", choose(template, draw)).strip()):
        text += literal
        if name is not None:
            spans[name] = (at + len(text), at + len(text) + len(values[name]))
            text += values[name]
    return text[0].upper() + text[1:], spans


def corrupt_each(change: Callable[[Fields, Draw], None]) -> Callable[..., None]:
    """A `Grammar.corrupt` that changes each record apart."""

    def corrupt(rows: list[Fields], noise: float, draw: Draw) -> None:
        for row in rows:
            if draw() < noise:
                change(row, draw)

    return corrupt
