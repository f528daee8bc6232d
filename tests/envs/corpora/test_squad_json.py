"""SQuAD's own JSON: one shape of record, the line of every question, the words of every fault."""

import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from lingym.envs.corpora import Options, read_records, read_squad
from lingym.envs.corpora.sources import format_of
from lingym.types import DataError

CONTEXT = "Oslo lies\u2028in Norway. \U0001f600 Oslo is old."


def whole(**changed: Any) -> dict[str, Any]:
    """A file of two articles and four questions; `changed` is of the first question."""
    first = {
        "answers": [
            {"answer_start": 13, "text": "Norway"},
            {"answer_start": 10, "text": "in Norway"},
        ],
        "question": "Where is Oslo?",
        "id": "a1",
    }
    others = [
        {"question": "Why?", "id": "a2", "answers": [], "is_impossible": True},
        {"question": "Who?", "id": "a3", "plausible_answers": [], "is_impossible": True},
    ]
    last = {"question": "To be answered?", "id": "b1"}
    return {
        "version": "v2.0",
        "data": [
            {
                "title": "Oslo",
                "paragraphs": [{"context": CONTEXT, "qas": [{**first, **changed}, *others]}],
            },
            {
                "title": "Rome",
                "paragraphs": [{"qas": [], "context": ""}, {"context": "R", "qas": [last]}],
            },
        ],
    }


def save(folder: Path, value: Any, indent: int | None = None) -> Path:
    path = folder / "a.json"
    path.write_text(json.dumps(value, indent=indent, ensure_ascii=False), "utf-8")
    return path


def test_a_question_is_a_record(tmp_path: Path) -> None:
    first, impossible, unsaid, unanswered = read_squad(save(tmp_path, whole()))
    assert first.fields == {
        "id": "a1",
        "title": "Oslo",
        "question": "Where is Oslo?",
        "context": CONTEXT,
        "answers": [{"text": "Norway", "start": 13}, {"text": "in Norway", "start": 10}],
    }
    for answer in first["answers"]:
        assert CONTEXT[answer["start"] :].startswith(answer["text"])
    assert impossible["answers"] == unsaid["answers"] == []
    assert (unanswered["title"], unanswered["context"]) == ("Rome", "R")
    with pytest.raises(DataError) as error:
        unanswered["answers"]
    assert str(error.value) == (
        f"{tmp_path}/a.json:1: question 'b1': wanted a field 'answers', but the fields here are "
        "'id', 'title', 'question', 'context'"
    )


def test_a_title_may_be_absent(tmp_path: Path) -> None:
    value = whole()
    del value["data"][0]["title"]
    assert "title" not in read_squad(save(tmp_path, value)).__next__()


def test_the_line_is_that_of_the_question(tmp_path: Path) -> None:
    path = save(tmp_path, whole(), indent=1)
    records = list(read_squad(path))
    assert [record.where() for record in records] == [f"{path}:{n}" for n in (10, 24, 30, 50)]
    flat = list(read_squad(save(tmp_path, whole())))
    assert [record.where() for record in flat] == [f"{path}:1"] * 4
    assert [record.fields for record in flat] == [record.fields for record in records]


@pytest.mark.parametrize("indent", [None, 2])
def test_it_is_known_by_its_beginning(tmp_path: Path, indent: int | None) -> None:
    path = save(tmp_path, whole(), indent)
    text = path.read_bytes()
    for name, opened in ((".xz", lzma.open), (".gz", gzip.open)):
        with opened(f"{path}{name}", "wb") as file:
            file.write(text)
    for ending in ("", ".xz", ".gz"):
        assert format_of(f"{path}{ending}") == "squad"
        assert len(read_records(f"{path}{ending}")) == 4
    other = tmp_path / "a.txt"
    other.write_bytes(text)
    assert len(read_records(other, options=Options(format="squad"))) == 4


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ('\ufeff\n {"data":[{"paragraphs":[', "squad"),
        ('{"a": "\\"{[", "b": -1.5e3, "c": null,\r\n\t"data": [\n\n{"title" :', "squad"),
        ('{"data": [1, 2]}\n{"data": [3]}', "jsonl"),
        ('{"data": [{"text": "a", "label": "b"}]}', "jsonl"),
        ('{"text": "a", "label": "data"}\n{"data": [{"title": 1}]}', "jsonl"),
        ('{"x": {"data": [{"title": ""}]}}', "jsonl"),
        ('[{"data": [{"title": ""}]}]', "jsonl"),
        ("", "jsonl"),
    ],
    ids=range(8),
)
def test_other_json_is_json_lines(tmp_path: Path, text: str, form: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, "utf-8")
    assert format_of(str(path)) == form


def test_json_lines_in_a_json_file_are_still_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"text": "a"}\n{"text": "b"}\n', "utf-8")
    assert [record["text"] for record in read_records(path)] == ["a", "b"]
    with pytest.raises(DataError, match=r"no\.json: there is no such file"):
        read_records(tmp_path / "no.json")


