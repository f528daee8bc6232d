"""`lingym bench WHAT`: the benchmarks."""

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from lingym.scripts.bench_speed import Speed, run


@dataclass(frozen=True)
class Bench(Speed):
    """Measure training, environments and rewards against stock libraries, as ratios."""

    what: Annotated[Literal["speed"], tyro.conf.Positional] = "speed"
    """speed: labels a second, ours and stock Stable-Baselines3's."""

    def run(self) -> None:
        """Measure, and print the table."""
        run(self)
