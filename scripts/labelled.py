"""Labelled text as a trained labeller reads it."""

from pathlib import Path
from typing import Literal

from lingym.agents import Labeller
from lingym.envs import Episodes, MultiTask
from lingym.envs.corpora import read_records
from lingym.scripts.arguments import Reading
from lingym.scripts.mix import load_mix


def read_labelled(
    labeller: Labeller,
    folder: Path,
    data: str,
    reading: Reading,
    split: Literal["train", "dev", "test"] = "test",
) -> Episodes:
    """Gold-labelled texts as episodes of a labeller.

    Args:
        labeller: that will label them.
        folder: its run, for errors.
        data: a file, a corpus name, or for multitask a mix's TOML file.
        reading: how a file is read.
        split: of a corpus or a mix.

    Raises:
        ValueError: the labeller's task is its user's own, or there are no gold labels.
    """
    if labeller.task is None:
        raise ValueError(f"{folder} has a task of its user's own: evaluate it in Python")
    if labeller.task == "multitask" and data.endswith(".toml"):
        mix, corpus = load_mix(data)
        texts = getattr(corpus, split)
        if not texts:
            raise ValueError(f"{data} names no {split} file")
        episodes = labeller.read(texts, MultiTask(mix.tasks, labels=labeller.policy.labels.names))
    else:
        records = read_records(data, split, reading.options())
        episodes = labeller.read(records, **reading.arguments(labeller.task))
    if not episodes.labelled:
        raise ValueError(f"{data} has texts without gold labels: nothing to measure")
    return episodes
