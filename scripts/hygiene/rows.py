"""A file as lines of bytes: some are taken out or changed, all others stay as they are."""

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from lingym.envs.corpora import Options
from lingym.envs.corpora.conll import SEPARATORS, separator_of
from lingym.envs.corpora.files import COMPRESSED
from lingym.envs.corpora.sources import format_of

LINES = ("conll", "conllu", "jsonl", "csv", "tsv")
"""Formats that are cleaned."""
STYLES: tuple[dict[str, Any], ...] = tuple(
    {"ensure_ascii": escaped, "separators": separators}
    for escaped in (False, True)
    for separators in ((", ", ": "), (",", ":"))
)
"""How a line of JSON may have been written."""


@dataclass
class Rows:
    """The lines of a file, and what becomes of them.

    Attributes:
        path: the file.
        form: its format, one of `LINES`.
        lines: each with its line end, as they stand in the file.
        starts: the lines (from 1) on which rows of a table begin.
        gone: the lines that are taken out.
    """

    path: str
    form: str
    lines: list[bytes]
    starts: Sequence[int] = ()
    gone: set[int] = field(default_factory=set)

    @classmethod
    def read(cls, path: str, options: Options, starts: Sequence[int]) -> "Rows":
        """The lines of a file, plain or compressed.

        Raises:
            ValueError: its format is none that can be cleaned.
        """
        form = "other" if path.startswith(("synthetic:", "hf:")) or path == "-" else None
        form = form or options.format or format_of(path)
        if form not in LINES:
            raise ValueError(f"{path}: files of the formats {', '.join(LINES)} can be cleaned")
        opener = COMPRESSED.get(Path(path).suffix.lower(), open)
        with opener(path, "rb") as file:
            return cls(path, form, file.readlines(), sorted(set(starts)))

    def write(self, path: Path) -> None:
        """What is left, compressed as the file was."""
        opener = COMPRESSED.get(path.suffix.lower(), open)
        kept = (line for number, line in enumerate(self.lines, 1) if number not in self.gone)
        with opener(path, "wb") as file:
            file.write(b"".join(kept))

    def text(self, number: int) -> str:
        """A line without its end."""
        return self.lines[number - 1].decode("utf-8", "replace").rstrip("\r\n")

    def drop(self, number: int) -> tuple[int, int]:
        """Take out the whole row or sentence that a line belongs to; its first and last line."""
        first, last = self.extent(number)
        end = last
        if self.form in ("conll", "conllu") and last < len(self.lines):
            end += not self.text(last + 1).strip(" \t")  # the empty line after it
        self.gone |= set(range(first, end + 1))
        return first, last

    def extent(self, number: int) -> tuple[int, int]:
        """The first and the last line of what a line belongs to."""
        if self.form == "jsonl":
            return number, number
        if self.form in ("csv", "tsv"):
            after = bisect_right(self.starts, number)
            return number, self.starts[after] - 1 if after < len(self.starts) else len(self.lines)
        first = last = number
        while first > 1 and not self._ends(first - 1):
            first -= 1
        while last < len(self.lines) and not self._ends(last + 1):
            last += 1
        return first, last

    def _ends(self, number: int) -> bool:
        line = self.text(number)
        return not line.strip(" \t") or bool(re.match(r"-DOCSTART-(?=[ \t]|$)", line))

    def cell(self, number: int, column: int) -> str:
        """A column of a CoNLL row."""
        return self._cells(number)[0][::2][column].strip(" \t")

    def set_cell(self, number: int, column: int, value: str) -> None:
        """Give a CoNLL row another value in a column; everything else of the line stays."""
        pieces, end = self._cells(number)
        cells = pieces[::2]
        cells[column] = cells[column].replace(cells[column].strip(" \t"), value)
        pieces[::2] = cells
        self.lines[number - 1] = "".join(pieces).encode() + end

    def _cells(self, number: int) -> tuple[list[str], bytes]:
        """Cells (at even places) and what separates them; and what ends the line."""
        raw = self.lines[number - 1]
        line = raw.decode()
        whole = line.rstrip("\r\n") if self.separator == "\t" else line.rstrip(" \t\r\n")
        return re.split(f"({self.separator})", whole), line[len(whole) :].encode()

    @cached_property
    def separator(self) -> str:
        """The pattern that stands between the columns, as `lingym.envs.corpora.conll` sees it."""
        if self.form == "conllu":
            return SEPARATORS["tab"]
        return SEPARATORS[separator_of([(0, self.text(n)) for n in range(1, len(self.lines) + 1)])]

    def set_json(self, number: int, change: Callable[[Mapping[str, Any]], Any]) -> None:
        """Give a line of JSON another value, written as the line was."""
        raw = self.lines[number - 1]
        body = raw.rstrip(b"\r\n")
        text = body.decode("utf-8-sig")
        value = json.loads(text)
        style = next((s for s in STYLES if json.dumps(value, **s) == text), STYLES[0])
        mark = body[: len(body) - len(text.encode())]
        self.lines[number - 1] = (
            mark + json.dumps(change(value), **style).encode() + raw[len(body) :]
        )
