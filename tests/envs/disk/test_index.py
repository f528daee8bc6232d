"""An index is whole or not there, belongs to its texts, and is written once."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lingym.envs import Dataset, Tagging, build, load_corpus, stream_corpus
from lingym.envs.corpora import Record
from lingym.envs.disk import build as disk_build
from lingym.envs.disk import build_on_disk
from lingym.envs.disk.stored import read, written
from lingym.envs.tasks import Example
from lingym.types import DataError

SLOWLY = """
import sys, time
from lingym.envs import Tagging, stream_corpus
from lingym.envs.disk import build, build_on_disk
build.CHUNK = 4
encode = build.arrays
def slowly(*args):
    print("encoding", flush=True)
    time.sleep(float(sys.argv[3]))
    return encode(*args)
build.arrays = slowly
print(len(build_on_disk(Tagging(), stream_corpus(train=sys.argv[1]), sys.argv[2])["train"]))
"""


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write(tmp_path / "train.jsonl", 20)


def write(file: Path, count: int) -> Path:
    rows = load_corpus(f"synthetic:commands?train={count}&dev=0&test=0").train
    lines = [json.dumps({k: r.fields[k] for k in ("tokens", "labels")}) for r in rows]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def opened(file: Path, folder: Path, **more: int) -> Dataset:
    return build_on_disk(Tagging(), stream_corpus(train=file), folder, **more)  # type: ignore[arg-type]


def indices(folder: Path) -> list[Path]:
    return sorted(place for place in folder.iterdir() if place.is_dir() and place.name[0] != ".")


def slowly(file: Path, folder: Path, seconds: float) -> "subprocess.Popen[str]":
    words = [sys.executable, "-c", SLOWLY, str(file), str(folder), str(seconds)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def test_a_second_time_it_is_opened(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "indices"
    first = opened(corpus, folder)
    monkeypatch.setattr(disk_build, "_write", lambda *_: pytest.fail("it was read again"))
    again = opened(corpus, folder)
    np.testing.assert_array_equal(first["train"].tokens, again["train"].tokens)
    assert len(indices(folder)) == 1


def test_what_changes_makes_an_index_of_its_own(corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "indices"
    opened(corpus, folder)
    assert len(opened(corpus, folder, max_tokens=8)["train"]) == 20
    corpus.write_text(corpus.read_text("utf-8").replace("play", "stop", 1), encoding="utf-8")
    changed = opened(corpus, folder)["train"]
    held = build(Tagging(), load_corpus(train=corpus))["train"]
    np.testing.assert_array_equal(changed.tokens, held.tokens)
    build_on_disk(Tagging(text="tokens"), stream_corpus(train=corpus), folder)
    assert len(indices(folder)) == 4


def test_a_file_that_changes_while_it_is_read_makes_no_index(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = disk_build.arrays

    def meanwhile(*some: object) -> object:
        corpus.write_text(corpus.read_text("utf-8").replace("play", "stop", 1), encoding="utf-8")
        return encode(*some)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(disk_build, "arrays", meanwhile)
        with pytest.raises(DataError, match=r"train\.jsonl: it was changed while it was read"):
            opened(corpus, tmp_path / "indices")
    assert not indices(tmp_path / "indices")
    assert len(opened(corpus, tmp_path / "indices")["train"]) == 20


def test_a_torn_index_is_read_again(
    corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "indices"
    tokens = np.array(opened(corpus, folder)["train"].tokens)
    file = indices(folder)[0] / "train.tokens"
    for damage in ("shortened", "removed", "no JSON", "of others"):
        contents = indices(folder)[0] / "index.json"
        if damage == "shortened":
            file.write_bytes(file.read_bytes()[:-4])
        elif damage == "removed":
            file.unlink()
        elif damage == "no JSON":
            contents.write_text("{", encoding="utf-8")
        else:
            contents.write_text(contents.read_text("utf-8").replace("jsonl", "json1"))
        caplog.clear()
        np.testing.assert_array_equal(opened(corpus, folder)["train"].tokens, tokens)
        if damage != "removed":
            assert "read again" in caplog.text


def test_a_killed_process_leaves_no_index(corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "indices"
    process = slowly(corpus, folder, 60)
    assert process.stdout is not None
    assert process.stdout.readline() == "encoding\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not indices(folder)
    assert [place for place in folder.iterdir() if ".new-" in place.name], "it was not half-way"
    assert len(opened(corpus, folder)["train"]) == 20
    assert not [place for place in folder.iterdir() if ".new-" in place.name]


@pytest.mark.skipif(os.name != "posix", reason="locks of files are POSIX's")
def test_two_processes_write_one_index(corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "indices"
    both = [slowly(corpus, folder, 0.2) for _ in range(2)]
    said = [process.communicate(timeout=120)[0].splitlines() for process in both]
    assert [lines[-1] for lines in said] == ["20", "20"]
    assert sorted(len(lines) for lines in said) == [1, 6], "one encodes 5 chunks, the other none"
    assert len(indices(folder)) == 1


def test_faults_have_their_place(tmp_path: Path) -> None:
    file = write(tmp_path / "train.jsonl", 6)
    with file.open("a", encoding="utf-8") as more:
        more.write('{"tokens": ["a", "b"], "labels": ["O", "I-x"]}\n')
    with pytest.raises(DataError, match=r"train\.jsonl:7"):
        opened(file, tmp_path / "indices")
    assert not indices(tmp_path / "indices")
    file.write_text("", encoding="utf-8")
    with pytest.raises(DataError, match="holds no records"):
        opened(file, tmp_path / "indices")
    with pytest.raises(DataError, match=r"no such file|cannot be read"):
        opened(tmp_path / "missing.jsonl", tmp_path / "indices")
    with pytest.raises(ValueError, match="standard input"):
        stream_corpus(train="-")


class Whole(Tagging):
    """Reads whole splits in a way of its own."""

    def read(self, splits):  # type: ignore[no-untyped-def]
        return {name: examples[::-1] for name, examples in super().read(splits).items()}


def test_a_task_that_reads_whole_splits_is_refused(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(NotImplementedError, match=r"Whole .*in_parts"):
        build_on_disk(Whole(), stream_corpus(train=corpus), tmp_path / "indices")
    with pytest.raises(ValueError, match="keep"):
        build(Tagging(), load_corpus(train=corpus), keep=lambda _, e: e, on_disk=tmp_path)


def test_an_example_comes_back_as_it_was() -> None:
    fields = {"a": (1, [2.5, (None, "\ud800\0")], {"b": True}), "c": "\u2028é"}
    example = Example(("x", "y"), ("O", 3), Record(fields, "f", (1, 2), "n"), costs=(1, 2))
    assert read(written(example)) == example
    for odd in ({1: "a"}, {"\0tuple": []}, b"bytes", np.int32(1)):
        with pytest.raises(DataError, match=r"^f:1: .*cannot be kept"):
            written(Example((), None, Record({"a": odd}, "f", (1,))))


def test_memory_is_that_of_a_chunk(corpus: Path, tmp_path: Path) -> None:
    texts = opened(corpus, tmp_path)["train"]
    hidden = texts.without_gold()
    assert hidden.gold.strides == (0,), "a number for every unit is held"
    assert hidden.examples[3].gold is None
    assert hidden.examples[3].units == texts.examples[3].units
    assert not hidden.examples[3].record.fields
    assert texts.lengths is texts.lengths
