"""CoNLL columns: one token a line, an empty line after each sentence.

Columns are separated by tabs, or by runs of blanks; the first row of a file tells which. Blanks
around a token or a label are no part of it. A row whose first column is ``-DOCSTART-`` only
separates documents.

A line that begins with ``#`` may be a comment or a hashtag. It is taken for a comment where
that is asked for, or where it cannot be a token: in a file separated by tabs, a line without any
tab that begins with ``# ``, ``#begin document`` or ``#end document``.

A CR that ends no line is refused: in a file with the line ends of old Macs, all of it would be one
row. So is a sentence of more than 16 MiB (`files.LONGEST`), for it is read whole.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from lingym.envs.corpora.files import LONGEST, read_lines
from lingym.envs.corpora.record import OnError, Record, refuse
from lingym.types import DataError

SEPARATORS = {"tab": "\t", "blank": r"[ \t]+"}
"""Names of the separators, and the pattern at which a row is split."""

_COMMENT = re.compile(r"#( |begin document|end document)")
_NOT_A_WORD = re.compile(r"\d+[-.]\d+")  # CoNLL-U: a multi-word token 3-4, an empty node 3.1


def read_conll(
    path: str | Path,
    *,
    tokens: int = 0,
    labels: int | None = -1,
    separator: str | None = None,
    comments: bool | None = None,
    on_error: OnError = refuse,
) -> Iterator[Record]:
    """Yields a record ``{"tokens": [...], "labels": [...]}`` for each sentence.

    Args:
        path: a file as `read_lines` takes it.
        tokens: the column of the tokens, from 0, or from the end if negative.
        labels: the column of the labels; None leaves them out (text to be labelled).
        separator: ``"tab"`` or ``"blank"``; None looks at the first row.
        comments: whether every line that begins with ``#`` is a comment; None takes only those
            that cannot be tokens.
        on_error: called with what is wrong with a row, which is then left out of its sentence.

    Raises:
        DataError: a row has another number of columns than the first, an empty token or label, or
            a CR inside; a sentence is too long.
    """
    if separator not in (None, *SEPARATORS):
        raise ValueError(f"separator must be one of {[*SEPARATORS]} or None, got {separator!r}")
    rows = read_lines(path)
    if separator is None:
        head = list(_head(rows))
        separator, rows = separator_of(head), chain(head, rows)
    columns = _Columns(str(path), tokens, labels, separator)
    sentence = _Sentence()
    for number, line in rows:
        if not line.strip(" \t") or re.match(r"-DOCSTART-(?=[ \t]|$)", line):
            yield from sentence.flush(str(path), labels is not None)
        elif not _is_comment(line, separator, comments):
            columns.add(sentence, number, line, on_error)
    yield from sentence.flush(str(path), labels is not None)


def read_conllu(
    path: str | Path,
    *,
    tokens: int = 1,
    labels: int | None = 3,
    on_error: OnError = refuse,
) -> Iterator[Record]:
    """Yields a record for each sentence of a CoNLL-U file: by default its forms and their UPOS.

    Rows of multi-word tokens (``3-4``) and empty nodes (``3.1``) hold no syntactic word and are
    left out. Arguments and errors are those of `read_conll`.
    """
    columns = _Columns(str(path), tokens, labels, "tab")
    sentence = _Sentence()
    for number, line in read_lines(path):
        if not line.strip(" \t"):
            yield from sentence.flush(str(path), labels is not None)
        elif not line.startswith("#") and not _NOT_A_WORD.fullmatch(line.split("\t")[0]):
            columns.add(sentence, number, line, on_error)
    yield from sentence.flush(str(path), labels is not None)


@dataclass
class _Sentence:
    """The rows since the last empty line."""

    tokens: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    size: int = 0  # characters of the rows, with their ends

    def add(self, path: str, number: int, token: str, label: str, size: int) -> None:
        self.size += size + 1
        if self.size > LONGEST:
            raise DataError(
                f"{path}:{number}: wanted sentences of at most {LONGEST >> 20} MiB, with an empty "
                f"line after each; got none since line {[*self.lines, number][0]}"
            )
        self.tokens.append(token)
        self.labels.append(label)
        self.lines.append(number)

    def flush(self, path: str, labelled: bool) -> Iterator[Record]:
        if self.tokens:
            fields = {"tokens": self.tokens}
            if labelled:
                fields["labels"] = self.labels
            yield Record(fields, path, tuple(self.lines))
        self.tokens, self.labels, self.lines, self.size = [], [], [], 0


class _Columns:
    """Splits rows, and holds them to the number of columns of the first."""

    def __init__(self, path: str, tokens: int, labels: int | None, separator: str) -> None:
        self.path, self.tokens, self.labels, self.separator = path, tokens, labels, separator
        self.pattern = re.compile(SEPARATORS[separator])
        self.first: tuple[int, int] | None = None  # number of columns, and the line that had them

    def add(self, sentence: _Sentence, number: int, line: str, on_error: OnError) -> None:
        """Adds a row to its sentence, if it can be read."""
        try:
            token, label = self.read(number, line)
        except DataError as error:
            on_error(error)
        else:
            sentence.add(self.path, number, token, label, len(line))

    def read(self, number: int, line: str) -> tuple[str, str]:
        """The token and the label ("" where labels are not read) of a row."""
        if "\r" in line:
            raise DataError(
                f"{self.path}:{number}: wanted lines that end in LF or CR LF, got a CR inside one"
            )
        cells = self.pattern.split(line if self.separator == "tab" else line.rstrip(" \t"))
        if self.first is None:
            self._check(number, line, len(cells))
            self.first = len(cells), number
        if len(cells) != self.first[0]:
            raise DataError(
                f"{self.path}:{number}: wanted {self.first[0]} columns separated by "
                f"{self.separator}s, as in line {self.first[1]}, got {len(cells)}: {line!r}"
            )
        return (
            self._cell(number, cells, self.tokens, "token"),
            "" if self.labels is None else self._cell(number, cells, self.labels, "label"),
        )

    def _check(self, number: int, line: str, count: int) -> None:
        wanted = [("tokens", self.tokens)]
        if self.labels is not None:
            wanted.append(("labels", self.labels))
        for name, column in wanted:
            if not -count <= column < count:
                raise DataError(
                    f"{self.path}:{number}: wanted {name} in column {column} (counted from 0), got "
                    f"{count} columns separated by {self.separator}s: {line!r}"
                )
        if self.labels is not None and (self.tokens - self.labels) % count == 0:
            raise DataError(
                f"{self.path}:{number}: wanted a token and a label, got {count} columns separated "
                f"by {self.separator}s, and the same one (column {self.tokens}) for both: {line!r}"
            )

    def _cell(self, number: int, cells: list[str], column: int, name: str) -> str:
        cell = cells[column].strip(" \t")
        if not cell:
            raise DataError(
                f"{self.path}:{number}: wanted a {name} in column {column}, got nothing"
            )
        return cell


def _head(rows: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The rows up to the first that does not begin with #, or the first 16 MiB of others.

    Of empty lines one is enough to end a sentence.
    """
    size, after_empty = 0, True
    for number, line in rows:
        empty = not line.strip(" \t")
        if not (empty and after_empty):
            yield number, line
        after_empty = empty
        size += len(line)
        if not (empty or line.startswith("#")) or size > LONGEST:
            return


def separator_of(rows: list[tuple[int, str]]) -> str:
    """Tab or blank, by the first row; one that begins with # counts only where no other exists."""
    lines = [line for _, line in rows if line.strip(" \t")]
    first = next((line for line in lines if not line.startswith("#")), lines[0] if lines else "")
    return "tab" if "\t" in first else "blank"


def _is_comment(line: str, separator: str, asked: bool | None) -> bool:
    if not line.startswith("#") or asked is False:
        return False
    return bool(asked) or (separator == "tab" and "\t" not in line and bool(_COMMENT.match(line)))
