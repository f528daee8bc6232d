"""JSON Lines: fields as they are, and the place and words of every fault."""

from pathlib import Path

import pytest

from lingym.envs.corpora import read_jsonl
from lingym.types import DataError


def test_fields_are_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"text": "a\x85b \\ud83d\\ude00", "n": [1, null]}\n\n{"a": {"b": true}}\n', "utf-8"
    )
    first, second = read_jsonl(path)
    assert first.fields == {"text": "a\x85b \U0001f600", "n": [1, None]}
    assert second.fields == {"a": {"b": True}}
    assert (first.where(), second.where(3)) == (f"{path}:1", f"{path}:3")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"a": 1', "got invalid JSON at column 8 (Expecting ',' delimiter)"),
        ('[{"a": 1}]', "got an array"),
        ('"a"', "got a string"),
        ("null", "got null"),
        ('{"a": 1, "a": 2}', "got the key 'a' twice"),
        ('{"b": {"a": 1, "a": 2}}', "got the key 'a' twice"),
        ('{"a": ["x \\uD800"]}', "got half a surrogate pair, \\ud800"),
        ('{"a": NaN}', "got NaN, which is not JSON"),
        ("[" * 100_000, "got one that is nested too deeply"),
    ],
    ids=range(9),
)
def test_faults_have_a_place(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"a": 0}}\n{line}\n', "utf-8")
    with pytest.raises(DataError) as error:
        list(read_jsonl(path))
    assert str(error.value) == f"{path}:2: wanted one JSON object a line, {reason}"


def test_a_missing_key_lists_those_present(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a", "label": "b"}\n', "utf-8")
    (record,) = read_jsonl(path)
    assert "label" in record and "labels" not in record
    with pytest.raises(DataError) as error:
        record["labels"]
    assert str(error.value) == (
        f"{path}:1: wanted a field 'labels', but the fields here are 'text', 'label'"
    )
