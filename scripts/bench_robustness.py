"""`lingym bench robustness`: runs on texts with typing errors, odd case, gaps and new names."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from lingym.scripts.arguments import Reading


@dataclass(frozen=True)
class RobustnessReport:
    """Measure runs on noisy test texts, the very same for all; a figure and a report."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """The runs' folders; the first, a supervised one say, is what the others are compared with."""
    test: str
    """The labelled file whose texts are made noisy, or a corpus name (its test split)."""
    out: Path
    """Folder of results.json, report.html, report.md and the figure."""
    metric: str | None = None
    """By default the one that decides in the task."""
    noises: tuple[str, ...] = ()
    """Of typos, lower, upper, title, deleted_words, unseen_entities; by default all that the task
    allows."""
    strengths: tuple[float, ...] = (0.05, 0.1, 0.2, 0.4)
    """Shares of words (or entities) that are changed, from 0 to 1; 0 is always measured."""
    draws: int = 5
    """Times that the noise is drawn at each strength; 2 at the least."""
    test_limit: int | None = None
    """Use the first so many texts only."""
    mentions: str | None = None
    """Names for unseen_entities: a table of a type, a tab, a mention; those of --train are left
    out."""
    train: str | None = None
    """The training texts: their mentions are not used as new ones, and without --mentions new ones
    are put together from parts of them. Without both, names are invented."""
    seed: int = 0
    """Of the noise."""
    reading: Reading = field(default_factory=Reading)
    device: str = "auto"
    """cpu, cuda, or auto."""

    def run(self) -> None:
        """Measure, and write the report.

        Raises:
            ValueError: an option out of its range, or runs that cannot be compared.
        """
        from lingym.scripts.robustness_measure import measure
        from lingym.scripts.robustness_report import write

        if self.draws < 2:
            raise ValueError(f"--draws must be 2 or more, got {self.draws}: one tells no spread")
        if self.seed < 0:
            raise ValueError(f"--seed must be 0 or more, got {self.seed}")
        if self.test_limit is not None and self.test_limit < 2:
            raise ValueError(f"--test-limit must be 2 or more, got {self.test_limit}")
        wrong = [s for s in self.strengths if not 0 <= s <= 1]
        if wrong or not any(self.strengths):
            raise ValueError(f"--strengths must be from 0 to 1, one above 0; got {self.strengths}")
        if (self.out / "results.json").exists():
            raise ValueError(f"{self.out} holds a report already: give another --out, or remove it")
        self.out.mkdir(parents=True, exist_ok=True)
        measure(self)
        print(write(self.out))
