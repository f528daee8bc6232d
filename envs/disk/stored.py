"""Examples in a file: one JSON line each, made anew when they are asked for."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np

from lingym.envs.corpora import Record
from lingym.envs.episodes import Bounds
from lingym.envs.tasks import Example, Passage
from lingym.envs.tasks.cloze import Cloze

TUPLE = "\0tuple"
"""The key that marks a tuple, which JSON does not tell from a list."""
_PLAIN = (str, int, float, bool, type(None))


def written(example: Example) -> bytes:
    """An example as a line of a file.

    Raises:
        DataError: a field holds what JSON cannot give back as it was.
    """
    record = example.record
    fields = _plain(record, record.fields)
    passages = [_passage(passage) for passage in example.passages]
    row = [
        *(fields, record.path, record.lines, record.name, example.units, example.gold, passages),
        *(example.candidates, example.kinds, example.costs),
    ]
    return json.dumps(row, separators=(",", ":")).encode("ascii") + b"\n"


def read(line: bytes) -> Example:
    """The example of a line; it equals that which was written."""
    fields, path, lines, name, units, gold, passages, candidates, kinds, costs = json.loads(line)
    return Example(
        tuple(units),
        None if gold is None else tuple(gold),
        Record(_given(fields), path, tuple(lines), name),
        tuple(_read_passage(passage) for passage in passages),
        tuple(candidates),
        None if kinds is None else tuple(kinds),
        None if costs is None else tuple(costs),
    )


class StoredExamples(Sequence[Example]):
    """The examples of a file, each read and made when it is asked for, and not kept.

    Args:
        file: a line for each.
        bounds: [E + 1] the bytes where each line begins.
    """

    def __init__(self, file: Path, bounds: Bounds) -> None:
        self.file, self.bounds = file, bounds
        size = int(bounds[-1])
        self._bytes = np.memmap(file, np.uint8, "r", shape=(size,)) if size else np.zeros(0)

    def __len__(self) -> int:
        """E."""
        return len(self.bounds) - 1

    @overload
    def __getitem__(self, place: int) -> Example: ...
    @overload
    def __getitem__(self, place: slice) -> list[Example]: ...
    def __getitem__(self, place: Any) -> Any:
        """One example, or a list of several."""
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        index = range(len(self))[place]
        return read(self._bytes[self.bounds[index] : self.bounds[index + 1]].tobytes())

    def __iter__(self) -> Iterator[Example]:
        """All of them, read through from the first."""
        with self.file.open("rb") as lines:
            for _, line in zip(range(len(self)), lines, strict=False):
                yield read(line)


def _plain(record: Record, value: Any) -> Any:
    """A value of which JSON keeps all; tuples are marked."""
    if type(value) in _PLAIN:
        return value
    if type(value) is list:
        return [_plain(record, each) for each in value]
    if type(value) is tuple:
        return {TUPLE: [_plain(record, each) for each in value]}
    if isinstance(value, dict) and all(type(key) is str and key != TUPLE for key in value):
        return {key: _plain(record, each) for key, each in value.items()}
    raise record.error(
        f"a value of the type {type(value).__name__} cannot be kept on disk: wanted what JSON has "
        f"(strings, numbers, lists, objects), got {str(value)[:60]!r}"
    )


def _given(value: Any) -> Any:
    """The value that was written."""
    if type(value) is list:
        return [_given(each) for each in value] if _deep(value) else value
    if type(value) is dict:
        if TUPLE in value:
            return tuple(_given(each) for each in value[TUPLE])
        return {key: _given(each) for key, each in value.items()}
    return value


def _deep(values: list[Any]) -> bool:
    return any(type(value) in (list, dict) for value in values)


def _passage(passage: Passage) -> list[Any]:
    cloze = passage.cloze
    return [
        *(passage.words, passage.groups, passage.before, passage.special, passage.whole),
        *(passage.marked, passage.marks, None if cloze is None else [cloze.before, cloze.after]),
    ]


def _read_passage(row: list[Any]) -> Passage:
    words, groups, before, special, whole, marked, marks, cloze = row
    around = None if cloze is None else Cloze(*(tuple(part) for part in cloze))
    return Passage(
        tuple(words), tuple(groups), before, special, whole, marked, tuple(marks), around
    )
