"""What is written is read as it was, whatever it holds; any bytes are read or refused."""

import csv
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lingym.envs.corpora import read_conll, read_delimited, read_jsonl, read_records
from lingym.types import DataError
from tests.fuzz.mutate import count
from tests.fuzz.readers import READERS
from tests.fuzz.test_corpora import outcome

some = settings(
    max_examples=max(25, count() // 20),
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
texts = st.text(max_size=20)  # no half surrogate pairs: these cannot be written
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
words = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=" \t\r\n\ufeff#"), min_size=1
).filter(lambda word: word != "-DOCSTART-")
sentences = st.lists(
    st.lists(st.tuples(words, words), min_size=1, max_size=4), min_size=1, max_size=3
)


@pytest.fixture(scope="module")
def path() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "a.txt"


@some
@given(
    rows=st.lists(st.dictionaries(texts, values, max_size=3), min_size=1, max_size=3),
    ascii=st.booleans(),
    end=st.sampled_from(["\n", "\r\n", "\n \n"]),
)
def test_json_lines(path: Path, rows: list[dict[str, Any]], ascii: bool, end: str) -> None:
    text = "".join(json.dumps(row, ensure_ascii=ascii) + end for row in rows)
    path.write_bytes(text.encode())
    assert [record.fields for record in read_jsonl(path)] == rows


@some
@given(rows=st.lists(st.tuples(texts, texts), max_size=4), delimiter=st.sampled_from(",;\t|"))
def test_tables(path: Path, rows: list[tuple[str, str]], delimiter: str) -> None:
    """Only the ends of lines within a value become LF, as those of rows do."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([("a", "b"), *rows])
    path.write_bytes(text.getvalue().encode())
    read = [tuple(r.fields.values()) for r in read_delimited(path, delimiter=delimiter)]
    assert read == [tuple(cell.replace("\r\n", "\n") for cell in row) for row in rows]


@some
@given(rows=sentences, mark=st.sampled_from("\t "), end=st.sampled_from(["\n", "\r\n"]))
def test_conll(path: Path, rows: list[list[tuple[str, str]]], mark: str, end: str) -> None:
    blocks = ("".join(f"{a}{mark}{b}{end}" for a, b in sentence) for sentence in rows)
    path.write_bytes(end.join(blocks).encode())
    read = read_conll(path, separator="tab" if mark == "\t" else "blank")
    assert [[*zip(r["tokens"], r["labels"], strict=True)] for r in read] == rows


@some
@given(data=st.binary(max_size=60) | texts.map(str.encode), name=st.sampled_from(sorted(READERS)))
def test_any_bytes(path: Path, data: bytes, name: str) -> None:
    reader = READERS[name]
    file = path.with_name(f"a{reader.ending}")
    file.write_bytes(data)
    outcome(reader, file, data.count(b"\n") + 1)


@some
@given(data=st.binary(max_size=80), ending=st.sampled_from([".gz", ".xz"]))
def test_any_bytes_in_compressed_files(path: Path, data: bytes, ending: str) -> None:
    file = path.with_name(f"a.jsonl{ending}")
    file.write_bytes(data)
    with pytest.raises(DataError, match=r"a\.jsonl\.(gz|xz)(:1)?: "):
        read_records(file)
