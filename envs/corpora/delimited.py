"""Tables with a header: CSV, and TSV, whose column names become the fields of a record."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lingym.envs.corpora.files import read_lines
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
            or given twice, or a quote is not closed.
    """
    lines = (line + "\n" for _, line in read_lines(path))
    rows = csv.reader(
        lines,
        delimiter=delimiter,
        strict=True,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
    )
    header: list[str] | None = None
    while True:
        first = rows.line_num + 1
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


def _checked(header: list[str], place: str) -> list[str]:
    if "" in header:
        raise DataError(
            f"{place}: wanted a name for each column, got none in column {header.index('')}"
        )
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise DataError(f"{place}: wanted each column once, got {', '.join(twice)} more than once")
    return header