@pytest.mark.parametrize(
    ("changed", "line", "message"),
    [
        ({"id": 7}, 10, "wanted a string as 'id', got a number"),
        ({"question": None}, 10, "question 'a1': wanted a string as 'question', got null"),
        ({"answers": {}}, 10, "question 'a1': wanted an array as 'answers', got an object"),
        (
            {"answers": ["Norway"]},
            10,
            "question 'a1': wanted only objects in 'answers', got a string",
        ),
        (
            {"answers": [{"text": "Norway"}]},
            12,
            "question 'a1': wanted a key 'answer_start', but the keys here are 'text'",
        ),
        (
            {"answers": [{"text": "Oslo", "answer_start": 0}, {"text": "a", "answer_start": True}]},
            16,
            "question 'a1': wanted a whole number as 'answer_start', got true or false",
        ),
        (
            {"answers": [{"text": "Oslo", "answer_start": 0.0}]},
            12,
            "question 'a1': wanted a whole number as 'answer_start', got a decimal number",
        ),
        (
            {"is_impossible": "no"},
            10,
            "question 'a1': wanted true or false as 'is_impossible', got a string",
        ),
        (
            {"is_impossible": True},
            10,
            "question 'a1': wanted no answers where 'is_impossible' is true, got some",
        ),
        (
            {"is_impossible": False, "answers": []},
            10,
            "question 'a1': wanted some answers where 'is_impossible' is false, got none",
        ),
        ({"id": "a2"}, 24, "question 'a2': wanted an id of its own, got that of line 10"),
    ],
    ids=range(11),
)
def test_a_wrong_value(tmp_path: Path, changed: Any, line: int, message: str) -> None:
    path = save(tmp_path, whole(**changed), indent=1)
    with pytest.raises(DataError) as error:
        list(read_squad(path))
    assert str(error.value) == f"{path}:{line}: {message}"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (
            '{"data": [\n{"title": "a"}]}',
            2,
            "wanted a key 'paragraphs', but the keys here are 'title'",
        ),
        ('{\n"data": {}}', 1, "wanted an array as 'data', got an object"),
        ("{}", 1, "wanted a key 'data', but the keys here are none"),
        ('{"data": [\n[]]}', 1, "wanted only objects in 'data', got an array"),
        ('\n[{"data": []}]', 1, "wanted SQuAD's JSON, one object, got an array"),
        (
            '{"data": [\n{"paragraphs": [\n{"context": "a" "qas": []}]}]}',
            3,
            "wanted SQuAD's JSON, got invalid JSON at column 17 (Expecting ',' delimiter)",
        ),
        (
            '{"data": []}\n{"data": []}',
            2,
            "wanted SQuAD's JSON, got invalid JSON at column 1 (Extra data)",
        ),
        (
            '{"data": [{},\n {"a": 1, "a": 2}]}',
            2,
            "wanted SQuAD's JSON, got invalid JSON at column 2 (got the key 'a' twice)",
        ),
        (
            '{"data": [{},\n {"a": "\\ud800"}]}',
            2,
            "wanted SQuAD's JSON, "
            "got invalid JSON at column 2 (got half a surrogate pair, \\ud800)",
        ),
        (
            "[" * 100_000,
            1,
            "wanted SQuAD's JSON, got invalid JSON at column 1 (got one that is nested too deeply)",
        ),
        ("", 1, "wanted SQuAD's JSON, got invalid JSON at column 1 (Expecting value)"),
    ],
    ids=range(11),
)
def test_a_wrong_file(tmp_path: Path, text: str, line: int, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, "utf-8")
    with pytest.raises(DataError) as error:
        list(read_squad(path))
    assert str(error.value) == f"{path}:{line}: {message}"


def test_a_file_cut_short_is_still_known(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(whole(), indent=1)[:-30], "utf-8")
    with pytest.raises(DataError, match=r"a\.json:\d+: wanted SQuAD's JSON, got invalid JSON"):
        read_records(path)


def test_squad_has_no_options(tmp_path: Path) -> None:
    path = save(tmp_path, whole())
    with pytest.raises(ValueError, match=r"the format squad has no use for the option columns"):
        read_records(path, options=Options(columns=(0, 1)))


@pytest.mark.data
@pytest.mark.parametrize("indent", [None, 1])
def test_real_questions_survive_the_way_there_and_back(
    data_dir: Path, tmp_path: Path, indent: int | None
) -> None:
    records = read_records(data_dir / "squad_v1_by_article" / "dev.jsonl.xz")
    data = [
        {
            "title": record["title"],
            "paragraphs": [
                {
                    "context": record["context"],
                    "qas": [
                        {
                            "id": record["id"],
                            "question": record["question"],
                            "answers": [
                                {"text": answer["text"], "answer_start": answer["start"]}
                                for answer in record["answers"]
                            ],
                        }
                    ],
                }
            ],
        }
        for record in records
    ]
    path = save(tmp_path, {"data": data, "version": "1.1"}, indent)
    again = read_records(path)
    assert [each.fields for each in again] == [dict(each.fields) for each in records]
    if indent:
        lines = path.read_text("utf-8").split("\n")
        for record in again:
            assert (
                lines[int(record.where().rpartition(":")[2])].strip() == f'"id": "{record["id"]}",'
            )
