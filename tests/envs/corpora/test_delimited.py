"""Tables: quotes, line numbers, and the place and words of every fault."""

from pathlib import Path

import pytest

from lingym.envs.corpora import read_delimited
from lingym.types import DataError


def write(folder: Path, text: str) -> Path:
    path = folder / "a.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_a_quoted_line_end_keeps_the_numbers_right(tmp_path: Path) -> None:
    path = write(tmp_path, 'text,label\n"a, ""b""\nc",x\n\nd\x85,y\n')
    records = list(read_delimited(path))
    assert [dict(r.fields) for r in records] == [
        {"text": 'a, "b"\nc', "label": "x"},
        {"text": "d\x85", "label": "y"},
    ]
    assert [r.lines for r in records] == [(2,), (5,)]


def test_tabs_and_plain_quotes(tmp_path: Path) -> None:
    path = write(tmp_path, 'text\tlabel\n"a" b\tx\n')
    (record,) = read_delimited(path, delimiter="\t", quoted=False)
    assert record.fields == {"text": '"a" b', "label": "x"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a,b\n"1\n",2\n3\n', "4: wanted 2 values as in the header (a, b), got 1"),
        ("a,b\n1,2,3\n", "2: wanted 2 values as in the header (a, b), got 3"),
        ("a,\n1,2\n", "1: wanted a name for each column, got none in column 1"),
        ("a,b,a\n1,2,3\n", "1: wanted each column once, got a more than once"),
        (
            'a,b\n1,2\n"3,4\n5,6\n',
            "3: wanted a row of a table, got unexpected end of data; if quotes are plain "
            "characters here, read with quoted=False",
        ),
    ],
)
def test_faults_have_a_place(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(DataError) as error:
        list(read_delimited(path))
    assert str(error.value) == f"{path}:{message}"
