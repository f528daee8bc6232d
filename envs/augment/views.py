"""The texts of an example as words, and the example again when they have changed.

Each task has a `View`. It knows what carries the gold labels, so that an augmentation needs not:
tags go with their words, an answer keeps its letters and its offsets are counted again, the head
and the tail of a relation stay with their markers.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import Protocol

from lingym.envs.augment.words import Text, Word, spelled, split
from lingym.envs.tasks import (
    TASKS,
    Abstaining,
    Example,
    MultiTask,
    Passage,
    SpanQA,
    Task,
)
from lingym.envs.tasks.columns import pick
from lingym.envs.tasks.slots_intent import INTENT, SLOT
from lingym.types import NO_UNIT


class View(Protocol):
    """An example as texts, and back."""

    def texts(self, example: Example) -> tuple[Text, ...]:
        """The texts that may change."""
        ...

    def changed(self, example: Example, texts: tuple[Text, ...]) -> Example:
        """The example with other words in these texts; the example given stays as it is."""
        ...


class TaggedWords:
    """Units are words, each with a tag: tagging, and the words of slots and intent."""

    def __init__(self, prefix: str = "", after: int = 0) -> None:
        self.prefix, self.after = prefix, after

    def texts(self, example: Example) -> tuple[Text, ...]:
        """The words with their tags."""
        count = len(example.units) - self.after
        gold: Sequence[str | int | None] = example.gold or (None,) * count
        tags = [None if tag is None else str(tag).removeprefix(self.prefix) for tag in gold[:count]]
        words = zip(example.units[:count], tags, strict=True)
        return (tuple(Word(text, tag=tag) for text, tag in words),)

    def changed(self, example: Example, texts: tuple[Text, ...]) -> Example:
        """The units and their tags; what follows the words (the utterance) stays."""
        (words,) = texts
        count = len(example.units) - self.after
        units = (*(word.text for word in words), *example.units[count:])
        gold = example.gold
        if gold is not None:
            gold = (*(f"{self.prefix}{word.tag}" for word in words), *gold[count:])
        changed = replace(example, units=units, gold=gold)
        if not self.after:
            return changed
        assert example.kinds is not None
        number = len(words)
        passage = replace(
            example.passages[0],
            words=units[:number],
            groups=tuple(range(number)),
            special=number,
        )
        kinds = (*example.kinds[:1] * number, *example.kinds[count:])
        return replace(changed, passages=(passage,), kinds=kinds)


class WholeText:
    """The label is of the whole text, which is the one unit (classification) or none (multilabel).

    Words that a pattern puts around the text are no part of it, and stay.
    """

    def __init__(self, unit: bool) -> None:
        self.unit = unit

    def texts(self, example: Example) -> tuple[Text, ...]:
        """The text."""
        return (split(example.read(of_text=True)[0].words[0]),)

    def changed(self, example: Example, texts: tuple[Text, ...]) -> Example:
        """The text wherever it stands: as the unit, and as the passage that is read."""
        if self.unit:
            example = replace(example, units=(spelled(texts[0], example.units[0]),))
        if not example.passages:
            return example
        passage = example.passages[0]
        words = (spelled(texts[0], passage.words[0]),)
        return replace(example, passages=(replace(passage, words=words),))


class Sentences:
    """Each sentence is a unit with a label: sentences and summary."""

    def texts(self, example: Example) -> tuple[Text, ...]:
        """The sentences."""
        return tuple(split(unit) for unit in example.units)

    def changed(self, example: Example, texts: tuple[Text, ...]) -> Example:
        """As many sentences as before, and what each takes of a budget of words."""
        units = tuple(spelled(*pair) for pair in zip(texts, example.units, strict=True))
        costs = example.costs
        if costs is not None:
            costs = tuple(len(unit.split()) for unit in units)
        passage = replace(example.passages[0], words=units)
        return replace(example, units=units, passages=(passage,), costs=costs)


class MarkedSpans:
    """Two spans between markers: relation. Markers and what they hold stay."""

    def texts(self, example: Example) -> tuple[Text, ...]:
        """The words of the passage; markers and spans are fixed."""
        (passage,) = example.passages
        pairs = zip(passage.marks[::2], passage.marks[1::2], strict=True)
        fixed = {n for start, last in pairs for n in range(start, last + 1)}
        return (tuple(Word(w, fixed=n in fixed) for n, w in enumerate(passage.words)),)

    def changed(self, example: Example, texts: tuple[Text, ...]) -> Example:
        """The passage, whose markers keep their groups."""
        (passage,), (words,) = example.passages, texts
        was, now = (
            [n for n, word in enumerate(text) if word.fixed]
            for text in (self.texts(example)[0], words)
        )
        moved = dict(zip(was, now, strict=True))
        groups = [NO_UNIT] * len(words)
        for old, new in moved.items():
            groups[new] = passage.groups[old]
        passage = replace(
            passage,
            words=tuple(word.text for word in words),
            groups=tuple(groups),
            marks=tuple(moved[place] for place in passage.marks),
        )
        return replace(example, passages=(passage,))


class Choices:
    """A question, and a context that every choice is read with: choice. Choices stay."""

    def texts(self, example: Example) -> tuple[Text, ...]:
        """The question, and the context where there is one."""
        question, context = self._parts(example)
        asked = (split(question),) if question else ()
        return (*asked, tuple(Word(word) for word in context)) if context else asked

    def changed(self, example: Example, texts: tuple[Text, ...]) -> Example:
        """The passages of all choices, each with its own choice."""
        question, context = self._parts(example)
        rest = list(texts)
        if question:
            question = spelled(rest.pop(0), question)
        if context:
            context = tuple(word.text for word in rest.pop(0))
        passages = []
        for old, choice in zip(example.passages, self._choices(example), strict=True):
            asked = f"{question} {choice}"
            words = context or tuple(asked.split())
            none = (NO_UNIT,) * len(words)
            passages.append(replace(old, words=words, groups=none, before=asked if context else ""))
        units = (question,) if example.candidates else example.units
        return replace(example, units=units, passages=tuple(passages))

    def _choices(self, example: Example) -> tuple[str, ...]:
        return example.candidates or example.units

    def _parts(self, example: Example) -> tuple[str, tuple[str, ...]]:
        """The question, and the words of the context."""
        first, choice = example.passages[0], self._choices(example)[0]
        if first.before:
            return first.before[: -len(choice) - 1], first.words
        if example.candidates:
            return example.units[0], ()
        return " ".join(first.words[: len(first.words) - len(choice.split())]), ()


class Answers:
    """A question and a context with answers in it: spanqa. Words of answers stay."""

    def __init__(self, task: SpanQA) -> None:
        self.task = task

    def texts(self, example: Example) -> tuple[Text, ...]:
        """The question, and the context, in which every word that an answer touches is fixed."""
        context = self.task.context_of(example.record)
        golds = [] if example.gold is None else self.task.golds_of(example.record, context)
        words, end = [], 0
        for word in split(context):
            start = end + len(word.before)
            end = start + len(word.text)
            touched = any(start < at + len(answer) and at < end for answer, at in golds)
            words.append(replace(word, fixed=touched))
        return split(example.passages[0].before), tuple(words)

    def changed(self, example: Example, texts: tuple[Text, ...]) -> Example:
        """The example read again from a record in which answers start where they now stand."""
        record = example.record
        context = self.task.context_of(record)
        question = spelled(texts[0], example.passages[0].before)
        # The outer blanks stay with the words: an answer may begin with some.
        new = "".join(word.before + word.text for word in texts[1])
        was, now = (_starts(words) for words in (self.texts(example)[1], texts[1]))
        moved = dict(zip(was, now, strict=True))
        fields = {
            **record.fields,
            pick(record, self.task.question, ("question",), "question")[0]: question,
            pick(record, self.task.context, ("context", "passage", "text"), "context")[0]: new,
        }
        if example.gold is not None:
            name = pick(record, self.task.answers, ("answers",), "answers")[0]
            fields[name] = [
                {"text": answer, "start": start + _shift(answer, start, moved)}
                for answer, start in self.task.golds_of(record, context)
            ]
        again = copy(self.task).example(replace(record, fields=fields))
        gold = None if example.gold is None else again.gold
        return replace(again, gold=gold)


def _starts(words: Text) -> list[int]:
    """The first characters of fixed words."""
    starts, end = [], 0
    for word in words:
        start = end + len(word.before)
        end = start + len(word.text)
        if word.fixed:
            starts.append(start)
    return starts


def _shift(answer: str, start: int, moved: dict[int, int]) -> int:
    """How far the fixed word went in which an answer has its first letter."""
    letter = start + len(answer) - len(answer.lstrip())
    first = max(place for place in moved if place <= letter)
    return moved[first] - first


VIEWS: dict[str, View] = {
    "tagging": TaggedWords(),
    "slots_intent": TaggedWords(f"{SLOT}/", after=1),
    "classification": WholeText(unit=True),
    "multilabel": WholeText(unit=False),
    "sentences": Sentences(),
    "summary": Sentences(),
    "relation": MarkedSpans(),
    "choice": Choices(),
    "spanqa": Answers(SpanQA()),
}
"""How the examples of each task are seen."""


MIXED = "a mix (multitask) cannot be augmented as a whole: no augmentation fits all its tasks"


def task_name(task: Task) -> str:
    """Which of the known tasks this is, also where it is one of a user's own made from it.

    Raises:
        ValueError: it is a mix, or no known task.
    """
    if isinstance(task, Abstaining):
        return task_name(task.task)
    if isinstance(task, MultiTask):
        raise ValueError(MIXED)
    for name, kind in TASKS.items():
        if isinstance(task, kind):
            return name
    raise ValueError(
        f"{type(task).__name__} cannot be augmented: it is not known what its labels are about"
    )


def view_of(task: Task) -> View:
    """How the examples of a task are seen.

    Raises:
        ValueError: it is a mix, or no known task.
    """
    inner = task.task if isinstance(task, Abstaining) else task
    return Answers(inner) if isinstance(inner, SpanQA) else VIEWS[task_name(task)]


def guessed(example: Example) -> str:
    """The task of an example as its shape tells.

    A summary counts as sentences, a text of one word as tagging: give the task where it matters.

    Raises:
        ValueError: it is of a mix.
    """
    if example.kinds is not None:
        if example.kinds[-1] == INTENT and set(example.kinds[:-1]) == {SLOT}:
            return "slots_intent"
        raise ValueError("a text of a mix (multitask) cannot be augmented: give its task")
    if not example.passages:
        whole = len(example.units) == 1 and len(example.units[0].split()) > 1
        return "classification" if whole else "tagging"
    first: Passage = example.passages[0]
    if first.marked:
        return "sentences"
    if first.whole:
        alone = len(example.units) == 1 and example.units[0].strip() == first.words[0].strip()
        return "classification" if alone else "multilabel"
    if example.units == ("start", "end") and example.candidates:
        return "spanqa"
    return "choice" if len(example.passages) > 1 else "relation"
