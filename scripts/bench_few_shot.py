"""`lingym bench few-shot`: a metric against the number of labels that were told."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lingym.scripts.train import Train

FURTHER = "verdicts on further texts"
SAME = "verdicts on the same texts"
SUPERVISED = "supervised"
TOLD: dict[str, Any] = {"agent": "reinforce", "reward": "bandit", "gamma": 0.0}
"""Right or wrong of each label, and nothing else: a verdict is about one label."""

ARMS: dict[str, dict[str, Any]] = {
    SUPERVISED: {"agent": "supervised"},
    "supervised, names": {"agent": "supervised", "head_init": "names"},
    "supervised, prototypes": {"agent": "supervised", "head_init": "prototypes"},
    "prompt": {"agent": "supervised"},
    SAME: TOLD,
    FURTHER: {**TOLD, "samples": 1, "baseline": "mean"},
}
"""The ways of learning, as options of `lingym train`."""


@dataclass(frozen=True)
class FewShotCurves:
    """Learn from 1, 2, 4, ... examples a label in several ways, several draws of each.

    Supervised learning with a random head, with one that begins with the label names or with
    prototypes, and with a prompt, beside REINFORCE that is told right or wrong of labels it gave:
    on the same texts, or on further ones after the supervised run. No run chooses by dev.
    """

    train: Train
    """The options of `lingym train` that all runs share. --out is the folder of all, --episodes the
    texts of each run, repeats counted; --pattern and --verbaliser are the prompt's alone."""
    shots: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    """Examples a label."""
    draws: tuple[int, ...] = (0, 1, 2)
    """Seeds, each of a draw of texts and of its runs; a smaller draw is part of a larger one."""
    arms: tuple[str, ...] = field(default_factory=tuple)
    """Those of the ways that are compared, by name. By default all that the options allow."""
    further: int = 256
    """Texts that get a verdict on one label each after the supervised run."""

    def run(self) -> None:
        """Do the runs that are not done yet; write rows, results, a picture and a table."""
        from lingym.scripts.few_shot_picture import draw
        from lingym.scripts.few_shot_results import results, table
        from lingym.scripts.run_folder import write_json

        names = self.chosen()
        rows = []
        out = self.train.out
        for seed in self.draws:
            for shots in self.shots:
                for name in names:
                    rows.append(self.cell(name, shots, seed))
                    text = "".join(json.dumps(row) + "\n" for row in rows)
                    (out / "rows.jsonl").write_text(text, encoding="utf-8")
        found = results(rows)
        write_json(out / "results.json", found)
        draw(found, out / "few-shot.png")
        (out / "few-shot.md").write_text(table(found), encoding="utf-8")
        print(table(found), end="")

    def chosen(self) -> tuple[str, ...]:
        """The ways that are compared.

        Raises:
            ValueError: one is unknown or lacks its options, or nothing is left to compare.
        """
        from lingym.scripts.train_check import check_numbers

        check_numbers(self.train)
        little = self.train.little
        for name, values in (("shots", self.shots), ("draws", self.draws)):
            if not values or len(set(values)) < len(values) or min(values) < (name == "shots"):
                raise ValueError(f"--{name} are {list(values)}: wanted one or more, each once")
        if little.few_shot is not None or little.head_init != "random" or little.zero_shot:
            raise ValueError("--few-shot, --head-init and --zero-shot are what is compared")
        if self.further < 1:
            raise ValueError(f"--further must be 1 or more, got {self.further}")
        prompted = little.pattern is not None and little.verbaliser is not None
        unknown = [name for name in self.arms if name not in ARMS]
        if unknown:
            raise ValueError(f"--arms: no {unknown[0]!r}; there are {', '.join(map(repr, ARMS))}")
        if "prompt" in self.arms and not prompted:
            raise ValueError("--arms prompt needs --pattern and --verbaliser")
        if FURTHER in self.arms and SUPERVISED not in self.arms:
            raise ValueError(f"--arms {FURTHER!r} goes on from {SUPERVISED!r}: name both")
        if self.train.train and not self.train.dev and not self.train.corpus:
            raise ValueError("verdicts are counted where dev is measured: give --dev FILE")
        return self.arms or tuple(name for name in ARMS if prompted or name != "prompt")

    def cell(self, name: str, shots: int, seed: int) -> dict[str, Any]:
        """One run, done or read, as a row."""
        from lingym.scripts.sweep import run_once

        arguments = self.arguments(name, shots, seed)
        done = run_once(arguments)
        texts, labels = self.told(self.arguments(SUPERVISED, shots, seed))
        split = "test" if done["test"] else "dev"
        metric = self.train.metric or _deciding(self.train)
        if metric not in done[split]:
            raise ValueError(f"no metric {metric!r}: one of {', '.join(done[split])}")
        judged = name in (SAME, FURTHER)
        return {
            "arm": name,
            "shots": shots,
            "draw": seed,
            "texts": texts,
            "labels": 0 if name == SAME else labels,
            "verdicts": round(done["curve"][-1]["readings"]["feedback_spent"]) if judged else 0,
            "split": split,
            "metric": metric,
            "value": done[split][metric],
            "seconds": done["training"]["seconds"],
            "folder": str(arguments.out.relative_to(self.train.out)),
        }

    def arguments(self, name: str, shots: int, seed: int) -> Train:
        """The options of one run."""
        options: Mapping[str, Any] = ARMS[name]
        little = replace(self.train.little, few_shot=shots, few_shot_seed=seed)
        if name != "prompt":
            little = replace(little, pattern=None, verbaliser=None)
        if options.get("head_init") != "names":
            little = replace(little, label_names=None)
        little = replace(little, head_init=options.get("head_init", "random"))
        episodes = self.train.episodes or 40 * self.train.batch_size
        own = {key: value for key, value in options.items() if key != "head_init"}
        shared = {"seed": seed, "keep_best": False, "reward": None, "episodes": episodes}
        run = replace(self.train, **{**shared, "little": little, **own})
        if name == FURTHER:
            run = replace(
                run,
                encoder=None,
                warm_start=self.folder(SUPERVISED, shots, seed),
                little=replace(little, few_shot=None, few_shot_seed=None),
                limit_seed=seed if run.limit_seed is None else run.limit_seed,
                episodes=self.further,
            )
        every = run.episodes  # one measurement, at the end: none is chosen by
        return replace(run, out=self.folder(name, shots, seed), eval_every=every)

    def folder(self, name: str, shots: int, seed: int) -> Path:
        """Where a run lies."""
        return self.train.out / "runs" / f"{'-'.join(name.replace(',', '').split())}-{shots}-{seed}"

    def told(self, arguments: Train) -> tuple[int, int]:
        """How many texts a draw has, and how many gold labels."""
        from lingym.scripts.training import task_and_corpus, used

        task, corpus = task_and_corpus(arguments)
        drawn = used(arguments, task, "train", task.read({"train": corpus.train})["train"])
        return len(drawn), sum(len(example.units) for example in drawn)


def _deciding(arguments: Train) -> str:
    """The metric that the task goes by."""
    from lingym.scripts.training import task_and_corpus

    task, corpus = task_and_corpus(arguments)
    examples = task.read({"train": corpus.train})["train"]
    return task.metric(task.label_space(examples))
