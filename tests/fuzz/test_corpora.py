"""Every reader of labelled text on faulty files: good records, or a `DataError` with a place.

60 files a reader; ``LINGYM_FUZZ=100000`` makes it as many. Nothing else may be raised, and no file
may take longer than `LIMIT` seconds.
"""

import random
import re
from pathlib import Path

import pytest

from lingym.envs.corpora import Record
from lingym.types import DataError
from tests.fuzz.mutate import count, mutants, packed, within
from tests.fuzz.readers import READERS, Reader

LIMIT = 20.0
ANY = 10**9
WHOLE = (
    *("holds no records", "needs at least two labels", "wanted candidate labels"),
    "no text of the task",
)
"""What is wrong with a file as a whole, and on no line of it."""


def outcome(reader: Reader, path: Path, lines: int) -> list[Record]:
    """The records of a file, looked at; none where it was refused as it should be."""
    try:
        records = list(reader.read(str(path)))
    except DataError as error:
        check_place(str(error), path, lines)
        return []
    for record in records:
        assert record.path == str(path)
        assert record.lines and all(1 <= line <= lines for line in record.lines)
        reader.check(record)
    return records


def check_place(message: str, path: Path, lines: int) -> None:
    """A message begins with the file, and with a line that the file has (or the one after it)."""
    place = re.match(rf"{re.escape(str(path))}:(\d+): .", message)
    if place is None:
        assert message.startswith(f"{path}: ") and any(words in message for words in WHOLE), message
    else:
        assert 1 <= int(place[1]) <= lines + 1, message
    message.encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.mark.parametrize("name", READERS)
def test_faulty_files_are_read_or_refused(folder: Path, name: str) -> None:
    reader = READERS[name]
    path = folder / f"a{reader.ending}"
    read = number = 0
    for data in (*reader.files, *mutants(reader.files, count(), 0, reader.faults)):
        path.write_bytes(data)
        with within(LIMIT, data):
            read += bool(outcome(reader, path, data.count(b"\n") + 1))
        number += 1
        assert read == number or number > len(reader.files)  # the valid ones are read
    assert len(reader.files) < read < number


@pytest.mark.parametrize("ending", [".xz", ".gz"])
def test_faulty_compressed_files_are_read_or_refused(folder: Path, ending: str) -> None:
    reader = READERS["jsonl"]
    path = folder / f"a.jsonl{ending}"
    chance = random.Random(0)
    refused = 0
    for data in mutants(reader.files, count(), 1, reader.faults):
        path.write_bytes(packed(data, ending, chance))
        with within(LIMIT, data):
            refused += not outcome(reader, path, ANY)
    assert 0 < refused < count()
