"""Tables that the user names: a word or a type, then what goes with it, between tabs."""

from collections.abc import Iterator
from pathlib import Path

from lingym.reading import read_text
from lingym.types import DataError


def read_table(file: str | Path, form: str) -> Iterator[tuple[str, ...]]:
    """The rows of a table, each cell without outer blanks; empty lines and ``#`` lines are passed.

    Args:
        file: UTF-8 text.
        form: how a line should look, for errors.

    Raises:
        DataError: a line without a second cell, or with an empty one; or no file to be read.
    """
    rows = 0
    for number, line in enumerate(read_text(file).split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = tuple(cell.strip() for cell in line.rstrip("\r").split("\t"))
        if len(cells) < 2 or not all(cells):
            raise DataError(f"{file}:{number}: wanted {form}, none empty; got {line!r}")
        rows += 1
        yield cells
    if not rows:
        raise DataError(f"{file}: wanted lines of {form}, and it has none")
