"""Several tasks with one encoder: a text is of one of them, and so are all of its units."""

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from lingym.envs.corpora import Corpus, Record, load_corpus
from lingym.envs.corpora.streams import Stream
from lingym.envs.tasks.abstaining import Abstaining
from lingym.envs.tasks.columns import label
from lingym.envs.tasks.sentences import SentenceTagging
from lingym.envs.tasks.tagging import MANY, Tagging, batched
from lingym.envs.tasks.task import Example, Task, in_parts_of
from lingym.rewards import Accuracy, ByKind, Reward, split_kinds
from lingym.types import UNDECIDED, DataError, FloatArray, IntArray, Labelings, LabelSpace

FIELD = "task"


class MultiTask(Task):
    """A mix of tasks whose units have named labels; each has a head of its own.

    A record says in its field ``task`` which it is of (`mixed` puts the field there). Labels are
    named ``task/label``; a unit never gets one of another task. Batches hold one task, and texts
    are drawn by weight.

    Args:
        tasks: by name. Tagging, classification, relations and sentences can be mixed; tasks whose
            labels are candidates, or yes and no of every label, cannot, nor can those with a quota.
        weights: how often a text of each task is drawn, relative to each other; by default in
            proportion to the texts there are.
        labels: the labels of all tasks, where they are known beforehand.
    """

    name = "multitask"
    volatile = ("spaces",)

    def __init__(
        self,
        tasks: Mapping[str, Task],
        weights: Mapping[str, float] | None = None,
        labels: Iterable[str] | None = None,
    ) -> None:
        if not tasks or any("/" in name for name in tasks):
            raise ValueError(f"wanted tasks with names that hold no '/', got {list(tasks)}")
        if any(isinstance(task, Abstaining) for task in tasks.values()):
            raise ValueError("a task that can abstain cannot be mixed with others")
        if weights is not None and (
            set(weights) != set(tasks) or min(weights.values()) < 0 or not sum(weights.values())
        ):
            raise ValueError(
                f"weights must be 0 or more and not all 0, one for each of {', '.join(tasks)}; "
                f"got {dict(weights)}"
            )
        self.tasks, self.weights = dict(tasks), weights
        self.spaces: dict[str, LabelSpace] = {}
        if labels is not None:
            names = list(labels)
            for kind, task in self.tasks.items():
                own = [name[len(kind) + 1 :] for name in names if name.startswith(f"{kind}/")]
                task.labels = own

    def read(self, splits: Mapping[str, Iterable[Record]]) -> dict[str, list[Example]]:
        """The examples of every split, each read by its own task, in their order."""
        rows: dict[str, list[Any]] = {split: list(records) for split, records in splits.items()}
        names = {split: [self._name(record) for record in rows[split]] for split in rows}
        for kind, task in self.tasks.items():
            own = {
                split: [
                    r for r, name in zip(rows[split], names[split], strict=True) if name == kind
                ]
                for split in rows
            }
            read = task.read({split: records for split, records in own.items() if records})
            every = [example for examples in read.values() for example in examples]
            if every:
                self.spaces[kind] = task.label_space(every)
            for split, examples in read.items():
                following = iter(examples)
                rows[split] = [
                    self.named(kind, next(following)) if name == kind else row
                    for row, name in zip(rows[split], names[split], strict=True)
                ]
        return rows  # every record was replaced by its example

    def in_parts(self, splits: Mapping[str, Iterable[Record]]) -> dict[str, Task]:
        """For every split a mix of the tasks that read parts of it."""
        parts = {split: copy(self) for split in splits}
        for split in splits:
            parts[split].tasks, parts[split].spaces = dict(self.tasks), {}
        for kind, task in self.tasks.items():
            own = {split: _Own(self, kind, records) for split, records in splits.items()}
            own = {split: records for split, records in own.items() if any(True for _ in records)}
            if not own:
                continue
            inner = in_parts_of(task, own)
            for split, part in inner.items():
                parts[split].tasks[kind] = part
            self.spaces[kind] = task.label_space(
                example
                for split, records in own.items()
                for rows in batched(records, MANY)
                for example in inner[split].read({split: rows})[split]
            )
        return dict(parts)

    def _name(self, record: Record) -> str:
        name = label(record, FIELD, record[FIELD])
        if name not in self.tasks:
            raise record.error(f"{FIELD!r} is {name!r}: the tasks are {', '.join(self.tasks)}")
        return name

    def named(self, kind: str, example: Example) -> Example:
        """The example of one of the tasks with its labels and units named after it."""
        return replace(
            example,
            gold=None if example.gold is None else tuple(f"{kind}/{g}" for g in example.gold),
            passages=example.read(self.tasks[kind].of_text),
            kinds=(kind,) * len(example.units),
        )

    def label_space(self, examples: Iterable[Example]) -> LabelSpace:
        """The labels of all tasks."""
        missing = [kind for kind in self.tasks if kind not in self.spaces]
        if missing:
            place = "".join(f"{example.record.path}: " for example in islice(examples, 1))
            raise DataError(f"{place}there is no text of the task {', '.join(missing)}")
        return LabelSpace.joined({kind: self.spaces[kind] for kind in self.tasks}, mixed=True)

    def settled(self, space: LabelSpace) -> "MultiTask":
        """A task of its own, so that further texts leave the labels of this one as they are."""
        task = copy(self)
        task.spaces = dict(self.spaces)
        return task

    def default_reward(self, space: LabelSpace) -> Reward:
        """Each task's own; accuracy where that needs more than gold labels."""
        rewards: dict[str, Reward] = {}
        for kind, task in self.tasks.items():
            own = task.default_reward(space.of_kind(kind)[0])
            plain = type(task).facts is Task.facts
            rewards[kind] = own if plain else Accuracy()
        return ByKind(rewards)

    def metrics(self, labelings: Labelings, space: LabelSpace) -> dict[str, float]:
        """Each task's own measures, ``task/measure``, and the mean of those that decide."""
        measured: dict[str, float] = {}
        deciding = []
        for kind, (own, names) in split_kinds(labelings, space).items():
            task = self.tasks[kind]
            found = task.metrics(own, names)
            deciding.append(found[task.metric(names)])
            measured |= {f"{kind}/{name}": value for name, value in found.items()}
        return {"mean": float(np.mean(deciding)), **measured}

    def metric(self, space: LabelSpace) -> str:
        """The mean over tasks of the measure that decides in each."""
        return "mean"

    def present(
        self, example: Example, labels: IntArray, space: LabelSpace, probabilities: FloatArray
    ) -> dict[str, Any]:
        """What the text's own task shows, and the ``task``'s name."""
        kind = (example.kinds or ("",))[0]
        names, own = space.of_kind(kind)
        place = {int(label): number for number, label in enumerate(own)}
        given = np.array([place[int(k)] for k in labels], np.int32)
        shown = self.tasks[kind].present(example, given, names, probabilities[:, own])
        return {FIELD: kind, **shown}

    @classmethod
    def default(cls, **arguments: Any) -> tuple[Task, str | Corpus]:
        """Slots of spoken commands beside the roles of sentences."""
        tasks: dict[str, Task] = {"slots": Tagging(), "roles": SentenceTagging()}
        if "tasks" in arguments:
            raise ValueError("tasks need data: give a corpus whose records say their task (mixed)")
        corpora = {kind: load_corpus(task.corpus) for kind, task in tasks.items()}
        return cls(tasks, **arguments), mixed(corpora)

    def render(self, example: Example, gold: IntArray, labels: IntArray, space: LabelSpace) -> str:
        """The task's name, and what the task itself shows."""
        kind = (example.kinds or ("",))[0]
        names, own = space.of_kind(kind)
        place = np.full(len(space) + 1, UNDECIDED, np.int32)  # the last for what is undecided
        place[own] = np.arange(len(own))
        if ((labels >= 0) & (place[labels] < 0)).any():  # a label of another task
            return f"[{kind}]\n{super().render(example, gold, labels, space)}"
        return f"[{kind}]\n{self.tasks[kind].render(example, place[gold], place[labels], names)}"

    def saved(self) -> dict[str, Any]:
        """The tasks by name, each with its kind and what it keeps."""
        return {"tasks": {kind: {"kind": t.name, **t.saved()} for kind, t in self.tasks.items()}}

    @classmethod
    def of_space(cls, space: LabelSpace, **arguments: Any) -> "MultiTask":
        """The task of a saved model."""
        from lingym.envs.tasks import TASKS  # which names this class too

        common = {name: value for name, value in arguments.items() if name != "tasks"}
        tasks = {}
        for kind, kept in arguments["tasks"].items():
            own = {name: value for name, value in kept.items() if name != "kind"}
            tasks[kind] = TASKS[kept["kind"]].of_space(space.of_kind(kind)[0], **own, **common)
        task = cls(tasks)
        task.spaces = {kind: space.of_kind(kind)[0] for kind in tasks}
        return task


