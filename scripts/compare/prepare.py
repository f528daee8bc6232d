"""Where a data set's splits are read from; what is cut from the training texts is written."""

import hashlib
import os
import shutil
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np

from lingym.envs.corpora.files import COMPRESSED
from lingym.envs.corpora.sources import format_of, iter_records
from lingym.reading import read_json
from lingym.scripts.arguments import Reading
from lingym.scripts.compare.study import Data, Study, slug
from lingym.scripts.run_folder import write_json

NAMED = ("synthetic:", "hf:")
"""What a corpus that is no file begins with."""


def sources(data: Data, out: Path) -> dict[str, str]:
    """The file of each split, or the corpus that has it: what `lingym train --train` takes.

    Args:
        data: the data set.
        out: the folder of the study's results, which holds the splits that `prepare` made.
    """
    found = {
        split: str(data.options.get(split) or data.options.get("corpus"))
        for split in ("train", "dev", "test")
    }
    if not (parts := _parts(data)):
        return found
    ending = _ending(found["train"], data)
    return {**found, **{part: str(_folder(data, out) / f"{part}{ending}") for part in parts}}


def prepare(study: Study, out: Path) -> None:
    """Look whether all files are there, and cut dev and test from the training texts if asked to.

    What was cut is kept, and may be asked for by several processes at a time.

    Raises:
        ValueError: a file is missing, has too few texts or no lines to cut at, or the folder holds
            a split of another file or size.
    """
    for data in study.data:
        for split in ("train", "dev", "test"):
            source = data.options.get(split)
            if source is not None and not source.startswith(NAMED) and not Path(source).is_file():
                raise ValueError(f"data set {data.name!r}: there is no {split} file {source}")
    for data in study.data:
        if _parts(data):
            _cut(data, _folder(data, out))


@lru_cache(maxsize=64)
def count_texts(source: str, split: str, reading: Reading) -> int:
    """Texts in a split."""
    return sum(1 for _ in iter_records(source, split, reading.options()))


def _parts(data: Data) -> dict[str, int | None]:
    """The splits that the training texts are cut into, in order, with how many texts each has.

    None stands for what is left; nothing is returned where nothing is cut.
    """
    asked = {"dev": data.dev_from_train, "test": data.test_from_train}
    cut = {split: count for split, count in asked.items() if count is not None}
    return {"train": None, **cut} if cut else {}


def _asked(data: Data) -> dict[str, int]:
    """How many texts are cut off, by the names in the study file."""
    return {f"{split}_from_train": count for split, count in _parts(data).items() if count}


def _cut(data: Data, folder: Path) -> None:
    """Write the training texts in several files, to the byte as they are in the source."""
    source = str(data.options["train"])
    told = {"source": Path(source).name, "sha256": _sha256(Path(source)), **_asked(data)}
    if data.cut_seed is not None:
        told["cut_seed"] = data.cut_seed
    note = folder / "split.json"
    if note.exists():
        before = read_json(note)
        if before != told:
            raise ValueError(f"{folder} holds another split ({before}, now {told}): remove it")
        return
    ending = _ending(source, data)
    places = _places(source, data)
    starts = [record.lines[0] for record in iter_records(source, "train", _reading(data).options())]
    header = starts[0] if ending in (".csv", ".tsv") else 1  # the names of the columns go to all
    new = folder.with_name(f"{folder.name}.{os.getpid()}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    with ExitStack() as opened:
        lines = opened.enter_context(_opened(source))
        parts = [
            opened.enter_context((new / f"{part}{ending}").open("wb")) for part in _parts(data)
        ]
        text = 0  # lines before the first text are the first's, empty ones the text's before them
        for number, line in enumerate(lines, start=1):
            if number < header:
                for part in parts:
                    part.write(line)
                continue
            if text + 1 < len(starts) and number >= starts[text + 1]:
                text += 1
            parts[places[text]].write(line)
    write_json(new / "split.json", told)
    try:
        new.rename(folder)
    except OSError:  # another process was faster: what it wrote is looked at as if it was old
        shutil.rmtree(new)
        if not note.exists():
            raise
        _cut(data, folder)


def _places(source: str, data: Data) -> list[int]:
    """Into which part each text goes, by the order of the parts."""
    count = count_texts(source, "train", _reading(data))
    left = count - sum(_asked(data).values())
    if left < 1:
        asked = [f"{name} {size}" for name, size in _asked(data).items()]
        raise ValueError(
            f"data set {data.name!r}: {' and '.join(asked)} "
            f"{'leaves' if len(asked) == 1 else 'leave'} nothing of {count} texts"
        )
    sizes = [left if size is None else size for size in _parts(data).values()]
    places = np.repeat(np.arange(len(sizes)), sizes)
    if data.cut_seed is not None:
        np.random.default_rng(data.cut_seed).shuffle(places)
    found: list[int] = places.tolist()
    return found


def _ending(source: str, data: Data) -> str:
    """How the parts of a file are called, by its format; they are not compressed.

    Raises:
        ValueError: the file has no lines to cut at.
    """
    form = _reading(data).format or format_of(source)
    if form == "squad":
        raise ValueError(
            f"data set {data.name!r}: {' and '.join(_asked(data))} cannot cut a file of SQuAD's "
            "JSON: make several files of it"
        )
    return f".{form}" if form != "text" else ".txt"


def _reading(data: Data) -> Reading:
    """How its files are read."""
    known: dict[str, Any] = {name: data.options.get(name) for name in ("format", "columns")}
    return Reading(**known)


def _folder(data: Data, out: Path) -> Path:
    return out / "data" / slug(data.name) / "split"


def _opened(source: str) -> IO[bytes]:
    file: IO[bytes] = COMPRESSED.get(Path(source).suffix.lower(), open)(source, "rb")
    return file


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
