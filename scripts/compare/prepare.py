"""Where a data set's splits are read from; a dev split cut from the training texts is written."""

import hashlib
import os
import shutil
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import IO, Any

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
        for split in ("train", "dev")
    }
    if data.dev_from_train is not None:
        ending = _ending(found["train"], data)
        found = {split: str(_folder(data, out) / f"{split}{ending}") for split in found}
    return {**found, "test": data.test_source()}


def prepare(study: Study, out: Path) -> None:
    """Look whether all files are there, and cut dev from the training texts where that is asked.

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
        if data.dev_from_train is not None:
            _cut(data, _folder(data, out))


@lru_cache(maxsize=64)
def count_texts(source: str, split: str, reading: Reading) -> int:
    """Texts in a split."""
    return sum(1 for _ in iter_records(source, split, reading.options()))


def _cut(data: Data, folder: Path) -> None:
    """Write the training texts in two files, to the byte as they are in the source."""
    source = str(data.options["train"])
    told = {
        "source": Path(source).name,
        "sha256": _sha256(Path(source)),
        "dev_from_train": data.dev_from_train,
    }
    note = folder / "split.json"
    if note.exists():
        before = read_json(note)
        if before != told:
            raise ValueError(f"{folder} holds another split ({before}, now {told}): remove it")
        return
    ending = _ending(source, data)
    first, start = _first_lines(source, data)
    header = first if ending in (".csv", ".tsv") else 1  # the names of the columns go to both
    new = folder.with_name(f"{folder.name}.{os.getpid()}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    with (
        _opened(source) as lines,
        (new / f"train{ending}").open("wb") as train,
        (new / f"dev{ending}").open("wb") as dev,
    ):
        for number, line in enumerate(lines, start=1):
            if number < header:
                dev.write(line)
            (train if number < start else dev).write(line)
    write_json(new / "split.json", told)
    try:
        new.rename(folder)
    except OSError:  # another process was faster: what it wrote is looked at as if it was old
        shutil.rmtree(new)
        if not note.exists():
            raise
        _cut(data, folder)


def _first_lines(source: str, data: Data) -> tuple[int, int]:
    """The lines on which the first text of all and the first of dev begin."""
    reading = _reading(data)
    count, wanted = count_texts(source, "train", reading), data.dev_from_train or 0
    if count <= wanted:
        raise ValueError(
            f"data set {data.name!r}: dev_from_train {wanted} leaves nothing of {count} texts"
        )
    records = iter_records(source, "train", reading.options())
    first = next(records)
    return first.lines[0], next(islice(records, count - wanted - 1, None)).lines[0]


def _ending(source: str, data: Data) -> str:
    """How the parts of a file are called, by its format; they are not compressed.

    Raises:
        ValueError: the file has no lines to cut at.
    """
    form = _reading(data).format or format_of(source)
    if form == "squad":
        raise ValueError(
            f"data set {data.name!r}: dev_from_train cannot cut a file of SQuAD's JSON: make two "
            "files of it"
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
