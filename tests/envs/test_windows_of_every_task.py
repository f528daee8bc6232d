"""Texts longer than a window, in tasks that read more than the words of one text."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lingym.envs import (
    Dataset,
    ExtractiveSummary,
    MultipleChoice,
    Relation,
    SentenceTagging,
    SpanQA,
    Task,
    build,
    load_corpus,
)
from lingym.envs.tokenizer import UnitTokenizer
from lingym.types import DataError
from tests.envs.every_task import FORMS, every_task

Write = Callable[[str, str], str]
# Words of one token each for the trained tokenizer, and one of many.
CONTEXT = " ".join(f"{'abcdefgh'[n % 8]}{'!?.'[n % 3]}" for n in range(40))


def built(write: Write, task: Task, size: int, row: dict[str, Any], **given: Any) -> Dataset:
    path = write("long.jsonl", json.dumps(row) + "\n")
    return build(task, load_corpus(train=path), max_tokens=size, **given)


def question(answer: str, start: int) -> dict[str, Any]:
    answers = [{"text": answer, "start": start}]
    return {"question": "which ? letter", "context": CONTEXT, "answers": answers}


@pytest.mark.parametrize("name", FORMS)
def test_every_group_has_its_tokens_in_one_window(name: str) -> None:
    """But for groups that own special tokens, which stand in every window."""
    data = every_task(name, windows=True)
    episodes = data["train"]
    assert episodes.max_tokens <= FORMS[name].window
    for row, example in enumerate(episodes.examples):
        batch = episodes.batch([row])
        special = {passage.special for passage in example.read(data.space.of_text)} - {-1}
        owners = [set(window[window >= 0].tolist()) for window in batch.unit_of_token]
        assert set().union(*owners) == set(range(int(batch.groups[0])))
        alone = [owner - special for owner in owners]
        assert sum(map(len, alone)) == len(set().union(*alone))
        assert all(owner & special for owner in owners) or not special


def test_a_long_context_has_every_token_as_a_candidate_once(write: Write) -> None:
    row = question("h?", CONTEXT.rindex("h?"))
    data = built(write, SpanQA(), 24, row)
    batch, units = data["train"].batch([0]), UnitTokenizer(data.tokenizer)
    words = data["train"].examples[0].candidates
    assert len(batch.input_ids) > 4
    assert batch.groups.tolist() == [81] == [len(words)]
    asked = units.whole(["which ? letter"])[0].ids
    before = [*units.prefix, *asked, *units.separator]
    for ids, mask, owner in zip(
        batch.input_ids, batch.attention_mask, batch.unit_of_token, strict=True
    ):
        assert ids[: len(before)].tolist() == before, "the question stands before every window"
        assert owner[: len(before)].tolist() == [0, *[-1] * (len(before) - 1)]
        assert ids[mask == 1][-1] == units.suffix[0]
        for token in np.flatnonzero(owner > 0):
            assert [ids[token]] == units([[words[owner[token]]]])[0].ids
    owned = batch.unit_of_token[batch.unit_of_token > 0]
    assert sorted(owned.tolist()) == list(range(1, 81))


@pytest.mark.parametrize("answer", ["a!", "h?", "c. d! e?", "b."])
@pytest.mark.parametrize("size", [16, 24, 256])
def test_an_answer_maps_back_to_its_characters(write: Write, answer: str, size: int) -> None:
    start = CONTEXT.rindex(answer)
    data = built(write, SpanQA(), size, question(answer, start))
    episodes = data["train"]
    labels = episodes.batch([0]).gold[0]
    chances = np.full((2, int(episodes.groups[0])), 0.5)
    shown = data.task.present(episodes.examples[0], labels, data.space, chances)
    assert (shown["answer"], shown["start"], shown["end"]) == (answer, start, start + len(answer))
    assert shown["probability"] == 0.25
    nothing = data.task.present(episodes.examples[0], np.zeros(2, np.int32), data.space, chances)
    assert (nothing["answer"], nothing["start"], nothing["end"]) == ("", 0, 0)


def test_a_question_that_leaves_no_room_is_an_error(write: Write) -> None:
    row = question("a!", 0) | {"question": " ".join("abcdefgh")}
    with pytest.raises(
        DataError, match=r"long\.jsonl:1: 'a b c d e f g h' stands beside the text and takes 9 of"
    ):
        built(write, SpanQA(), 13, row)
    assert built(write, SpanQA(), 14, row)["train"].max_windows > 10
    with pytest.raises(DataError, match=r"long\.jsonl:1: the text takes 80 tokens .* holds 4"):
        built(
            write,
            SpanQA(),
            14,
            question("a!", 0) | {"question": "a b c d e f g"},
            overflow="refuse",
        )


def test_every_choice_is_read_with_a_long_context(write: Write) -> None:
    row = {"context": CONTEXT, "question": "which", "choices": ["a b", "c", "d e f"], "answer": 2}
    for sequential in (False, True):
        data = built(write, MultipleChoice(sequential), 24, row)
        batch, units = data["train"].batch([0]), UnitTokenizer(data.tokenizer)
        assert batch.groups.tolist() == [3]
        text = units([CONTEXT.split()])[0].ids
        seen: dict[int, list[int]] = {0: [], 1: [], 2: []}
        for ids, mask, owner in zip(
            batch.input_ids, batch.attention_mask, batch.unit_of_token, strict=True
        ):
            [choice] = set(owner[owner >= 0].tolist())
            assert np.flatnonzero(owner >= 0).tolist() == [0]  # the special token stands for it
            asked = units.whole([f"which {row['choices'][choice]}"])[0].ids
            before = [*units.prefix, *asked, *units.separator]
            assert ids[: len(before)].tolist() == before
            inner = ids[mask == 1][len(before) : -1].tolist()
            if not seen[choice]:
                assert text[: len(inner)] == inner
            seen[choice].append(len(inner))
        assert all(len(sizes) > 3 and sum(sizes) > len(text) for sizes in seen.values())


def test_a_relation_whose_markers_stand_in_different_windows(write: Write) -> None:
    middle = " ".join("cdefgh"[n % 6] for n in range(30))
    row = {"text": f"<e1>a</e1> {middle} <e2>b</e2> h", "label": "x(e1,e2)"}
    data = built(write, Relation(labels=("x(e1,e2)", "Other")), 12, row)
    batch, units = data["train"].batch([0]), UnitTokenizer(data.tokenizer)
    head, tail = (units([[mark]])[0].ids[0] for mark in "@#")
    owned = [
        ids[owner == 0].tolist()
        for ids, owner in zip(batch.input_ids, batch.unit_of_token, strict=True)
    ]
    assert len(owned) > 3
    # At the window's start the marker follows the special token, and alone stands for the unit.
    assert owned[0] == [head]
    assert owned[-1] == [units.prefix[0], tail]
    assert all(tokens == [units.prefix[0]] for tokens in owned[1:-1])


@pytest.mark.parametrize(
    ("task", "more"),
    [
        (SentenceTagging(labels=("a", "b")), {"labels": ["a", "b"]}),
        (ExtractiveSummary(), {"labels": [1, 0], "references": ["a"]}),
    ],
    ids=["sentences", "summary"],
)
def test_a_sentence_longer_than_a_window_is_read_in_parts_or_refused(
    write: Write, task: Task, more: dict[str, Any]
) -> None:
    row = {"sentences": ["a b.", "c d e f g h " * 5], **more}
    batch = built(write, task, 20, row)["train"].batch([0])
    assert len(batch.input_ids) > 1
    assert (batch.unit_of_token == 0).sum() == 4  # a separator before each
    assert (batch.unit_of_token == 1).sum() == 31
    with pytest.raises(
        DataError,
        match=r"long\.jsonl:1: the text takes 35 tokens and a window holds 18; .* raise max_tokens",
    ):
        built(write, task, 20, row, overflow="refuse")
    assert built(write, task, 40, row)["train"].max_windows == 1


def test_every_sentence_begins_with_a_separator(write: Write) -> None:
    row = {"sentences": ["a b.", "c d.", "e f."] * 6, "labels": ["x", "y", "y"] * 6}
    data = built(write, SentenceTagging(), 20, row)
    batch, units = data["train"].batch([0]), UnitTokenizer(data.tokenizer)
    assert len(batch.input_ids) > 3
    for unit in range(18):
        window, token = (places[0] for places in np.nonzero(batch.unit_of_token == unit))
        own = batch.input_ids[window][batch.unit_of_token[window] == unit].tolist()
        assert own == [*units.separator, *units([[row["sentences"][unit]]])[0].ids]
        assert batch.input_ids[window, token] == units.separator[0]
