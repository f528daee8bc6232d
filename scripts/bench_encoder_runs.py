"""The runs of `lingym bench encoder`: each in a process of its own, none done twice."""

import json
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from lingym.reading import read_json
from lingym.scripts.run_folder import write_json
from lingym.scripts.train import Train

Row = dict[str, Any]


@dataclass(frozen=True)
class BenchRun:
    """A run of `lingym train`, and where it belongs in the table."""

    id: str
    data: str
    method: str
    seed: int
    stage: str
    epochs: int
    train: Train
    encoder: str
    """Where its first stage begins."""
    needs: str | None
    """The id of the run that it goes on from."""

    def asked(self) -> Row:
        """What it was asked for, as JSON has it: another question is another run."""
        whole: Row = json.loads(json.dumps(asdict(self.train), default=str))
        return {"epochs": self.epochs, "train": whole}

    def row(self) -> Row | None:
        """Its row, if it is done with these very options."""
        file = self.train.out / "row.json"
        if not file.is_file():
            return None
        row = read_json(file, nan=True)
        if not isinstance(row, dict):
            raise ValueError(f"{file}: wanted the row of a run")
        return row if row.get("asked") == self.asked() else None

    def done(self) -> bool:
        """Whether there is a row of it."""
        return self.row() is not None


def selected(runs: list[BenchRun], only: tuple[str, ...]) -> list[BenchRun]:
    """The runs that were asked for, and those that they go on from.

    Raises:
        ValueError: a name or pattern fits none.
    """
    if not only:
        return runs
    wanted: set[str] = set()
    for pattern in only:
        found = [
            run for run in runs if pattern in (run.data, run.method) or fnmatchcase(run.id, pattern)
        ]
        if not found:
            names = ", ".join(
                dict.fromkeys(name for run in runs for name in (run.data, run.method))
            )
            raise ValueError(f"--only {pattern!r} fits no run; there are {names}")
        wanted |= {run.id for run in found} | {run.needs for run in found if run.needs}
    return [run for run in runs if run.id in wanted]


def perform(
    runs: Iterable[BenchRun], threads: int, out: Path, say: Callable[[str], None]
) -> list[str]:
    """Do runs, one after another.

    Returns:
        The ids of those that failed, and of those that were to go on from them.
    """
    from lingym.scripts.compare.jobs import processes

    failed: list[str] = []
    runs = list(runs)
    if not runs:
        return failed
    out.mkdir(parents=True, exist_ok=True)
    with processes(threads) as context:
        for number, run in enumerate(runs, 1):
            if run.needs in failed:
                failed.append(run.id)
                continue
            began = time.monotonic()
            process = context.Process(target=work, args=(run, threads), name=run.id)
            process.start()
            process.join()
            row = run.row() if process.exitcode == 0 else None
            if row is None:
                failed.append(run.id)
            told = "failed" if row is None else f"test {row['metric']} {row['test']:.4f}"
            say(f"{number}/{len(runs)} {run.id}: {told}, {time.monotonic() - began:.0f} s")
    return failed


def work(run: BenchRun, threads: int) -> None:
    """Do a run in this process, which ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command's process ends this one
    from lingym.scripts.compare.jobs import die_with_parent

    threading.Thread(target=die_with_parent, daemon=True).start()
    import torch

    torch.set_num_threads(threads)
    shutil.rmtree(run.train.out, ignore_errors=True)
    run.train.out.mkdir(parents=True)
    with (run.train.out / "log.txt").open("w") as log:
        for number in (1, 2):
            os.dup2(log.fileno(), number)
    try:
        write_json(run.train.out / "row.json", {**measured(run), "asked": run.asked()})
    except Exception:
        traceback.print_exc()
        sys.exit(1)
    sys.exit(0)


def measured(run: BenchRun) -> Row:
    """Train, and give the row of what came of it."""
    from lingym.scripts.training import read, train

    began = time.monotonic()
    dataset = read(run.train)
    texts = len(dataset["train"])
    arguments = replace(run.train, episodes=run.epochs * texts, eval_every=texts)
    found = train(arguments, dataset=dataset)
    cost = found["training"]
    metric = str(run.train.metric)
    return {
        **{name: getattr(run, name) for name in ("id", "data", "method", "seed", "stage")},
        "texts": texts,
        "parameters_trained": cost["parameters_trained"],
        "parameters": cost["parameters"],
        "peak_memory_mb": cost["peak_memory_mb"],
        "seconds_an_epoch": cost["seconds"] / run.epochs,
        "seconds": time.monotonic() - began,
        "texts_read": cost["encoder_texts_forward"] + cost["encoder_texts_backward"],
        "metric": metric,
        "dev": found["dev"][metric],
        "test": found["test"][metric],
    }


def rows_of(runs: Iterable[BenchRun], out: Path) -> list[Row]:
    """The rows of all runs that are done, which are put together in ``rows.jsonl``."""
    rows = [row for row in (run.row() for run in runs) if row is not None]
    out.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({k: v for k, v in row.items() if k != "asked"}) + "\n" for row in rows]
    (out / "rows.jsonl").write_text("".join(lines), encoding="utf-8")
    return rows


def estimate(left: list[BenchRun], runs: list[BenchRun], threads: int) -> float:
    """About how many seconds the runs will take: as those like them did, or a short trial says."""
    known = [(run, row) for run in runs if (row := run.row()) is not None]

    def mean(rows: list[Row]) -> float:
        return sum(row["seconds"] for row in rows) / len(rows)

    total, unknown = 0.0, []
    for run in left:
        for same in (("data", "method", "stage"), ("method", "stage"), ("stage",)):
            of = [r for o, r in known if all(getattr(o, n) == getattr(run, n) for n in same)]
            if of:
                total += mean(of)
                break
        else:
            unknown.append(run)
    if unknown:
        from lingym.scripts.bench_encoder_trial import trial_seconds

        total += trial_seconds(unknown, threads)
    return total
