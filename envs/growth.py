"""Texts that are added to an environment while it is played."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from lingym.envs.corpora import Record
from lingym.envs.encode import encode
from lingym.envs.episodes import Episodes
from lingym.envs.tasks import Example
from lingym.types import Rows

Wanted = Mapping[str, int]
"""How much room there is to be: `Room`'s attributes by name."""

Added = Record | Example | Mapping[str, Any]
"""A text to add: a record of a corpus, its fields alone, or an example of the task."""


@dataclass(frozen=True)
class Room:
    """What an observation has room for.

    Attributes:
        units: of a text.
        windows: of a text.
        tokens: of a window, special tokens among them.
        groups: of a text; where labels are candidates, so many there may be.
    """

    units: int
    windows: int
    tokens: int
    groups: int

    @classmethod
    def of(cls, episodes: Episodes, wanted: Wanted | None = None) -> "Room":
        """What these texts need, or more where more is wanted.

        Raises:
            ValueError: what is wanted is no whole number, or none of the attributes.
        """
        wanted = wanted or {}
        names = [field.name for field in fields(cls)]
        for name, size in wanted.items():
            if name not in names:
                raise ValueError(f"room has no {name!r}: it has {', '.join(names)}")
            if type(size) is not int or size < 1:
                raise ValueError(f"room for {name} must be a whole number above 0, got {size!r}")
        more = dict(wanted)
        if episodes.space.form == "units":  # a group is then a unit
            more["groups"] = max(more.get("groups", 0), more.get("units", 0))
        if more.get("tokens", 0) > episodes.encoding.max_tokens:
            raise ValueError(
                f"room for {more['tokens']} tokens to a window, which has at the most "
                f"{episodes.encoding.max_tokens}: raise max_tokens"
            )
        return cls(
            **{name: max(getattr(episodes, f"max_{name}"), more.get(name, 0)) for name in names}
        )

    def holds(self, episodes: Episodes) -> bool:
        """Whether all these texts fit."""
        return all(getattr(episodes, f"max_{name}") <= size for name, size in vars(self).items())

    def check(self, episodes: Episodes, examples: Rows | None = None) -> None:
        """Make sure that texts fit; by default all of them.

        Raises:
            ValueError: one does not; the message names it and says how to make room.
        """
        rows = np.arange(len(episodes)) if examples is None else examples
        first, last = episodes.text_bounds[rows], episodes.text_bounds[rows + 1]
        widths = np.append(np.diff(episodes.window_bounds), 0)
        sizes = {
            "units": np.diff(episodes.unit_bounds)[rows],
            "windows": last - first,
            "tokens": np.maximum.reduceat(widths, np.stack([first, last], 1).ravel())[::2],
            "groups": episodes.groups[rows],
        }
        for name, each in sizes.items():
            over = np.flatnonzero(each > getattr(self, name))
            if len(over):
                where = episodes.examples[int(rows[over[0]])].record.where()
                what = "tokens to a window" if name == "tokens" else name
                raise ValueError(
                    f"{where}: the text has {each[over[0]]} {what} and an observation has room for "
                    f"{getattr(self, name)}: make the environment with "
                    f'room={{"{name}": {each[over].max()}}} or more, or add texts with whole=True, '
                    "to be drawn and played as whole episodes only"
                )


def further(episodes: Episodes, texts: Sequence[Added]) -> list[Example]:
    """Texts as examples of the episodes' task, whose labels are known.

    Raises:
        DataError: a record is not what the task needs.
        TypeError: something is neither a record nor an example.
    """
    task = episodes.task.settled(episodes.space)
    records, first = [], len(episodes)
    for place, text in enumerate(texts):
        if isinstance(text, Record):
            records.append(text)
        elif isinstance(text, Mapping):
            records.append(Record(text, "added", (first + place + 1,)))
        elif not isinstance(text, Example):
            raise TypeError(
                f"text {place} is {type(text).__name__}: wanted a Record, its fields, or an Example"
            )
    read = iter(task.read({"added": records})["added"] if records else ())
    return [text if isinstance(text, Example) else next(read) for text in texts]


def encoded(episodes: Episodes, examples: Sequence[Example]) -> Episodes:
    """New texts in the tokens of others.

    Raises:
        DataError: a gold label is not one of the labels.
    """
    how, space = episodes.encoding, episodes.space
    for example in examples:
        if space.form == "text" and example.units != space.roles:
            raise example.record.error(
                f"the units are {', '.join(example.units)}, and those here {', '.join(space.roles)}"
            )
        if space.span is not None and example.gold is not None:
            start, end = (int(place) for place in example.gold)
            if end - start >= space.span:
                raise example.record.error(
                    f"the gold answer has {end - start + 1} tokens, and answers here have "
                    f"{space.span} at the most: make the environment with max_answer="
                )
    return encode(episodes.task, examples, space, how.units, how.max_tokens, how.overflow)
