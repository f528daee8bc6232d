"""CoNLL columns: what is read, and the place and words of every fault."""

from pathlib import Path

import pytest

from lingym.envs.corpora import Record, read_conll, read_conllu
from lingym.types import DataError


def write(folder: Path, text: str) -> Path:
    path = folder / "a.conll"
    path.write_text(text, encoding="utf-8", newline="")
    return path


TABS = "EU\tB-ORG\nrejects\tO\n\n\n\t\nPeter\tB-PER\n"
WANTED = [
    ({"tokens": ["EU", "rejects"], "labels": ["B-ORG", "O"]}, (1, 2)),
    ({"tokens": ["Peter"], "labels": ["B-PER"]}, (6,)),
]


@pytest.mark.parametrize("text", [TABS, TABS.replace("\t", "  "), TABS.replace("\n", "\r\n")])
def test_tabs_and_blanks_are_told_apart(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    assert list(read_conll(path)) == [Record(fields, str(path), at) for fields, at in WANTED]


def test_columns_are_chosen_and_document_rows_separate(tmp_path: Path) -> None:
    text = "-DOCSTART- -X- O O\n\nEU NNP I-NP I-ORG\n-DOCSTART- -X- O O\nhello UH O O\n"
    path = write(tmp_path, text)
    assert [dict(r.fields) for r in read_conll(path, labels=1)] == [
        {"tokens": ["EU"], "labels": ["NNP"]},
        {"tokens": ["hello"], "labels": ["UH"]},
    ]
    assert [dict(r.fields) for r in read_conll(path, labels=None)] == [
        {"tokens": ["EU"]},
        {"tokens": ["hello"]},
    ]
    assert next(read_conll(path, tokens=1, labels=-1))["tokens"] == ["NNP"]


def test_a_token_in_a_file_with_tabs_may_hold_a_blank(tmp_path: Path) -> None:
    path = write(tmp_path, "1 000\tNUM\n\u00a0\tX\n")
    assert next(read_conll(path))["tokens"] == ["1 000", "\u00a0"]


@pytest.mark.parametrize("gap", ["\t", " "])
def test_a_hashtag_is_a_token(tmp_path: Path, gap: str) -> None:
    path = write(tmp_path, f"#{gap}O\n#now{gap}O\n\n#begin{gap}O\n")
    assert [r["tokens"] for r in read_conll(path)] == [["#", "#now"], ["#begin"]]


def test_comments_are_known_where_they_cannot_be_tokens(tmp_path: Path) -> None:
    path = write(tmp_path, "# text = EU rejects\n#begin document (a)\nEU\tO\n#now\tO\n")
    assert [r["tokens"] for r in read_conll(path)] == [["EU", "#now"]]


def test_comments_on_request(tmp_path: Path) -> None:
    path = write(tmp_path, "# id 12\tdomain=en\nEU O\n#now O\n")
    assert [r["tokens"] for r in read_conll(path, comments=True)] == [["EU"]]
    with pytest.raises(DataError, match="got 4"):
        list(read_conll(write(tmp_path, "EU O\n# a = b\n"), comments=False))


def test_conllu_keeps_the_syntactic_words(tmp_path: Path) -> None:
    rest = "\t_" * 6
    rows = [
        "1-2\tzum\t_\t_",
        "1\tzu\tzu\tADP",
        "2\tdem\tder\tDET",
        "2.1\tx\tx\tNOUN",
        "3\t#\t#\tSYM",
    ]
    path = write(tmp_path, "# sent_id = 1\n" + "".join(f"{row}{rest}\n" for row in rows))
    (record,) = read_conllu(path)
    assert record.fields == {"tokens": ["zu", "dem", "#"], "labels": ["ADP", "DET", "SYM"]}
    assert record.lines == (3, 4, 6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "EU\tO\nrejects\n",
            "2: wanted 2 columns separated by tabs, as in line 1, got 1: 'rejects'",
        ),
        (
            "EU O\n\na b O\n",
            "3: wanted 2 columns separated by blanks, as in line 1, got 3: 'a b O'",
        ),
        ("EU\tO\n\tO\n", "2: wanted a token in column 0, got nothing"),
        ("EU O\n O\n", "2: wanted a token in column 0, got nothing"),
        ("EU\tO\n \tO\n", "2: wanted a token in column 0, got nothing"),
        ("EU\tO\nrejects\t\n", "2: wanted a label in column -1, got nothing"),
        ("EU\tO\n#now\n", "2: wanted 2 columns separated by tabs, as in line 1, got 1: '#now'"),
        (
            "\nEU\n",
            "2: wanted a token and a label, got 1 columns separated by blanks, and the same one "
            "(column 0) for both: 'EU'",
        ),
    ],
)
def test_faults_have_a_place(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(DataError) as error:
        list(read_conll(path))
    assert str(error.value) == f"{path}:{message}"


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    path = write(tmp_path, "EU O\n")
    with pytest.raises(DataError) as error:
        list(read_conll(path, labels=3))
    assert str(error.value) == (
        f"{path}:1: wanted labels in column 3 (counted from 0), got 2 columns separated by blanks: "
        "'EU O'"
    )


def test_an_unknown_separator(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="separator must be one of"):
        list(read_conll(write(tmp_path, "EU O\n"), separator=","))
