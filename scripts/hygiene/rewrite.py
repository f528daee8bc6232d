"""Rows of a file whose text stays and is written otherwise: tags repaired, words in form NFC."""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lingym.envs.corpora import Record, from_iob2, to_iob2
from lingym.envs.tasks.slots_intent import SlotsAndIntent
from lingym.scripts.arguments import Reading
from lingym.scripts.hygiene.reading import Files, Part, tags_of
from lingym.scripts.hygiene.rows import Rows


@dataclass(frozen=True)
class Change:
    """What was done to a row.

    Attributes:
        file: as it was named.
        line: the first line of it there, from 1.
        last: the last.
        action: drop, repair, or nfc.
        why: the reason.
        was: the text with its labels, or the tag.
        now: what became of it; empty where it is gone.
    """

    file: str
    line: int
    last: int
    action: str
    why: str
    was: str
    now: str = ""


def repaired(files: Files, part: Part, rows: Rows, reading: Reading) -> list[Change]:
    """Write the tags of a part as conlleval reads them, in the file's own scheme.

    Args:
        files: all that was read.
        part: whose tags are repaired.
        rows: its lines, which are changed.
        reading: how it was read.

    Returns:
        What was changed.
    """
    faulty = {f.line for f in files.faults if f.part == part.name and f.repairable}
    changes: list[Change] = []
    for example in part.examples:
        record = example.record
        if part.scheme is None or faulty.isdisjoint(record.lines):
            continue
        tags = tags_of(files.task, files.task.example(record)) or []
        new = from_iob2(to_iob2([tags], part.scheme, "repair").tags[0], part.scheme)
        changes += _with_tags(part, rows, reading, record, tags, new)
    return changes


def _with_tags(
    part: Part, rows: Rows, reading: Reading, record: Record, tags: list[str], new: list[str]
) -> Iterator[Change]:
    """Write other tags of a text."""
    why = "tags read as conlleval does"
    if rows.form in ("conll", "conllu"):
        for place in (place for place, tag in enumerate(tags) if tag != new[place]):
            line = record.lines[place]
            rows.set_cell(line, _columns(rows, reading)[1], new[place])
            yield Change(part.source, line, line, "repair", why, tags[place], new[place])
        return
    column = next(key for key, value in record.fields.items() if value == tags)
    rows.set_json(record.lines[0], lambda fields: {**fields, column: new})
    line = record.lines[0]
    yield Change(part.source, line, line, "repair", why, " ".join(tags), " ".join(new))


def normalised(
    files: Files, part: Part, rows: Rows, reading: Reading, here: Iterable[int]
) -> list[Change]:
    """Put the texts of a part into Unicode's form NFC; labels stay.

    Args:
        files: all that was read.
        part: whose texts are normalised.
        rows: its lines, which are changed.
        reading: how it was read.
        here: the places of the texts that have not been taken out.

    Returns:
        What was changed.

    Raises:
        ValueError: texts of the task have places by character.
    """
    kind = files.task.name
    if kind in ("relation", "spanqa"):
        raise ValueError(f"--nfc: texts of {kind} have places by character, which would move")
    labels = set(_label_names(files))
    changes: list[Change] = []
    for row in here:
        for line in dict.fromkeys(part.examples[row].record.lines):
            before = rows.text(line)
            _normalise(rows, line, labels, _columns(rows, reading)[0])
            after = rows.text(line)
            if after != before:
                told = ("nfc", "not in Unicode's form NFC", before, after)
                changes.append(Change(part.source, line, line, *told))
    return changes


def _normalise(rows: Rows, line: int, labels: set[str], column: int) -> None:
    text = rows.text(line)
    if rows.form == "jsonl":
        if "\\u" in text or not unicodedata.is_normalized("NFC", text):
            rows.set_json(line, lambda fields: _nfc(fields, labels))
    elif rows.form in ("conll", "conllu"):
        word = rows.cell(line, column)
        if not unicodedata.is_normalized("NFC", word):
            rows.set_cell(line, column, unicodedata.normalize("NFC", word))
    else:
        for number in range(line, rows.extent(line)[1] + 1):
            raw = rows.lines[number - 1]
            rows.lines[number - 1] = unicodedata.normalize("NFC", raw.decode()).encode()


def _columns(rows: Rows, reading: Reading) -> tuple[int, int]:
    """The columns of words and of tags in a CoNLL file."""
    return reading.columns or ((1, 3) if rows.form == "conllu" else (0, -1))


def _label_names(files: Files) -> Iterator[str]:
    for name in (*files.space.names, *files.space.roles):
        yield (
            name.removeprefix("slot/").removeprefix("intent/")
            if isinstance(files.task, SlotsAndIntent)
            else name
        )


def _nfc(value: Any, labels: set[str]) -> Any:
    """A JSON value with every string but labels in form NFC; names of columns stay."""
    if isinstance(value, str):
        return value if value in labels else unicodedata.normalize("NFC", value)
    if isinstance(value, list):
        return [_nfc(item, labels) for item in value]
    if isinstance(value, dict):
        return {key: _nfc(item, labels) for key, item in value.items()}
    return value
