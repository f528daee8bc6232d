"""`lingym bench encoder`: what each way of tuning the encoder costs, and what it is worth.

Importing this module is light; what needs torch is imported in the processes of the cells.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional


@dataclass(frozen=True)
class EncoderBench:
    """Train with every method of --tune, supervised and then by REINFORCE, and tabulate the costs.

    Each run has a process of its own, one after another, so that memory and seconds are its own.
    """

    study: Positional[Path]
    """The study, a YAML file such as studies/encoder.yaml: data sets and methods."""
    out: Path
    """Folder of the results: rows.jsonl and table.md. The same command on the same folder goes on
    where it was broken off."""
    data: Path | None = None
    """Folder that file names of the study begin in. By default $LINGYM_DATA, or else the study
    file's own."""
    only: tuple[str, ...] = ()
    """Do these runs, and those that they go on from, only: names of data sets or methods, or
    patterns of ids such as "*/s0/*"."""
    threads: int = 1
    """Threads of PyTorch in a run; 1 is steadier beside other work."""
    dry_run: bool = False
    """Show what would be done and about how long it takes, and do nothing."""

    def run(self) -> None:
        """Do what is missing, and write the table of all that is done.

        Raises:
            ValueError: the study is wrong.
            RuntimeError: runs failed.
        """
        from lingym.scripts.bench_encoder_runs import estimate, perform, rows_of, selected
        from lingym.scripts.bench_encoder_study import read_encoder_study
        from lingym.scripts.bench_encoder_table import table

        if self.threads < 1:
            raise ValueError(f"--threads must be 1 or more, got {self.threads}")
        folder = self.data or Path(os.environ.get("LINGYM_DATA") or self.study.parent)
        study = read_encoder_study(self.study, folder)
        out = self.out.resolve()
        runs = selected(study.runs(out), self.only)
        left = [run for run in runs if not run.done()]
        say(f"{len(runs)} runs, {len(runs) - len(left)} of them done")
        if left:
            say(
                f"about {estimate(left, runs, self.threads) / 60:.0f} minutes, if nothing else runs"
            )
        if self.dry_run:
            print("\n".join(f"{'' if run in left else 'done '}{run.id}" for run in runs))
            return
        failed = perform(left, self.threads, out, say)
        rows = rows_of(study.runs(out), out)
        text = table(study, rows)
        (out / "table.md").write_text(text, encoding="utf-8")
        print(text)
        if failed:
            raise RuntimeError(
                f"{len(failed)} runs failed: {', '.join(failed)}. Each folder holds log.txt; the "
                "same command tries them again"
            )


def say(line: str) -> None:
    """A line for the person who watches."""
    print(line, file=sys.stderr, flush=True)
