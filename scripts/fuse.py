"""`lingym fuse`: one model whose weights are the mean of those of several runs."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from lingym.scripts.arguments import Reading


@dataclass(frozen=True)
class Fuse:
    """Average the weights of runs that go back to one encoder, into a model of the same size."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """The runs' folders, two or more of one shape; for interpolate two: first the run to leave
    from, such as the supervised one, then the one to go to."""
    out: Path
    """Folder of the fused run; it must not hold another run."""
    how: Literal["uniform", "greedy", "interpolate"] = "uniform"
    """uniform: the mean of all. greedy: from the best on dev on, each is kept only if dev does not
    fall. interpolate: between two runs, the mixture that is best on dev."""
    dev: str | None = None
    """A labelled file, or a corpus (its dev split), or a mix's TOML file, that decides. uniform
    decides nothing, and only tells."""
    test: str | None = None
    """A file (of a corpus its test split) that the fused model is scored on, once, at the end."""
    metric: str | None = None
    """The dev metric that decides; by default the task's own."""
    points: int = 11
    """interpolate: how many mixtures are tried, both ends among them."""
    reading: Reading = field(default_factory=Reading)
    device: str = "auto"
    """cpu, cuda, or auto."""

    def run(self) -> None:
        """Fuse the runs, and say what came of it."""
        from lingym.scripts.fusing import fuse

        fuse(self)
