"""`lingym predict`: labels for texts that have none, one JSON object a line."""

import json
import sys
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Annotated

import tyro

from lingym.scripts.arguments import Reading


@dataclass(frozen=True)
class Predict:
    """Label texts with a trained labeller; prints one JSON object a text."""

    run_folder: Annotated[Path, tyro.conf.Positional]
    """The run's folder."""
    file: Annotated[str, tyro.conf.Positional] = "-"
    """Lines of text (.txt, or - for standard input), CoNLL, JSON Lines, or a table."""
    reading: Reading = field(default_factory=Reading)
    device: str = "auto"
    """cpu, cuda, or auto."""

    def run(self) -> None:
        """Label the texts in the order in which they stand."""
        from lingym.agents import Labeller
        from lingym.envs.corpora import read_records

        labeller = Labeller.load(self.run_folder, self.device)
        options = self.reading.options_without_labels(self.file)
        unread = {"labels", "scheme", "on_fault", "oracle", "references"}  # gold: not looked at
        reading = replace(self.reading, **dict.fromkeys(unread))
        columns = reading.arguments(labeller.task) if labeller.task else {}
        records = iter(read_records(self.file, "test", options))
        while chunk := list(islice(records, 512)):
            for row in labeller.predict_records(chunk, **columns):
                sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
            sys.stdout.flush()