class _Own:
    """The records of one task, walked anew each time."""

    def __init__(self, mix: MultiTask, kind: str, records: Iterable[Record]) -> None:
        self.mix, self.kind, self.records = mix, kind, records

    def __iter__(self) -> Iterator[Record]:
        return (record for record in self.records if self.mix._name(record) == self.kind)


def mixed(corpora: Mapping[str, Corpus]) -> Corpus:
    """One corpus out of several; each record says in ``task`` which it is from."""

    def join(split: str) -> tuple[Record, ...]:
        return tuple(
            replace(record, fields={**record.fields, FIELD: name})
            for name, corpus in corpora.items()
            for record in getattr(corpus, split)
        )

    def stream(split: str) -> Stream:
        return Stream(
            tuple(
                replace(part, added=(*part.added, (FIELD, name)))
                for name, corpus in corpora.items()
                for part in getattr(corpus, split).parts
            )
        )

    source = {f"{n}/{split}": s for n, c in corpora.items() for split, s in c.source.items()}
    if all(isinstance(corpus.train, Stream) for corpus in corpora.values()):
        streams: dict[str, Any] = {split: stream(split) for split in ("train", "dev", "test")}
        return Corpus(**streams, source=source)
    return Corpus(join("train"), join("dev"), join("test"), source)
