"""Relation classification: one unit, the relation between two marked spans."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lingym.envs.corpora import Record
from lingym.envs.tasks.cloze import Pattern, pieces_of
from lingym.envs.tasks.columns import label, pick, text
from lingym.envs.tasks.task import Example, Passage, Task
from lingym.rewards import Accuracy, RelationF1, Reward, corpus_metrics, semeval_metrics
from lingym.types import NO_UNIT, Facts, FloatArray, IntArray, Labelings, LabelSpace

MARKED = re.compile(r"<e1>(.*?)</e1>|<e2>(.*?)</e2>", re.DOTALL)
DIRECTED = re.compile(r"Other|.+\(e[12],e[12]\)")
Span = tuple[int, int]


class Relation(Task):
    """Say how the two marked spans of a text relate.

    The spans stand between marker tokens (``@`` around the head, ``#`` around the tail), and the
    unit's feature is that of the opening markers and the text's special token: "entity start" of
    Baldini Soares et al. (2019), https://aclanthology.org/P19-1279, with the typographic markers of
    Zhou and Chen (2022), https://aclanthology.org/2022.aacl-short.21.

    Args:
        text: the column of the text; None takes the first of ``text sentence marked``. A text with
            ``<e1>..</e1>`` and ``<e2>..</e2>`` in it needs no spans.
        head: the column of the head's characters, ``[start, end)``; None takes ``head_span``.
        tail: the column of the tail's; None takes ``tail_span``.
        label: the column of the relation; None takes the first of ``label relation``.
        labels: the relations, where they are known beforehand.
        unlabelled: read texts without a relation, for prediction.
        pattern: words around the text, with a blank whose feature is then the unit's, and the
            places ``{head}`` and ``{tail}`` (`lingym.envs.tasks.cloze.Pattern`).
    """

    name = "relation"
    settings = ("pattern",)
    corpus = "synthetic:relations"

    def __init__(
        self,
        text: str | None = None,
        head: str | None = None,
        tail: str | None = None,
        label: str | None = None,
        labels: Sequence[str] | None = None,
        unlabelled: bool = False,
        pattern: str | None = None,
    ) -> None:
        self.pattern, self._pattern = pattern, None if pattern is None else Pattern(pattern)
        self.text, self.head, self.tail = text, head, tail
        self.label, self.labels, self.unlabelled = label, labels, unlabelled

    def example(self, record: Record) -> Example:
        """The text with its markers, and its relation."""
        name, value = pick(record, self.text, ("text", "sentence", "marked"), "text")
        words = text(record, name, value)
        if self.head is None and "head_span" not in record:
            words, head, tail = _unmarked(record, name, words)
        else:
            head = _span(record, self.head or "head_span", "head", words)
            tail = _span(record, self.tail or "tail_span", "tail", words)
        if max(head[0], tail[0]) < min(head[1], tail[1]):
            raise record.error(f"the head {list(head)} and the tail {list(tail)} overlap")
        unit = f"{words[slice(*head)]} | {words[slice(*tail)]}"
        passage = _passage(words, head, tail)
        if self._pattern is not None:
            ends = {"head": words[slice(*head)], "tail": words[slice(*tail)]}
            _, cloze = pieces_of(words, self._pattern.around(record, ends))
            passage = replace(passage, groups=(NO_UNIT,) * len(passage.words), cloze=cloze)
        if self.unlabelled:
            return Example((unit,), None, record, (passage,))
        name, value = pick(record, self.label, ("label", "relation"), "label")
        return Example((unit,), (label(record, name, value),), record, (passage,))

    def saved(self) -> dict[str, Any]:
        """The pattern, if there is one."""
        return {} if self.pattern is None else super().saved()

    def facts(self, examples: Sequence[Example], space: LabelSpace) -> Facts:
        """How often each relation is the gold one in the split."""
        gold = [space.places.get(str(g), -1) for example in examples for g in example.gold or ()]
        known = np.array([place for place in gold if place >= 0], np.int64)
        return {"label_counts": np.bincount(known, minlength=len(space))}

    def stored_facts(self, examples: Sequence[Example], gold: IntArray, space: LabelSpace) -> Facts:
        """The same, from the labels' ids."""
        return {"label_counts": np.bincount(gold[gold >= 0], minlength=len(space))}

    def joined_facts(self, old: Facts, new: Facts) -> Facts:
        """The sums of both."""
        return {"label_counts": old["label_counts"] + new["label_counts"]}

    def default_reward(self, space: LabelSpace) -> Reward:
        """Worth to the official macro F1 for SemEval's directed relations, accuracy for others."""
        return RelationF1() if _directed(space) else Accuracy()

    def metrics(self, labelings: Labelings, space: LabelSpace) -> dict[str, float]:
        """The official SemEval-2010 task 8 measures, where the relations are directed."""
        measure = semeval_metrics if _directed(space) else corpus_metrics
        return measure(labelings.labels, labelings.gold, space.names)

    def metric(self, space: LabelSpace) -> str:
        """The official macro F1 over directed relations, else accuracy."""
        return "semeval_f1" if _directed(space) else "accuracy"

    def present(
        self, example: Example, labels: IntArray, space: LabelSpace, probabilities: FloatArray
    ) -> dict[str, Any]:
        """``text`` with its markers, the ``label``, and the ``probabilities`` of all by name."""
        return {
            "text": " ".join(example.passages[0].words),
            "label": space.names[int(labels[0])],
            "probabilities": dict(zip(space.names, probabilities[0].tolist(), strict=True)),
        }

    def render(self, example: Example, gold: IntArray, labels: IntArray, space: LabelSpace) -> str:
        """The text with its markers, and the unit."""
        text = " ".join(example.passages[0].words)
        return f"{text}\n{super().render(example, gold, labels, space)}"


def _directed(space: LabelSpace) -> bool:
    return all(DIRECTED.fullmatch(name) for name in space.names)


def _unmarked(record: Record, name: str, marked: str) -> tuple[str, Span, Span]:
    """The text without its markers, and the two spans."""
    spans: dict[str, Span] = {}
    text, last = "", 0
    for match in MARKED.finditer(marked):
        which = "head" if match[1] is not None else "tail"
        inner = match[1] if which == "head" else match[2]
        text += marked[last : match.start()]
        if which in spans or not inner.strip():
            raise record.error(f"{name!r} must mark one {which}, not empty; got {marked!r}")
        spans[which] = (len(text), len(text) + len(inner))
        text += inner
        last = match.end()
    if len(spans) < 2:
        raise record.error(
            f"no head_span and tail_span, and {name!r} marks no <e1>..</e1> and <e2>..</e2>: "
            f"{marked!r}"
        )
    return text + marked[last:], spans["head"], spans["tail"]


def _span(record: Record, column: str, field: str, text: str) -> Span:
    """The [start, end) of a span that lies in the text and holds what the record says it does."""
    value = record[column]
    whole = isinstance(value, list | tuple) and len(value) == 2
    if not whole or not all(type(place) is int for place in value):
        raise record.error(f"{column!r} must be [start, end) in characters, got {value!r}")
    start, end = value
    if not 0 <= start < end <= len(text):
        raise record.error(
            f"{column!r} is {value}, and the text has the characters 0 .. {len(text)}"
        )
    stated = record.fields.get(field)
    if isinstance(stated, str) and text[start:end] != stated:
        raise record.error(
            f"{column!r} {value} holds {text[start:end]!r}, and {field!r} says {stated!r}"
        )
    if not text[start:end].strip():
        raise record.error(f"{column!r} {value} holds no word: {text[start:end]!r}")
    return start, end


def _passage(text: str, head: Span, tail: Span) -> Passage:
    """The words with markers around the spans; the unit owns the opening ones."""
    marks = [(head, "@"), (tail, "#")]
    words: list[str] = []
    groups: list[int] = []
    places: list[int] = []
    last = 0
    for (start, end), mark in sorted(marks):
        before, inner = text[last:start].split(), text[start:end].split()
        places += [len(words) + len(before), len(words) + len(before) + 1 + len(inner)]
        words += [*before, mark, *inner, mark]
        groups += [*[NO_UNIT] * len(before), 0, *[NO_UNIT] * (len(inner) + 1)]
        last = end
    rest = text[last:].split()
    owners = (*groups, *[NO_UNIT] * len(rest))
    return Passage((*words, *rest), owners, special=0, marks=tuple(places))
