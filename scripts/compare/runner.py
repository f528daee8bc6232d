"""All cells of a study, so many at a time: what is done stays done, and what is missing is made."""

import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from lingym.scripts.compare import table
from lingym.scripts.compare.cell_work import Given
from lingym.scripts.compare.cells import Cell
from lingym.scripts.compare.choose import choose
from lingym.scripts.compare.jobs import BUSY, is_done, processes, start
from lingym.scripts.compare.progress import finished_line, seconds_left
from lingym.scripts.compare.study import Study
from lingym.scripts.compare.table import Row

PAUSE = 2.0
"""Seconds between two looks at what others are doing, where there is nothing else to do."""


@dataclass
class Runner:
    """Does the cells of a study, beside other runners on the same folder if there are any.

    Attributes:
        study_file: a copy in ``out`` of what ``study`` was read from: no editing changes it.
        cells: to be done, each after those that it needs.
        out: the folder of the study's results.
        given: what the command was told.
        jobs: cells at a time.
        say: told a line for every cell that ends.
        keep_models: keep the models of runs that were not chosen, too.
    """

    study_file: Path
    study: Study
    cells: list[Cell]
    out: Path
    given: Given
    jobs: int
    say: Callable[[str], None]
    keep_models: bool = False
    rows: list[Row] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    failed: dict[str, Path] = field(default_factory=dict)
    busy: dict[str, float] = field(default_factory=dict)

    def refresh(self) -> list[Row]:
        """See what is done by now, by whomever; returns the rows that are new in the table."""
        missing = [cell for cell in self.cells if cell.id not in self.done]
        new = table.collect(self.out, (cell.folder(self.out) for cell in missing))
        self.rows = table.of_cells(table.read(self.out), self.cells)
        there = {row["cell"]: row for row in self.rows}
        self.done |= {
            cell.id
            for cell in missing
            if cell.id in there and is_done(cell, self.study, self.rows, there[cell.id])
        }
        wanted = {need for cell in self.cells if cell.id not in self.done for need in cell.needs}
        self.done -= {  # the row is there, and what others go on from is not
            cell.id
            for cell in self.cells
            if cell.id in wanted and not cell.folder(self.out).exists()
        }
        return new

    def run(self, ray: str | None = None) -> dict[str, Path]:
        """Do all cells.

        Args:
            ray: address of a Ray cluster that does them; None: processes of this machine do.

        Returns:
            The cells that failed, each with the file that says why.
        """
        self.refresh()
        if self.done:
            self.say(f"{len(self.done)} of {len(self.cells)} cells are done already")
        left = [cell for cell in self.cells if cell.id not in self.done]
        if left and ray is not None:
            from lingym.scripts.compare.ray_jobs import run_cells

            study = replace(self.study, source=self.study_file)
            where = (left, study, self.out, ray)
            failed = run_cells(*where, lambda _: self.tell(self.refresh()), self.given)
            for id, error in failed.items():
                self.fail(id, error)
        elif left:
            with processes(self.given.threads) as context:
                self._run(context)
        return self.failed

    def _run(self, context: ForkServerContext) -> None:
        running: dict[int, ForkServerProcess] = {}
        try:
            while True:
                for cell in self.ready({process.name for process in running.values()}):
                    if len(running) == self.jobs:
                        break
                    process = start(context, self.study_file, self.out, cell, self.given)
                    running[process.sentinel] = process
                if not running and not self.busy:
                    return
                for sentinel in wait(list(running), PAUSE if self.busy else None):
                    assert isinstance(sentinel, int)
                    self.ended(running.pop(sentinel))
                if self.busy:
                    self.tell(self.refresh())
        finally:
            for process in running.values():
                process.kill()

    def ready(self, running: set[str]) -> list[Cell]:
        """The cells that can be started now; those that others are at are tried again in time."""
        now = time.monotonic()
        self.busy = {id: until for id, until in self.busy.items() if id not in self.done}
        waiting = {id for id, until in self.busy.items() if until > now}
        no = self.done | self.failed.keys() | running | waiting
        return [c for c in self.cells if c.id not in no and self.done.issuperset(c.needs)]

    def ended(self, process: ForkServerProcess) -> None:
        """Take down how a cell's process ended."""
        process.join()
        id, status = process.name, process.exitcode
        self.busy.pop(id, None)
        if status == BUSY:
            self.busy[id] = time.monotonic() + PAUSE
            return
        self.tell(self.refresh())
        if id in self.done:
            return
        folder = next(cell for cell in self.cells if cell.id == id).folder(self.out)
        error = folder / "error.txt"
        if not error.exists():
            folder.mkdir(parents=True, exist_ok=True)
            why = f"signal {-status}" if status and status < 0 else f"exit status {status}"
            error.write_text(
                f"the process ended without a word: {why}. Signal 9 is most often the system's, "
                "out of memory: try fewer --jobs\n",
                encoding="utf-8",
            )
        self.fail(id, error)

    def fail(self, id: str, error: Path) -> None:
        """Take down that a cell failed, and the file that says why."""
        self.failed[id] = error
        last = error.read_text(encoding="utf-8").strip().splitlines()[-1]
        self.say(f"FAILED  {id}  {last}  (see {error})")

    def tell(self, new: list[Row]) -> None:
        """Say what was done, and what is left."""
        left = [cell for cell in self.cells if cell.id not in self.done | self.failed.keys()]
        seconds = seconds_left(left, self.study, self.rows, self.jobs)
        for row in new:
            place = (len(self.done), len(self.cells))
            self.say(finished_line(*place, row, self.study, seconds))
        arms = {(row["data"], row["arm"], row["share"]) for row in new if row["kind"] == "train"}
        self.prune(
            cell
            for cell in self.cells
            if cell.kind == "train" and (cell.data, cell.arm, cell.share) in arms
        )

    def prune(self, cells: Iterable[Cell]) -> None:
        """Remove the models of runs that were not chosen: they are large, and nobody needs them.

        Args:
            cells: train cells that are done.
        """
        for cell in cells if not self.keep_models else ():
            try:
                choice = choose(self.rows, cell.data, str(cell.arm), cell.share, self.study)
            except ValueError:  # others are still to be compared with it
                continue
            if cell.settings != choice and not cell.chosen:
                shutil.rmtree(cell.folder(self.out) / "model", ignore_errors=True)
