"""Records that are not what a task needs: the place, what was found and what was wanted."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from lingym.envs import (
    Classification,
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
    load_corpus,
)
from lingym.types import DataError

Write = Callable[[str, str], str]
Fields = dict[str, Any]

GOOD: dict[str, Fields] = {
    "spanqa": {
        "question": "Who came?",
        "context": "Anna came, and Bo left.",
        "answers": [{"text": "Anna", "start": 0}],
    },
    "choice": {"context": "x y", "question": "Who?", "choices": ["I", "you"], "answer": 1},
    "relation": {
        "text": "The lamp in the box",
        "head": "lamp",
        "tail": "box",
        "head_span": [4, 8],
        "tail_span": [16, 19],
        "label": "Content-Container(e1,e2)",
    },
    "summary": {"sentences": ["a b.", "c d."], "labels": [1, 0], "references": ["a b"]},
    "sentences": {"sentences": ["One.", "Two."], "labels": ["aim", "result"]},
    "slots": {"tokens": ["play", "jazz"], "slots": ["O", "B-genre"], "intent": "music"},
    "multilabel": {"text": "so glad", "labels": ["joy", "love"]},
    "mix": {"task": "mood", "text": "so glad", "label": "good"},
}


def mix() -> MultiTask:
    return MultiTask({"mood": Classification(), "slots": Tagging()})


BAD: list[tuple[Callable[[], Task], str, Fields, str]] = [
    # Answers.
    (
        SpanQA,
        "spanqa",
        {"answers": [{"text": "Bo", "start": 3}]},
        r"'answers'\[0\] says that 'Bo' starts at 3, where the context has 'a '",
    ),
    (
        SpanQA,
        "spanqa",
        {"answers": [{"text": "Anna", "start": 0}, {"text": "left", "start": 400}]},
        r"'answers'\[1\] says that 'left' starts at 400, where the context has ''",
    ),
    (SpanQA, "spanqa", {"answers": [{"text": "Anna", "start": -1}]}, "'Anna' starts at -1"),
    (SpanQA, "spanqa", {"answers": [{"text": "Anna"}]}, "must have a text and the character"),
    (SpanQA, "spanqa", {"answers": [{"text": " ", "start": 4}]}, "must have a text and the char"),
    (SpanQA, "spanqa", {"answers": [{"text": "Anna", "start": "0"}]}, "must have a text and"),
    (SpanQA, "spanqa", {"answers": [{"text": "Anna", "start": True}]}, "must have a text and"),
    (SpanQA, "spanqa", {"answers": "Anna"}, "'answers' must be a list of answers, got 'Anna'"),
    (SpanQA, "spanqa", {"answers": ["Anna"]}, r"must be a list of answers, got \['Anna'\]"),
    (
        SpanQA,
        "spanqa",
        {"answers": {"text": ["Anna"], "answer_start": []}},
        "'answers' must hold as many texts as starts",
    ),
    (SpanQA, "spanqa", {"answers": {"text": "Anna"}}, "must hold as many texts as starts"),
    (
        lambda: SpanQA(max_answer=2),
        "spanqa",
        {"answers": [{"text": "Anna came, and", "start": 0}]},
        "the answer 'Anna came, and' has 4 tokens and max_answer is 2",
    ),
    (SpanQA, "spanqa", {"context": " "}, "'context' must be a text that is not empty, got ' '"),
    (SpanQA, "spanqa", {"question": ""}, "'question' must be a text that is not empty, got ''"),
    # Choices.
    (
        MultipleChoice,
        "choice",
        {"answer": 2},
        r"'answer' is 2, and there are 2 choices: wanted 0 \.\. 1",
    ),
    (MultipleChoice, "choice", {"answer": -1}, "'answer' is -1, and there are 2 choices"),
    (MultipleChoice, "choice", {"answer": "C"}, "'answer' is 2, and there are 2 choices"),
    (
        MultipleChoice,
        "choice",
        {"answer": "they"},
        "'answer' must be the index, letter or text of a choice, got 'they'",
    ),
    (MultipleChoice, "choice", {"answer": True}, "index, letter or text of a choice, got True"),
    (MultipleChoice, "choice", {"answer": None}, "index, letter or text of a choice, got None"),
    (MultipleChoice, "choice", {"answer": 0.0}, r"letter or text of a choice, got 0\.0"),
    (MultipleChoice, "choice", {"choices": ["I"]}, r"must hold two choices or more, got \['I'\]"),
    (MultipleChoice, "choice", {"choices": []}, "'choices' must be a list of strings .* not empty"),
    (
        MultipleChoice,
        "choice",
        {"choices": ["I", " "]},
        r"'choices'\[1\] must be a string.* got ' '",
    ),
    (MultipleChoice, "choice", {"choices": {"text": "I"}}, "'choices' must be a list of strings"),
    (MultipleChoice, "choice", {"context": ""}, "'context' must be a text that is not empty"),
    # Spans.
    (
        Relation,
        "relation",
        {"tail_span": [16, 40]},
        r"'tail_span' is \[16, 40\], and the text has the characters 0 \.\. 19",
    ),
    (Relation, "relation", {"head_span": [-4, 8]}, r"'head_span' is \[-4, 8\], and the text"),
    (Relation, "relation", {"head_span": [8, 8]}, r"'head_span' is \[8, 8\], and the text"),
    (Relation, "relation", {"head_span": [8, 4]}, r"'head_span' is \[8, 4\], and the text"),
    (Relation, "relation", {"head_span": [4]}, r"'head_span' must be \[start, end\) in characters"),
    (Relation, "relation", {"head_span": ["4", "8"]}, "'head_span' must be"),
    (Relation, "relation", {"head_span": [4, True]}, "'head_span' must be"),
    (
        Relation,
        "relation",
        {"head": "lamps"},
        r"'head_span' \[4, 8\] holds 'lamp', and 'head' says 'lamps'",
    ),
    (Relation, "relation", {"tail": "bo"}, "'tail_span' .* holds 'box', and 'tail' says 'bo'"),
    (
        Relation,
        "relation",
        {"head": "The lamp in", "head_span": [0, 11], "tail": "in the", "tail_span": [9, 15]},
        r"the head \[0, 11\] and the tail \[9, 15\] overlap",
    ),
    (
        Relation,
        "relation",
        {"head": None, "head_span": [3, 4]},
        r"'head_span' \[3, 4\] holds no word: ' '",
    ),
    (Relation, "relation", {"label": ["a"]}, "'label' must be a label"),
    (Relation, "relation", {"text": ""}, "'text' must be a text that is not empty"),
    # Documents.
    (ExtractiveSummary, "summary", {"sentences": []}, "'sentences' must be a list .* not empty"),
    (ExtractiveSummary, "summary", {"sentences": ["a", ""]}, r"'sentences'\[1\] must be .* got ''"),
    (ExtractiveSummary, "summary", {"labels": [1]}, "must be a 0 or 1 for each of 2 sentences"),
    (ExtractiveSummary, "summary", {"labels": [1, 2]}, "must be a 0 or 1 for each of 2 sentences"),
    (ExtractiveSummary, "summary", {"labels": [0, 0]}, "'labels' takes no sentence"),
    (
        ExtractiveSummary,
        "summary",
        {"labels": [1, 1]},
        "the gold summary takes 2 sentences and the budget is 1: raise it",
    ),
    (
        lambda: ExtractiveSummary(words=1),
        "summary",
        {},
        "the gold summary takes 2 words and the budget is 1: raise it",
    ),
    (
        lambda: ExtractiveSummary(words=1, oracle="rouge"),
        "summary",
        {},
        "no sentence fits a budget of 1 words",
    ),
    (ExtractiveSummary, "summary", {"references": []}, "'references' must be a list of strings"),
    (SentenceTagging, "sentences", {"sentences": []}, "'sentences' must be a list .* not empty"),
    (SentenceTagging, "sentences", {"sentences": ["One.", " "]}, r"'sentences'\[1\] must be"),
    (SentenceTagging, "sentences", {"labels": ["aim"]}, "2 sentences but 1 labels in 'labels'"),
    (SentenceTagging, "sentences", {"labels": "aim"}, "2 sentences but 'aim' labels"),
    (SentenceTagging, "sentences", {"labels": ["aim", None]}, r"'labels\[1\]' must be a label"),
    # Labels.
    (SlotsAndIntent, "slots", {"slots": ["O"]}, "2 words but 1 tags in 'slots': one a word"),
    (SlotsAndIntent, "slots", {"intent": ""}, "'intent' must be a label"),
    (SlotsAndIntent, "slots", {"tokens": []}, "'tokens' must be a list .* not empty"),
    (
        lambda: SlotsAndIntent(scheme="iob2"),
        "slots",
        {"slots": ["O", "I-genre"]},
        "'I-genre' .*on_fault='repair'",
    ),
    (
        MultiLabel,
        "multilabel",
        {"labels": ["joy", "joy"]},
        "'labels' names a label twice: joy, joy",
    ),
    (MultiLabel, "multilabel", {"labels": 3}, "'labels' must be a list of labels, got 3"),
    (MultiLabel, "multilabel", {"labels": ["joy", 0.5]}, r"'labels\[1\]' must be a label .* 0\.5"),
    (MultiLabel, "multilabel", {"text": "\n"}, "'text' must be a text that is not empty"),
    (mix, "mix", {"task": "os"}, "'task' is 'os': the tasks are mood, slots"),
    (mix, "mix", {"task": None}, "'task' must be a label"),
    (mix, "mix", {"text": ""}, "'text' must be a text that is not empty"),
    (mix, "mix", {"task": "slots"}, "no column for the tags|'text' must be a list"),
    # Labels that nobody declared.
    (
        lambda: MultiLabel(labels=("joy", "love")),
        "multilabel",
        {"labels": ["joy", "hate"]},
        "unknown label 'hate': the task's labels are joy, love",
    ),
    (
        lambda: Relation(labels=("Content-Container(e1,e2)", "Other")),
        "relation",
        {"label": "Other(e1,e2)"},
        r"unknown label 'Other\(e1,e2\)': the task's labels are Content-Container\(e1,e2\), Other",
    ),
    (
        lambda: SentenceTagging(labels=("aim", "result")),
        "sentences",
        {"labels": ["aim", "end"]},
        "unknown label 'end': the task's labels are aim, result",
    ),
    (
        lambda: SlotsAndIntent(labels=("slot/O", "slot/B-genre", "intent/music", "intent/stop")),
        "slots",
        {"intent": "sing"},
        "unknown label 'intent/sing': the task's labels are slot/O",
    ),
    (
        lambda: SlotsAndIntent(labels=("slot/O", "slot/B-genre", "intent/music", "intent/stop")),
        "slots",
        {"slots": ["O", "B-song"]},
        "unknown label 'slot/B-song'",
    ),
]


@pytest.mark.parametrize(
    ("make", "good", "change", "words"), BAD, ids=[f"{n}-{g}" for n, (_, g, _, _) in enumerate(BAD)]
)
def test_bad_records(
    write: Write, make: Callable[[], Task], good: str, change: Fields, words: str
) -> None:
    """The second record of the file, on its third line, is bad; the first alone would be well."""
    bad = {name: value for name, value in {**GOOD[good], **change}.items() if value is not None}
    if change.get("answer", 0) is None or change.get("task", "") is None:
        bad = {**GOOD[good], **change}
    first = {} if "budget" in words else GOOD[good]  # which is over it as well
    lines = [json.dumps(first) if first else "", "", json.dumps(bad)]
    path = write("bad.jsonl", "\n".join(lines) + "\n")
    with pytest.raises(DataError, match=rf"bad\.jsonl:3: .*({words})"):
        build(make(), load_corpus(train=path))


def test_a_label_that_nobody_declared_in_a_mix(write: Write) -> None:
    names = ("mood/good", "mood/bad", "slots/O", "slots/B-genre")
    task = MultiTask({"mood": Classification(), "slots": Tagging()}, labels=names)
    slots = {"task": "slots", "tokens": ["a", "b"], "labels": ["O", "B-genre"]}
    good, bad = GOOD["mix"], {**GOOD["mix"], "label": "fair"}
    path = write("a.jsonl", "".join(map(line, (slots, good, bad))))
    with pytest.raises(
        DataError, match=r"a\.jsonl:3: unknown label 'mood/fair': .* mood/good, mood"
    ):
        build(task, load_corpus(train=path))


def test_one_task_reads_data_whose_answers_are_longer(write: Write) -> None:
    """The longest answer is the data's own, unless it is given."""
    task, short = SpanQA(), GOOD["spanqa"]
    long = {**short, "answers": [{"text": "Anna came, and", "start": 0}]}
    spans = [
        build(task, load_corpus(train=write(f"{n}.jsonl", line(row)))).space.span
        for n, row in enumerate((short, long, short))
    ]
    assert spans == [1, 4, 1]


