"""The readers of labelled text, each with valid files and with what its records must be."""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lingym.envs.corpora import Options, Record, read_records
from tests.fuzz.mutate import FAULTS, JSON_FAULTS, Fault

CONLL = (
    b"EU\tB-ORG\nrejects\tO\nGerman\tB-MISC\n\n# a comment\nPeter\tB-PER\nBlackburn\tI-PER\n",
    "\ufeffZo\u00eb\tB-PER\r\n\r\n\r\nin\tO\r\nKøbenhavn\tB-LOC\r\n\r\n".encode(),
    b"-DOCSTART- -X- O O\n\nEU NNP I-NP B-ORG\nrejects VBZ I-VP O\n\n#1 CD I-NP O\n! . O O\n",
)
CONLLU = (
    b"# sent_id = 1\n# text = vamonos\n1-2\tvamonos\t_\t_\t_\t_\t_\t_\t_\t_\n"
    b"1\tvamos\tir\tVERB\t_\t_\t0\troot\t_\t_\n2\tnos\tnosotros\tPRON\t_\t_\t1\tobj\t_\t_\n"
    b"2.1\tx\tx\tX\t_\t_\t_\t_\t_\t_\n\n1\tSi\tsi\tINTJ\t_\t_\t0\troot\t_\t_\n",
)
PLAIN = ("one two\n\n  drei vier\u3000f\u00fcnf\n".encode(), b"a\r\nb c\r\n")
CSV = (
    b'text,label,n\nfine,good,1\n"a, ""b""\nc",bad,2\n\nlast,good,\n',
    "\ufefftext,label\r\n\u00e4,1\r\n".encode(),
)
TSV = (b'text\tlabel\nfine "quote\tgood\nnone\tbad\n',)
JSONL = tuple(
    "".join(json.dumps(row, ensure_ascii=ascii) + "\n" for row in rows).encode()
    for ascii, rows in (
        (True, [{"tokens": ["a", "b\u00e9"], "labels": ["O", "B-x"]}, {"tokens": [], "n": 1.5}]),
        (False, [{"text": "\u05d0 \U0001f600", "label": None, "deep": {"a": [{"b": [True]}]}}, {}]),
    )
)
SQUAD = tuple(
    json.dumps(
        {
            "version": "v2.0",
            "data": [
                {
                    "title": "T",
                    "paragraphs": [
                        {
                            "context": "Anna came, and Bo left.",
                            "qas": [
                                {
                                    "id": "1",
                                    "question": "Who came?",
                                    "is_impossible": False,
                                    "answers": [{"text": "Anna", "answer_start": 0}],
                                },
                                {
                                    "id": "2",
                                    "question": "Why?",
                                    "is_impossible": True,
                                    "answers": [],
                                },
                                {"id": "3", "question": "When?"},
                            ],
                        },
                        {"context": "So.", "qas": []},
                    ],
                }
            ],
        },
        indent=indent,
    ).encode()
    for indent in (None, 1)
)


def strings(value: Any) -> bool:
    """A list of strings, none of which is empty."""
    return type(value) is list and all(type(each) is str and each for each in value)


def check_tokens(record: Record) -> None:
    """CoNLL: words and labels, as many of each as lines."""
    tokens, labels = record["tokens"], record["labels"]
    assert set(record.fields) == {"tokens", "labels"} and strings(tokens) and strings(labels)
    assert len(tokens) == len(labels) == len(record.lines) > 0
    assert not any(set(" \t\n\r") & set(cell[:1] + cell[-1:]) for cell in (*tokens, *labels))
    assert [*record.lines] == sorted(set(record.lines))


def check_plain(record: Record) -> None:
    """Plain text: the line, and its words."""
    assert type(record["text"]) is str and "\n" not in record["text"]
    assert record["tokens"] == record["text"].split() != []


def check_table(record: Record) -> None:
    """CSV and TSV: strings only."""
    assert all(type(cell) is str and name for name, cell in record.fields.items())


def check_json(record: Record) -> None:
    """JSON lines: JSON's own types, finite numbers, text that is UTF-8."""
    assert type(record.fields) is dict
    level: list[Any] = [record.fields]
    while level:
        value = level.pop()
        assert type(value) in (dict, list, str, int, float, bool, type(None))
        if type(value) is float:
            assert math.isfinite(value)
        elif type(value) is str:
            value.encode()
        elif type(value) is dict:
            level += [*value.keys(), *value.values()]
        elif type(value) is list:
            level += value


def check_squad(record: Record) -> None:
    """SQuAD: questions with their contexts and answers."""
    check_json(record)
    names = set(record.fields)
    assert (
        {"id", "question", "context"} <= names <= {"id", "title", "question", "context", "answers"}
    )
    assert all(type(record[name]) is str for name in names - {"answers"})
    for answer in record.fields.get("answers", ()):
        assert set(answer) == {"text", "start"}
        assert type(answer["text"]) is str and type(answer["start"]) is int


@dataclass(frozen=True)
class Reader:
    """A form of a file.

    Attributes:
        ending: of the file's name.
        files: valid ones.
        check: of each record.
        faults: what is done to the files.
        options: how they are read.
    """

    ending: str
    files: Sequence[bytes]
    check: Callable[[Record], None]
    faults: Sequence[Fault] = FAULTS
    options: Options | None = None

    def read(self, path: str) -> Iterable[Record]:
        """The records of a file."""
        return read_records(path, "train", self.options)


READERS = {
    "conll": Reader(".conll", CONLL, check_tokens),
    "conll of tabs": Reader(".txt", CONLL[:2], check_tokens, options=Options(separator="tab")),
    "conll with comments": Reader(".bio", CONLL[:2], check_tokens, options=Options(comments=True)),
    "conllu": Reader(".conllu", CONLLU, check_tokens),
    "plain": Reader(".txt", PLAIN, check_plain, options=Options(format="text")),
    "csv": Reader(".csv", CSV, check_table),
    "tsv": Reader(".tsv", TSV, check_table, options=Options(quoted=False)),
    "jsonl": Reader(".jsonl", JSONL, check_json, JSON_FAULTS),
    "squad": Reader(".json", SQUAD, check_squad, JSON_FAULTS, Options(format="squad")),
    "json": Reader(".json", (*SQUAD, *JSONL), check_json, JSON_FAULTS),
}
"""The readers by name."""
