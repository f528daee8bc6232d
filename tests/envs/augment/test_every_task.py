"""What every augmentation keeps right, on every task that it is for."""

import copy
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lingym.envs import load_corpus
from lingym.envs.augment import (
    BackTranslation,
    Casing,
    DeletedWords,
    Mentions,
    SwappedWords,
    Synonyms,
    Typos,
    UnseenEntities,
)
from lingym.envs.augment.views import VIEWS, guessed, view_of
from lingym.envs.corpora import Record
from lingym.envs.tasks import TASKS, Example, Task

LEXICON = (
    "The\ta certain\nalarm\tclock\nwas\thas been\nbig\tlarge\thuge\n犬\t狗 儿\ncafe\u0301\tbar\n"
)
POOL = {"": [("x", "y")], "PER": [("王", "伟"), ("Zoë",)], "LOC": [("Rio", "de", "Janeiro")]}


@cache
def made(name: str, rate: float):
    """An augmentation of each kind."""
    match name:
        case "synonyms":
            return Synonyms(rate, str(LEXICON_FILE[0]))
        case "mentions":
            return Mentions(rate, pool=POOL)
        case "unseen_entities":
            return UnseenEntities(rate, seen=POOL)
        case "backtranslation":
            return BackTranslation(rate, lambda t: [t], lambda t: [f"{t} indeed", t.title(), ""])
    return {k.name: k for k in (Typos, Casing, DeletedWords, SwappedWords)}[name](rate)


LEXICON_FILE: list[object] = []


@pytest.fixture(autouse=True, scope="module")
def lexicon(tmp_path_factory):
    file = tmp_path_factory.mktemp("lexicon") / "lex.tsv"
    file.write_text(LEXICON, encoding="utf-8")
    LEXICON_FILE[:] = [file]


NAMES = {
    kind.name: kind
    for kind in (
        *(Typos, Casing, DeletedWords, SwappedWords, Synonyms, Mentions),
        *(UnseenEntities, BackTranslation),
    )
}
PAIRS = [(name, task) for name, kind in NAMES.items() for task in kind.tasks]

WORDS = st.one_of(
    st.sampled_from(
        [
            "The",
            "alarm,",
            "was",
            "big",
            "cafe\u0301",
            "👩\u200d🚀",
            "🇩🇪",
            "北京",
            "犬",
            "!",
            "a",
            "İ",
            "ß",
        ]
    ),
    st.text(
        st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=6
    ),
).filter(lambda word: word.split() == [word])
SENTENCE = st.lists(WORDS, min_size=1, max_size=8)


@st.composite
def examples(draw, name: str) -> tuple[Example, Task]:
    """An example of a task, read from a record as the task reads it."""
    words = draw(SENTENCE)
    blank = draw(st.sampled_from([" ", "  ", "\n"]))
    text = blank.join(words)
    task = TASKS[name]()
    match name:
        case "tagging" | "slots_intent":
            tags = _iob2(draw, len(words))
            fields = {"tokens": words, "labels": tags, "intent": "play"}
        case "classification":
            fields = {"text": text, "label": "good"}
        case "multilabel":
            fields = {"text": text, "labels": ["joy"]}
        case "sentences" | "summary":
            many = [text, *(" ".join(each) for each in draw(st.lists(SENTENCE, max_size=3)))]
            first = [1, *[0] * (len(many) - 1)]
            fields = {"sentences": many, "references": [text]}
            fields["labels"] = first if name == "summary" else ["role"] * len(many)
            if name == "summary":
                task = TASKS[name](words=100)
        case "relation":
            other = " ".join(draw(SENTENCE))
            fields = {"text": f"{text} <e1>big @ {other}</e1>s {text} # <e2>犬</e2>", "label": "r"}
        case "choice":
            fields = {"question": text, "choices": ["one, two", "two"], "answer": 1}
            if draw(st.booleans()):
                fields["context"] = " ".join(draw(SENTENCE))
            task = TASKS[name](sequential=draw(st.booleans()))
        case "spanqa":
            before, after = " ".join(draw(SENTENCE)), " ".join(draw(SENTENCE))
            context = f"{before}{blank}x{before}1{blank}{after}"
            answers = [
                {"text": f"x{before}1", "start": len(before + blank)},
                {"text": "1", "start": len(f"{before}{blank}x{before}")},
            ]
            fields = {"question": text, "context": context}
            fields["answers"] = draw(st.sampled_from([answers, []]))
    record = Record(fields, "made", (1,))
    return task.read({"train": [record]})["train"][0], task


def _iob2(draw, count: int) -> list[str]:
    tags: list[str] = []
    for _ in range(count):
        inside = [f"I-{tags[-1][2:]}"] if tags and tags[-1] != "O" else []
        tags.append(draw(st.sampled_from(["O", "O", "B-PER", "B-LOC", *inside])))
    return tags


def kinds_of(example: Example) -> list[str]:
    """The types of entities in their order; fails where a tag continues nothing."""
    found, before = [], "O"
    for tag in (str(g).removeprefix("slot/") for g in example.gold or ()):
        if tag.startswith("B-"):
            found.append(tag[2:])
        if tag.startswith("I-"):
            assert before in (f"B-{tag[2:]}", f"I-{tag[2:]}")
        before = tag
    return found