def test_a_mix_without_texts_of_a_task(write: Write) -> None:
    path = write("a.jsonl", json.dumps(GOOD["mix"]) + "\n")
    with pytest.raises(ValueError, match="there is no text of the task slots"):
        build(mix(), load_corpus(train=path))


@pytest.mark.parametrize("task", [SpanQA(), MultipleChoice(), MultiLabel(), ExtractiveSummary()])
def test_tasks_that_cannot_be_mixed(write: Write, task: Task) -> None:
    good = GOOD[{"choice": "choice"}.get(task.name, task.name)]
    path = write("a.jsonl", json.dumps({**good, "task": "one"}) + "\n")
    with pytest.raises(ValueError, match="one cannot share a policy with others"):
        build(MultiTask({"one": task}), load_corpus(train=path))


# Shapes in which the Hub and others write the same.


def hub(write: Write, task: Task, *rows: Fields) -> list[list[int]]:
    data = build(task, load_corpus(train=write("a.jsonl", "".join(map(line, rows)))))
    episodes = data["train"]
    return [[g for g in episodes.batch([k]).gold[0].tolist() if g >= 0] for k in range(len(rows))]


def line(row: Fields) -> str:
    return json.dumps(row) + "\n"


def test_squads_answers(write: Write) -> None:
    text = {"question": "Who?", "context": "Bo (and Al) left."}
    rows = [
        {**text, "answers": {"text": ["Al", "and Al"], "answer_start": [8, 4]}},
        {**text, "answers": {"text": [], "answer_start": []}},
        {**text, "answers": [{"text": "Bo", "answer_start": 0}]},
        {**text, "answers": [{"text": "(and Al)", "start": 3}]},
        {**text, "answers": []},
        {**text, "answers": [{"text": "eft", "start": 13}]},  # within a word: the word
        {**text, "answers": [{"text": "eft", "start": 13}, {"text": "left.", "start": 12}]},
    ]
    # Candidates: no answer, Bo, (, and, Al, ), left, "."
    wanted = [[4, 4], [0, 0], [1, 1], [2, 5], [0, 0], [6, 6], [6, 7]]
    assert hub(write, SpanQA(), *rows) == wanted


