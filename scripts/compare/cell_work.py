"""What a cell's process does, and the row that tells of it."""

import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lingym.reading import read_json, wanted
from lingym.scripts.compare.cells import Cell, plan, run_of
from lingym.scripts.compare.choose import choose
from lingym.scripts.compare.command import command_of
from lingym.scripts.compare.looks import Look, look, sha256, sha256_of
from lingym.scripts.compare.machine import commit, machine, peak_memory, versions
from lingym.scripts.compare.prepare import sources
from lingym.scripts.compare.study import Study
from lingym.scripts.compare.table import Row
from lingym.scripts.run_folder import write_json
from lingym.types import DataError

WORK = tuple(
    f"encoder_{what}_{way}" for what in ("texts", "tokens") for way in ("forward", "backward")
)
"""What training counts; measurements on dev are left out of it."""


@dataclass(frozen=True)
class Given:
    """What all cells of one command are told, beside the study."""

    data: Path | None = None
    """The folder of the data sets; None: as the study file is read without."""
    threads: int = 1
    """Of PyTorch in each process, where the study does not say."""
    look_again: str | None = None
    """Why test texts are scored again, where they were before."""
    command: str = "lingym bench compare"
    """The command line."""
    commit: str | None = None
    """Of the source when the command began; None: asked for again."""

    def write(self, out: Path) -> None:
        """Keep it in the folder of the results, for processes that have nothing but that."""
        write_json(out / "given.json", vars(self))

    @classmethod
    def read(cls, out: Path) -> "Given":
        """What the last command on a folder was told; as by default, if there was none."""
        try:
            told = read_json(out / "given.json")
        except DataError:
            if (out / "given.json").exists():
                raise
            return cls()
        with wanted(out / "given.json", "what a command was told"):
            return cls(**{**told, "data": told["data"] and Path(told["data"])})


def settled(cell: Cell, study: Study, rows: list[Row]) -> tuple[Cell, dict[str, Any] | None]:
    """A cell with the settings that were chosen for it.

    Returns:
        The cell; and the choice of its arm, None for a cell that depends on none.

    Raises:
        ValueError: rows that the choice depends on are missing.
    """
    if cell.arm is None or not (cell.chosen or cell.kind in ("tune", "score")):
        return cell, None
    choice = choose(rows, cell.data, cell.arm, cell.share, study)
    return (replace(cell, settings=choice) if cell.chosen else cell), choice


def work(
    cell: Cell, study: Study, out: Path, rows: list[Row], given: Given, broken_off: bool
) -> Row:
    """Do a cell, and tell of it.

    Args:
        cell: of the plan.
        study: that it is of.
        out: the folder of the study's results.
        rows: of the cells that are done; those that it needs are among them.
        given: what the command was told.
        broken_off: it was begun before, and its result never known.
    """
    started, began = datetime.now(UTC), time.monotonic()
    cell, choice = settled(cell, study, rows)
    row: Row = {
        "cell": cell.id,
        "kind": cell.kind,
        "data": cell.data,
        "arm": cell.arm,
        "seed": cell.seed,
        "share": cell.share,
        "settings": dict(cell.settings),
        "chosen": choice,
        "started": started.isoformat(timespec="seconds"),
    }
    if cell.kind in ("warm", "train"):
        parts = _train(cell, study, out, given)
    elif cell.kind == "tune":
        from lingym.scripts.compare.tuned import tune_cell

        parts = tune_cell(study, cell, out, rows)
    else:
        parts = _score(cell, study, out, rows, given, broken_off, choice or {})
    return {
        **row,
        "seconds": round(time.monotonic() - began, 3),
        "command": given.command,
        **peak_memory(),
        **parts,
        "commit": given.commit or commit(),
        "versions": versions(),
        "python": platform.python_version(),
        "machine": machine(),
    }


def _train(cell: Cell, study: Study, out: Path, given: Given) -> Row:
    from lingym.scripts.compare.texts import texts_of
    from lingym.scripts.train_check import check_numbers, check_use
    from lingym.scripts.training import train

    run = cell.train_options(study, out)
    run = replace(run, threads=run.threads or given.threads)
    check_numbers(run)
    check_use(run)
    metrics = train(run, dataset=texts_of(run, out))
    training = metrics["training"]
    return {
        "training_seconds": training["seconds"],
        "episodes": training["episodes"],
        **{name: training.get(name) for name in WORK},
        "dev": metrics["dev"],
        "command": command_of(run),
    }


def _score(
    cell: Cell,
    study: Study,
    out: Path,
    rows: list[Row],
    given: Given,
    broken_off: bool,
    choice: Mapping[str, Any],
) -> Row:
    from lingym.scripts.compare.score import score_cell

    cells = plan(study)
    model = run_of(cells, cell, choice, study).folder(out) / "model"
    if not model.is_dir():
        raise ValueError(
            f"there is no model {model}: remove its folder, and the cell is done again"
        )
    parts = [sha256_of(model)]
    for other in cells:  # parameters that were tuned for it
        if other.kind == "tune" and other.id in cell.needs:
            parts += [sha256_of(file) for file in sorted(other.folder(out).glob("tuned*"))]
    source = sources(study.data_named(cell.data), out)["test"]
    number, line = look(
        out,
        Look(
            data=cell.data,
            arm=str(cell.arm),
            seed=cell.seed,
            share=cell.share,
            chosen=choice,
            test=sha256_of(Path(source)) if Path(source).is_file() else source,
            model=parts[0] if len(parts) == 1 else sha256(" ".join(parts).encode()),
            command=given.command,
        ),
        given.look_again,
        broken_off,
    )
    return {**score_cell(study, cell, out, rows), "look": number, "look_sha256": line}
