"""Tables with a header: CSV, and TSV, whose column names become the fields of a record."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lingym.envs.corpora.files import LONGEST, read_lines
from lingym.envs.corpora.record import OnError, Record, refuse
from lingym.types import DataError


def read_delimited(
    path: str | Path, *, delimiter: str = ",", quoted: bool = True, on_error: OnError = refuse
) -> Iterator[Record]:
    """Yields a record, whose values are strings, for each row after the header.

    Args:
        path: a file as `read_lines` takes it.
        delimiter: the character between two values.
        quoted: whether a value may stand in double quotes, and then hold the delimiter, line
            ends and doubled quotes; if False a quote is a character like any other.
        on_error: called with a row of more or fewer values, which is then left out.

    Raises:
        DataError: a row has more or fewer values than the header, a name in the header is empty
            or given twice, a quote is not closed, or a row of several lines is longer than a line
            may be (`read_lines`).
    """
    lines = _Lines(path)
    rows = csv.reader(
        lines,
        delimiter=delimiter,
        strict=True,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
    )
    header: list[str] | None = None
    while True:
        first = lines.begin(rows.line_num + 1)
        try:
            row = next(rows, None)
        except csv.Error as error:
            hint = "; if quotes are plain characters here, read with quoted=False" if quoted else ""
            raise DataError(f"{path}:{first}: wanted a row of a table, got {error}{hint}") from None
        if row is None:
            return
        if not row:  # an empty line
            continue
        if header is None:
            header = _checked(row, f"{path}:{first}")
        elif len(row) != len(header):
            wanted = f"wanted {len(header)} values as in the header ({', '.join(header)})"
            on_error(DataError(f"{path}:{first}: {wanted}, got {len(row)}"))
        else:
            yield Record(dict(zip(header, row, strict=True)), str(path), (first,))


class _Lines:
    """The lines of a file with their ends, and how much of it the present row takes."""

    def __init__(self, path: str | Path) -> None:
        self.path, self.lines = path, read_lines(path)
        self.first, self.size = 1, 0

    def begin(self, first: int) -> int:
        """A row begins on a line."""
        self.first, self.size = first, 0
        return first

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        _, line = next(self.lines)
        self.size += len(line)
        if self.size > LONGEST:
            raise DataError(
                f"{self.path}:{self.first}: wanted rows of at most {LONGEST >> 20} MiB, got a "
                "longer one; is a quote not closed?"
            )
        return line + "\n"


def _checked(header: list[str], place: str) -> list[str]:
    if "" in header:
        raise DataError(
            f"{place}: wanted a name for each column, got none in column {header.index('')}"
        )
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise DataError(f"{place}: wanted each column once, got {', '.join(twice)} more than once")
    return header
