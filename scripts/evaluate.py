"""`lingym evaluate`: a saved labeller against gold labels."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from lingym.scripts.arguments import Reading


@dataclass(frozen=True)
class Evaluate:
    """Score a trained labeller on labelled text."""

    run_folder: Annotated[Path, tyro.conf.Positional]
    """The run's folder."""
    data: str
    """A labelled file, or a corpus name such as synthetic:commands (its test split); for multitask
    also a mix's TOML file (its test files)."""
    json: bool = False
    """Print the metrics as JSON, unrounded."""
    reading: Reading = field(default_factory=Reading)
    device: str = "auto"
    """cpu, cuda, or auto."""

    def run(self) -> None:
        """Print the metrics, and for span tags those of every type."""
        from lingym.agents import Labeller, predict_labels
        from lingym.envs import Abstaining, MultiTask
        from lingym.envs.corpora import read_records
        from lingym.rewards import span_report
        from lingym.scripts.mix import load_mix

        labeller = Labeller.load(self.run_folder, self.device)
        if labeller.task is None:
            raise ValueError(
                f"{self.run_folder} has a task of its user's own: evaluate it in Python"
            )
        if labeller.task == "multitask" and self.data.endswith(".toml"):
            mix, corpus = load_mix(self.data)
            if not corpus.test:
                raise ValueError(f"{self.data} names no test file")
            task = MultiTask(mix.tasks, labels=labeller.policy.labels.names)
            episodes = labeller.read(corpus.test, task)
        else:
            records = read_records(self.data, "test", self.reading.options())
            episodes = labeller.read(records, **self.reading.arguments(labeller.task))
        if not episodes.labelled:
            raise ValueError(f"{self.data} has texts without gold labels: nothing to measure")
        labelings = episodes.complete(predict_labels(labeller.policy, episodes))
        metrics = episodes.task.metrics(labelings, episodes.space)
        if self.json:
            sys.stdout.write(json.dumps(metrics, indent=2) + "\n")
            return
        print(f"{len(episodes)} texts, {int(episodes.lengths.sum())} units")
        width = max(12, *(len(name) for name in metrics))
        for name, value in metrics.items():
            print(f"{name:<{width}} {value:.4f}")
        if labeller.task == "tagging" and "entity_f1" in metrics:
            space = episodes.space
            if isinstance(episodes.task, Abstaining):
                labelings, space = episodes.task.alone(labelings, space)
            report = span_report(labelings.labels, labelings.gold, space.names)
            width = max(len(kind) for kind in report)
            print(f"\n{'type':<{width}}  precision  recall  f1      support")
            for kind, row in report.items():
                scores = f"{row['precision']:.4f}     {row['recall']:.4f}  {row['f1']:.4f}"
                print(f"{kind:<{width}}  {scores}  {row['support']:.0f}")
