"""Cells as processes: each its own, forked from one that has imported what all of them need."""

import multiprocessing
import os
import platform
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from lingym.scripts.compare import table
from lingym.scripts.compare.cell_work import Given, settled, work
from lingym.scripts.compare.cells import Cell, plan
from lingym.scripts.compare.changed import made_of
from lingym.scripts.compare.locks import held
from lingym.scripts.compare.study import Study
from lingym.scripts.compare.study_file import read_study
from lingym.scripts.compare.table import Row
from lingym.scripts.run_folder import write_json

BUSY = 75
"""Exit status of a process whose cell another one is doing."""
PRELOAD = ("lingym.scripts.cli", "lingym.scripts.compare.preload")
"""Imported once, before any cell: seconds that each would take. Nothing of it starts CUDA or a
pool of threads, which do not live through a fork."""


def is_done(cell: Cell, study: Study, rows: list[Row], row: Row) -> bool:
    """Whether a cell's row in the table has the settings that would be chosen for it now."""
    try:
        cell, choice = settled(cell, study, rows)
    except ValueError:  # the choice waits for cells that are new in the study
        return False
    return bool(row["chosen"] == choice and (not cell.chosen or row["settings"] == choice))


def do_cell(study_file: Path, out: Path, cell_id: str, given: Given | None = None) -> bool:
    """Do a cell in this process, if nobody else is at it; its row then lies in its folder.

    Args:
        study_file: the study.
        out: the folder of the study's results.
        cell_id: of a cell of which all that it needs is done.
        given: what the command was told; None: what the last one on this folder was.

    Returns:
        False if another process is at it.
    """
    given = given or Given.read(out)
    study = read_study(study_file, given.data)
    cells = plan(study)
    cell = next(cell for cell in cells if cell.id == cell_id)
    lock = out / "locks" / f"{cell_id}.lock"
    with held(lock, wait=False) as mine:
        if not mine:
            return False
        lock.write_text(f"{platform.node()} {os.getpid()}\n", encoding="utf-8")  # for people
        table.collect(out, [cell.folder(out)])
        rows = table.of_cells(table.read(out), cells)
        own = [row for row in rows if row["cell"] == cell_id]
        if own and is_done(cell, study, rows, own[0]) and cell.folder(out).exists():
            return True  # by another, since this one was told to
        folder = cell.folder(out)
        broken_off = _cleared(folder)
        try:
            now, choice = settled(cell, study, rows)
            made = made_of(now, study, out, given.data, choice)
            write_json(folder / "cell.json", made)
            row = work(cell, study, out, rows, given, broken_off)
        except Exception:
            (folder / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
            raise
        table.put(folder, row)
    return True


def _cleared(folder: Path) -> bool:
    """Make a folder empty, but for what its cell was made of; True if it was begun, not done."""
    begun = (folder / "cell.json").exists() and not (folder / "row.json").exists()
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.iterdir(), key=lambda path: path.name != "row.json"):
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != ("cell.json" if begun else ""):
            path.unlink()
    return begun


@contextmanager
def processes(threads: int) -> Iterator[ForkServerContext]:
    """What starts the processes of cells, each with so many threads."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOAD))
    before = dict(os.environ)
    os.environ.update(_environment(threads))
    try:
        forkserver.ensure_running()  # with this environment, which all cells inherit
    finally:
        os.environ.clear()
        os.environ.update(before)
    yield context


def _environment(threads: int) -> dict[str, str]:
    """Threads and memory of the processes; what the user has set stands."""
    wanted = {
        "OMP_NUM_THREADS": str(threads),
        "RAYON_NUM_THREADS": str(threads),  # of the tokenizers
    }
    if platform.libc_ver()[0] == "glibc":
        # The arrays of a batch are some MB, and glibc hands such back to the system as soon as
        # they are free, to fetch zeroed pages for the next batch. Keeping them, in huge pages,
        # makes training on short texts about 15 % faster. Read when a program starts, not later.
        wanted |= {
            "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
            "MALLOC_MMAP_THRESHOLD_": str(1 << 32),
            "MALLOC_TRIM_THRESHOLD_": str(1 << 33),
        }
    return {name: value for name, value in wanted.items() if name not in os.environ}


def start(
    context: ForkServerContext, study_file: Path, out: Path, cell: Cell, given: Given
) -> ForkServerProcess:
    """Start a cell's process; its exit status is 0 when the cell is done, or `BUSY`."""
    process = context.Process(target=_process, args=(study_file, out, cell.id, given), name=cell.id)
    process.start()
    return process


def _process(study_file: Path, out: Path, cell_id: str, given: Given) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the runner ends it
    threading.Thread(target=die_with_parent, daemon=True).start()
    import torch

    torch.set_num_threads(given.threads)
    log = out / "logs" / f"{cell_id}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as stream:
        for number in (1, 2):
            os.dup2(stream.fileno(), number)
    try:
        done = do_cell(study_file, out, cell_id, given)
    except Exception:
        traceback.print_exc()
        sys.exit(1)
    sys.exit(0 if done else BUSY)


def die_with_parent() -> None:
    """End this process as soon as the runner's has ended, however that was.

    Not by PR_SET_PDEATHSIG: the parent that the system knows is the process that forks.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGKILL)
