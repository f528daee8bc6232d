"""Faulty files that a person writes, and that a run wrote: read, or refused with their name.

40 files a reader, or as many as LINGYM_FUZZ says.
"""

import json
import re
from pathlib import Path

import pytest

from lingym.scripts.compare import looks
from lingym.types import DataError
from tests.fuzz.files import FILES, File
from tests.fuzz.kept import KEPT
from tests.fuzz.mutate import count, mutants, within
from tests.fuzz.written import LOOK, WRITTEN

LIMIT = 20.0


def outcome(file: File, path: Path) -> bool:
    """Whether a file was read; one that was not must be refused as it should be."""
    try:
        file.read(path)
    except ValueError as error:
        message = str(error)
        assert not isinstance(error, UnicodeError), message
        assert str(path.parent if file.folder else path) in message, message
        assert not file.lines or re.search(r":\d+", message), message
        message.encode()
        return False
    return True


EVERY = FILES | WRITTEN | KEPT


@pytest.mark.parametrize("name", EVERY)
def test_faulty_files_are_read_or_refused(tmp_path: Path, name: str) -> None:
    file = EVERY[name]
    path = tmp_path / file.name
    for data in file.files:
        path.write_bytes(data)
        assert file.read(path) is not False
    read = 0
    for data in mutants(file.files, count(40), 0, file.faults):
        path.write_bytes(data)
        with within(LIMIT, data):
            read += outcome(file, path)
    assert (read < count(40)) == file.refused


def test_a_look_of_no_arm_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "looks.jsonl").write_text(json.dumps({**LOOK, "arm": ["a"]}) + "\n")
    with pytest.raises(DataError, match=r"looks\.jsonl:1: not a look at test texts"):
        looks.summary(tmp_path, [])
