"""Tasks: what they make of records, and the errors for records that are not what they need."""

import json
import logging
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest

from lingym.envs import (
    Classification,
    Dataset,
    Example,
    LabelEnv,
    LabelVectorEnv,
    Tagging,
    Task,
    build,
    load_corpus,
)
from lingym.envs.corpora import Record
from lingym.rewards import Accuracy, EntityF1
from lingym.types import DataError

Write = Callable[[str, str], str]


def rows(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def conll(*sentences: str) -> str:
    """Sentences such as ``Anna/B-PER ran/O`` as CoNLL columns."""
    return "".join(
        "".join(word.replace("/", "\t") + "\n" for word in sentence.split()) + "\n"
        for sentence in sentences
    )


def gold(data: Dataset, split: str = "train") -> list[list[str]]:
    names, episodes = data.space.names, data[split]
    return [[names[g] for g in episodes.batch([k]).gold[0]] for k in range(len(episodes))]


# Label sets.


def test_labels_are_the_sorted_union_over_the_splits(write: Write) -> None:
    train = write("train.conll", conll("a/O b/B-PER"))
    dev = write("dev.conll", conll("a/B-LOC b/I-LOC"))
    test = write("test.conll", conll("a/O b/B-ART"))
    data = build(Tagging(), load_corpus(train=train, dev=dev, test=test))
    assert data.space.names == ("B-ART", "B-LOC", "B-PER", "I-LOC", "O")
    assert gold(data) == [["O", "B-PER"]]
    assert gold(data, "dev") == [["B-LOC", "I-LOC"]]
    assert all(data[split].space is data.space for split in ("train", "dev", "test"))
    with pytest.raises(KeyError, match="no split 'trial': the corpus has train, dev, test"):
        data["trial"]


@pytest.mark.parametrize("kind", [Tagging, Classification])
def test_a_fixed_set_refuses_another_label(write: Write, kind: type[Task]) -> None:
    if kind is Tagging:
        train, dev = conll("a/O b/B-PER"), conll("a/O", "a/O b/B-LOC")
        task: Task = Tagging(labels=("O", "B-PER"))
        where, unknown, known = r"dev\.conll:4", "'B-LOC'", "O, B-PER"
        paths = write("train.conll", train), write("dev.conll", dev)
    else:
        train = rows({"text": "a", "label": "good"})
        dev = rows({"text": "a", "label": "good"}, {"text": "b", "label": "fair"})
        task = Classification(labels=("good", "bad"))
        where, unknown, known = r"dev\.jsonl:2", "'fair'", "good, bad"
        paths = write("train.jsonl", train), write("dev.jsonl", dev)
    data = build(task, load_corpus(train=paths[0]))
    assert ", ".join(data.space.names) == known  # in their own order
    with pytest.raises(DataError, match=f"{where}: unknown label {unknown}.* {known}$"):
        build(task, load_corpus(train=paths[0], dev=paths[1]))


def test_a_fixed_set_names_each_label_once(write: Write) -> None:
    corpus = load_corpus(train=write("a.conll", conll("a/O b/B-PER")))
    with pytest.raises(ValueError, match="every label must be named once, got O, B-PER, O"):
        build(Tagging(labels=("O", "B-PER", "O")), corpus)


def test_one_label_is_no_task(write: Write) -> None:
    with pytest.raises(ValueError, match="at least two labels, the corpus has"):
        build(Tagging(), load_corpus(train=write("a.conll", conll("a/O b/O"))))


# Records that are not what a task needs.

GOOD = {"tokens": ["a", "b"], "labels": ["O", "B-X"]}


@pytest.mark.parametrize(
    ("task", "record", "words"),
    [
        (Tagging(), {"tokens": ["a"], "labels": ["O", "O"]}, "1 words but 2 tags in 'labels'"),
        (Tagging(), {"tokens": [], "labels": []}, "'tokens' must be a list .* not empty"),
        (Tagging(), {"tokens": ["a", 7], "labels": ["O", "O"]}, r"'tokens'\[1\] must .* got 7"),
        (Tagging(), {"tokens": ["a", ""], "labels": ["O", "O"]}, r"'tokens'\[1\] .* got ''"),
        (Tagging(), {"tokens": ["a"], "labels": [None]}, r"'labels'\[0\] must .* got None"),
        (Tagging(), {"tokens": ["a"], "labels": "O"}, "'labels' must be a list"),
        (Tagging(), {"text": "a b", "labels": ["O", "O"]}, "'text' must be a list"),
        (Tagging(), {"tokens": ["a"]}, "no column for the tags: looked for labels, tags"),
        (Tagging(), {"labels": ["O"]}, "no column for the text: .* the record has labels"),
        (Tagging(text="w"), GOOD, "wanted a field 'w'"),
        (Tagging(tags="t"), GOOD, "wanted a field 't'"),
        (Classification(), {"text": " ", "label": "x"}, "'text' must be a text .* got ' '"),
        (Classification(), {"text": 3, "label": "x"}, "'text' must be a text .* got 3"),
        (Classification(), {"tokens": ["a", 3], "label": "x"}, "'tokens' must be a text"),
        (Classification(), {"tokens": [], "label": "x"}, "'tokens' must be a text"),
        (Classification(), {"text": "a", "label": ""}, "'label' must be a label .* got ''"),
        (Classification(), {"text": "a", "label": None}, "'label' must be a label .* got None"),
        (Classification(), {"text": "a", "label": True}, "'label' must be a label .* got True"),
        (Classification(), {"text": "a", "label": 0.5}, "'label' must be a label .* got 0.5"),
        (Classification(), {"text": "a"}, "no column for the label"),
        (Classification(), {"label": "a"}, "no column for the text"),
    ],
)
def test_bad_records(write: Write, task: Task, record: dict[str, Any], words: str) -> None:
    good = GOOD | {"label": "x"} if task.of_text is False else {"text": "a", "label": "y"}
    path = write("bad.jsonl", rows(good if "wanted" not in words else record, record))
    line = 1 if "wanted" in words else 2
    with pytest.raises(DataError, match=rf"bad\.jsonl:{line}: .*{words}"):
        build(task, load_corpus(train=path))


def test_columns_are_found_or_named(write: Write) -> None:
    path = write("a.jsonl", rows({"words": ["a", "b"], "slots": ["O", "B-X"], "intent": 4, "m": 5}))
    corpus = load_corpus(train=path, dev=path)
    assert gold(build(Tagging(), corpus)) == [["O", "B-X"]]
    other = write("b.jsonl", rows({"words": ["a", "b"], "intent": 10, "m": 5}))
    data = build(Classification(), load_corpus(train=path, dev=other))
    assert data.space.names == ("10", "4")  # by name, as text
    assert data["train"].words == [("a b",)]
    named = Classification(text="words", label="m", labels=("5", "6"))
    assert gold(build(named, corpus)) == [["5"]]


# Tag schemes.

SCHEMES = {
    "iob1": conll("Anna/I-PER Lee/I-PER met/O Bo/I-PER", "Rome/I-LOC Oslo/B-LOC Anna/I-PER"),
    "bioes": conll("Anna/B-PER Lee/E-PER met/O Bo/S-PER", "Rome/S-LOC Oslo/S-LOC Anna/S-PER"),
    "iob2": conll("Anna/B-PER Lee/I-PER met/O Bo/B-PER", "Rome/B-LOC Oslo/B-LOC Anna/B-PER"),
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_schemes_become_iob2_and_say_so(
    write: Write, scheme: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "lingym"):
        data = build(Tagging(), load_corpus(train=write("a.conll", SCHEMES[scheme])))
    assert gold(data) == [["B-PER", "I-PER", "O", "B-PER"], ["B-LOC", "B-LOC", "B-PER"]]
    [record] = [record for record in caplog.records if record.name == "lingym"]
    assert record.getMessage().startswith(f"train: the tags are {scheme.upper()}")
    assert (record.levelno == logging.WARNING) == (scheme != "iob2")
    assert ("turned into IOB2" in record.getMessage()) == (scheme != "iob2")


def test_one_scheme_for_all_splits(write: Write) -> None:
    """dev alone could be IOB2 as it stands; with train it is IOB1."""
    train = write("train.conll", SCHEMES["iob1"])
    dev = write("dev.conll", conll("Rome/O Oslo/I-LOC"))
    assert gold(build(Tagging(), load_corpus(train=train, dev=dev)), "dev") == [["O", "B-LOC"]]


FAULTY = conll("Anna/B-PER Lee/I-PER", "Rome/B-LOC was/O Oslo/I-LOC too/B-PER")


def test_a_faulty_tag_is_an_error_with_its_line(write: Write) -> None:
    corpus = load_corpus(train=write("a.conll", FAULTY))
    with pytest.raises(DataError, match=r"a\.conll:6: 'I-LOC' .*on_fault='repair'"):
        build(Tagging(scheme="iob2"), corpus)


def test_a_faulty_tag_is_repaired_aloud(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    corpus = load_corpus(train=write("a.conll", FAULTY))
    with caplog.at_level(logging.INFO, "lingym"):
        data = build(Tagging(scheme="iob2", on_fault="repair"), corpus)
    assert gold(data)[1] == ["B-LOC", "O", "B-LOC", "B-PER"]
    assert "1 of them did not follow their scheme and were repaired" in caplog.text
    assert "WARNING" in caplog.text


def test_spans_have_transitions_and_entity_f1(write: Write) -> None:
    task = Tagging()
    data = build(task, load_corpus(train=write("a.conll", SCHEMES["iob2"])))
    assert data.space.transitions is not None
    assert isinstance(task.default_reward(data.space), EntityF1)
    assert isinstance(LabelEnv(dataset=data).game.reward, EntityF1)


def test_parts_of_speech_have_neither(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    path = write("a.conll", conll("dogs/NOUN run/VERB", "O/INTJ cat/NOUN"))
    with caplog.at_level(logging.INFO, "lingym"):
        data = build(Tagging(), load_corpus(train=path))
    assert gold(data) == [["NOUN", "VERB"], ["INTJ", "NOUN"]]
    assert data.space.transitions is None
    assert isinstance(LabelEnv(dataset=data).game.reward, Accuracy)
    assert "mark no spans" in caplog.text


# Texts without gold labels.


def test_unlabelled_texts_are_read_and_not_played(write: Write) -> None:
    tagging = Tagging(labels=("B-X", "I-X", "O"), unlabelled=True)
    path = write("a.jsonl", rows({"text": "two words"}, {"tokens": ["one", "two", "three"]}))
    data = build(tagging, load_corpus(train=path))
    assert data["train"].words == [("two", "words"), ("one", "two", "three")]
    assert (data["train"].gold == -1).all()
    assert data["train"].lengths.tolist() == [2, 3]
    assert not data["train"].labelled
    assert data.space.transitions is not None
    with pytest.raises(ValueError, match="entity_f1 needs gold labels; these texts have none"):
        LabelEnv(dataset=data)

    texts = build(Classification(labels=("bad", "good"), unlabelled=True), load_corpus(train=path))
    assert texts["train"].words == [("two words",), ("one two three",)]
    assert texts["train"].gold.tolist() == [-1, -1]


# A task of one's own.


class Capitals(Task):
    """Does a word begin with a capital letter?"""

    def example(self, record: Record) -> Example:
        words = tuple(record["tokens"])
        return Example(words, tuple("Aa"[word[0].islower()] for word in words), record)


def test_an_own_task_is_registered_and_played(write: Write) -> None:
    gymnasium.register(
        "test/Capitals-v0",
        lambda **given: LabelEnv(Capitals(), reward=Accuracy(), **given),
        vector_entry_point=lambda **given: LabelVectorEnv(Capitals(), reward=Accuracy(), **given),
    )
    try:
        path = write("a.conll", conll("Anna/x ran/x home/x", "so/x did/x Bo/x", "Oslo/x"))
        env = gymnasium.make("test/Capitals-v0", train=path)
        env.reset(options={"example": 1})
        rewards = [env.step(label)[1] for label in (1, 1, 1)]
        assert rewards == pytest.approx([1 / 3, 1 / 3, 0])

        many = gymnasium.make_vec("test/Capitals-v0", num_envs=2, train=path)
        many.reset(options={"example": [0, 2]})
        _, reward, done, _, info = many.step(np.array([0, 0]))
        assert reward == pytest.approx([1 / 3, 1])
        assert done.tolist() == [False, True]
        assert info["final_info"]["accuracy"].tolist() == [0, 1]
    finally:
        del gymnasium.registry["test/Capitals-v0"]


def test_an_own_task_must_name_a_reward(write: Write) -> None:
    path = write("a.conll", conll("Anna/x ran/x"))
    with pytest.raises(NotImplementedError, match="Capitals names no default reward"):
        LabelEnv(Capitals(), train=path)


def test_arguments_that_contradict_each_other(datasets: dict[str, Dataset]) -> None:
    data = datasets["tagging"]
    with pytest.raises(ValueError, match="leave out train"):
        LabelEnv(dataset=data, train="a.conll")
    with pytest.raises(ValueError, match="leave out task"):
        LabelEnv(Tagging(), dataset=data)
    with pytest.raises(ValueError, match="needs a task"):
        LabelEnv()
    with pytest.raises(KeyError, match="no split 'trial'"):
        LabelEnv(dataset=data, split="trial")
    assert len(LabelEnv(data.task, dataset=data, split="dev").game.episodes) == 6
