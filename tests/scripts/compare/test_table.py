"""Rows: added once, whole, whatever is killed; and the same rows as CSV."""

import csv
import json

import pytest

from lingym.scripts.compare import table
from lingym.scripts.compare.cells import Cell
from tests.scripts.compare.tiny_study import put_row, row_of

A, B = (Cell(f"snips/s{seed}/warm", "warm", "snips", None, seed) for seed in (0, 1))


def test_rows_are_added_once(tmp_path):
    folders = [cell.folder(tmp_path) for cell in (A, B)]
    assert table.read(tmp_path) == []
    put_row(A, tmp_path)
    assert [row["cell"] for row in table.collect(tmp_path, folders)] == [A.id]
    put_row(B, tmp_path)
    assert [row["cell"] for row in table.collect(tmp_path, folders)] == [B.id]
    assert table.collect(tmp_path, folders) == []
    assert table.read(tmp_path) == [row_of(A), row_of(B)]
    assert table.rows_file(tmp_path).read_text().count("\n") == 2


def test_a_torn_last_line_is_made_again_from_the_row_of_its_cell(tmp_path):
    folders = [cell.folder(tmp_path) for cell in (A, B)]
    for cell in (A, B):
        put_row(cell, tmp_path)
    table.collect(tmp_path, folders)
    file = table.rows_file(tmp_path)
    whole = file.read_bytes()
    first = whole.index(b"\n") + 1
    for cut in (first, first + 1, len(whole) - 20, len(whole) - 1):
        file.write_bytes(whole[:cut])
        assert [row["cell"] for row in table.read(tmp_path)] == [A.id]
        assert [row["cell"] for row in table.collect(tmp_path, folders)] == [B.id]
        assert file.read_bytes() == whole


def test_a_line_that_is_no_row_is_named(tmp_path):
    table.rows_file(tmp_path).write_text('{"cell": "a"}\n{"cel\n{"cell": "b"}\n')
    with pytest.raises(ValueError, match=r"rows\.jsonl:2: not JSON"):
        table.read(tmp_path)


def test_of_a_cell_that_was_done_again_the_last_row_counts(tmp_path):
    put_row(A, tmp_path)
    table.collect(tmp_path, [A.folder(tmp_path)])
    (A.folder(tmp_path) / "row.json").write_text(json.dumps(row_of(A, seconds=3.0)))
    table.collect(tmp_path, [A.folder(tmp_path)])
    assert [row["seconds"] for row in table.read(tmp_path)] == [3.0]
    assert table.rows_file(tmp_path).read_text().count("\n") == 2  # nothing is taken away


def test_csv_has_a_column_for_each_name(tmp_path):
    put_row(A, tmp_path, settings={"learning_rate": 5e-05})
    put_row(B, tmp_path, dev={"entity_f1": 0.1 + 0.2, "accuracy": 1.0})
    table.collect(tmp_path, [cell.folder(tmp_path) for cell in (A, B)])
    with table.write_csv(tmp_path).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["settings.learning_rate"] for row in rows] == ["5e-05", ""]
    assert [float(row["dev.entity_f1"]) for row in rows] == [0.5, 0.1 + 0.2]
    assert [row["dev.accuracy"] for row in rows] == ["", "1.0"]
