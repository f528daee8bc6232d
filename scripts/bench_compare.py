"""`lingym bench compare`: ways of training compared on many data sets, with intervals."""

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

if TYPE_CHECKING:
    from lingym.scripts.compare.cells import Cell
    from lingym.scripts.compare.study import Study


@dataclass(frozen=True)
class Compare:
    """Compare ways of training, as a study file says: every run, the verdicts, a report."""

    study: Positional[Path]
    """The study, a YAML file."""
    out: Path
    """Folder of the results. The same command on the same folder goes on where it was broken off;
    several, also on machines that share the disk, split the work."""
    jobs: int = 1
    """Cells at a time, each a process; the processor's cores are shared among them."""
    data: Path | None = None
    """Folder that file names of the study begin in. By default $LINGYM_DATA, or else the study
    file's own."""
    only: tuple[str, ...] = ()
    """Do these cells, and those that they need, only: names of data sets, or patterns of ids such
    as "*/s0/*"."""
    look_again: str | None = None
    """The reason for scoring test texts again that were scored before. The report shows it."""
    keep_models: bool = False
    """Keep the models of the runs that were not chosen, too."""
    ray: str | None = None
    """Address of a Ray cluster that does the cells, with this folder on a disk that all share."""
    dry_run: bool = False
    """Show what would be done, and do nothing."""
    report_only: bool = False
    """Make the report anew of what is done."""

    def run(self) -> None:
        """Do what is missing, and report on all.

        Raises:
            ValueError: the study is wrong, or the folder holds cells of other options.
            RuntimeError: cells failed.
        """
        from lingym.scripts.compare import table
        from lingym.scripts.compare.cells import plan
        from lingym.scripts.compare.progress import planned
        from lingym.scripts.compare.study_file import read_study

        if self.jobs < 1:
            raise ValueError(f"--jobs must be 1 or more, got {self.jobs}")
        study = read_study(self.study, self.folder())
        cells = selected(plan(study), self.only)
        if self.dry_run:
            print(planned(cells, study))
            return
        failed = {} if self.report_only else self.do(study, cells)
        if self.report_only:
            self.refuse_other_study()
        rows = table.read(self.out)
        if any(row["kind"] == "score" for row in rows):
            self.report(study, {row["data"] for row in rows if row["kind"] == "score"})
        else:
            say("nothing is scored yet: no report")
        if failed:
            first = next(iter(failed.values()))
            raise RuntimeError(
                f"{len(failed)} cells failed: {', '.join(failed)}. Each folder holds error.txt, "
                f"such as {first}. The same command tries them again, and does what waits for them"
            )

    def refuse_other_study(self) -> None:
        """A report is of the study that was run, not of what its file has become since.

        Raises:
            ValueError: the file says other things than the copy beside the results.
        """
        copy = self.out / "study.yaml"
        if copy.exists() and copy.read_bytes() != self.study.read_bytes():
            raise ValueError(
                f"{self.study} is not the study that {self.out} holds: run it without "
                f"--report-only, or give {copy}"
            )

    def folder(self) -> Path:
        """The folder that names of data files begin in."""
        named = self.data or os.environ.get("LINGYM_DATA") or self.study.parent
        return Path(named).resolve()

    def do(self, study: "Study", cells: "list[Cell]") -> dict[str, Path]:
        """Do the cells; returns those that failed, each with the file that says why."""
        from lingym.scripts.compare import table
        from lingym.scripts.compare.cell_work import Given
        from lingym.scripts.compare.cells import plan
        from lingym.scripts.compare.changed import refuse_changed
        from lingym.scripts.compare.machine import commit, cores
        from lingym.scripts.compare.prepare import prepare
        from lingym.scripts.compare.runner import Runner
        from lingym.scripts.compare.trial import check_texts

        out = self.out.resolve()
        out.mkdir(parents=True, exist_ok=True)
        prepare(study, out)
        refuse_changed(plan(study), study, out, self.folder(), table.read(out))  # not just --only
        done = {row["cell"] for row in table.read(out)}
        check_texts(study, [cell for cell in cells if cell.id not in done], out)
        copy = out / "study.yaml"
        if copy.resolve() != self.study.resolve():
            new = copy.with_name(f"study.yaml.{os.getpid()}")
            new.write_bytes(self.study.read_bytes())
            new.replace(copy)
        shared_cores = os.environ.get("OMP_NUM_THREADS") or max(1, cores() // self.jobs)
        given = Given(
            data=self.folder(),
            threads=int(study.defaults.get("threads") or shared_cores),
            look_again=self.look_again,
            command=shlex.join(["lingym", *sys.argv[1:]]),
            commit=commit(),
        )
        given.write(out)
        runner = Runner(copy, study, cells, out, given, self.jobs, say, self.keep_models)
        try:
            return runner.run(self.ray)
        finally:
            table.write_csv(out)

    def report(self, study: "Study", scored: set[str]) -> None:
        """Write results.json and the report, and print the verdicts.

        Args:
            study: that the folder holds.
            scored: the data sets of which there is a score; their splits are looked at for repeats.
        """
        from lingym.scripts.compare import report, summary
        from lingym.scripts.compare.repeats import of_data

        for data in study.data:
            if data.name in scored:
                try:
                    of_data(study, data, self.out)
                except OSError as error:  # the report may be made where the texts are not
                    say(f"{data.name}: repeats between its splits were not looked for: {error}")
        summary.write(self.out)
        page = report.write(self.out)
        print(verdicts((self.out / "report.md").read_text(encoding="utf-8")))
        say(f"{page} is written")


def selected(cells: "list[Cell]", only: tuple[str, ...]) -> "list[Cell]":
    """The cells that were asked for, and all that they need.

    Args:
        cells: of the plan.
        only: names of data sets, or patterns of ids; none stands for all cells.

    Raises:
        ValueError: one of them fits no cell.
    """
    from fnmatch import fnmatchcase

    if not only:
        return cells
    wanted: set[str] = set()
    for pattern in only:
        found = {c.id for c in cells if c.data == pattern or fnmatchcase(c.id, pattern)}
        if not found:
            data = ", ".join(dict.fromkeys(cell.data for cell in cells))
            raise ValueError(f"--only {pattern!r} fits no cell; the data sets are {data}")
        wanted |= found
    for cell in reversed(cells):  # each stands after those that it needs
        if cell.id in wanted:
            wanted |= set(cell.needs)
    return [cell for cell in cells if cell.id in wanted]


def verdicts(page: str) -> str:
    """The first table of a page of Markdown."""
    lines = iter(page.splitlines())
    table: list[str] = []
    for line in lines:
        if line.startswith("|"):
            table.append(line)
        elif table:
            break
    return "\n".join(table)


def say(line: str) -> None:
    """A line for the person who watches."""
    print(line, file=sys.stderr, flush=True)
