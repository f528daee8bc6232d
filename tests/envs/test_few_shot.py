"""Few examples a label: as many as asked for, nested, seeded, and what is missing is told."""

import logging
from collections import Counter
from typing import Any

import numpy as np
import pytest

from lingym.envs import (
    Abstaining,
    Example,
    MultiLabel,
    SentenceTagging,
    SlotsAndIntent,
    SpanQA,
    Tagging,
    Task,
    few_shot,
    load_corpus,
)
from lingym.envs.corpora import Record
from lingym.envs.few_shot import labels_of
from lingym.types import LabelSpace

COUNTED: dict[str, tuple[Task, str]] = {
    "tagging": (Tagging(), "synthetic:commands?train=150"),
    "abstaining": (Abstaining(Tagging()), "synthetic:commands?train=150"),
    "multilabel": (MultiLabel(), "synthetic:emotions?train=150"),
    "sentences": (SentenceTagging(), "synthetic:abstracts?train=60"),
    "slots": (SlotsAndIntent(), "synthetic:commands?train=150"),
}


def read(task: Task, corpus: str) -> tuple[list[Example], LabelSpace]:
    examples = task.read({"train": load_corpus(corpus).train})["train"]
    return examples, task.label_space(examples)


@pytest.mark.parametrize("kind", COUNTED)
def test_every_label_has_as_many_texts_and_a_smaller_draw_begins_a_larger(kind: str) -> None:
    examples, space = read(*COUNTED[kind])
    there = Counter(label for example in examples for label in labels_of(example, space))
    draws = {n: few_shot(examples, n, 3, space) for n in (1, 2, 4, 5)}
    for n, drawn in draws.items():
        held = Counter(label for example in drawn for label in labels_of(example, space))
        assert all(held[label] >= min(n, count) for label, count in there.items())
        assert len(drawn) <= n * len(there)  # no text is drawn that no label wanted
        assert [id(e) for e in draws[5][: len(drawn)]] == [id(e) for e in drawn]
    assert "O" not in there and there
    assert few_shot(examples, 4, 3, space) == draws[4]
    assert few_shot(examples, 4, 4, space) != draws[4]


def example(text: str, *gold: str) -> Example:
    return Example((text,), gold, Record({"text": text}, "made", (1,)))


def test_one_label_a_text_gives_exactly_so_many_and_tells_of_too_few(
    caplog: pytest.LogCaptureFixture,
) -> None:
    texts = [example(f"{label} {place}", label) for label in "abc" for place in range(20)]
    texts += [example("rare", "d")]
    space = LabelSpace(("a", "b", "c", "d", "e"), of_text=True)
    with caplog.at_level(logging.WARNING, logger="lingym"):
        drawn = few_shot(texts, 8, 0, space)
    counts = Counter(label for each in drawn for label in each.gold or ())
    assert counts == {"a": 8, "b": 8, "c": 8, "d": 1}
    assert "2 of 5 labels are in fewer than 8 texts" in caplog.text
    assert "d (1), e (0)" in caplog.text


def test_rounds_go_from_the_rarest_label_by_the_shuffled_order() -> None:
    """Two texts hold both labels: the draw, computed by hand from the order of the texts."""
    texts = [example("0", "a", "b"), example("1", "b"), example("2", "b"), example("3", "a", "b")]
    order = np.random.default_rng(5).permutation(4).tolist()
    with_a = [place for place in order if place in (0, 3)]
    # Round 1: the rarest, a, draws its first text, which holds b too. Round 2: likewise.
    assert [e.units[0] for e in few_shot(texts, 2, 5)] == [str(place) for place in with_a]
    # Round 3: a has no more; b draws the first that is left.
    left = [place for place in order if place in (1, 2)]
    assert few_shot(texts, 3, 5)[-1].units[0] == str(left[0])


def test_candidates_cannot_be_counted_and_so_many_texts_are_drawn() -> None:
    examples, space = read(SpanQA(), "synthetic:questions?train=30")
    assert len(few_shot(examples, 7, 0, space)) == 7
    assert few_shot(examples, 7, 0, space)[:3] == few_shot(examples, 3, 0, space)


def test_nothing_is_counted_where_nothing_is_gold() -> None:
    texts: list[Any] = [Example(("a",), None, Record({"text": "a"}, "made", (1,)))]
    with pytest.raises(ValueError, match="no text has gold labels"):
        few_shot(texts, 1, 0, LabelSpace(("a", "b"), of_text=True))
    with pytest.raises(ValueError, match="n must be 1 or more, got 0"):
        few_shot(texts, 0, 0)
