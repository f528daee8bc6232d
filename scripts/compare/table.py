"""The table of a study: one row a cell, in rows.jsonl, added once when the cell is done.

A cell writes its row into its own folder first, whole or not at all; the table is made of those.
A kill between the two, or in the middle of a line, therefore loses no row and doubles none.
"""

import csv
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lingym.reading import parse_json, read_json, read_text
from lingym.scripts.compare.locks import held
from lingym.scripts.run_folder import write_json
from lingym.types import DataError

if TYPE_CHECKING:
    from lingym.scripts.compare.cells import Cell

Row = dict[str, Any]
"""What is known of a cell that is done, as `cell_work.work` puts it together."""


def rows_file(out: Path) -> Path:
    """Where the rows of a study are."""
    return out / "rows.jsonl"


def read(out: Path) -> list[Row]:
    """The rows in the order they were added, of each cell the last.

    Raises:
        ValueError: a line, other than a torn last one, is not a row.
    """
    file = rows_file(out)
    if not file.exists():
        return []
    rows: dict[str, Row] = {}
    for number, line in enumerate(whole_lines(file), 1):
        row = parse_json(line, f"{file}:{number}", nan=True)
        if not isinstance(row, dict) or not isinstance(row.get("cell"), str):
            raise DataError(f"{file}:{number}: not the row of a cell: {line[:60]!r}")
        rows.pop(row["cell"], None)
        rows[row["cell"]] = row
    return list(rows.values())


def of_cells(rows: Iterable[Row], cells: Iterable["Cell"]) -> list[Row]:
    """The rows of these cells: those that a changed study no longer has are of no account."""
    ids = {cell.id for cell in cells}
    return [row for row in rows if row["cell"] in ids]


def whole_lines(file: Path) -> list[str]:
    """The lines of a file, without a last one that a kill has torn."""
    return read_text(file).split("\n")[:-1]


def append_line(file: Path, content: Mapping[str, Any]) -> None:
    """Add a line of JSON in one write, and see it on the disk; a torn last line goes first.

    The caller holds the lock of the file.
    """
    with file.open("ab+") as whole:
        whole.seek(0)
        kept = whole.read().rfind(b"\n") + 1
        whole.truncate(kept)
        whole.write((json.dumps(content, ensure_ascii=False, default=str) + "\n").encode())
        whole.flush()
        os.fsync(whole.fileno())


def collect(out: Path, folders: Iterable[Path]) -> list[Row]:
    """Add the rows that lie in the folders of cells and are not in the table yet.

    Args:
        out: the folder of the study's results.
        folders: of cells.

    Returns:
        The rows added.
    """
    found = [_own_row(folder) for folder in folders if (folder / "row.json").exists()]
    if not found:
        return []
    with held(out / "locks" / "rows.lock"):
        there = {row["cell"]: row for row in read(out)}
        new = [row for row in found if there.get(row["cell"]) != row]
        for row in new:
            append_line(rows_file(out), row)
    return new


def _own_row(folder: Path) -> Row:
    row = read_json(folder / "row.json", nan=True)
    if not isinstance(row, dict) or not isinstance(row.get("cell"), str):
        raise DataError(f"{folder / 'row.json'}: not the row of a cell")
    return row


def put(folder: Path, row: Row) -> None:
    """Write the row of a cell into its folder: its last act."""
    write_json(folder / "row.json", row)


def write_csv(out: Path) -> Path:
    """Write the rows as table.csv: one column a name, and one for each name within a name."""
    flat = [_flat(row) for row in read(out)]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    file = out / "table.csv"
    new = file.with_name("table.csv.new")
    with new.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, restval="")
        writer.writeheader()
        writer.writerows(flat)
    new.replace(file)
    return file


def _flat(row: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{before}{name}.")
        elif value is not None:
            flat[before + name] = value
    return flat
