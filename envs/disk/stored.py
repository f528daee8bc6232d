"""Examples in a file: one JSON line each, made anew when they are asked for."""

import json
import os
import weakref
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
        # Read and not mapped: random lines of a map would soon have all of it resident.
        self._handle = os.open(file, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        weakref.finalize(self, os.close, self._handle)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy opens the file for itself."""
        return StoredExamples, (self.file, np.array(self.bounds))

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
        start, end = (int(place) for place in self.bounds[index : index + 2])
        return read(self._line(start, end - start))

    def _line(self, start: int, size: int) -> bytes:
        if hasattr(os, "pread"):  # which leaves the file's position alone: processes may share it
            return os.pread(self._handle, size, start)
        os.lseek(self._handle, start, os.SEEK_SET)
        return os.read(self._handle, size)

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
