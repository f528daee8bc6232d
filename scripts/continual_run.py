"""The runs of a sequence of corpora: stage by stage, each begun where the one before ended."""

import json
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lingym.agents import Labeller, Reservoir, evaluate
from lingym.agents.episodic import EpisodicAlgorithm
from lingym.envs import Episodes
from lingym.envs.tasks import Example
from lingym.policies import LabelPolicy
from lingym.reading import read_json
from lingym.scripts.compare.machine import commit, versions
from lingym.scripts.continual import Continual
from lingym.scripts.continual_data import Sequenced, read
from lingym.scripts.continual_ewc import consolidating, write_fisher
from lingym.scripts.continual_measures import summarised
from lingym.scripts.continual_routes import routed
from lingym.scripts.continual_sequence import Stage, going_on, load_sequence
from lingym.scripts.run_folder import write_json
from lingym.scripts.sweep import run_once
from lingym.scripts.train import Train
from lingym.scripts.training import say

Begin = Callable[[EpisodicAlgorithm], None]
FREE = ("train", "sequence", "method", "seeds", "score_test")
"""What may differ when a folder's runs are gone on with; `run_once` compares the runs' options."""


ALIKE = ("none", "rehearsal", "ewc")
"""Methods that differ from the second stage on."""


@dataclass(frozen=True)
class Course:
    """One method and one seed, on its way through the sequence.

    Attributes:
        asked: the command.
        stages: of the sequence.
        data: their texts.
        metric: what is measured.
        method: one of the command's.
        seed: likewise.
    """

    asked: Continual
    stages: Sequence[Stage]
    data: Sequenced
    metric: str
    method: str
    seed: int

    def folder(self, place: int) -> Path:
        """Where its run of a stage lies; methods that begin alike share the first."""
        alike = place == 0 and self.method in ALIKE
        name = "first" if alike else self.method
        return self.asked.train.out / name / f"seed-{self.seed}"

    def run(self) -> dict[str, Any]:
        """Do what is not done yet.

        Returns:
            Its seed, the row ``start`` and the rows of ``matrix`` with a score of each stage's dev
            (joint: the last row alone), ``test`` if asked, and what each stage cost.
        """
        start = self.folder(0) / "start.json"
        rows: list[list[float] | None] = []
        costs = []
        memory = Reservoir[tuple[str, int]](
            self.asked.memory, np.random.default_rng([self.seed, 0])
        )
        joint = self.method == "joint"
        done: list[Path] = []
        for place, stage in enumerate(self.stages[:1] if joint else self.stages):
            arguments, texts, dev = self.planned(place, memory, done)
            say(f"{self.method}, seed {self.seed}, {arguments.out.name}")

            def begin(agent: EpisodicAlgorithm, place: int = place) -> None:
                if place == 0:
                    write_json(start, self.scores(lambda _: agent.policy))
                elif self.method == "ewc":
                    asked = self.asked
                    agent.consolidation = consolidating(agent.policy, done[-1], asked.ewc_lambda)

            more: dict[str, Any] = {}
            if not (arguments.out / "metrics.json").exists():
                start.parent.mkdir(parents=True, exist_ok=True)
                more = {"dataset": self.data.dataset(texts, dev), "begin": begin}
            costs.append(run_once(arguments, score_test=False, **more)["training"])
            done.append(arguments.out)
            if self.method == "ewc" and place + 1 < len(self.stages):
                own = self.data.encoded(self.data.train[stage.name])
                write_fisher(self.asked, own, done, self.seed + place)
            for number in range(len(self.data.train[stage.name])):
                memory.add((stage.name, number))
            rows.append(kept(done[-1] / "dev.json", lambda: self.measured(done, self.data.dev)))
        if joint:
            rows = [*(None for _ in self.stages[1:]), *rows]
        found = {
            "seed": self.seed,
            "start": scores_in(start),
            "matrix": rows,
            "training": costs,
        }
        if self.asked.score_test:
            found["test"] = kept(
                self.folder(1) / "test.json", lambda: self.measured(done, self.data.test)
            )
        return found

    def planned(
        self, place: int, memory: Reservoir[tuple[str, int]], done: Sequence[Path]
    ) -> tuple[Train, list[Example], Episodes]:
        """The options of a stage's run, its training texts, and its dev texts."""
        stage, data = self.stages[place], self.data
        own = data.train[stage.name]
        arguments = replace(stage.arguments, seed=self.seed)
        episodes = arguments.episodes or 3 * len(own)
        texts, dev, name = own, data.dev[stage.name], f"{place + 1}-{stage.name}"
        if self.method == "joint":
            name = "all"
            arguments = replace(self.asked.train, seed=self.seed)
            texts = [text for those in data.train.values() for text in those]
            each = [(s.arguments.episodes, len(data.train[s.name])) for s in self.stages]
            episodes = sum(asked or 3 * count for asked, count in each)
            dev = data.encoded([e for those in data.dev.values() for e in those.examples])
        elif self.method == "rehearsal" and place:
            texts = [*own, *self.rehearsed(memory, len(own), place)]
            episodes = round(episodes * len(texts) / len(own))  # new texts as often as without
        elif self.method == "adapters":
            tuning = replace(arguments.tuning, tune=arguments.tuning.tune or "adapter")
            arguments = replace(arguments, tuning=tuning)
        if place and self.method != "adapters":
            arguments = going_on(arguments, done[-1])
        if self.asked.label_space == "own":
            arguments = replace(arguments, task="multitask")
        return replace(arguments, out=self.folder(place) / name, episodes=episodes), texts, dev

    def rehearsed(self, memory: Reservoir[tuple[str, int]], new: int, place: int) -> list[Example]:
        """Old texts for a stage with so many new ones: p / (1 - p) times as many, p their share.

        They are gone through in random rounds, so that none comes once more than another does.
        """
        share = self.asked.rehearsal
        wanted = max(1, round(new * share / (1 - share)))
        draws = np.random.default_rng([self.seed, place])
        rounds = -(-wanted // len(memory))
        order = np.concatenate([draws.permutation(len(memory)) for _ in range(rounds)])[:wanted]
        return [self.data.train[name][text] for name, text in (memory.items[n] for n in order)]

    def measured(self, done: Sequence[Path], split: Mapping[str, Episodes]) -> list[float]:
        """A score of each stage's texts by the model, or the adapters, of the stages so far."""
        device = self.asked.train.device
        if self.method != "adapters":
            policy = Labeller.load(done[-1], device).policy
            return self.scores(lambda _: policy, split)
        models = [Labeller.load(run, device).policy for run in done]
        if self.asked.route == "confident":
            return [routed(models, split[s.name])[self.metric] for s in self.stages]
        return self.scores(lambda place: models[min(place, len(models) - 1)], split)

    def scores(
        self,
        policy: Callable[[int], LabelPolicy],
        split: Mapping[str, Episodes] | None = None,
    ) -> list[float]:
        """A score of each stage's texts, dev by default, by the policy for its place."""
        split = self.data.dev if split is None else split
        return [
            evaluate(policy(place), split[stage.name])[self.metric]
            for place, stage in enumerate(self.stages)
        ]


def measure(asked: Continual) -> dict[str, Any]:
    """Do all runs of a command that are not done yet.

    Returns:
        What stands in ``matrix.json``.

    Raises:
        ValueError: the sequence cannot be read, or the folder holds runs of another one.
    """
    if asked.train.threads:
        torch.set_num_threads(asked.train.threads)
    stages = load_sequence(asked.sequence, asked.train)
    data = read(stages, asked.train, asked.label_space == "own")
    metric = asked.train.metric or data.task.metric(data.space)
    _check_splits(asked, stages, data, metric)
    begin_folder(asked, stages)
    methods: dict[str, list[dict[str, Any]]] = {}
    found: dict[str, Any] = {}
    for method in asked.method:
        for seed in asked.seeds:
            course = Course(asked, stages, data, metric, method, seed)
            methods.setdefault(method, []).append(course.run())
            found = {
                "made": {
                    "command": shlex.join(["lingym", *sys.argv[1:]]),
                    "commit": commit(),
                    "versions": versions(),
                },
                "task": asked.train.task,
                "metric": metric,
                "settings": {n: v for n, v in settings(asked).items() if n not in FREE},
                "stages": [about(stage, data) for stage in stages],
                "methods": summarised(methods),
            }
            write_json(asked.train.out / "matrix.json", found)
    return found


def _check_splits(asked: Continual, stages: Sequence[Stage], data: Sequenced, metric: str) -> None:
    splits = {"dev": data.dev, **({"test": data.test} if asked.score_test else {})}
    for split, texts in splits.items():
        for stage in stages:
            if stage.name not in texts:
                raise ValueError(f"stage {stage.name} has no {split} texts: name them in its table")
            if not texts[stage.name].labelled:
                raise ValueError(f"the {split} texts of stage {stage.name} lack gold labels")
    first = data.dev[stages[0].name]
    gold = first.gold_of(np.arange(len(first)), first.max_units)
    known = data.task.metrics(first.complete(gold), data.space)
    if metric not in known:
        raise ValueError(f"no metric {metric!r}: one of {', '.join(known)}")


def settings(asked: Continual) -> dict[str, Any]:
    """The command's own options."""
    return {name: value for name, value in vars(asked).items() if name != "train"}


def begin_folder(asked: Continual, stages: Sequence[Stage]) -> None:
    """Write down what the folder's runs are of.

    Raises:
        ValueError: it holds those of another sequence, or of other options.
    """
    file = asked.train.out / "continual.json"
    now = {
        **{name: value for name, value in settings(asked).items() if name not in FREE},
        "stages": {stage.name: asdict(stage.arguments) for stage in stages},
        "all": asdict(asked.train),
    }
    for options in (now["all"], *now["stages"].values()):
        for name in ("out", "progress", "threads"):
            del options[name]
    now = json.loads(json.dumps(now, default=str))
    if file.exists():
        before = read_json(file, nan=True)
        if not isinstance(before, dict):
            raise ValueError(f"{file}: wanted the options of a sequence, an object by names")
        other = [name for name in now if now[name] != before.get(name)]
        if other:
            raise ValueError(
                f"{asked.train.out} holds runs of a sequence with other options (they differ in "
                f"{', '.join(other)}): give another --out, or remove it"
            )
        return
    asked.train.out.mkdir(parents=True, exist_ok=True)
    write_json(file, now)


def about(stage: Stage, data: Sequenced) -> dict[str, Any]:
    """What a report says of a stage."""
    arguments = stage.arguments
    names = ("corpus", "train", "dev", "test")
    texts = {"train": len(data.train[stage.name]), "dev": len(data.dev[stage.name])}
    if stage.name in data.test:
        texts["test"] = len(data.test[stage.name])
    labels = {label for example in data.train[stage.name] for label in example.gold or ()}
    return {
        "name": stage.name,
        "files": {name: value for name in names if (value := getattr(arguments, name)) is not None},
        "texts": texts,
        "agent": arguments.agent,
        "labels": sorted(map(str, labels)) if len(data.space) else [],
    }


def kept(file: Path, measured: Callable[[], list[float]]) -> list[float]:
    """Scores that a file holds; measured now, if it is not there."""
    if not file.exists():
        write_json(file, measured())
    return scores_in(file)


def scores_in(file: Path) -> list[float]:
    """Scores that a file holds.

    Raises:
        ValueError: it cannot be read, or holds something else.
    """
    found = read_json(file, nan=True)
    if not isinstance(found, list) or not all(type(score) in (int, float) for score in found):
        raise ValueError(f"{file}: wanted the scores of each stage, a list of numbers")
    return found
