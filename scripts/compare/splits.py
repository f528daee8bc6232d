"""The dev and test texts of a run as training reads them, and the labels that it gives them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lingym.agents import Labeller, predict_labels
from lingym.envs import Episodes, Example, Task, encode
from lingym.envs.tokenizer import UnitTokenizer
from lingym.scripts.options_fusion import Fusion
from lingym.scripts.train import Train
from lingym.scripts.training import task_and_corpus, used
from lingym.types import UNDECIDED, IntArray, Labelings, LabelSpace

NO_TRAIN = ("spanqa", "choice", "summary")
"""Tasks whose labels do not depend on the training texts, which are then left unread."""


@dataclass(frozen=True)
class Splits:
    """Texts of one run, with one label space.

    Attributes:
        task: that read them.
        space: the labels of all texts that were read, by the same rule as `lingym train`'s.
        train: the texts that the run learned from; none for the tasks of `NO_TRAIN`.
        train_texts: how many they are.
        episodes: dev, and test where it was asked for.
    """

    task: Task
    space: LabelSpace
    train: list[Example]
    train_texts: int
    episodes: Mapping[str, Episodes]


def read_splits(run: Train, labeller: Labeller) -> Splits:
    """Read the texts of a run, with its own options; its training texts are not tokenized.

    A gold label that only the test texts have is one of the space, as it is where `lingym train` is
    given the test file: it is missed, and not left out.

    Args:
        run: its options; test texts are read where it names them.
        labeller: what was trained, whose tokenizer and windows are used.

    Raises:
        DataError: a file does not hold what the task needs.
        ValueError: texts without gold labels, or other labels than when the run was trained.
    """
    task, corpus = task_and_corpus(replace(run, warm_start=None, fusion=Fusion()))
    train = () if run.task in NO_TRAIN else corpus.train
    records = {"train": train, "dev": corpus.dev, "test": corpus.test}
    examples = task.read({split: rows for split, rows in records.items() if rows})
    space = task.label_space(example for each in examples.values() for example in each)
    own = labeller.policy.labels
    lost = sorted({*own.names, *own.roles} - {*space.names, *space.roles})
    if lost or own.form != space.form:
        raise ValueError(
            f"the model was trained on texts with other labels than {run.train} and {run.dev} "
            f"have now: {', '.join(lost) or own.form}"
        )
    units = UnitTokenizer(labeller.tokenizer)
    episodes: dict[str, Episodes] = {}
    for split in ("dev", "test"):
        if split in examples:
            some = used(run, task, split, examples[split])
            episodes[split] = encode(
                task, some, space, units, labeller.max_tokens, labeller.overflow
            )
            if not episodes[split].labelled:
                raise ValueError(f"the {split} split has texts without gold labels")
    learned = used(run, task, "train", examples.get("train", []))
    return Splits(task, space, learned, len(corpus.train[: run.train_limit]), episodes)


def label(labeller: Labeller, episodes: Episodes) -> Labelings:
    """The labels that a model gives, beside the gold ones, in the label space of the episodes.

    The gold labels are out of its reach while it labels.
    """
    own, space = labeller.policy.labels, episodes.space
    lengths = np.diff(episodes.unit_bounds)
    if own.form == "text":  # its units are the candidate labels that it knows
        lengths = np.full(len(episodes), len(own.roles))
    bounds = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    gold = np.full(bounds[-1], UNDECIDED, np.int32)
    blind = replace(episodes, space=own, unit_bounds=bounds, gold=gold, facts={})
    labels = predict_labels(labeller.policy, blind)
    return episodes.complete(_in_space(labels, own, space))


def _in_space(labels: IntArray, own: LabelSpace, space: LabelSpace) -> IntArray:
    """Labels [E, U] by the numbers of another space, which has all of these and maybe more."""
    if own.form == "candidates":
        return labels
    place = np.array([*(space.places[name] for name in own.names), UNDECIDED], np.int32)
    labels = place.take(labels)
    if own.form != "text" or own.roles == space.roles:
        return labels
    wider = np.full((len(labels), len(space.roles)), space.places["no"], np.int32)
    wider[:, [space.roles.index(role) for role in own.roles]] = labels
    return wider


def model_of(run: Path, device: str = "auto") -> Labeller:
    """The model of a run that is done.

    Raises:
        ValueError: there is none.
    """
    if not (run / "model").is_dir():
        raise ValueError(f"there is no model {run / 'model'}: the cell {run.name} must run first")
    return Labeller.load(run, device)
