"""What fuzzing found, each fault with the smallest file that showed it."""

import gzip
import json
import lzma
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from lingym.envs import Abstaining, Classification, MultiLabel, MultipleChoice, build, load_corpus
from lingym.envs.corpora import Record, read_conll, read_conllu, read_jsonl
from lingym.envs.corpora.files import read_lines
from lingym.envs.corpora.strict_json import DEEPEST
from lingym.envs.corpora.xz import open_xz
from lingym.envs.tokenizer import Pieces
from lingym.envs.windows import cut
from lingym.types import DataError


def test_members_of_an_xz_file_after_a_damaged_one_are_not_lost_in_silence(tmp_path: Path) -> None:
    """`lzma.open` takes whatever follows a member and begins as none for the end of the file."""
    path = tmp_path / "a.txt.xz"
    first, second = lzma.compress(b"one\n"), lzma.compress(b"two\n")
    path.write_bytes(first + b"\0" * 4 + second)
    assert [line for _, line in read_lines(path)] == ["one", "two"]
    for rest in (b"garbage", b"\0" * 4 + b"x", b"\xfd8zXZ" + second[5:], second[:-1], second[:9]):
        path.write_bytes(first + rest)
        with pytest.raises(DataError, match=r"a\.txt\.xz:[23]: the compressed file is cut"):
            list(read_lines(path))


def test_what_is_written_as_xz_is_read_in_pieces_of_any_size(tmp_path: Path) -> None:
    path = tmp_path / "a.xz"
    text = b"".join(b"%d\n" % (n * n) for n in range(20_000))
    with open_xz(path, "wb") as file:
        file.write(text)
    for size in (1000, 10**6):
        with open_xz(path) as file:
            assert b"".join(iter(lambda size=size: file.read(size), b"")) == text
            assert file.read(size) == b""
        if size == 1000:
            text = text[:200_000]
            path.write_bytes(lzma.compress(text[:7]) + lzma.compress(b"") + lzma.compress(text[7:]))


@pytest.mark.parametrize("more", [b"garbage", gzip.compress(b"two\n", mtime=0)[:-3]])
def test_what_follows_a_member_of_a_gz_file_is_not_lost(tmp_path: Path, more: bytes) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"one\n") + more)
    with pytest.raises(DataError, match=r"a\.txt\.gz:\d: the compressed file is cut short or"):
        list(read_lines(path))


def test_line_ends_of_old_macs_are_refused(tmp_path: Path) -> None:
    """The whole file was one row: its first word, with its last label."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"EU\tB-ORG\rrejects\tO\r\rPeter\tB-PER\r")
    with pytest.raises(DataError, match=r"a\.txt:1: wanted lines that end in LF or CR LF"):
        list(read_conll(path))
    path.write_bytes(b"1\tEU\tx\tNOUN\r2\tso\tx\tADV\n")
    with pytest.raises(DataError, match=r"a\.txt:1: wanted lines that end in LF or CR LF"):
        list(read_conllu(path))


def test_rows_are_read_as_they_come(tmp_path: Path) -> None:
    """The separator is looked for in the first rows; the rest of the file is not waited for."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"# one\n\n\n#two\tX\na\tO\n\nb\tO\n\n\xff")
    records = read_conll(path)
    assert next(records) == Record(
        {"tokens": ["#two", "a"], "labels": ["X", "O"]}, str(path), (4, 5)
    )
    assert next(records)["tokens"] == ["b"]
    with pytest.raises(DataError, match=r"a\.txt:9: wanted UTF-8"):
        next(records)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("1e999", "got 1e999, which is too large a number"),
        ("-1e999", "got -1e999, which is too large"),
        ("9" * 5000, "Exceeds the limit"),
        ("[" * DEEPEST + "]" * DEEPEST, "got one that is nested too deeply"),
        ('{"a":' * DEEPEST + "1" + "}" * DEEPEST, "got one that is nested too deeply"),
        ("[" * 10**6, "got one that is nested too deeply"),
    ],
)
def test_numbers_and_nesting_have_limits(tmp_path: Path, value: str, words: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"a": [[1e308]]}}\n{{"a": {value}}}\n')
    with pytest.raises(DataError, match=rf"a\.jsonl:2: wanted one JSON object a line, {words}"):
        list(read_jsonl(path))
    most = "[" * (DEEPEST - 1) + "]" * (DEEPEST - 1)
    path.write_text(f'{{"a": {most}}}')
    assert len(list(read_jsonl(path))) == 1


@pytest.mark.parametrize("labels", [3, None, "ABC", ["A"], ["A", "B", "C"], ["A", None], {}])
def test_labels_of_choices_are_a_list_of_as_many(tmp_path: Path, labels: Any) -> None:
    """A number there was a TypeError; too few or too many were matched with the choices before."""
    row = {"question": "What?", "choices": {"text": ["a", "b"], "label": labels}, "answerKey": "A"}
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row) + "\n")
    with pytest.raises(DataError, match=r"a\.jsonl:1: 'choices(.label\[1\])?' must "):
        build(MultipleChoice(), load_corpus(train=path))


def test_a_corpus_of_one_label_or_none_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a", "label": "x", "labels": []}\n')
    for task in (Classification(), Abstaining(Classification())):
        with pytest.raises(DataError, match=r"a\.jsonl: a task needs at least two labels"):
            build(task, load_corpus(train=path))
    with pytest.raises(DataError, match=r"a\.jsonl: wanted candidate labels, and no text has one"):
        build(MultiLabel(), load_corpus(train=path))


def test_a_label_of_blanks_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a", "label": "x"}\n{"text": "b", "label": " \\n"}\n')
    with pytest.raises(DataError, match=r"a\.jsonl:2: 'label' must be a label"):
        build(Classification(), load_corpus(train=path))


def test_a_message_stays_short(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": "a", "label": ["long"] * 10**5}))
    with pytest.raises(DataError, match=r"a\.jsonl:1: 'label' must be a label .* \.\.\. ") as error:
        build(Classification(), load_corpus(train=path))
    assert len(str(error.value)) < 2000


def test_a_long_text_is_cut_with_memory_in_proportion_to_it() -> None:
    """It took two numbers for each word and window: 300 MB for this one."""
    words = 60_000
    tracemalloc.start()
    try:
        windows = cut(Pieces([0] * words, list(range(words))), 250)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sorted(unit for w in windows for unit in w.units if unit >= 0) == list(range(words))
    assert peak < 40 * 2**20