def test_choices_of_arc_race_and_others(write: Write) -> None:
    letters = {"text": ["sun", "moon", "star"], "label": ["A", "B", "C"]}
    numbers = {"text": ["sun", "moon", "star"], "label": ["1", "2", "3"]}
    names = ["sun", "moon", "star"]
    rows = [
        {"question": "What?", "choices": letters, "answerKey": "B"},
        {"question": "What?", "choices": numbers, "answerKey": "3"},
        {"article": "It shines.", "question": "What?", "options": names, "answer": "A"},
        {"question": "What?", "choices": names, "answer": 2},
        {"question": "What?", "choices": names, "answer": "moon"},
        {"context": ["M: Hm?", "W: Yes."], "question": "What?", "endings": names, "label": "0"},
    ]
    assert hub(write, MultipleChoice(), *rows) == [[1], [2], [0], [2], [1], [0]]
    wanted = [[1, 0], [1, 1, 0], [0], [1, 1, 0], [1, 0], [0]]  # CONTINUE until the ANSWER
    assert hub(write, MultipleChoice(sequential=True), *rows) == wanted


def test_scitldrs_columns(write: Write) -> None:
    row = {"source": ["a b.", "c d.", "e."], "source_labels": [0, 1, 0], "target": ["c d"]}
    assert hub(write, ExtractiveSummary(), row) == [[1, 0, 2]]  # out, in, stop
    several = {"sentences": ["a b.", "c d.", "e f."], "highlights": "a b. e f."}
    assert hub(write, ExtractiveSummary(2), several) == [[0, 1, 0]]  # by ROUGE


