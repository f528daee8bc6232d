"""`lingym bench feedback`: how near learning from feedback comes to learning from gold labels."""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lingym.reading import read_toml
from lingym.scripts.train import Train

GOLD = "gold labels"
START = "the start"

OWN = ("out", "seed", "train", "dev", "test", "encoder", "warm_start", "keep_best")
"""Options that a kind of feedback cannot set: the benchmark sets them for all."""


def usual(measure: str) -> dict[str, dict[str, Any]]:
    """The kinds of feedback that are compared if no file says otherwise.

    Args:
        measure: what a judge of whole labelings has in mind.
    """
    told: dict[str, Any] = {"gamma": 0.0}  # a verdict is about one label
    return {
        "right or wrong": {"reward": "bandit", **told},
        "right or wrong, one in ten flipped": {"reward": "noisy(bandit, p=0.1)", **told},
        "right or wrong, 512 texts late": {"reward": "bandit", "feedback_delay": 512, **told},
        "clicks, fading": {"reward": "clicks", **told},
        "clicks, weighed": {"reward": "clicks(debias=True, cap=5.0)", **told},
        "one score": {"reward": f"one_score({measure})"},
        "one score, one in ten flipped": {"reward": f"noisy(one_score({measure}), p=0.1)"},
        "five stars": {"reward": f"one_score({measure}, levels=5)"},
        "counts of types": {"reward": "counts"},
        "which of two is better": {"agent": "preference", "reward": f"preference({measure})"},
    }


