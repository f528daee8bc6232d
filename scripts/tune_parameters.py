"""`lingym tune-parameters`: a few parameters of a saved labeller, tuned on labelled text."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from lingym.scripts.arguments import Reading

if TYPE_CHECKING:
    from lingym.agents.tuning import Result, Tuning
    from lingym.envs.tuning import Scores
    from lingym.envs.tuning.measures import Metric

GENERATED = "generated:"


@dataclass(frozen=True)
class TuneParameters:
    """Tune a few parameters of a frozen labeller, and set agents beside the plain search.

    The untouched labeller, coordinate search on dev, and agents of `lingym/ParameterTuning-v0`,
    all scored on test once. To search the options of a training run, see `lingym tune`.
    """

    labeller: Annotated[str, tyro.conf.Positional]
    """The run's folder; or generated:labels, generated:tags or generated:sets, which needs no
    files."""
    train: str | None = None
    """Labelled text that the agents learn on, best some that the labeller did not learn from. By
    default they learn on a random half of dev and choose on the other."""
    dev: str | None = None
    """Labelled text by which values are chosen; the labeller must not have learnt from it."""
    test: str | None = None
    """Labelled text by which nothing is chosen."""
    reading: Reading = field(default_factory=Reading)

    kind: str = "bias"
    """What is tuned: bias (one for each label or entity type), threshold (one for all candidate
    labels), thresholds (one for each), subspace (of the head), or some of them and temperature,
    joined by a plus sign."""
    agent: Literal["all", "search", "sarsa", "ppo", "sac"] = "all"
    """Who tunes."""
    metric: str | None = None
    """What is to rise: accuracy, macro_f1, entity_f1, for several labels to a text also sample_f1
    and micro_f1, or another that `lingym evaluate` prints. By default the usual one of the
    labels."""
    steps: int = 20_000
    """Steps that an agent learns for."""
    batch_size: int = 256
    """Texts of a training episode."""
    horizon: int = 20
    """Steps of an episode."""
    step_size: float = 0.5
    """The most that a parameter moves in a step, in logits."""
    limit: float = 3.0
    """The most that a parameter moves in all."""
    subspace_size: int = 4
    """Directions of a subspace."""
    subspace_seed: int = 0
    """What draws them."""
    seed: int = 0
    """Of everything random."""
    seeds: int = 1
    """Agents of each kind: with this seed, the next, and so on."""
    out: Path | None = None
    """A JSON file for the results and the values, unrounded."""
    device: str = "auto"
    """Where the labeller reads: cpu, cuda, or auto. Agents learn on the CPU."""

    def run(self) -> None:
        """Print the comparison as a table."""
        import torch

        from lingym.agents.tuning import TUNERS, Tuning, compare

        if self.seeds < 1 or self.steps < 1:
            raise ValueError(f"seeds {self.seeds}, steps {self.steps}: wanted 1 or more of each")
        torch.set_num_threads(1)  # nets this small gain nothing from a second thread
        splits, metric = self._splits()
        tuning = Tuning(
            *(self.kind, metric, self.batch_size, self.horizon, self.step_size, self.limit),
            *(self.subspace_size, self.subspace_seed),
        )
        results = compare(
            *(splits["dev"], splits["test"], tuning),
            tuners=TUNERS if self.agent == "all" else (self.agent,),
            train=splits.get("train"),
            steps=self.steps,
            seeds=tuple(range(self.seed, self.seed + self.seeds)),
        )
        self._print(splits, tuning, results)
        if self.out is not None:
            self._write(splits, tuning, results)

    def _splits(self) -> tuple[dict[str, "Scores"], "Metric | None"]:
        """The labeller's scores of each split, and the metric."""
        from lingym.envs.tuning import generated_scores
        from lingym.envs.tuning.measures import NAMES

        files = {"train": self.train, "dev": self.dev, "test": self.test}
        given = {split: file for split, file in files.items() if file is not None}
        if self.labeller.startswith(GENERATED):
            if given:
                raise ValueError(
                    f"{self.labeller} has its own texts: leave out --{next(iter(given))}"
                )
            form: Any = self.labeller.removeprefix(GENERATED)
            sizes = {"dev": 1000, "test": 4000}
            splits = {
                s: generated_scores(form, n, seed) for seed, (s, n) in enumerate(sizes.items())
            }
            return splits, self.metric
        for split in ("dev", "test"):
            if split not in given:
                raise ValueError(f"no {split} texts: give --{split} FILE")

        from lingym.agents import Labeller
        from lingym.agents.scores import scores_of
        from lingym.envs.corpora import read_records

        labeller = Labeller.load(self.labeller, self.device)
        if labeller.task is None:
            raise ValueError(f"{self.labeller} has a task of its user's own: tune it in Python")
        splits, metric = {}, self.metric
        for split, file in given.items():
            records = read_records(file, split, self.reading.options())
            episodes = labeller.read(records, **self.reading.arguments(labeller.task))
            splits[split] = scores_of(labeller.policy, episodes)
            say(f"{split}: {len(episodes)} texts, {len(episodes.gold)} units of {file}")
        if metric is not None and metric not in NAMES:
            task, space = episodes.task, episodes.space
            return splits, _named(task.metrics, space, metric)
        return splits, metric

    def _print(
        self, splits: dict[str, "Scores"], tuning: "Tuning", results: "list[Result]"
    ) -> None:
        from lingym.envs.tuning import default_metric

        names = tuning.of(splits["dev"]).names
        metric = self.metric or default_metric(splits["dev"])
        sizes = ", ".join(f"{split} {len(scores)}" for split, scores in splits.items())
        print(f"{metric} of {self.labeller}; texts: {sizes}; {len(names)} parameters\n")
        print(f"{'tuner':<10} {'seed':>4}  {'dev':>7}  {'test':>7}  {'gain':>8}  {'seconds':>7}")
        for r in results:
            seed = "" if r.seed is None else r.seed
            gain = r.test - results[0].test
            print(
                f"{r.tuner:<10} {seed:>4}  {r.dev:7.4f}  {r.test:7.4f}  {gain:+8.4f}  "
                f"{r.seconds:7.1f}"
            )
        if "train" not in splits and len(results) > 1 and self.agent != "search":
            print("\nAn agent's dev is the half of dev by which its values were chosen.")

    def _write(
        self, splits: dict[str, "Scores"], tuning: "Tuning", results: "list[Result]"
    ) -> None:
        from lingym.envs.tuning import default_metric

        assert self.out is not None
        content = {
            "labeller": self.labeller,
            "metric": self.metric or default_metric(splits["dev"]),
            "kind": self.kind,
            "steps": self.steps,
            "texts": {split: len(scores) for split, scores in splits.items()},
            "tuning": {k: v for k, v in vars(tuning).items() if k != "metric"},
            "parameters": tuning.of(splits["dev"]).names,
            "results": [vars(result) for result in results],
        }
        self.out.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _named(metrics: Any, space: Any, name: str) -> "Metric":
    """One of a task's own metrics."""

    def metric(labelings: Any) -> float:
        values: dict[str, float] = metrics(labelings, space)
        if name not in values:
            raise ValueError(f"no metric {name!r}: choose {', '.join(values)}")
        return values[name]

    return metric


def say(line: str) -> None:
    """A line for the person who watches."""
    print(line, file=sys.stderr, flush=True)