def test_goemotions_lists_and_tables(write: Write) -> None:
    rows = [{"text": "so", "labels": [2, 27], "id": "x"}, {"text": "hm", "labels": []}]
    assert hub(write, MultiLabel(), *rows) == [[1, 1], [0, 0]]
    path = write("a.csv", "text,labels\nso,joy|love\nhm,\nah,love\n")
    data = build(MultiLabel(), load_corpus(train=path))
    assert data.space.roles == ("joy", "love")
    assert data["train"].gold.reshape(-1, 2).tolist() == [[1, 1], [0, 0], [0, 1]]


def test_sem_evals_markers(write: Write) -> None:
    rows = [
        {"sentence": "The <e1>lamp</e1> in the <e2>box</e2>.", "relation": "a"},
        {"sentence": "<e2>Boxes</e2> hold <e1>old lamps</e1>", "relation": "b"},
    ]
    data = build(Relation(), load_corpus(train=write("a.jsonl", "".join(map(line, rows)))))
    assert data["train"].words == [("lamp | box",), ("old lamps | Boxes",)]
    words = [" ".join(e.passages[0].words) for e in data["train"].examples]
    assert words == ["The @ lamp @ in the # box # .", "# Boxes # hold @ old lamps @"]
    for faulty, fault in (
        ("The <e1>lamp</e1>.", "marks no <e1>"),
        ("<e1>a</e1> <e1>b</e1> <e2>c</e2>", "must mark one head"),
        ("<e1> </e1> <e2>c</e2>", "must mark one head, not empty"),
    ):
        path = write("b.jsonl", line({"sentence": faulty, "relation": "a"}))
        with pytest.raises(DataError, match=rf"b\.jsonl:1: .*{fault}"):
            build(Relation(), load_corpus(train=path))
