"""The measurements of the robustness report: every run on the same noisy texts, with intervals."""

import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from lingym.envs.augment import mentions_of, read_mentions
from lingym.envs.augment.views import task_name
from lingym.envs.corpora import read_records
from lingym.scripts.compare.bootstrap import ALPHA, Estimate, resampled
from lingym.scripts.compare.items import Items
from lingym.scripts.compare.machine import commit, machine, versions
from lingym.scripts.compare.verdict import holm, verdict
from lingym.scripts.robustness_noise import TITLES, noises, noisy, told
from lingym.scripts.robustness_runs import load, sum_of, write_down
from lingym.scripts.run_folder import write_json
from lingym.scripts.training import say
from lingym.types import FloatArray

if TYPE_CHECKING:
    from lingym.scripts.bench_robustness import RobustnessReport


def measure(asked: "RobustnessReport") -> dict[str, Any]:
    """Label the test texts with all runs, at every strength of every noise.

    Writes ``looks.jsonl``, before the texts are labelled, and ``results.json``.

    Returns:
        What stands in ``results.json``.

    Raises:
        ValueError: runs that cannot be compared, or fewer than two texts.
    """
    runs = load(asked)
    first = runs[0].episodes
    task, plain = first.task, first.examples
    metric = asked.metric or task.metric(first.space)
    pool = None if asked.mentions is None else read_mentions(asked.mentions)
    seen = None
    if asked.train is not None and task_name(task) in ("tagging", "slots_intent"):
        records = read_records(asked.train, "train", asked.reading.options())
        seen = mentions_of(task.read({"train": records})["train"], task)
    made = noises(task, asked.noises, pool, seen)
    write_down(asked, runs)
    base = [run.items(plain, metric) for run in runs]
    scores: list[dict[str, Any]] = []
    for noise, make in made.items():
        for strength in sorted({*asked.strengths} - {0.0}):
            draws = [
                noisy(plain, task, make, strength, asked.seed, draw) for draw in range(asked.draws)
            ]
            changed = np.mean([[a is not b for a, b in zip(plain, d, strict=True)] for d in draws])
            items = [[run.items(texts, metric) for texts in draws] for run in runs]
            rows = estimates(base, items)
            where = {"noise": noise, "strength": strength, "changed": float(changed)}
            scores += [{**where, "run": runs[k].name, **row} for k, row in enumerate(rows)]
            say(f"{noise} {strength:g}: " + ", ".join(f"{r['score']['mean']:.4f}" for r in rows))
    for part in ("difference", "loss_difference"):
        judge([row[part] for row in scores if part in row])
    about = told(task_name(task), pool is not None, seen is not None)
    results = {
        "made": {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "commit": commit(),
            "versions": versions(),
            "machine": machine(),
            "command": shlex.join(["lingym", *sys.argv[1:]]),
        },
        "test": {"file": asked.test, "texts": len(plain), "sha256": sum_of(asked.test)},
        "task": task_name(task),
        "metric": metric,
        "draws": asked.draws,
        "seed": asked.seed,
        "runs": [
            {"name": run.name, "folder": str(run.folder), "plain": row}
            for run, row in zip(runs, estimates(base, [[items] for items in base]), strict=True)
        ],
        "noises": [{"name": n, "title": TITLES[n], "about": about[n]} for n in made],
        "scores": scores,
    }
    write_json(asked.out / "results.json", results)
    return results


def estimates(base: Sequence[Items], items: Sequence[Sequence[Items]]) -> list[dict[str, Any]]:
    """Scores of runs with noise, and what differs, with 95 % intervals over draws and texts.

    Args:
        base: of each run, without noise.
        items: of each run, of each draw.

    Returns:
        For each run ``score``; ``loss``, what the noise costs it; and, of all but the first,
        ``difference`` to the first run and ``loss_difference``, how much more the noise costs it.
        All of the same resamples of texts: differences are paired.
    """
    seen = np.array([[one.score()[0] for one in (base[k], *own)] for k, own in enumerate(items)])
    flat = [one for k, own in enumerate(items) for one in (base[k], *own)]
    drawn = resampled(flat).reshape(*seen.shape, -1)  # [K, 1 + D, R]
    score, loss = slice(1, None), (seen[:, :1] - seen[:, 1:], drawn[:, :1] - drawn[:, 1:])
    rows = []
    for k in range(len(base)):
        row = {
            "score": interval(seen[k, score], drawn[k, score]),
            "draws": seen[k, score].tolist(),
            "loss": interval(loss[0][k], loss[1][k]),
        }
        if k:
            row["difference"] = interval(
                seen[k, score] - seen[0, score], drawn[k, score] - drawn[0, score]
            )
            row["loss_difference"] = interval(loss[0][k] - loss[0][0], loss[1][k] - loss[1][0])
        rows.append(row)
    return rows


def interval(seen: FloatArray, drawn: FloatArray) -> dict[str, float]:
    """The mean over draws of noise [D], its interval and its p-value, by resamples [D, R].

    Draws take the place of seeds in `Estimate`. Where there is one, no noise, only texts vary.
    """
    found = Estimate.of(seen, drawn)
    if len(seen) > 1:
        low, high = found.interval()
        return {"mean": found.mean, "low": low, "high": high, "p": found.p()}
    error = float(np.sqrt(found.item_variance))
    reach = -float(special.ndtri(ALPHA / 2)) * error
    p = float(2 * special.ndtr(-abs(found.mean) / error)) if error else float(found.mean == 0)
    return {"mean": found.mean, "low": found.mean - reach, "high": found.mean + reach, "p": p}


def judge(differences: list[dict[str, Any]]) -> None:
    """A word for each of many differences, after Holm's correction over all of them."""
    for found, p in zip(differences, holm([found["p"] for found in differences]), strict=True):
        found["p_corrected"] = p
        found["verdict"] = verdict(found["mean"], p)
