"""A task around a task: its units may also be left to an annotator, by the label ABSTAIN."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any

import numpy as np

from lingym.envs.corpora import Record
from lingym.envs.tasks.task import Example, Task, in_parts_of
from lingym.rewards import ABSTAIN, Abstain, Reward, without_abstain
from lingym.rewards.feedback.abstain import answered
from lingym.types import (
    BoolArray,
    DataError,
    Facts,
    FloatArray,
    IntArray,
    Labelings,
    LabelSpace,
    Quota,
)

SETTING = "abstain"
"""What a saved model calls the arguments of `Abstaining` among those of its task."""


class Abstaining(Task):
    """A task with one more label, ABSTAIN, the last one, for units left to an annotator.

    Selective prediction: Chow (1970, https://doi.org/10.1109/TIT.1970.1054406); El-Yaniv and Wiener
    (2010, https://jmlr.org/papers/v11/el-yaniv10a.html); Geifman and El-Yaniv (2017,
    https://arxiv.org/abs/1705.08500). Any label may follow ABSTAIN, and it any label. A gold label
    is never ABSTAIN. What an answer is worth the reward says (`lingym.rewards.Abstain`).

    Args:
        task: units with labels that have names, of one kind, which neither end nor count episodes:
            tagging, classification, multi-label, relations, sentences.
        budget: the most units of a text that may be abstained (a mask); None sets no limit.
        price: of an answer, in the default reward and in ``utility``.

    Raises:
        ValueError: a budget or price that means nothing, or a task around this one already.
    """

    def __init__(self, task: Task, budget: int | None = None, price: float = 0.3) -> None:
        if isinstance(task, Abstaining):
            raise ValueError("the task can abstain already: put Abstaining around it once")
        if budget is not None and (type(budget) is not int or budget < 1):
            raise ValueError(f"budget must be a whole number from 1 on, or None; got {budget!r}")
        if isinstance(price, bool) or not 0 <= price < float("inf"):
            raise ValueError(f"price must be a number, 0 or more; got {price!r}")
        self.task, self.budget, self.price = task, budget, price
        self.name, self.corpus, self.of_text = task.name, task.corpus, task.of_text
        self.labels = task.labels

    def example(self, record: Record) -> Example:
        """What the task reads."""
        return self.task.example(record)

    def read(self, splits: Mapping[str, Iterable[Record]]) -> dict[str, list[Example]]:
        """What the task reads; no gold label may be ABSTAIN."""
        read = self.task.read(splits)
        for example in (example for examples in read.values() for example in examples):
            if ABSTAIN in (example.gold or ()):
                raise example.record.error(
                    f"a gold label is {ABSTAIN!r}, which is what a policy says to ask for one"
                )
        return read

    def in_parts(self, splits: Mapping[str, Iterable[Record]]) -> dict[str, Task]:
        """This around the task's own for each split."""
        parts = in_parts_of(self.task, splits)
        return {split: Abstaining(part, self.budget, self.price) for split, part in parts.items()}

    def label_space(self, examples: Iterable[Example]) -> LabelSpace:
        """The task's labels, and ABSTAIN.

        Raises:
            DataError: the texts have but one label.
            ValueError: labels are candidates or of several kinds, or end or count episodes.
        """
        examples = iter(examples)
        head = list(islice(examples, 1))
        space = self.task.label_space(chain(head, examples))
        if head and len(space) == 1 and self.task.labels is None:
            few = f"a task needs at least two labels, the corpus has {space.names}"
            raise DataError(f"{head[0].record.path}: {few}")
        return _with_abstain(space, self.budget)

    def facts(self, examples: Sequence[Example], space: LabelSpace) -> Facts:
        """The task's own."""
        return self.task.facts(examples, without_abstain(space))

    def stored_facts(self, examples: Sequence[Example], gold: IntArray, space: LabelSpace) -> Facts:
        """The task's own; no gold label is ABSTAIN."""
        return self.task.stored_facts(examples, gold, without_abstain(space))

    def joined_facts(self, old: Facts, new: Facts) -> Facts:
        """As the task joins them."""
        return self.task.joined_facts(old, new)

    def settled(self, space: LabelSpace) -> Task:
        """This around the task that reads further texts."""
        return Abstaining(self.task.settled(without_abstain(space)), self.budget, self.price)

    def default_reward(self, space: LabelSpace) -> Reward:
        """The task's own, with answers at the price."""
        return Abstain(self.task.default_reward(without_abstain(space)), price=self.price)

    def metrics(self, labelings: Labelings, space: LabelSpace) -> dict[str, float]:
        """The task's measures three times, and how much was abstained.

        ``coverage`` is the share of units that the policy labelled itself, and
        ``selective_accuracy`` how many of these are right (0 where it labelled none). The task's
        measures by their own names count an abstained unit as wrong; ``assisted_...`` are those
        after the annotator's answers. ``utility`` is the assisted measure that decides in the task
        less the price times the share that was abstained.
        """
        label = len(space) - 1
        unaided, own = self.alone(labelings, space)
        measured = labelings.gold >= 0
        given = measured & (labelings.labels != label)
        right = given & (labelings.labels == labelings.gold)
        coverage = given.sum() / max(1, measured.sum())
        alone = self.task.metrics(unaided, own)
        assisted = self.task.metrics(answered(labelings, label), own)
        worth = assisted[self.task.metric(own)] - self.price * (1 - coverage)
        return {
            "utility": float(worth),
            "coverage": float(coverage),
            "selective_accuracy": float(right.sum() / max(1, given.sum())),
            **alone,
            **{f"assisted_{name}": value for name, value in assisted.items()},
        }

    def alone(self, labelings: Labelings, space: LabelSpace) -> tuple[Labelings, LabelSpace]:
        """The labelings in the task's own labels; abstained units have a wrong one."""
        return answered(labelings, len(space) - 1, 0), without_abstain(space)

    def metric(self, space: LabelSpace) -> str:
        """What answers bring beyond their price."""
        return "utility"

    def present(
        self, example: Example, labels: IntArray, space: LabelSpace, probabilities: FloatArray
    ) -> dict[str, Any]:
        """What the task shows; ``abstained`` lists the units left to an annotator, by place."""
        shown = self.task.present(example, labels, space, probabilities)
        asked = np.flatnonzero(labels == len(space) - 1)
        names = [space.roles[u] for u in asked] if space.roles else asked.tolist()
        return {**shown, "abstained": names}

    def render(self, example: Example, gold: IntArray, labels: IntArray, space: LabelSpace) -> str:
        """What the task shows, with ABSTAIN among the labels."""
        return self.task.render(example, gold, labels, space)

    def saved(self) -> dict[str, Any]:
        """What the task keeps, and the arguments of this one."""
        return {**self.task.saved(), SETTING: {"budget": self.budget, "price": self.price}}


def known_task(
    kind: type[Task], space: LabelSpace, abstain: dict[str, Any] | None = None, **arguments: Any
) -> Task:
    """The task of a saved model, able to abstain or not.

    Args:
        kind: the class of the task itself.
        space: the labels.
        abstain: the arguments of `Abstaining`, where it stands around the task.
        arguments: of the task itself.
    """
    if abstain is None:
        return kind.of_space(space, **arguments)
    return Abstaining(kind.of_space(without_abstain(space), **arguments), **abstain)


def _with_abstain(space: LabelSpace, budget: int | None) -> LabelSpace:
    """The space with one more label, the last."""
    ruled = space.kinds or space.stop is not None or space.quota is not None
    if space.form == "candidates" or ruled:
        raise ValueError(
            "only tasks can abstain whose units have labels with names, of one kind, which neither "
            "end an episode nor are counted: tagging, classification, multi-label, relations, "
            "sentences"
        )
    if ABSTAIN in space.names:
        raise ValueError(f"the task has a label {ABSTAIN!r} already: name it otherwise")
    if len(space) < 2:
        raise ValueError(f"a task needs at least two labels, the corpus has {space.names}")
    transitions: BoolArray | None = space.transitions
    if transitions is not None:
        count = len(space)
        transitions = np.insert(transitions, count, True, axis=0)  # after ABSTAIN, anything
        transitions = np.insert(transitions, count, True, axis=1)
    names, quota = (*space.names, ABSTAIN), None
    if budget is not None:
        quota = Quota(len(space), limit=budget)
    return replace(space, names=names, transitions=transitions, quota=quota)
