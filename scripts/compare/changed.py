"""What a cell was made of, kept in its folder: a study that was changed is not mixed with it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from lingym.reading import read_json
from lingym.scripts.compare.cells import Cell
from lingym.scripts.compare.looks import sha256, sha256_of
from lingym.scripts.compare.study import Study
from lingym.scripts.compare.table import Row

FREE = ("out", "threads", "progress")
"""Options that may differ: they change where and how fast, not what."""
WORDS = {
    "texts": "other training or dev texts in the files",
    "from": "the run that it goes on from was made with other options or texts",
}
"""Sums over what does not stand in a cell's own options. A folder that was made before they were
kept has none, and is not refused for that."""


def made_of(
    cell: Cell,
    study: Study,
    out: Path,
    folder: Path | None,
    choice: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """All that decides what a cell's result is, as JSON has it.

    Args:
        cell: with its settings.
        study: that it is of.
        out: the folder of the study's results; it may be moved.
        folder: of the data sets; it may be moved too.
        choice: of a tune or score cell's arm; None leaves out which run it is about.
    """
    data = study.data_named(cell.data)
    source = None
    if cell.kind in ("warm", "train"):
        run = cell.train_options(study, out)
        options = {name: value for name, value in asdict(run).items() if name not in FREE}
        for group in ("reading", "options"):
            options |= options.pop(group)
        options["texts"] = [_texts(file) for file in (run.train, run.dev)]
        if run.warm_start is not None:
            id = run.warm_start.relative_to(out / "cells").as_posix()
            source = Cell(id, "warm", cell.data, None, cell.seed, cell.share)
    else:
        arm = study.arm_named(str(cell.arm))
        options = {**data.options, "metric": data.metric, "of": arm.of, "tune": arm.tune}
        if choice is not None:
            source = replace(cell, kind="train", arm=arm.of or arm.name, settings=choice)
    if source is not None:
        whole = json.dumps(made_of(source, study, out, folder), sort_keys=True)
        options["from"] = sha256(whole.encode())
    places = [(f"{out}/", "OUT/")] + ([(f"{folder}/", "DATA/")] if folder else [])
    plain: dict[str, Any] = json.loads(json.dumps(options, default=str))
    return {name: _moved(value, places) for name, value in plain.items()}


def _texts(file: str | None) -> str | None:
    """The sum of a file's texts; of a corpus its name."""
    if file is None or not Path(file).is_file():
        return file
    told = Path(file).stat()
    return _sum(file, told.st_size, told.st_mtime_ns)


@lru_cache(maxsize=256)
def _sum(file: str, size: int, changed: int) -> str:
    return sha256_of(Path(file))


def _moved(value: Any, places: Iterable[tuple[str, str]]) -> Any:
    for place, name in places:
        if isinstance(value, str) and value.startswith(place):
            return name + value.removeprefix(place)
    return value


def refuse_changed(
    cells: Iterable[Cell], study: Study, out: Path, folder: Path | None, rows: Iterable[Row]
) -> None:
    """Make sure that the cells in the table were made as the study now says.

    Raises:
        ValueError: some were not; the message says which, and what was changed.
    """
    told = []
    there = {row["cell"]: row for row in rows}
    for cell in cells:
        if cell.id not in there:
            continue
        file = cell.folder(out) / "cell.json"
        if not file.exists():  # the folder was cleared away; its row stands
            continue
        before = read_json(file, nan=True)
        if not isinstance(before, dict):
            raise ValueError(f"{file}: wanted what a cell was made with")
        if cell.chosen:
            cell = replace(cell, settings=there[cell.id]["settings"])
        now = made_of(cell, study, out, folder, there[cell.id].get("chosen"))
        known = (before.keys() | now.keys()) - (WORDS.keys() - before.keys())
        names = sorted(n for n in known if before.get(n) != now.get(n))
        if names:
            told.append(f"  {cell.id}: {_differences(names, before, now)}")
    if told:
        more = [f"  and {len(told) - 10} others"] if len(told) > 10 else []
        raise ValueError(
            f"{out} holds {len(told)} cells that were made with other options:\n"
            + "\n".join(told[:10] + more)
            + "\ngive another --out, change the study back, or remove their folders and rows"
        )


def _differences(names: list[str], before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    return ", ".join(
        WORDS.get(name) or f"{name} {before.get(name)!r}, now {now.get(name)!r}" for name in names
    )
