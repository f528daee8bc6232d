"""An index: a folder with the arrays and examples of a corpus, whole or not there."""

import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from lingym.envs.disk.columns import Columns
from lingym.envs.disk.stored import written
from lingym.envs.tasks import Example
from lingym.files import replace_folder
from lingym.types import LabelSpace, Quota

logger = logging.getLogger("lingym")
CONTENTS = "index.json"
SECONDS = 30
"""Between two lines that say how far the reading is."""


def find_or_write(
    folder: Path, told: Mapping[str, Any], name: str, write: Callable[[Path], dict[str, Any]]
) -> tuple[Path, dict[str, Any]]:
    """The folder of an index and its contents; it is written if it is not there.

    A process that finds another at work on the same index waits for it. One that is killed leaves
    a folder of another name, which nobody reads and the next one removes.

    Args:
        folder: of all indices.
        told: what the index is made from.
        name: the index's own folder.
        write: fills an empty folder, and gives the contents to be noted.

    Raises:
        OSError: the folder cannot be written.
    """
    place = folder / name
    contents = contents_of(place, told)
    if contents is not None:
        return place, contents
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / f".{name}.lock"):
        contents = contents_of(place, told)  # somebody else may have written it meanwhile
        if contents is None:
            for left in folder.glob(f".{name}.new-*"):  # nobody else is at work: it was killed
                shutil.rmtree(left, ignore_errors=True)

            def whole(new: Path) -> None:
                noted = {"identity": told, **write(new)}
                noted["sizes"] = {file.name: file.stat().st_size for file in new.iterdir()}
                (new / CONTENTS).write_text(json.dumps(noted), encoding="utf-8")

            replace_folder(place, whole)
            contents = contents_of(place, told)
    if contents is None:
        raise OSError(f"{place}: the index was written and cannot be read")
    return place, contents


def contents_of(place: Path, told: Mapping[str, Any]) -> dict[str, Any] | None:
    """What an index says of itself; None where there is none, or not a whole one of these texts."""
    try:
        contents: dict[str, Any] = json.loads((place / CONTENTS).read_text(encoding="utf-8"))
        same = contents["identity"] == json.loads(json.dumps(told))
        whole = all((place / n).stat().st_size == size for n, size in contents["sizes"].items())
    except FileNotFoundError:
        if place.exists():
            logger.warning("%s is no whole index: the texts are read again", place)
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        logger.warning("%s cannot be used (%s): the texts are read again", place, error)
        return None
    if not (same and whole):
        logger.warning("%s is not as it was written: the texts are read again", place)
        return None
    return contents


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Alone with an index; the system gives a lock back when its process ends, however it does."""
    if os.name != "posix":  # two processes may then write it twice, the later one last
        yield
        return
    import fcntl

    with file.open("w") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.info("another process reads the same texts: waiting for it")
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def kept(
    folder: Path, split: str, chunks: Iterable[list[Example]], counts: dict[str, int]
) -> Iterator[Example]:
    """Write examples as they pass by; how many there were is noted under the split's name."""
    begun = told = time.monotonic()
    counts[split] = 0
    with (folder / f"{split}.lines").open("wb") as file, Columns(folder, split) as columns:
        for examples in chunks:
            lines = [written(example) for example in examples]
            file.writelines(lines)
            ends = np.cumsum([0, *map(len, lines)])
            columns.add({"examples": ends})
            counts[split] += len(lines)
            now = time.monotonic()
            if now - told > SECONDS:
                told, rate = now, counts[split] / (now - begun)
                logger.info("%s: %d texts read, %d a second", split, counts[split], rate)
            yield from examples


def space_as_json(space: LabelSpace) -> dict[str, Any]:
    """The labels and their rules, as JSON."""
    told = asdict(space)
    for name in ("transitions", "kind_of_label"):
        told[name] = None if told[name] is None else told[name].tolist()
    return told


def space_of_json(told: Mapping[str, Any]) -> LabelSpace:
    """The labels that `space_as_json` told of."""
    known = dict(told)
    for name in ("names", "roles", "kinds"):
        known[name] = tuple(known[name])
    for name, kind in (("transitions", np.bool_), ("kind_of_label", np.int32)):
        known[name] = None if known[name] is None else np.array(known[name], kind)
    known["quota"] = None if known["quota"] is None else Quota(**known["quota"])
    return LabelSpace(**known)