@dataclass(frozen=True)
class FeedbackCurves:
    """Learn from kinds of feedback, and from gold labels, and draw the metric over what was spent.

    All begin with one supervised run on a few texts with gold labels, and go on with the whole
    training split: one with its gold labels, the others with feedback on the labels they gave.
    """

    train: Train
    """The options of `lingym train` that all runs share. --out is the folder of all of them,
    --episodes the texts that feedback is given on, --agent, --learning-rate and such those of
    learning from feedback."""
    regimes: Path | None = None
    """A TOML file with a table for each kind of feedback: options of `lingym train`, such as reward
    = "bandit" and gamma = 0. By default ten usual kinds."""
    gold: int = 200
    """Texts with gold labels that all begin with: the first of the training split."""
    gold_passes: int = 10
    """Times that the start goes over them."""
    gold_rate: float = 2e-4
    """The learning rate of the start, and of going on with gold labels."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Each run is done once with each."""

    def run(self) -> None:
        """Do the runs that are not done yet; write feedback.json, .csv and .png; print a table."""
        from lingym.scripts.feedback_picture import draw
        from lingym.scripts.run_folder import write_json
        from lingym.scripts.train_check import check_numbers

        check_numbers(self.train)
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds are {list(self.seeds)}: wanted one or more, each once")
        if self.gold < 1 or self.gold_passes < 1 or not self.gold_rate > 0:
            raise ValueError("--gold and --gold-passes must be 1 or more, --gold-rate above 0")
        metric = deciding(self.train)
        regimes = self.read() or usual("entity_f1" if metric == "entity_f1" else "accuracy")
        curves = self._measure(regimes, metric)
        out = self.train.out
        write_json(out / "feedback.json", {"regimes": regimes, "runs": curves})
        with (out / "feedback.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["feedback", "seed", "texts", "spent", f"dev_{metric}"])
            for run in curves:
                for point in run["curve"]:
                    place = (run["feedback"], run["seed"], point["texts"], point["spent"])
                    rows.writerow([*place, point["dev"]])
        draw(curves, out / "feedback.png", metric)
        print(table(curves, metric))
        print(f"\ncurves: {out / 'feedback.png'}")

    def read(self) -> dict[str, dict[str, Any]]:
        """The kinds of feedback that the file names, and the options of each; none without one.

        Raises:
            ValueError: the file does not hold tables of options.
        """
        from lingym.scripts.sweep import option

        if self.regimes is None:
            return {}
        found = read_toml(self.regimes)
        known = {**vars(Train(out=Path())), "gamma": 1.0}
        for name, table in found.items():
            if not isinstance(table, Mapping):
                raise ValueError(f"{self.regimes}: {name} is {table!r}: wanted a table of options")
            if name in (GOLD, START):
                raise ValueError(f"{self.regimes}: {name!r} is done anyway: leave it out")
            for key, value in table.items():
                if key in OWN:
                    raise ValueError(
                        f"{self.regimes}, table [{name}]: {key} is the same for all: give it as "
                        "an option of the command"
                    )
                option(key, value, f"{self.regimes}, table [{name}]", known)
        folders = [self._folder(name, 0) for name in found]
        if len(set(folders)) < len(folders):
            raise ValueError(f"{self.regimes}: two tables have names that differ in signs only")
        if not found:
            raise ValueError(f"{self.regimes}: no table, so no kind of feedback")
        return found

    def _measure(
        self, regimes: Mapping[str, Mapping[str, Any]], metric: str
    ) -> list[dict[str, Any]]:
        from lingym.scripts.sweep import run_once

        curves = []
        for seed in self.seeds:
            shared = replace(self.train, seed=seed, reward=None, keep_best=False)
            start = replace(
                shared,
                out=self._folder(START, seed),
                agent="supervised",
                train_limit=self.gold,
                episodes=self.gold * self.gold_passes,
                learning_rate=self.gold_rate,
            )
            begun = run_once(start)
            further = replace(shared, encoder=None, warm_start=start.out)
            arms: dict[str, Train] = {
                GOLD: replace(further, agent="supervised", learning_rate=self.gold_rate),
            }
            for name, options in regimes.items():
                arms[name] = replace(further, **{"agent": self.train.agent, **options})
            curves.append(curve(START, seed, begun, metric))
            for name, arguments in arms.items():
                done = run_once(replace(arguments, out=self._folder(name, seed)))
                curves.append(curve(name, seed, done, metric))
        return curves

    def _folder(self, name: str, seed: int) -> Path:
        return self.train.out / f"{re.sub(r'[^A-Za-z0-9.]+', '-', name).strip('-')}-{seed}"


def deciding(arguments: Train) -> str:
    """The dev metric that the curves are of: the one asked for, or the one that the task says.

    Raises:
        ValueError: there is no dev split, or no such metric.
    """
    from lingym.scripts.training import metric_names, read

    dataset = read(arguments)
    if "dev" not in dataset.splits:
        raise ValueError("curves are drawn of a dev metric: give --dev FILE")
    metric = arguments.metric or dataset.task.metric(dataset.space)
    known = metric_names(dataset)
    if metric not in known:
        raise ValueError(f"no metric {metric!r}: one of {', '.join(known)}")
    return metric


def curve(name: str, seed: int, metrics: Mapping[str, Any], metric: str) -> dict[str, Any]:
    """What is kept of a run: the dev metric over texts and over verdicts, and test at the end.

    Where gold labels are learned from, each counts as one verdict each time it is read.
    """
    points = [
        {
            "texts": point["episodes"],
            "spent": point["readings"].get("feedback_spent", point["steps"]),
            "dev": point["metrics"][metric],
        }
        for point in metrics["curve"]
    ]
    return {
        "feedback": name,
        "seed": seed,
        "metric": metric,
        "curve": points,
        "dev": points[-1]["dev"],
        "test": metrics["test"].get(metric),
        "seconds": metrics["training"]["seconds"],
    }


def table(curves: list[dict[str, Any]], metric: str) -> str:
    """The last dev and test metrics of each kind of feedback, means over the seeds."""
    from statistics import mean, stdev

    names = list(dict.fromkeys(run["feedback"] for run in curves))
    runs = {name: [run for run in curves if run["feedback"] == name] for name in names}
    width = max(len(name) for name in names)
    head = f"{metric:<{width}}  {'verdicts':>9}  {'dev':>6}  {'test':>6}  {'± sd':>6}"
    lines = [f"{head}  {'of the way':>10}"]

    def level(name: str) -> float:
        return mean(run["dev"] if run["test"] is None else run["test"] for run in runs[name])

    way = level(GOLD) - level(START)
    for name in names:
        tests = [run["test"] for run in runs[name] if run["test"] is not None]
        spent = mean(run["curve"][-1]["spent"] for run in runs[name])
        test = f"{mean(tests):6.3f}" if tests else f"{'':6}"
        spread = f"{stdev(tests):6.3f}" if len(tests) > 1 else f"{'':6}"
        dev = mean(run["dev"] for run in runs[name])
        part = f"{(level(name) - level(START)) / way:10.0%}" if way else f"{'':10}"
        lines.append(f"{name:<{width}}  {spent:9,.0f}  {dev:6.3f}  {test}  {spread}  {part}")
    return "\n".join(lines)
