"""What a labelling task is: the units of a text, their gold labels, and what may follow what."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lingym.envs.corpora import Corpus, Record
from lingym.envs.tasks.cloze import Cloze
from lingym.envs.tasks.table import table
from lingym.rewards import Reward, candidate_metrics, corpus_metrics
from lingym.types import NO_UNIT, Facts, FloatArray, IntArray, Labelings, LabelSpace


@dataclass(frozen=True)
class Passage:
    """One token sequence of an episode; one that is too long is read in overlapping windows.

    Attributes:
        words: pieces of text, in order; none of them is ever cut in two.
        groups: the group (unit or candidate, as the label space says) that each word belongs to,
            -1 for context.
        before: a text that stands first in every window, such as a question.
        special: the group of the special token before the text, -1 for none.
        whole: the words are one running text, cut anywhere, and all tokens belong to `special`.
        marked: each word (here: a sentence) begins with a separator, which is its first token.
        marks: places of words that stand in no text, but say where in it something is.
        cloze: what stands around every window, with a blank, whose token alone is of the group
            `special`.
    """

    words: tuple[str, ...]
    groups: tuple[int, ...] = ()
    before: str = ""
    special: int = NO_UNIT
    whole: bool = False
    marked: bool = False
    marks: tuple[int, ...] = ()
    cloze: Cloze | None = None


@dataclass(frozen=True)
class Example:
    """One text of a corpus, cut into its units.

    Attributes:
        units: the text or the name of each unit, in the order in which they are labelled.
        gold: the gold label of each unit (a name, or the place of a candidate), or None where the
            text has none (prediction). It may end early with the label that stops an episode.
        record: where the example was read.
        passages: what an encoder reads; by default one, of the units' texts.
        candidates: the text of each candidate, where labels are candidates.
        kinds: the kind of each unit, where units are of several kinds.
        costs: what each unit takes of the quota; by default 1.
    """

    units: tuple[str, ...]
    gold: tuple[str | int, ...] | None
    record: Record
    passages: tuple[Passage, ...] = ()
    candidates: tuple[str, ...] = ()
    kinds: tuple[str, ...] | None = None
    costs: tuple[int, ...] | None = None

    def read(self, of_text: bool) -> tuple[Passage, ...]:
        """The passages, or those that follow from the units."""
        if self.passages:
            return self.passages
        if of_text:
            return (Passage(self.units[:1], special=0, whole=True),)
        return (Passage(self.units, tuple(range(len(self.units)))),)

    def label(self, label: int, space: LabelSpace) -> str:
        """What a label id means here."""
        if space.form != "candidates":
            return space.names[label]
        return self.candidates[label] if label < len(self.candidates) else f"(no candidate {label})"


class Task:
    """A labelling task. A subclass says what `example` is; everything else has a default.

    Attributes:
        name: its name on the command line and in saved models; empty for a user's own.
        corpus: the generated corpus that stands in where no data are named.
        labels: the label names, where they are fixed beforehand; None takes the union over the
            splits, sorted. A gold label outside a fixed set is an error with its file and line.
        of_text: True where the one unit is the whole text, which then also owns the special
            tokens; False where units are words.
        settings: names of the constructor's arguments that a saved model must keep.
        volatile: attributes that reading changes, and that do not change how a text is read.
        weights: where the task mixes others: how often a text of each is drawn; None: by number.
    """

    name: str = ""
    corpus: str = "synthetic:commands"
    labels: Sequence[str] | None = None
    of_text: bool = False
    settings: tuple[str, ...] = ()
    weights: Mapping[str, float] | None = None
    volatile: tuple[str, ...] = ()

    def example(self, record: Record) -> Example:
        """Cut one record of a corpus into units and gold labels.

        Raises:
            DataError: the record does not hold what the task needs.
        """
        raise NotImplementedError(f"{type(self).__name__} must define example(record)")

    def read(self, splits: Mapping[str, Iterable[Record]]) -> dict[str, list[Example]]:
        """The examples of every split; override where one record cannot be read without others."""
        return {name: [self.example(record) for record in rows] for name, rows in splits.items()}

    def in_parts(self, splits: Mapping[str, Iterable[Record]]) -> "Mapping[str, Task]":
        """For each split a task whose `read` of any part of it gives what that of all would.

        A corpus on disk is read so. What is told of whole splits (a scheme, the candidates) is
        found and said here, and no longer by `read`.

        Args:
            splits: the records of each split, which can be walked again and are not held.

        A task with a `read` of its own must have this of its own, too (`in_parts_of`).
        """
        return dict.fromkeys(splits, self)

    def label_space(self, examples: Iterable[Example]) -> LabelSpace:
        """The labels of the task, fixed or sorted by name, and which may follow which.

        Raises:
            ValueError: the fixed labels name one twice.
        """
        names = self.labels
        if names is None:
            names = sorted({str(label) for example in examples for label in example.gold or ()})
        if len(set(names)) < len(names):
            raise ValueError(f"every label must be named once, got {', '.join(names)}")
        return LabelSpace(tuple(names), of_text=self.of_text)

    def facts(self, examples: Sequence[Example], space: LabelSpace) -> Facts:
        """What rewards and metrics must know of a split beside its gold labels."""
        return {}

    def stored_facts(self, examples: Sequence[Example], gold: IntArray, space: LabelSpace) -> Facts:
        """The facts of a split on disk, such as `facts` gives, of texts that are read when needed.

        Args:
            examples: the texts, each made anew when it is asked for.
            gold: [S] their gold label ids.
            space: the labels.
        """
        return self.facts(examples, space)

    def joined_facts(self, old: Facts, new: Facts) -> Facts:
        """The facts of a split to which texts were added; those of both as `facts` would have them.

        Args:
            old: the facts of the texts that were there.
            new: the facts of the added ones alone.

        Raises:
            NotImplementedError: the task does not say how they join.
        """
        raise NotImplementedError(
            f"texts cannot be added: {type(self).__name__} has facts of a split and must define "
            "joined_facts(old, new)"
        )

    def settled(self, space: LabelSpace) -> "Task":
        """The task that reads further texts of an environment whose labels are these."""
        return self

    def default_reward(self, space: LabelSpace) -> Reward:
        """The reward of an environment that was given none."""
        raise NotImplementedError(f"{type(self).__name__} names no default reward: give reward=")

    def metrics(self, labelings: Labelings, space: LabelSpace) -> dict[str, float]:
        """The measures of a whole split, as the field reports them.

        Args:
            labelings: complete ones of every text of a split.
            space: the labels.
        """
        if space.form == "candidates":
            return candidate_metrics(labelings.labels, labelings.gold)
        return corpus_metrics(labelings.labels, labelings.gold, space.names)

    def metric(self, space: LabelSpace) -> str:
        """The measure that decides between two policies."""
        return "accuracy"

    def present(
        self, example: Example, labels: IntArray, space: LabelSpace, probabilities: FloatArray
    ) -> dict[str, Any]:
        """A labelled text as a JSON object, for people and programs.

        Args:
            example: the text.
            labels: [U] label ids; fewer where the episode was stopped.
            space: the labels.
            probabilities: [U, K] of each unit's labels, given the labels before it.
        """
        given = [example.label(int(label), space) for label in labels]
        return {"tokens": list(example.units), "labels": given}

    def render(self, example: Example, gold: IntArray, labels: IntArray, space: LabelSpace) -> str:
        """An episode in progress, for a terminal.

        Args:
            example: the text.
            gold: [U] gold label ids, -1 where a unit has none.
            labels: [U] label ids given so far, -1 where undecided.
            space: the labels.
        """
        return table(
            example.units,
            ["" if g < 0 else example.label(int(g), space) for g in gold],
            ["" if k < 0 else example.label(int(k), space) for k in labels],
            ended=space.stop is not None and bool((labels == space.stop).any()),
        )

    @classmethod
    def default(cls, **arguments: Any) -> "tuple[Task, str | Corpus]":
        """The task and the corpus of an environment that was given no data."""
        return cls(**arguments), cls.corpus

    def saved(self) -> dict[str, Any]:
        """The arguments that a saved model keeps, JSON values: those that `settings` names."""
        return {name: getattr(self, name) for name in self.settings}

    @classmethod
    def of_space(cls, space: LabelSpace, **arguments: Any) -> "Task":
        """The task of a saved model, whose labels are known."""
        return cls(labels=space.names, **arguments)  # type: ignore[call-arg]


def in_parts_of(task: Task, splits: Mapping[str, Iterable[Record]]) -> Mapping[str, Task]:
    """`Task.in_parts`, where it is of the class that `read` is of, or of a later one.

    Raises:
        NotImplementedError: the task's class has a `read` of its own alone.
    """
    places = {name: _owner(type(task), name) for name in ("read", "in_parts")}
    if places["read"] < places["in_parts"]:
        raise NotImplementedError(
            f"{type(task).__name__} reads whole splits in a way of its own: to be read from disk "
            "it must define in_parts(splits)"
        )
    return task.in_parts(splits)


def _owner(kind: type, name: str) -> int:
    """How far up the class is that defines a method."""
    return next(place for place, each in enumerate(kind.__mro__) if name in vars(each))
