"""Files and folders are there whole or not at all."""

import errno
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lingym.files import NotWritten, replace_file, replace_folder, sha256_of

NAMES = (("a.new", ""), ("a.old", ""), ("b.new", ".txt"))


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_file_is_replaced_by_bytes_text_and_function(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    replace_file(file, b"one")
    assert file.read_bytes() == b"one"
    replace_file(file, "zwölf\n")
    assert file.read_bytes() == "zwölf\n".encode()
    seen: list[Path] = []

    def write(path: Path) -> None:
        seen.append(path)
        path.write_text("three")

    replace_file(file, write)
    assert file.read_text() == "three" and seen[0].suffix == ".txt" and seen[0] != file
    assert os.listdir(tmp_path) == ["a.txt"]
    assert sha256_of(file) == hashlib.sha256(b"three").hexdigest()


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    file = tmp_path / "a.txt"
    replace_file(file, "old")
    monkeypatch.setattr(os, moment, full)
    with pytest.raises(NotWritten, match=r"a\.txt could not be written: No space.*still stands"):
        replace_file(file, "new")
    assert file.read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]


def test_what_fails_midway_leaves_nothing(tmp_path: Path) -> None:
    def write(path: Path) -> None:
        path.write_text("half")
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        replace_file(tmp_path / "a.txt", write)
    with pytest.raises(KeyError, match="mine"):
        replace_folder(tmp_path / "a", lambda folder: write(folder / "x"))
    assert os.listdir(tmp_path) == []
    with pytest.raises(NotWritten, match=r"no/a\.txt could not be written: No such file.*nothing"):
        replace_file(tmp_path / "no" / "a.txt", "x")


def test_a_folder_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "a"
    replace_folder(folder, lambda new: (new / "x").write_text("1") and None)
    replace_folder(folder, lambda new: (new / "y").write_text("2") and None)
    assert os.listdir(folder) == ["y"] and os.listdir(tmp_path) == ["a"]

    real = os.replace

    def second_fails(old: Path, new: Path) -> None:
        if ".new-" in str(old):
            full()
        real(old, new)

    monkeypatch.setattr(os, "replace", second_fails)
    with pytest.raises(NotWritten, match="No space"):
        replace_folder(folder, lambda new: (new / "z").write_text("3") and None)
    assert os.listdir(folder) == ["y"] and os.listdir(tmp_path) == ["a"]


def test_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for number in (ended.pid, os.getppid()):
        (tmp_path / f".a.new-{number}").mkdir()
        (tmp_path / f".a.old-{number}").mkdir()
        (tmp_path / f".b.new-{number}.txt").touch()
    (tmp_path / f".ab.new-{ended.pid}").mkdir()
    replace_folder(tmp_path / "a", lambda new: (new / "x").write_text("1") and None)
    replace_file(tmp_path / "b.txt", "1")
    left = {f".{name}-{os.getppid()}{end}" for name, end in NAMES}  # who still runs may go on
    assert set(os.listdir(tmp_path)) == {"a", "b.txt", f".ab.new-{ended.pid}", *left}


def test_the_systems_error_is_found_in_that_of_another_language(tmp_path: Path) -> None:
    def write(folder: Path) -> None:
        raise Exception("No space left on device (os error 28)")  # as the tokenizers library does

    with pytest.raises(NotWritten, match="a could not be written: No space left") as failed:
        replace_folder(tmp_path / "a", write)
    assert failed.value.errno == errno.ENOSPC and os.listdir(tmp_path) == []
