"""`lingym predict`: labels for texts that have none, one JSON object a line."""

import json
import sys
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Annotated

import tyro

from lingym.scripts.arguments import MeanName, Others, Reading


@dataclass(frozen=True)
class Predict:
    """Label texts with a trained labeller; prints one JSON object a text."""

    run_folder: Annotated[Path, tyro.conf.Positional]
    """The run's folder."""
    file: Annotated[str, tyro.conf.Positional] = "-"
    """Lines of text (.txt, or - for standard input), CoNLL, JSON Lines, or a table."""
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
        """Label the texts in the order in which they stand."""
        from lingym.agents import Ensemble, Labeller
        from lingym.envs.corpora import read_records

        runs = (self.run_folder, *self.others)
        labellers = [Labeller.load(run, self.device, self.base) for run in runs]
        together = Ensemble(labellers, mean=self.mean)
        labeller = together if self.others else labellers[0]
        options = self.reading.options_without_labels(self.file)
        unread = {"labels", "scheme", "on_fault", "oracle", "references"}  # gold: not looked at
        reading = replace(self.reading, **dict.fromkeys(unread))
        columns = reading.arguments(labeller.task) if labeller.task else {}
        records = iter(read_records(self.file, "test", options))
        while chunk := list(islice(records, 512)):
            for row in labeller.predict_records(chunk, **columns):
                sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
            sys.stdout.flush()
