"""Cells handed to a Ray cluster: an optional extra, ``pip install lingym[ray]``.

Every machine of the cluster needs lingym installed, and the folder of the study's results and the
data under the same paths, on a disk that all share: cells go on from each other's models.

Ray's processes run with a niceness of 15: beside other work they take minutes to begin.
Start the cluster with RAY_worker_niceness=0 in the environment to have them on a level with it.
"""

import logging
import os
import platform
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lingym.scripts.compare.cell_work import Given
from lingym.scripts.compare.cells import Cell
from lingym.scripts.compare.jobs import do_cell
from lingym.scripts.compare.study import Study

GPU_SHARE = 0.25
"""Of a GPU, which a cell takes where the cluster has any: small encoders leave one half idle."""
DONE, BUSY = "", "(another command is at it)"
PAUSE = 2.0
"""Seconds before a cell that another command is at is tried again."""


def run_cells(
    cells: Sequence[Cell],
    study: Study,
    out: Path,
    address: str,
    done: Callable[[Cell], object],
    given: Given | None = None,
) -> dict[str, Path]:
    """Do cells on a Ray cluster, each in a process of its own as soon as what it needs is done.

    A cell takes as many CPUs as it has threads (the study's ``threads``, else 1), and where the
    cluster has GPUs, `GPU_SHARE` of one: then all cells run on GPUs.

    Args:
        cells: to be done; what they need is done already or among them.
        study: that they are of; its ``source`` is a file that all machines can read.
        out: the folder of the study's results.
        address: of the cluster: ``HOST:PORT``, ``auto`` for the one that runs on this machine, or
            ``local`` for one that is started here for this command.
        done: told each cell that is done.
        given: what the command was told; None: as it stands in the folder.

    Returns:
        The cells that failed, each with the file that says why; what needs them is left undone.

    Raises:
        ValueError: Ray is not installed, no cluster answers, or a machine does not share `out`.
    """
    ray = _ray()
    token = out / "locks" / f"ray-{uuid.uuid4().hex}"
    token.parent.mkdir(parents=True, exist_ok=True)
    token.touch()
    threads = int(study.defaults.get("threads") or 1)
    given = replace(given or Given.read(out), threads=threads)
    connected = _connect(ray, address)
    left = {cell.id: cell for cell in cells}
    running: dict[Any, Cell] = {}
    failed: dict[str, Path] = {}
    try:
        gpu = GPU_SHARE if ray.cluster_resources().get("GPU") else 0
        # One call a process: memory is measured by process, and a leak ends with its cell.
        task = ray.remote(num_cpus=threads, num_gpus=gpu, max_calls=1, max_retries=0)(_work)
        while True:
            started = {cell.id for cell in running.values()} | failed.keys()
            for cell in left.values():
                if cell.id not in started and left.keys().isdisjoint(cell.needs):
                    where = (study.source.resolve(), out.resolve(), token.resolve())
                    running[task.remote(*where, cell.id, given)] = cell
            if not running:
                return failed
            (reference,), _ = ray.wait(list(running))
            cell = running.pop(reference)
            try:
                answer = ray.get(reference)
            except ray.exceptions.RayError as error:
                failed[cell.id] = _why(cell.folder(out), error)
                continue
            if answer == DONE:
                del left[cell.id]
                done(cell)
            elif answer != BUSY:
                raise ValueError(
                    f"--ray: machine {answer} of the cluster has no folder {out.resolve()}, or "
                    "another one: put --out on a disk that all machines share, under one path"
                )
    finally:
        token.unlink()
        if connected:
            ray.shutdown()  # cells that still run end with it


def _work(study_file: Path, out: Path, token: Path, cell_id: str, given: Given) -> str:
    """In a process of the cluster: do a cell.

    Returns:
        `DONE`; `BUSY`; or the name of the machine, if it does not share the folder.
    """
    if not token.exists():
        return platform.node()
    log = out / "logs" / f"{cell_id}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as stream:
        for number in (1, 2):
            os.dup2(stream.fileno(), number)
    import torch

    torch.set_num_threads(given.threads)
    if do_cell(study_file, out, cell_id, given):
        return DONE
    time.sleep(PAUSE)
    return BUSY


def _why(folder: Path, error: Exception) -> Path:
    """The file that says why a cell failed: its own, or what Ray says of a process that died."""
    file = folder / "error.txt"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{error}\n", encoding="utf-8")
    return file


def _connect(ray: Any, address: str) -> bool:
    """Join the cluster; False if this process is in one already."""
    if ray.is_initialized():
        return False
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ValueError(f"--ray {address}: no cluster answers there ({error})") from error
    return True


def _ray() -> Any:
    """The package, told before it is imported to keep quiet and to report to nobody."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise ValueError('--ray needs the extra ray: pip install "lingym[ray]"') from error
    return ray
