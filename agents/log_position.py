"""Where a run's TensorBoard log was at a checkpoint, and going on from there.

What was written after the checkpoint is cut off when the run goes on, since it is learned, and
written, again: no line is lost, and none is there twice.
"""

import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stable_baselines3.common.logger import HumanOutputFormat, Logger, TensorBoardOutputFormat

logger = logging.getLogger("lingym")
EVENTS = "events.out.tfevents.*"


def log_position(log: Logger) -> dict[str, Any] | None:
    """The folder's name and the bytes of each event file; None where nothing goes to TensorBoard.

    What waits to be written is written first, and lies on the disk when this returns. What was
    recorded and not yet dumped goes with it.
    """
    writers = [each for each in log.output_formats if isinstance(each, TensorBoardOutputFormat)]
    for each in writers:
        each.writer.flush()
    files: dict[str, int] = {}
    if writers and log.dir is not None:
        for file in sorted(Path(log.dir).glob(EVENTS)):
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
                files[file.name] = opened.seek(0, os.SEEK_END)
    return {
        "folder": Path(log.dir).name if files and log.dir else None,
        "files": files,
        "recorded": dict(log.name_to_value),
        "counts": dict(log.name_to_count),
        "excluded": {name: list(each or ()) for name, each in log.name_to_excluded.items()},
    }


def cut_back(folder: Path, files: Mapping[str, int]) -> None:
    """Leave of a folder's event files what was there at a checkpoint.

    Raises:
        ValueError: a file is gone, or shorter than it was, or elsewhere.
    """
    for name, size in files.items():
        if not _is_plain(name):
            raise ValueError(f"{name!r} is no file of the log in {folder}")
        have = (folder / name).stat().st_size if (folder / name).exists() else 0
        if have < size:
            raise ValueError(
                f"{folder / name} has {have} bytes of {size}: lines of the log are lost. Put the "
                f"file back, or remove {folder} to go on with a log that begins here"
            )
    for file in folder.glob(EVENTS):
        if file.name in files:
            os.truncate(file, files[file.name])
        else:
            file.unlink()


def _wait_to_come_after(names: Iterable[str], folder: Path) -> None:
    """Return once a new event file sorts behind those that are there.

    TensorBoard reads the files of a folder in the order of their names, which begin with the
    second in which they were made, then the host, the process and a count, as text: of two that
    were made within one second (``.9`` and ``.10``) the later one may be read first.
    """
    seconds = [name.removeprefix(EVENTS[:-1]).partition(".")[0] for name in names]
    newest = max((int(each) for each in seconds if each.isdecimal()), default=0)
    behind = newest + 1 - time.time()
    if behind > 2:  # another machine's clock, or one that was set back
        logger.warning(
            "the log in %s was begun %.0f s after this machine's time: TensorBoard will draw what "
            "is learned from here on before what was learned there",
            folder,
            behind - 1,
        )
    elif behind > 0:
        time.sleep(behind)


def _is_plain(name: str) -> bool:
    """Whether a name that a checkpoint holds is that of something in one folder."""
    return name not in ("", "..") and Path(name).name == name


@contextmanager
def log_going_on(agent: Any, resume: Mapping[str, Any] | None) -> Iterator[None]:
    """Have an agent that sets up its log within go on with the one that it had.

    One that writes no log gets a logger without a folder: Stable-Baselines3's makes an empty folder
    among the system's temporary ones each time, and leaves it there.

    Args:
        agent: an algorithm.
        resume: the state of the run that goes on; None is a new run.
    """
    log = None if resume is None else resume.get("log")
    if agent._custom_logger or (log is None and agent.tensorboard_log is not None):
        yield
    else:
        agent._logger = _logger(agent, log)
        agent._custom_logger = True  # Stable-Baselines3 makes a new folder otherwise
        try:
            yield
        finally:
            agent._custom_logger = False
    if log is not None:
        agent.logger.name_to_value.update(log["recorded"])
        agent.logger.name_to_count.update(log["counts"])
        excluded = {name: tuple(each) for name, each in log["excluded"].items()}
        agent.logger.name_to_excluded.update(excluded)


def _logger(agent: Any, log: Mapping[str, Any] | None) -> Logger:
    formats: list[Any] = []
    folder = None
    if agent.verbose:
        formats.append(HumanOutputFormat(sys.stdout))
    if log is not None and agent.tensorboard_log is not None and log["folder"] is not None:
        folder = Path(agent.tensorboard_log) / log["folder"]
        if not _is_plain(log["folder"]) or folder.is_symlink():  # files in it are cut
            raise ValueError(f"the log's folder cannot be {log['folder']!r}: it is no plain name")
        if folder.is_dir():
            cut_back(folder, log["files"])
            _wait_to_come_after(log["files"], folder)
        else:
            logger.warning("%s is gone: the log begins where the run goes on", folder)
        formats.append(TensorBoardOutputFormat(str(folder)))
    return Logger(None if folder is None else str(folder), formats)
