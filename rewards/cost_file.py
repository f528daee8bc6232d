"""The file of a cost matrix."""

import csv
from collections.abc import Container
from io import StringIO
from pathlib import Path

import numpy as np

from lingym.reading import read_text
from lingym.types import DataError


def read_costs(path: Path) -> dict[str, dict[str, float]]:
    """Read costs from a CSV file: a row for each gold label, a column for each given one.

    Raises:
        DataError: the file is not that (the message starts with ``file:line:``) or cannot be read.
    """
    reader = csv.reader(StringIO(read_text(path), newline=""), strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        line = max(1, reader.line_num)
        raise DataError(f"{path}:{line}: wanted a CSV file in UTF-8: {error}") from error
    if len(rows) < 2:
        raise DataError(f"{path}:1: wanted a row of given labels and a row for each gold label")
    (line, (_, *given)), *rest = rows
    for place, name in enumerate(given):
        _check_name(path, line, name, given[:place], "column")
    costs: dict[str, dict[str, float]] = {}
    for line, (gold, *cells) in rest:
        _check_name(path, line, gold, costs, "row")
        if len(cells) != len(given):
            raise DataError(
                f"{path}:{line}: found {len(cells)} costs for the gold label {gold!r}: wanted "
                f"{len(given)}, one for each label of the first row"
            )
        costs[gold] = {}
        for name, cell in zip(given, cells, strict=True):
            if cell.strip():
                costs[gold][name] = _number(cell, f"{path}:{line}: the cost of {name!r}")
    return costs


def _check_name(path: Path, line: int, name: str, others: Container[str], what: str) -> None:
    if not name or name in others:
        found = f"a second {what} for {name!r}" if name else f"a {what} without a name"
        raise DataError(f"{path}:{line}: found {found}: wanted one for each label")


def _number(cell: str, what: str) -> float:
    try:
        cost = float(cell)
    except ValueError:
        cost = float("nan")
    if not np.isfinite(cost):
        raise DataError(f"{what} is {cell!r}: wanted a finite number")
    return cost
