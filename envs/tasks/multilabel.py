"""Multi-label classification: the units are the candidate labels, each yes or no."""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

from lingym.envs.corpora import Record
from lingym.envs.tasks.columns import label, pick, text
from lingym.envs.tasks.task import Example, Passage, Task
from lingym.rewards import Reward, SampleF1, multilabel_metrics
from lingym.types import DataError, FloatArray, IntArray, Labelings, LabelSpace

YES = 1


class MultiLabel(Task):
    """Say of every candidate label whether it fits the text, which is encoded once.

    Args:
        text: the column that holds the text, a string or a list of words; None takes the first of
            ``text sentence tokens words`` that is there.
        label: the column that holds the list of the labels that fit, which may be empty; None takes
            the first of ``labels label tags``.
        labels: the candidate labels, where they are known beforehand.
        separator: what stands between the labels of a column that holds a string (tables).
        unlabelled: read texts without gold labels, for prediction.
    """

    name = "multilabel"
    corpus = "synthetic:emotions"
    of_text = True

    def __init__(
        self,
        text: str | None = None,
        label: str | None = None,
        labels: Sequence[str] | None = None,
        separator: str = "|",
        unlabelled: bool = False,
    ) -> None:
        self.text, self.label, self.labels = text, label, labels
        self.separator, self.unlabelled = separator, unlabelled

    def example(self, record: Record) -> Example:
        """The text; its gold labels by name, until `read` knows all candidates."""
        name, value = pick(record, self.text, ("text", "sentence", "tokens", "words"), "text")
        passage = Passage((text(record, name, value),), special=0, whole=True)
        if self.unlabelled:
            return Example((), None, record, (passage,))
        name, value = pick(record, self.label, ("labels", "label", "tags"), "labels")
        if isinstance(value, str):
            value = [part.strip() for part in value.split(self.separator) if part.strip()]
        if not isinstance(value, list | tuple):
            raise record.error(f"{name!r} must be a list of labels, got {value!r}")
        given = tuple(label(record, f"{name}[{place}]", item) for place, item in enumerate(value))
        if len(set(given)) < len(given):
            raise record.error(f"{name!r} names a label twice: {', '.join(given)}")
        return Example((), given, record, (passage,))

    def read(self, splits: Mapping[str, Iterable[Record]]) -> dict[str, list[Example]]:
        """The examples of every split; the candidates are the labels of all, sorted by name."""
        read = super().read(splits)
        roles = self.labels
        if roles is None:
            roles = sorted({str(g) for each in read.values() for e in each for g in e.gold or ()})
            if not roles and not self.unlabelled and read:
                place = next(iter(read.values()))[0].record.path
                raise DataError(f"{place}: wanted candidate labels, and no text has one")
        if not roles or len(set(roles)) < len(roles):
            raise ValueError(f"wanted candidate labels, each named once; got {list(roles)}")
        return {
            split: [_decided(example, tuple(roles)) for example in examples]
            for split, examples in read.items()
        }

    def in_parts(self, splits: Mapping[str, Iterable[Record]]) -> dict[str, Task]:
        """For every split a task that knows the candidates of all."""
        part = copy(self)
        if part.labels is None:
            every = (self.example(record) for records in splits.values() for record in records)
            part.labels = sorted({str(g) for example in every for g in example.gold or ()})
        return dict.fromkeys(splits, part)

    def label_space(self, examples: Iterable[Example]) -> LabelSpace:
        """``no`` and ``yes``; the units are the candidate labels."""
        return LabelSpace(
            ("no", "yes"), of_text=True, form="text", roles=next(iter(examples)).units
        )

    def settled(self, space: LabelSpace) -> "MultiLabel":
        """The task with the candidates that the environment knows."""
        task = copy(self)
        task.labels = space.roles
        return task

    def default_reward(self, space: LabelSpace) -> Reward:
        """F1 between the labels given and the gold ones."""
        return SampleF1()

    def metrics(self, labelings: Labelings, space: LabelSpace) -> dict[str, float]:
        """Sample, micro and macro F1, exact match and Hamming loss."""
        return multilabel_metrics(labelings, space.roles)

    def metric(self, space: LabelSpace) -> str:
        """Sample F1."""
        return "sample_f1"

    def present(
        self, example: Example, labels: IntArray, space: LabelSpace, probabilities: FloatArray
    ) -> dict[str, Any]:
        """``text``, the ``labels`` that fit, and each candidate's probability by name."""
        given = [role for role, k in zip(space.roles, labels, strict=True) if k == YES]
        chances = probabilities[:, YES].tolist()
        return {
            "text": example.passages[0].words[0],
            "labels": given,
            "probabilities": dict(zip(space.roles, chances, strict=True)),
        }

    def render(self, example: Example, gold: IntArray, labels: IntArray, space: LabelSpace) -> str:
        """The text, and the candidates."""
        return f"{example.passages[0].words[0]}\n{super().render(example, gold, labels, space)}"

    @classmethod
    def of_space(cls, space: LabelSpace, **arguments: Any) -> "MultiLabel":
        """The task of a saved model: its candidates are the roles."""
        return cls(labels=space.roles, **arguments)


def _decided(example: Example, roles: tuple[str, ...]) -> Example:
    """An example with a unit for every candidate label."""
    if example.gold is None:
        return replace(example, units=roles)
    unknown = [str(name) for name in example.gold if name not in roles]
    if unknown:
        raise example.record.error(
            f"unknown label {unknown[0]!r}: the task's labels are {', '.join(roles)}"
        )
    gold = tuple("yes" if role in example.gold else "no" for role in roles)
    return replace(example, units=roles, gold=gold)
