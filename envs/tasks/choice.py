"""Multiple choice: one unit whose labels are the choices, or ANSWER and CONTINUE one by one."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from lingym.envs.corpora import Record
from lingym.envs.tasks.columns import label, pick, strings, text
from lingym.envs.tasks.task import Example, Passage, Task
from lingym.rewards import ExactMatch, Reward
from lingym.types import NO_UNIT, FloatArray, IntArray, Labelings, LabelSpace, Quota

ANSWER, CONTINUE = "ANSWER", "CONTINUE"


class MultipleChoice(Task):
    """Answer a question about a context by one of its choices.

    Each choice is read with the question and the context, as a token sequence of its own.

    Args:
        sequential: walk the choices and say ANSWER or CONTINUE of each; the first ANSWER ends the
            episode, and the last choice can only be an ANSWER. Else there is one unit, whose labels
            are the choices.
        context: the column of the context, a text or a list (of turns, say); None takes the first
            of ``context passage article text``, and none is needed.
        question: the column of the question; None takes the first of ``question query``.
        choices: the column of the list of choices, or of the Hub's ``{"text": [...], "label":
            [...]}``; None takes the first of ``choices options answers endings``.
        answer: the column of the right choice: its index from 0, its letter from A, its label or
            its text; None takes the first of ``answer label answerKey``.
        unlabelled: read questions without an answer, for prediction.
    """

    name = "choice"
    corpus = "synthetic:dialogues"
    settings = ("sequential",)

    def __init__(
        self,
        sequential: bool = False,
        context: str | None = None,
        question: str | None = None,
        choices: str | None = None,
        answer: str | None = None,
        unlabelled: bool = False,
    ) -> None:
        self.sequential, self.unlabelled = sequential, unlabelled
        self.context, self.question, self.choices, self.answer = context, question, choices, answer

    def example(self, record: Record) -> Example:
        """The choices, each a passage behind the question and itself."""
        question, context = self._question(record)
        choices, names = self._choices(record)
        passages = []
        for place, choice in enumerate(choices):
            asked = f"{question} {choice}"
            words = tuple((context or asked).split())
            none = (NO_UNIT,) * len(words)
            passages.append(Passage(words, none, asked if context else "", special=place))
        gold: tuple[str | int, ...] | None = None
        if not self.unlabelled:
            right = self._answer(record, choices, names)
            gold = (*(CONTINUE,) * right, ANSWER) if self.sequential else (right,)
        if self.sequential:
            return Example(choices, gold, record, tuple(passages))
        return Example((question,), gold, record, tuple(passages), candidates=choices)

    def label_space(self, examples: Iterable[Example]) -> LabelSpace:
        """The choices, or ANSWER, which stops and must come, and CONTINUE."""
        if self.sequential:
            return LabelSpace((ANSWER, CONTINUE), stop=0, quota=Quota(0, required=True))
        return LabelSpace((), form="candidates", roles=("answer",))

    def default_reward(self, space: LabelSpace) -> Reward:
        """1 for the right choice, 0 for another."""
        return ExactMatch()

    def metrics(self, labelings: Labelings, space: LabelSpace) -> dict[str, float]:
        """The share of questions with the right choice."""
        return {"accuracy": float(np.mean((labelings.labels == labelings.gold).all(1)))}

    def present(
        self, example: Example, labels: IntArray, space: LabelSpace, probabilities: FloatArray
    ) -> dict[str, Any]:
        """``question``, ``choices``, the ``answer``'s index, and the ``probabilities`` of each.

        In the sequential form a probability is that of an ANSWER once the episode came so far.
        """
        if self.sequential:
            choices, place, chances = example.units, len(labels) - 1, probabilities[:, 0]
        else:
            choices, place = example.candidates, int(labels[0])
            chances = probabilities[0, : len(choices)]
        return {
            "question": self._question(example.record)[0],
            "choices": list(choices),
            "answer": place,
            "probabilities": chances.tolist(),
        }

    def render(self, example: Example, gold: IntArray, labels: IntArray, space: LabelSpace) -> str:
        """The context, the question, and the choices: below it, or as the units."""
        question, context = self._question(example.record)
        shown = [context] if context else []
        if self.sequential:
            shown.append(question)
        else:
            shown += [f"- {choice}" for choice in example.candidates]
        return "\n".join([*shown, super().render(example, gold, labels, space)])

    @classmethod
    def of_space(cls, space: LabelSpace, **arguments: Any) -> "MultipleChoice":
        """The task of a saved model; no label has a name that is learned."""
        return cls(**arguments)

    def _question(self, record: Record) -> tuple[str, str]:
        """The question, and the context or ""."""
        name, value = pick(record, self.question, ("question", "query"), "question")
        question = text(record, name, value)
        usual = ("context", "passage", "article", "text")
        if self.context is None and not any(column in record for column in usual):
            return question, ""
        name, value = pick(record, self.context, usual, "context")
        return question, text(record, name, value)

    def _choices(self, record: Record) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The choices, and their labels where they have some."""
        usual = ("choices", "options", "answers", "endings")
        name, value = pick(record, self.choices, usual, "choices")
        labels: Any = []
        if isinstance(value, Mapping) and "text" in value:
            value, labels = value["text"], value.get("label", [])
        choices = strings(record, name, value)
        if len(choices) < 2:
            raise record.error(f"{name!r} must hold two choices or more, got {list(choices)}")
        if not isinstance(labels, list | tuple) or len(labels) not in (0, len(choices)):
            raise record.error(
                f"{name!r} must hold a label for each of its {len(choices)} choices, got {labels!r}"
            )
        named = (label(record, f"{name}.label[{i}]", each) for i, each in enumerate(labels))
        return choices, tuple(named)

    def _answer(self, record: Record, choices: tuple[str, ...], names: tuple[str, ...]) -> int:
        """The index of the right choice."""
        name, value = pick(record, self.answer, ("answer", "label", "answerKey"), "answer")
        places: dict[Any, int] = {letter: i for i, letter in zip(range(26), LETTERS, strict=True)}
        if isinstance(value, str):
            places |= {str(place): place for place in range(len(choices))}
            places |= {choice: place for place, choice in enumerate(choices)}
            places |= {name: place for place, name in enumerate(names)}
            value = places.get(value, value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise record.error(
                f"{name!r} must be the index, letter or text of a choice, got {value!r}"
            )
        if not 0 <= value < len(choices):
            raise record.error(
                f"{name!r} is {value}, and there are {len(choices)} choices: wanted 0 .. "
                f"{len(choices) - 1}"
            )
        return value


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
