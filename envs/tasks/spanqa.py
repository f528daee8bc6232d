"""Extractive question answering: the start of the answer, then its end."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np

from lingym.envs.corpora import Record
from lingym.envs.lazy import Mapped
from lingym.envs.tasks.columns import pick, text
from lingym.envs.tasks.stored_facts import StoredAnswers
from lingym.envs.tasks.table import short
from lingym.envs.tasks.task import Example, Passage, Task
from lingym.rewards import Answers, Reward, SquadF1, squad_metrics
from lingym.types import Facts, FloatArray, IntArray, Labelings, LabelSpace

logger = logging.getLogger("lingym")
WORD = re.compile(r"\w+|[^\w\s]")
NOTHING = "(no answer)"
Gold = tuple[str, int]  # an answer and its first character


class SpanQA(Task):
    """Answer a question by a span of its context: its first token, then its last.

    Candidate 0 means that the context has no answer; it is told from the special token before the
    text. The others are the context's tokens: words and single punctuation marks, whatever pieces
    the encoder's tokenizer makes of them. The end is masked to lie at or after the start, within
    `max_answer` tokens.

    A context longer than a window is read in overlapping windows, each behind the question. The
    candidates of all windows compete in one distribution (Clark and Gardner, 2018,
    https://aclanthology.org/P18-1078), so the best window answers.

    Args:
        max_answer: tokens of the longest answer; None takes the longest gold one.
        question: the column of the question; None takes ``question``.
        context: the column of the context; None takes the first of ``context passage text``.
        answers: the column of the gold answers: a list of ``{"text", "start"}`` (or
            ``"answer_start"``), empty where there is none, or the Hub's ``{"text": [...],
            "answer_start": [...]}``; None takes ``answers``. The first that does not begin or end
            within a token is what supervised training learns; the reward and the metric know all.
        unlabelled: read questions without answers, for prediction.
    """

    name = "spanqa"
    corpus = "synthetic:questions"
    settings = ("max_answer",)
    volatile = ("too_long",)

    def __init__(
        self,
        max_answer: int | None = None,
        question: str | None = None,
        context: str | None = None,
        answers: str | None = None,
        unlabelled: bool = False,
    ) -> None:
        if max_answer is not None and max_answer < 1:
            raise ValueError(f"max_answer must be 1 or more, got {max_answer}")
        self.max_answer, self.unlabelled = max_answer, unlabelled
        self.bounded, self.too_long, self.aloud = False, 0, True
        self.question, self.context, self.answers = question, context, answers

    def example(self, record: Record) -> Example:
        """The tokens of the context as candidates, and the place of the first gold answer."""
        name, value = pick(record, self.question, ("question",), "question")
        question = text(record, name, value)
        context = self.context_of(record)
        words = tuple(WORD.findall(context))
        groups = tuple(range(1, len(words) + 1))
        passage = Passage(words, groups, before=question, special=0)
        gold = None
        if not self.unlabelled:
            golds = self.golds_of(record, context)
            gold = self._place(record, context, _whole(golds, context)) if golds else (0, 0)
        return Example(("start", "end"), gold, record, (passage,), (NOTHING, *words))

    def read(self, splits: Mapping[str, Iterable[Record]]) -> dict[str, list[Example]]:
        """The examples of every split; what a saved model is too short for is said."""
        self.too_long = 0
        read = super().read(splits)
        if self.aloud:
            self.say()
        return read

    def say(self) -> None:
        """Say how many gold answers are too long for the model, if there are some."""
        if self.too_long:
            logger.warning(
                "%d gold answers are longer than the %d tokens that this model can give",
                *(self.too_long, self.max_answer),
            )

    def in_parts(self, splits: Mapping[str, Iterable[Record]]) -> dict[str, Task]:
        """The task, which says nothing of what it reads."""
        if self.bounded and not self.unlabelled:
            counted = copy(self)
            for records in splits.values():
                for record in records:
                    counted.example(record)
            counted.say()
        part = copy(self)
        part.aloud = False
        return dict.fromkeys(splits, part)

    def label_space(self, examples: Iterable[Example]) -> LabelSpace:
        """The candidates of a start and an end."""
        longest = self.max_answer
        if longest is None:
            golds = (e.gold for e in examples if e.gold is not None)
            longest = max((int(end) - int(start) + 1 for start, end in golds), default=1)
        return LabelSpace((), form="candidates", roles=("start", "end"), span=longest)

    def facts(self, examples: Sequence[Example], space: LabelSpace) -> Facts:
        """The texts of spans, and all gold answers."""
        contexts = [self.context_of(example.record) for example in examples]
        golds: list[list[str]] = [[] for _ in examples]
        if not self.unlabelled:
            golds = [
                [answer for answer, _ in self.golds_of(example.record, context)]
                for example, context in zip(examples, contexts, strict=True)
            ]
        return {"answers": Answers(contexts, [_places(context) for context in contexts], golds)}

    def stored_facts(self, examples: Sequence[Example], gold: IntArray, space: LabelSpace) -> Facts:
        """The same, read anew for the questions that are asked for."""
        contexts = Mapped(examples, lambda example: self.context_of(example.record))

        def golds(example: Example) -> list[str]:
            if self.unlabelled:
                return []
            known = self.golds_of(example.record, self.context_of(example.record))
            return [answer for answer, _ in known]

        answers = StoredAnswers(contexts, Mapped(contexts, _places), Mapped(examples, golds))
        return {"answers": answers}

    def joined_facts(self, old: Facts, new: Facts) -> Facts:
        """The texts and answers of both."""
        return {"answers": old["answers"].joined(new["answers"])}

    def settled(self, space: LabelSpace) -> "SpanQA":
        """The task with the longest answer that the environment knows."""
        task = copy(self)
        task.max_answer = space.span
        return task

    def default_reward(self, space: LabelSpace) -> Reward:
        """SQuAD's token F1."""
        return SquadF1()

    def metrics(self, labelings: Labelings, space: LabelSpace) -> dict[str, float]:
        """SQuAD's F1 and exact match, as shares."""
        return squad_metrics(labelings)

    def metric(self, space: LabelSpace) -> str:
        """SQuAD's token F1."""
        return "f1"

    def present(
        self, example: Example, labels: IntArray, space: LabelSpace, probabilities: FloatArray
    ) -> dict[str, Any]:
        """``question``, ``answer`` ("" for none), its characters, and its ``probability``."""
        context = self.context_of(example.record)
        first, last = (int(label) for label in labels)
        start, end = 0, 0
        if first > 0:
            places = _places(context)
            start, end = int(places[first - 1, 0]), int(places[last - 1, 1])
        known = {"id": example.record["id"]} if "id" in example.record else {}
        return {
            **known,
            "question": example.passages[0].before,
            "answer": context[start:end],
            "start": start,
            "end": end,
            "probability": float(probabilities[0, first] * probabilities[1, last]),
        }

    def render(self, example: Example, gold: IntArray, labels: IntArray, space: LabelSpace) -> str:
        """The question, the context with the gold answer in brackets, and the two units."""
        context = self.context_of(example.record)
        start, end = (int(place) for place in gold)
        if start > 0:
            places = _places(context)
            first, last = places[start - 1, 0], places[end - 1, 1]
            context = f"{context[:first]}[[{context[first:last]}]]{context[last:]}"
            lead = max(0, int(first) - 200)
            context = ("..." if lead else "") + context[lead:]
        question = example.passages[0].before
        return f"{question}\n{short(context, 600)}\n{super().render(example, gold, labels, space)}"

    @classmethod
    def of_space(cls, space: LabelSpace, **arguments: Any) -> "SpanQA":
        """The task of a saved model; longer answers than its own are read, and cannot be given."""
        task = cls(**{**arguments, "max_answer": space.span})
        task.bounded = True
        return task

    def context_of(self, record: Record) -> str:
        """The context, which holds a word at least."""
        name, value = pick(record, self.context, ("context", "passage", "text"), "context")
        context = text(record, name, value)
        if not WORD.search(context):
            raise record.error(f"{name!r} holds no word: {context!r}")
        return context

    def golds_of(self, record: Record, context: str) -> list[Gold]:
        """The gold answers, each of which stands in the context where it says it does."""
        name, value = pick(record, self.answers, ("answers",), "answers")
        if isinstance(value, Mapping):
            texts, starts = value.get("text"), value.get("answer_start", value.get("start"))
            if (
                not isinstance(texts, list)
                or not isinstance(starts, list)
                or len(texts) != len(starts)
            ):
                raise record.error(f"{name!r} must hold as many texts as starts, got {value!r}")
            value = [{"text": t, "start": s} for t, s in zip(texts, starts, strict=True)]
        if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
            raise record.error(f"{name!r} must be a list of answers, got {value!r}")
        golds = []
        for place, each in enumerate(value):
            answer, start = each.get("text"), each.get("start", each.get("answer_start"))
            if not isinstance(answer, str) or not answer.strip() or type(start) is not int:
                raise record.error(
                    f"{name!r}[{place}] must have a text and the character at which it starts, got "
                    f"{dict(each)!r}"
                )
            if start < 0 or context[start : start + len(answer)] != answer:
                found = context[max(start, 0) : max(start, 0) + len(answer)]
                raise record.error(
                    f"{name!r}[{place}] says that {answer!r} starts at {start}, where the context "
                    f"has {found!r}"
                )
            golds.append((answer, start))
        return golds

    def _place(self, record: Record, context: str, gold: Gold) -> tuple[int, int]:
        """The candidates that hold the first and the last character of an answer."""
        answer, start = gold
        places = _places(context)
        within = (places[:, 1] > start) & (places[:, 0] < start + len(answer))
        words = np.flatnonzero(within)
        if not len(words):
            raise record.error(f"the answer {answer!r} at {start} holds no word")
        if self.max_answer is not None and len(words) > self.max_answer:
            if self.bounded:  # F1 and exact match go by the answer's text, which stays whole
                self.too_long += 1
                words = words[: self.max_answer]
                return int(words[0]) + 1, int(words[-1]) + 1
            raise record.error(
                f"the answer {answer!r} has {len(words)} tokens and max_answer is "
                f"{self.max_answer}: raise it"
            )
        return int(words[0]) + 1, int(words[-1]) + 1


def _whole(golds: Sequence[Gold], context: str) -> Gold:
    """The first answer that whole tokens make up, or the first of all where none is."""
    places = _places(context)
    starts, ends = set(places[:, 0].tolist()), set(places[:, 1].tolist())
    whole = (gold for gold in golds if gold[1] in starts and gold[1] + len(gold[0]) in ends)
    return next(whole, golds[0])


def _places(context: str) -> IntArray:
    """The characters [start, end) of each word, int32 [C - 1, 2]."""
    return np.array([match.span() for match in WORD.finditer(context)], np.int32).reshape(-1, 2)
