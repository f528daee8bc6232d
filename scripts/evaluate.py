"""`lingym evaluate`: a saved labeller against gold labels."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from lingym.scripts.arguments import MeanName, Metrics, Others, Reading


@dataclass(frozen=True)
class Evaluate:
    """Score a trained labeller on labelled text."""

    run_folder: Annotated[Path, tyro.conf.Positional]
    """The run's folder."""
    data: str
    """A labelled file, or a corpus name such as synthetic:commands (its test split); for multitask
    also a mix's TOML file (its test files)."""
    metrics: Metrics = ()
    """A reward to measure by, beside the task's metrics: "corpus_f1(beta=2)", my_rewards.py:worth
    (its mean over texts, or its measure of the corpus); may be given several times."""
    json: bool = False
    """Print the metrics as JSON, unrounded."""
    reading: Reading = field(default_factory=Reading)
    others: Others = ()
    """A further run, whose probabilities are averaged with the first one's (docs/fusion.md); may be
    given several times."""
    mean: MeanName = "arithmetic"
    """--with: the mean of probabilities, or of their logarithms."""
    device: str = "auto"
    """cpu, cuda, or auto."""
    base: str | None = None
    """Where the model lies that a part-trained run stands on, if it has moved."""

    def run(self) -> None:
        """Print the metrics, and for span tags those of every type."""
        from lingym.agents import Ensemble, Labeller, predict_labels
        from lingym.agents.evaluate import measures
        from lingym.envs import Abstaining
        from lingym.rewards import span_report
        from lingym.scripts.labelled import read_labelled

        runs = (self.run_folder, *self.others)
        labellers = [Labeller.load(run, self.device, self.base) for run in runs]
        labeller, together = labellers[0], Ensemble(labellers, mean=self.mean)
        read = [
            read_labelled(each, run, self.data, self.reading)
            for each, run in zip(labellers, runs, strict=True)
        ]
        episodes = read[0]
        plain = len(runs) == 1
        given = predict_labels(labeller.policy, episodes) if plain else together.label(read)
        labelings = episodes.complete(given)
        metrics = measures(episodes.task, labelings, episodes.space, self.metrics)
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
