"""Files that are too much: a line of 1 GiB, a million empty lines, MBs that unpack to GBs.

Every one is read, or refused, by a process that may take little memory (`tests/fuzz/large.py`).
"""

import gzip
import json
import lzma
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lingym.envs.corpora import conll, delimited, read_conll, read_delimited, read_squad, squad, xz
from lingym.types import DataError
from tests.fuzz.mutate import count

GIB = 2**30
FORMS = ("conll", "conllu", "jsonl", "csv", "tsv", "text")


def read(root: Path, *files: str, room: int) -> list[dict[str, Any]]:
    """How reading each ``format=path`` ended, with `room` MiB of memory."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.large", str(room), *files],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert not done.returncode, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def repeated(path: Path, part: bytes, count: int) -> str:
    """A compressed file of many equal members, made without unpacking them."""
    pressed = {".gz": gzip.compress, ".xz": lambda data: lzma.compress(data, preset=0)}
    member = pressed[path.suffix](part)
    with path.open("wb") as file:
        for _ in range(count):
            file.write(member)
    assert path.stat().st_size < 2**24
    return str(path)


def test_a_line_of_a_gib_is_refused(root: Path, tmp_path: Path) -> None:
    line = tmp_path / "line.txt"  # sparse: it takes no room on the disk
    with line.open("wb") as file:
        file.write(b"1\ta\tb\tO\n")
        file.truncate(GIB)
    question = tmp_path / "question.txt"
    with question.open("wb") as file:
        file.write(b'{"data": [{"title": "')
        file.truncate(GIB)
    ends = read(root, *(f"{form}={line}" for form in FORMS), f"squad={question}", room=400)
    for end in ends[:2] + ends[3:6]:
        assert end["error"].startswith(f"{line}:2: wanted lines of at most 16 MiB, got a longer")
    assert ends[2]["error"].startswith(f"{line}:1: wanted one JSON object a line")
    assert ends[6]["error"].startswith(f"{question}:1: wanted lines of at most 128 MiB")


@pytest.mark.parametrize("ending", [".gz", ".xz"])
def test_a_bomb_is_refused_or_read_piece_by_piece(root: Path, tmp_path: Path, ending: str) -> None:
    many = 4096 if count() > 1000 else 96  # MiB
    endless = repeated(tmp_path / f"a.txt{ending}", b"a" * 2**20, 4096)  # 4 GiB and no line end
    lines = repeated(tmp_path / f"b.txt{ending}", b"a" * (2**20 - 1) + b"\n", many)
    rows = repeated(tmp_path / f"c.txt{ending}", b"a\t%s\n" % (b"O" * 2**16), 4096)  # one sentence
    ends = read(root, f"conll={endless}", f"text={lines}", f"conll={rows}", room=64)
    assert ends[0]["error"].startswith(f"{endless}:1: wanted lines of at most 16 MiB, got a longer")
    assert ends[1] == {"records": many, "error": "", "seconds": ends[1]["seconds"]}
    assert ends[2]["error"].startswith(f"{rows}:256: wanted sentences of at most 16 MiB, with an")
    assert ends[2]["error"].endswith("got none since line 1")


def test_a_million_empty_lines_are_read_fast(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\n" * 1_000_000)
    forms = FORMS if count() > 1000 else ("conll", "jsonl")
    for end in read(root, *(f"{form}={path}" for form in forms), room=32):
        assert end["records"] == 0 and end["error"] == ""
        assert end["seconds"] < 60  # about half of one where nothing else runs


def test_what_is_read_as_one_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    monkeypatch.setattr(conll, "LONGEST", 20)
    path.write_text("a O\nb O\n\n" * 9)
    assert len(list(read_conll(path))) == 9
    path.write_text("a O\n\n" + "b O\n" * 9)
    with pytest.raises(DataError, match=r"a\.txt:8: wanted sentences .* none since line 3"):
        list(read_conll(path))
    monkeypatch.setattr(delimited, "LONGEST", 20)
    path.write_text("a,b\n" + '"1\n2",3\n' * 9)
    assert len(list(read_delimited(path))) == 9
    path.write_text('a,b\n"' + "1\n" * 30)
    with pytest.raises(DataError, match=r"a\.txt:2: wanted rows of at most .* quote not closed"):
        list(read_delimited(path))


@pytest.mark.parametrize(("name", "most"), [("LARGEST", 100), ("MOST", 5)])
def test_squads_files_have_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    path = tmp_path / "a.json"
    whole = {"data": [{"title": "T", "paragraphs": [{"context": "Anna", "qas": []}]}]}
    path.write_text(json.dumps(whole))
    assert list(read_squad(path)) == []
    monkeypatch.setattr(squad, name, most)
    whole["data"] *= 2
    path.write_text(json.dumps(whole, indent=1))
    with pytest.raises(DataError, match=r"a\.json:\d+: SQuAD's JSON is read whole, and this is"):
        list(read_squad(path))


def test_an_xz_file_may_not_ask_for_all_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt.xz"
    path.write_bytes(lzma.compress(b"a O\n", preset=6))
    assert len(list(read_conll(path))) == 1
    monkeypatch.setattr(xz, "MEMORY", 2**20)
    with pytest.raises(DataError, match=r"a\.txt\.xz:1: .*\(it asks for more than 1 MiB\)"):
        list(read_conll(path))