@pytest.mark.parametrize(("name", "task_name"), PAIRS)
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_labels_stay_right(name, task_name, data):
    example, task = data.draw(examples(task_name))
    rate = data.draw(st.sampled_from([0.3, 1.0]))
    seed = data.draw(st.integers(0, 2**32))
    before = copy.deepcopy(example)
    augmentation = made(name, rate)
    changed = augmentation(example, np.random.default_rng(seed), task)

    assert example == before  # nothing of the original has moved
    assert changed == augmentation(example, np.random.default_rng(seed), task)
    assert made(name, 0.0)(example, np.random.default_rng(seed), task) is example
    if guessed(example) == task_name:  # one word may be a whole text, and a summary sentences
        assert changed == augmentation(example, np.random.default_rng(seed))

    old, new = view_of(task).texts(example), view_of(task).texts(changed)
    assert len(old) == len(new)
    for text, other in zip(old, new, strict=True):
        assert other and all(word.text.strip() for word in other)
        assert [w.text for w in text if w.fixed] == [w.text for w in other if w.fixed]
        _whole_letters(text, other, name)
    _check_gold(name, task_name, example, changed)


def _whole_letters(old, new, name):
    """A sign of several code points is there as a whole, or not at all."""
    text = "".join(word.text for word in new)
    if name in ("typos", "deleted_words", "swapped_words"):
        joined = sum(word.text.count("👩\u200d🚀") for word in new)
        assert text.count("\u200d") >= joined
        if "\u200d" not in "".join(word.text for word in old).replace("👩\u200d🚀", ""):
            assert text.count("\u200d") == joined


def _check_gold(name, task_name, example, changed):
    read = changed.read(of_text=task_name == "classification")
    assert all(word for passage in read for word in passage.words)
    if task_name in ("tagging", "slots_intent"):
        assert len(changed.units) == len(changed.gold)
        assert kinds_of(changed) == kinds_of(example)
        if task_name == "slots_intent":
            assert changed.gold[-1] == "intent/play"
            assert changed.kinds == ("slot",) * (len(changed.units) - 1) + ("intent",)
            assert changed.passages[0].words == changed.units[:-1]
            assert changed.passages[0].groups == tuple(range(len(changed.units) - 1))
            assert changed.passages[0].special == len(changed.units) - 1
        _unchanged_words(name, example, changed)
    elif task_name == "spanqa":
        fields = changed.record.fields
        for answer in fields["answers"]:
            start = answer["start"]
            assert fields["context"][start : start + len(answer["text"])] == answer["text"]
        assert [a["text"] for a in fields["answers"]] == [
            a["text"] for a in example.record.fields["answers"]
        ]
        texts = [each.candidates[each.gold[0] : each.gold[1] + 1] for each in (example, changed)]
        assert texts[0] == texts[1]
        assert changed.candidates[1:] == changed.passages[0].words
    else:
        assert changed.gold == example.gold
        assert len(changed.units) == len(example.units)
    if task_name == "relation":
        spans = [
            [each.words[a : b + 1] for a, b in zip(each.marks[::2], each.marks[1::2], strict=True)]
            for each in (example.passages[0], changed.passages[0])
        ]
        assert spans[0] == spans[1]
        opened = [n for n, group in enumerate(changed.passages[0].groups) if group == 0]
        assert opened == list(changed.passages[0].marks[::2])
        assert len(changed.passages[0].words) == len(changed.passages[0].groups)
    if task_name in ("sentences", "summary"):
        assert changed.passages[0].words == changed.units
        if changed.costs is not None:
            assert changed.costs == tuple(len(unit.split()) for unit in changed.units)
            assert sum(changed.costs) <= sum(example.costs)
    if task_name == "choice":
        assert changed.candidates == example.candidates
        for passage, choice in zip(changed.passages, ("one, two", "two"), strict=True):
            asked = passage.before or " ".join(passage.words)
            assert asked.endswith(f" {choice}")


def _unchanged_words(name, example, changed):
    """Words that are there as before have the labels that they had."""
    old = list(zip(example.units, example.gold, strict=True))
    new = list(zip(changed.units, changed.gold, strict=True))
    match name:
        case "typos" | "casing":
            assert [tag for _, tag in old] == [tag for _, tag in new]
        case "deleted_words":
            rest = iter(old)
            assert all(pair in rest for pair in new)
            assert [p for p in old if not p[1].endswith("O")] == [
                p for p in new if not p[1].endswith("O")
            ]
        case "swapped_words":
            assert sorted(old) == sorted(new)
        case "synonyms":
            assert [p for p in old if not p[1].endswith("O")] == [
                p for p in new if not p[1].endswith("O")
            ]
        case "mentions" | "unseen_entities":
            assert [p for p in old if p[1].endswith("O")] == [p for p in new if p[1].endswith("O")]


@pytest.mark.parametrize("task_name", list(VIEWS))
def test_generated_corpora_are_changed(task_name):
    task = TASKS[task_name]()
    rows = load_corpus(task.corpus).train[:5]
    texts = task.read({"train": rows})["train"]
    for name, kind in NAMES.items():
        if task_name in kind.tasks and name not in ("synonyms", "mentions"):
            changed = [made(name, 1.0)(text, np.random.default_rng(0), task) for text in texts]
            assert changed != texts
