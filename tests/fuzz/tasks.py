"""Every task with valid JSON lines for it, and what its encoded episodes must be."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from lingym.envs import (
    Abstaining,
    Classification,
    Corpus,
    Dataset,
    ExtractiveSummary,
    MultiLabel,
    MultipleChoice,
    MultiTask,
    Relation,
    SentenceTagging,
    SlotsAndIntent,
    SpanQA,
    Tagging,
    Task,
    build,
)
from lingym.envs.corpora import Record, read_records
from lingym.envs.tokenizer import train_tokenizer
from lingym.types import NO_UNIT, UNDECIDED

Row = dict[str, Any]

TAGS: tuple[Row, ...] = (
    {"tokens": ["EU", "rejects", "German", "call"], "labels": ["B-ORG", "O", "B-MISC", "I-MISC"]},
    {"tokens": ["Peter", "\u00e9t\u00e9"], "labels": ["B-PER", "O"]},
)
TEXTS: tuple[Row, ...] = (
    {"text": "a fine film", "label": "good", "aspect": "film"},
    {"text": "no fun", "label": 0, "aspect": "fun"},
)
SLOTS: tuple[Row, ...] = (
    {"tokens": ["play", "jazz"], "slots": ["O", "B-genre"], "intent": "music"},
    {"tokens": ["stop"], "labels": ["O"], "label": "stop"},
)
LABELS: tuple[Row, ...] = (
    {"text": "so glad", "labels": ["joy", "love"]},
    {"text": "hm", "labels": []},
    {"text": ["a", "b"], "labels": "joy|anger"},
)
SENTENCES: tuple[Row, ...] = (
    {"sentences": ["We ask.", "It works."], "labels": ["aim", "result"]},
    {"sentences": ["One."], "labels": ["aim"]},
)
QUESTIONS: tuple[Row, ...] = (
    {
        "id": "1",
        "question": "Who came?",
        "context": "Anna came, and Bo (and Al) left.",
        "answers": [{"text": "Anna", "start": 0}, {"text": "Bo", "answer_start": 15}],
    },
    {"question": "Why?", "context": "So.", "answers": []},
    {"question": "Who?", "context": "Al.", "answers": {"text": ["Al"], "answer_start": [0]}},
)
CHOICES: tuple[Row, ...] = (
    {"context": ["M: Hm?", "W: Yes."], "question": "Who?", "choices": ["I", "you"], "answer": 1},
    {
        "question": "What?",
        "choices": {"text": ["sun", "moon", "star"], "label": ["A", "B", "C"]},
        "answerKey": "B",
    },
    {"article": "It shines.", "question": "What?", "options": ["sun", "moon"], "answer": "sun"},
)
RELATIONS: tuple[Row, ...] = (
    {
        "text": "The lamp in the box",
        "head": "lamp",
        "tail": "box",
        "head_span": [4, 8],
        "tail_span": [16, 19],
        "label": "Content-Container(e1,e2)",
    },
    {"sentence": "<e2>Boxes</e2> hold <e1>old lamps</e1>", "relation": "Other"},
)
DOCUMENTS: tuple[Row, ...] = (
    {"title": "T", "sentences": ["a b.", "c d.", "e."], "labels": [0, 1, 0], "summary": "c d"},
    {"sentences": ["a b.", "c d."], "oracle": [1, 0], "references": ["a b", "b"]},
)


def _mix() -> Task:
    return MultiTask({"mood": Classification(), "slots": Tagging(), "roles": SentenceTagging()})


@dataclass(frozen=True)
class Form:
    """A task with arguments, and rows that it reads."""

    make: Callable[[], Task]
    rows: tuple[Row, ...]
    window: int = 64

    @property
    def file(self) -> bytes:
        """The rows as JSON lines."""
        return "".join(json.dumps(row) + "\n" for row in self.rows).encode()


MIX = tuple(
    {"task": kind, **row}
    for kind, rows in (("mood", TEXTS), ("slots", TAGS), ("roles", SENTENCES))
    for row in rows
)
FORMS = {
    "tagging": Form(Tagging, TAGS),
    "tagging, repaired": Form(lambda: Tagging(on_fault="repair"), TAGS, 5),
    "tagging of texts": Form(
        lambda: Tagging(labels=("O", "B-X"), unlabelled=True), (*TAGS, {"text": "a b"})
    ),
    "classification": Form(Classification, TEXTS),
    "classification in windows": Form(Classification, TEXTS, 4),
    "classification by a pattern": Form(
        lambda: Classification(pattern="{text} The {aspect} is {mask}."), TEXTS
    ),
    "abstaining": Form(lambda: Abstaining(Classification(), budget=1), TEXTS),
    "slots and intent": Form(SlotsAndIntent, SLOTS),
    "multilabel": Form(MultiLabel, LABELS),
    "sentences": Form(SentenceTagging, SENTENCES),
    "spanqa": Form(SpanQA, QUESTIONS),
    "spanqa in windows": Form(SpanQA, QUESTIONS, 16),
    "choice": Form(MultipleChoice, CHOICES),
    "choice one by one": Form(lambda: MultipleChoice(sequential=True), CHOICES),
    "relation": Form(Relation, RELATIONS),
    "relation by a pattern": Form(
        lambda: Relation(pattern="{text} {head} {mask} {tail}"), RELATIONS
    ),
    "summary": Form(ExtractiveSummary, DOCUMENTS),
    "summary by ROUGE": Form(lambda: ExtractiveSummary(2, oracle="rouge"), DOCUMENTS),
    "summary in words": Form(lambda: ExtractiveSummary(words=9, oracle="rouge"), DOCUMENTS),
    "mix": Form(_mix, MIX),
}
"""The forms by name."""


@cache
def tokenizer() -> Tokenizer:
    """One that knows some of the words, so that no test waits for its training."""
    rows = (*TAGS, *TEXTS, *SLOTS, *LABELS, *SENTENCES, *QUESTIONS, *CHOICES, *DOCUMENTS)
    return train_tokenizer([json.dumps(row) for row in rows], vocab_size=300)


def built(form: Form, path: str | Path, known: tuple[Record, ...]) -> Dataset:
    """A file encoded: beside rows that are well, or (`known` empty) alone, with its own tokens."""
    corpus = Corpus(tuple(read_records(path)), known, (), {})
    return build(form.make(), corpus, tokenizer() if known else "tiny", form.window)


def check_dataset(data: Dataset, form: Form) -> None:
    """Episodes are whole: sizes, ids and labels within their bounds, a token for every unit."""
    for episodes in data.splits.values():
        examples, space = episodes.examples, data.space
        assert len(examples) == len(episodes.unit_bounds) - 1 == len(episodes.text_bounds) - 1
        assert len(episodes.gold) == episodes.unit_bounds[-1]
        assert len(episodes.tokens) == len(episodes.units) == episodes.window_bounds[-1]
        assert np.diff(episodes.window_bounds).max() <= form.window
        assert episodes.tokens.min() >= 0 and episodes.tokens.max() < episodes.vocab_size
        for row, example in enumerate(examples):
            check_example(example.units, example.gold, example.candidates)
            first, last = episodes.unit_bounds[row : row + 2]
            labels = episodes.gold[first:last]
            count = len(example.candidates) if space.form == "candidates" else len(space)
            assert len(labels) == len(example.units) > 0
            assert labels.min() >= UNDECIDED and labels.max() < count
            if example.gold is not None:
                assert (labels[: len(example.gold)] >= 0).all()
                if space.form != "candidates":
                    given = [space.names[k] for k in labels if k >= 0]
                    assert given == [str(label) for label in example.gold]
            windows = episodes.window_bounds[episodes.text_bounds[row : row + 2]]
            owners = set(episodes.units[slice(*windows)].tolist()) - {NO_UNIT}
            assert owners == set(range(episodes.groups[row]))
        episodes.batch([*range(len(examples))])


def check_example(units: Any, gold: Any, candidates: Any) -> None:
    """Texts are strings, and every unit has a label at most."""
    assert all(type(text) is str for text in (*units, *candidates))
    if gold is not None:
        assert len(gold) <= len(units) and all(type(label) in (str, int) for label in gold)


def known_rows(form: Form, path: Path) -> tuple[Record, ...]:
    """The valid rows, as another file's."""
    path.write_bytes(form.file)
    return tuple(replace(record) for record in read_records(path))
