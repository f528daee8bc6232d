"""What is done of a study so far: its rows and the folders of its cells, easy to ask."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lingym.reading import read_json
from lingym.scripts.compare.cells import plan
from lingym.scripts.compare.choose import choose
from lingym.scripts.compare.items import Items, items_file
from lingym.scripts.compare.study import Arm, Study
from lingym.scripts.compare.table import Row, of_cells

COSTS = {
    "seconds": ("training_seconds",),
    "passes_forward": ("encoder_texts_forward", "encoder_texts_backward"),
    "passes_backward": ("encoder_texts_backward",),
    "tokens": ("encoder_tokens_forward", "encoder_tokens_backward"),
}
"""What a run costs, as results.json calls it, and the numbers of rows that make it up: rows count
under forward what only went forward."""


@dataclass(frozen=True)
class Run:
    """One scored run: a model of an arm, and what it made of the test texts."""

    data: str
    arm: str
    share: float
    seed: int


@dataclass(frozen=True)
class Gathered:
    """The rows of a study.

    Attributes:
        study: that was planned.
        out: the folder of its results.
        rows: of the cells that are done.
    """

    study: Study
    out: Path
    rows: tuple[Row, ...]

    @cached_property
    def scored(self) -> dict[Run, Row]:
        """The row of every run that test has scored, in the study's order of arms and seeds."""
        found = {
            Run(row["data"], row["arm"], row["share"], row["seed"]): row
            for row in self.rows
            if row["kind"] == "score"
        }
        arms = [arm.name for arm in self.study.arms]
        names = [data.name for data in self.study.data]
        known = [run for run in found if run.data in names and run.arm in arms]
        known.sort(key=lambda r: (names.index(r.data), arms.index(r.arm), r.share, r.seed))
        return {run: found[run] for run in known}

    def runs(self, data: str, arm: str | None = None, share: float | None = 1.0) -> list[Run]:
        """The scored runs of a data set; None takes any arm, or any share."""
        return [
            run
            for run in self.scored
            if run.data == data and arm in (None, run.arm) and share in (None, run.share)
        ]

    def arms(self, data: str) -> list[str]:
        """The arms that have a scored run on the whole of a data set."""
        return list(dict.fromkeys(run.arm for run in self.runs(data)))

    def items(self, run: Run) -> Items:
        """What each test text adds to the metric of a run."""
        metric = self.study.data_named(run.data).metric
        folder = self.folder(self.scored[run])
        return Items.from_npz(folder / items_file(metric))

    def texts(self, run: Run) -> dict[str, int | None]:
        """How many texts each split had for a run."""
        told = self.json(self.scored[run], "metrics.json") or {}
        return {split: told.get("texts", {}).get(split) for split in ("train", "dev", "test")}

    def folder(self, row: Mapping[str, Any]) -> Path:
        """Of a row's cell."""
        return self.out / "cells" / str(row["cell"])

    def json(self, row: Mapping[str, Any], name: str) -> Any:
        """A file of a row's cell; None where there is none."""
        file = self.folder(row) / name
        return read_json(file, nan=True) if file.exists() else None

    def trained(self, arm: Arm) -> Arm:
        """The arm whose runs an arm takes: itself, if it trains."""
        return arm if arm.of is None else self.study.arm_named(arm.of)

    def find(self, kind: str, run: Run, arm: str | None, settings: Any = None) -> Row | None:
        """The row of a cell that a run came from, if it is there.

        Args:
            kind: of the cell.
            run: the run; its data set, seed and share are looked for.
            arm: the cell's; None is the warm start.
            settings: of a train cell.
        """
        wanted = (kind, run.data, arm, run.share, run.seed)
        for row in self.rows:
            same = (row["kind"], row["data"], row["arm"], row["share"], row["seed"]) == wanted
            if same and (settings is None or row["settings"] == settings):
                return row
        return None

    def chain(self, run: Run) -> list[Row]:
        """The rows of all cells that made a run's model: warm start, training, tuning."""
        arm = self.study.arm_named(run.arm)
        source = self.trained(arm)
        rows = [
            self.find("warm", run, None) if source.start == "warm" else None,
            self.find("train", run, source.name, self.scored[run]["chosen"]),
            self.find("tune", run, arm.name) if arm.of is not None else None,
        ]
        return [row for row in rows if row is not None]

    def cost(self, run: Run) -> dict[str, float | None]:
        """What it took to make a run's model, its warm start included; None is not known."""
        rows = self.chain(run)
        found = {
            name: total(row.get(key) for row in rows for key in keys)
            for name, keys in COSTS.items()
        }
        # A tune cell trains nothing, so that all of it is what tuning takes.
        tuned = total(row["seconds"] for row in rows if row["kind"] == "tune")
        found["seconds"] = total([found["seconds"], tuned])
        peaks = [row["peak_memory_mb"] for row in rows if row.get("peak_memory_mb") is not None]
        return {**found, "peak_memory_mb": max(peaks, default=None)}


def standing(study: Study, rows: Iterable[Row]) -> tuple[Row, ...]:
    """The rows that figures may be made of.

    Left out are those of cells that the study no longer has, such as a removed seed's, and those
    of runs that would not be chosen any more, as far as that can be told yet.
    """
    mine = of_cells(rows, plan(study))
    choices: dict[tuple[str, str, float], Any] = {}
    for row in mine:
        place = (row["data"], row["arm"], row["share"])
        if row["chosen"] is not None and place not in choices:
            try:
                choices[place] = choose(mine, *place, study)
            except ValueError:  # the grid is not done
                choices[place] = None

    def stands(row: Row) -> bool:
        choice = choices.get((row["data"], row["arm"], row["share"]))
        return row["chosen"] is None or choice is None or row["chosen"] == choice

    return tuple(row for row in mine if stands(row))


def total(values: Iterable[float | None]) -> float | None:
    """The sum of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
