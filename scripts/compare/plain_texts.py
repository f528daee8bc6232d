"""The texts of a data set as plain text, whatever its task: what an encoder reads of each."""

from dataclasses import replace
from pathlib import Path

from lingym.scripts.compare.passes import run_of_arm
from lingym.scripts.compare.prepare import sources
from lingym.scripts.compare.study import Data, Study
from lingym.scripts.hygiene.texts import text_of
from lingym.scripts.train import Train
from lingym.scripts.training import task_and_corpus, used


def run_with_test(study: Study, data: Data, out: Path) -> Train:
    """A run that reads all splits of a data set as the study's runs and scores read them."""
    run = run_of_arm(study, data, None, {}, out)
    files = sources(data, out)
    return replace(
        run,
        train=files["train"],
        dev=files["dev"],
        test=files["test"],
        test_limit=data.options.get("test_limit"),
    )


def texts_of(run: Train) -> dict[str, list[str]]:
    """The texts of each split that a run uses, in its order.

    Limits hold: a text that no run was trained on is not among the training texts.
    """
    task, corpus = task_and_corpus(run)
    splits = task.read({"train": corpus.train, "dev": corpus.dev, "test": corpus.test})
    space = task.label_space(example for split in splits.values() for example in split)
    return {
        split: [text_of(example, space.of_text) for example in used(run, task, split, examples)]
        for split, examples in splits.items()
    }
