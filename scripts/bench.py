"""`lingym bench WHAT`: the benchmarks."""

from dataclasses import dataclass, field
from typing import Annotated

from tyro.conf import subcommand

from lingym.scripts.bench_active import ActiveCurves
from lingym.scripts.bench_compare import Compare
from lingym.scripts.bench_disk import DiskBench
from lingym.scripts.bench_drift import Drift
from lingym.scripts.bench_encoder import EncoderBench
from lingym.scripts.bench_feedback import FeedbackCurves
from lingym.scripts.bench_few_shot import FewShotCurves
from lingym.scripts.bench_gradients import Gradients
from lingym.scripts.bench_robustness import RobustnessReport
from lingym.scripts.bench_rouge import RougeRate
from lingym.scripts.bench_soak import Soak
from lingym.scripts.bench_speed import Speed, run


@dataclass(frozen=True)
class SpeedOfTraining(Speed):
    """Labels a second, ours and stock Stable-Baselines3's; environments and entity F1 alone."""

    def run(self) -> None:
        """Measure, and print the table."""
        run(self)


@dataclass(frozen=True)
class Bench:
    """Measure against other libraries, as ratios within one process."""

    what: (
        Annotated[SpeedOfTraining, subcommand("speed")]
        | Annotated[RougeRate, subcommand("rouge")]
        | Annotated[FeedbackCurves, subcommand("feedback")]
        | Annotated[Gradients, subcommand("gradients")]
        | Annotated[Drift, subcommand("drift")]
        | Annotated[DiskBench, subcommand("disk")]
        | Annotated[Soak, subcommand("soak")]
        | Annotated[Compare, subcommand("compare")]
        | Annotated[FewShotCurves, subcommand("few-shot")]
        | Annotated[ActiveCurves, subcommand("active")]
        | Annotated[EncoderBench, subcommand("encoder")]
        | Annotated[RobustnessReport, subcommand("robustness")]
    ) = field(default_factory=SpeedOfTraining)

    def run(self) -> None:
        """Do it."""
        self.what.run()
