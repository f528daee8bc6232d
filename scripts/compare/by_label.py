"""How well each label is given, and how often the training texts have it.

What a label is: an entity type where labels are span tags, a relation where they are directed ones,
a candidate of a multi-label task, and else a label itself; of slots and an intent, the slots' types
and the intents, ``slot/...`` and ``intent/...``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lingym.agents.npz import load_npz
from lingym.envs import (
    Abstaining,
    Example,
    ExtractiveSummary,
    MultipleChoice,
    MultiTask,
    SpanQA,
    Task,
)
from lingym.reading import read_json, wanted
from lingym.rewards import split_kinds
from lingym.rewards.corpus_counts import Totals, default_unit, units_of
from lingym.rewards.counting import ratio
from lingym.scripts.compare.terms import Counts
from lingym.scripts.run_folder import write_json
from lingym.types import UNDECIDED, FloatArray, Labelings, LabelSpace

TEXTS = 4096
"""Training texts counted at a time."""


@dataclass(frozen=True, eq=False)
class ByLabel:
    """What every label has in training, and what each test text adds to its F1.

    Attributes:
        labels: T names.
        train_count: how often each is a gold one in the training texts that were used.
        counts: true positives, predictions and gold ones, float64 [N, T] each. A label's F1 in a
            resample with weights [R, N] is 2 TP / (P + G) of ``weights @ counts.right`` and so on.
    """

    labels: tuple[str, ...]
    train_count: tuple[int, ...]
    counts: Counts

    def f1(self, weights: FloatArray | None = None) -> FloatArray:
        """F1 of each label, float64 [R, T] with weights [R, N], [1, T] without; 0 / 0 is 0."""
        if weights is None:
            weights = np.ones((1, len(self.counts.right)))
        right, given, gold = (
            weights @ each for each in (self.counts.right, self.counts.given, self.counts.gold)
        )
        return ratio(2 * right, given + gold, 0.0)

    def write(self, folder: Path) -> None:
        """Write ``by_label.json``, for people, and ``by_label.npz``, the counts by text."""
        columns = (self.counts.right, self.counts.given, self.counts.gold)
        sums = np.stack([each.sum(0) for each in columns], 1).astype(int).tolist()
        rows = zip(self.labels, self.train_count, sums, self.f1()[0].tolist(), strict=True)
        listed = [
            {"label": label, "train_count": n, "right": r, "predicted": p, "gold": g, "f1": f1}
            for label, n, (r, p, g), f1 in rows
        ]
        write_json(folder / "by_label.json", {"labels": listed})
        right, given, gold = (each.astype(np.int32) for each in columns)
        with (folder / "by_label.npz").open("wb") as file:
            np.savez_compressed(file, right=right, given=given, gold=gold)

    @classmethod
    def read(cls, folder: Path) -> "ByLabel":
        """Read what `write` wrote."""
        told, sums = folder / "by_label.json", folder / "by_label.npz"
        with wanted(told, "counts by label"):
            listed = read_json(told, nan=True)["labels"]
            labels, train = (tuple(row[n] for row in listed) for n in ("label", "train_count"))
        with wanted(sums, "counts by text and label"):
            stored = {name: array.astype(np.float64) for name, array in load_npz(sums).items()}
            counts = Counts(stored["right"], stored["given"], stored["gold"], "macro")
            if counts.columns().shape[1] != 3 * len(labels):
                raise ValueError(f"there are {len(labels)} labels in {told.name}")
        return cls(labels, train, counts)


def by_label(
    labelings: Labelings, task: Task, space: LabelSpace, train: Sequence[Example]
) -> ByLabel | None:
    """Count the labels of test texts and of training texts.

    Args:
        labelings: complete ones of every test text.
        task: what was labelled. An abstained unit has a wrong label.
        space: the labels of test and training texts.
        train: the training texts that were used.

    Returns:
        The counts; None where labels are candidates of a text's own, choose sentences, or are of
        several tasks.
    """
    if isinstance(task, Abstaining):  # ABSTAIN is the last label, and no gold one
        labelings, space = task.alone(labelings, space)
    if isinstance(task, ExtractiveSummary | MultipleChoice | SpanQA | MultiTask):
        return None
    names: list[str] = []
    parts, frequency = [], []
    for before, few, few_of in _kinds(labelings, space):
        types, totals = _totals(few, few_of)
        names += [f"{before}{name}" for name in types]
        parts.append(totals)
    for texts in _chunks(train, space):
        kinds = [_totals(few, few_of)[1].gold for _, few, few_of in _kinds(texts, space)]
        frequency.append(np.concatenate([gold.sum(0) for gold in kinds]))
    count = np.sum(frequency, 0, initial=0.0) if frequency else np.zeros(len(names))
    right, given, gold = (np.concatenate(each, 1) for each in zip(*parts, strict=True))
    counts = Counts(right, given, gold, "macro")
    return ByLabel(tuple(names), tuple(int(n) for n in count), counts)


def _kinds(labelings: Labelings, space: LabelSpace) -> Iterator[tuple[str, Labelings, LabelSpace]]:
    """The units of each kind, of which every text has some; or all, where there are no kinds."""
    if not space.kinds:
        yield "", labelings, space
        return
    for name, (few, few_of) in split_kinds(labelings, space).items():
        yield f"{name}/", few, few_of


def _totals(labelings: Labelings, space: LabelSpace) -> tuple[tuple[str, ...], Totals]:
    """The names of what is counted, and the counts of every text."""
    unit = default_unit(space)
    units = units_of(space, unit)
    labels = np.where(labelings.gold >= 0, labelings.labels, np.int32(UNDECIDED))
    found = units.changes(replace(labelings, labels=labels)).totals(len(units.types))
    return units.types, found


def _chunks(train: Sequence[Example], space: LabelSpace) -> Iterator[Labelings]:
    """Training texts as though they had been labelled with their gold labels."""
    for start in range(0, len(train), TEXTS):
        some = train[start : start + TEXTS]
        lengths = np.array([len(example.units) for example in some], np.int32)
        gold = np.full((len(some), lengths.max()), UNDECIDED, np.int32)
        kinds = None
        if space.kinds:
            kinds = np.full(gold.shape, UNDECIDED, np.int32)
        for row, example in enumerate(some):
            ids = [space.places[str(label)] for label in example.gold or ()]
            gold[row, : len(ids)] = ids
            if kinds is not None:
                kinds[row, : len(ids)] = [space.kinds.index(kind) for kind in example.kinds or ()]
        rows = np.arange(len(some), dtype=np.int32)
        yield Labelings(gold, gold, lengths, lengths, rows, kinds)
