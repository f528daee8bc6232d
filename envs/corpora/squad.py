"""SQuAD's own JSON: articles of paragraphs, each with its questions (Rajpurkar et al., 2016, 2018).

The whole file is one object, on one line or on many::

    {"version": "v2.0", "data": [{"title": ..., "paragraphs": [{"context": ..., "qas": [
        {"id": ..., "question": ..., "is_impossible": false,
         "answers": [{"text": ..., "answer_start": ...}]}]}]}]}

A record is a question. Its fields are ``id``, ``title`` (where the article has one), ``question``,
``context`` and ``answers``: a list of ``{"text", "start"}``, the start in characters of the
context, which is empty where the question has no answer. A question without ``answers`` that is not
marked as impossible is one still to be answered, and has no such field. Whatever else a file says
of a question, such as the ``plausible_answers`` of an impossible one, is not read. The file is read
whole: it has limits, `LARGEST` and `MOST`.
"""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from lingym.envs.corpora.files import read_head, read_lines
from lingym.envs.corpora.placed_json import Placed, decode
from lingym.envs.corpora.record import Record
from lingym.envs.corpora.strict_json import kind
from lingym.types import DataError

T = TypeVar("T")

LARGEST = 2**27
"""The most bytes of a file as it is unpacked: 128 MiB (SQuAD's own training files: 29 and 40)."""

MOST = 2**22
"""The most objects and arrays of a file; a question has about four."""

_HEAD = 4096
_PLAIN = r'\s*"\w+"\s*:\s*(?:"(?:[^"\\]|\\.)*"|[-+.\w]+)\s*,'
# After nothing but plain values comes "data", and in it an article.
_SQUAD = re.compile(rf'\s*\{{(?:{_PLAIN})*\s*"data"\s*:\s*\[\s*\{{\s*"(?:title|paragraphs)"\s*:')


def is_squad(path: str | Path) -> bool:
    """Whether a file begins as SQuAD's do: with an object whose ``data`` begins with an article.

    Args:
        path: a file as `read_lines` takes it.

    Raises:
        DataError: the file cannot be read.
    """
    return _SQUAD.match(read_head(path, _HEAD)) is not None


def read_squad(path: str | Path) -> Iterator[Record]:
    """Yields a record for each question; its line is the one on which the question's object begins.

    Args:
        path: a file as `read_lines` takes it.

    Raises:
        DataError: the file is no JSON of this shape, a key is missing or given twice, a value has
            another type, two questions have one id, or a question that is marked as impossible has
            answers, or one that is marked as possible has none.
    """
    whole = _Item(_decode(path), str(path))
    seen: dict[str, int] = {}
    for article in whole.items("data"):
        title = article.get("title", str) if "title" in article.object else None
        for paragraph in article.items("paragraphs"):
            context = paragraph.get("context", str)
            for asked in paragraph.items("qas"):
                record = _record(asked, title, context)
                if (line := seen.get(record["id"])) is not None:
                    raise record.error(f"wanted an id of its own, got that of line {line}")
                seen[record["id"]] = asked.object.line
                yield record


def _decode(path: str | Path) -> Placed:
    try:
        whole = decode(_read(path))
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}:{error.lineno}: wanted SQuAD's JSON, "
            f"got invalid JSON at column {error.colno} ({error.msg})"
        ) from None
    if not isinstance(whole, Placed):
        raise DataError(f"{path}:1: wanted SQuAD's JSON, one object, got {kind(whole)}")
    return whole


def _read(path: str | Path) -> str:
    text = io.StringIO()
    parts = 0
    for number, line in read_lines(path, longest=LARGEST):
        parts += line.count("{") + line.count("[")
        if text.tell() + len(line) > LARGEST or parts > MOST:
            raise DataError(
                f"{path}:{number}: SQuAD's JSON is read whole, and this is more than "
                f"{LARGEST >> 20} MiB or {MOST >> 20} Mi objects: split it, or write JSON lines"
            )
        text.write(f"{line}\n")
    return text.getvalue()


@dataclass(frozen=True)
class _Item:
    """An object of a file, and what errors call it beside its line."""

    object: Placed
    path: str
    name: str = ""

    def error(self, message: str) -> DataError:
        return Record(self.object, self.path, (self.object.line,), self.name).error(message)

    def get(self, key: str, wanted: type[T]) -> T:
        """The value of a key, of the type that is wanted and of no other."""
        if key not in self.object:
            present = ", ".join(repr(name) for name in self.object) or "none"
            raise self.error(f"wanted a key {key!r}, but the keys here are {present}")
        value = self.object[key]
        if type(value) is not wanted:  # True is no 1
            raise self.error(f"wanted {_WANTED[wanted]} as {key!r}, got {kind(value)}")
        return value

    def items(self, key: str) -> Iterator["_Item"]:
        """The objects in the list of a key."""
        for value in self.get(key, list):
            if not isinstance(value, Placed):
                raise self.error(f"wanted only objects in {key!r}, got {kind(value)}")
            yield _Item(value, self.path, self.name)


_WANTED = {str: "a string", list: "an array", int: "a whole number", bool: "true or false"}


def _record(asked: _Item, title: str | None, context: str) -> Record:
    named = asked.get("id", str)
    asked = replace(asked, name=f"question {named!r}")
    fields: dict[str, Any] = {"id": named, "title": title}
    if title is None:
        del fields["title"]
    fields |= {"question": asked.get("question", str), "context": context}
    impossible = asked.get("is_impossible", bool) if "is_impossible" in asked.object else None
    if "answers" in asked.object:
        fields["answers"] = [
            {"text": answer.get("text", str), "start": answer.get("answer_start", int)}
            for answer in asked.items("answers")
        ]
    elif impossible:
        fields["answers"] = []
    if "answers" in fields and impossible is bool(fields["answers"]):
        wanted, got = ("no", "some") if impossible else ("some", "none")
        raise asked.error(
            f"wanted {wanted} answers where 'is_impossible' is {str(impossible).lower()}, got {got}"
        )
    return Record(fields, asked.path, (asked.object.line,), asked.name)
