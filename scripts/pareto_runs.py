"""The runs of a Pareto sweep, and what came of them."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lingym.rewards import Reward, WeightedSum, from_spec, pareto_front
from lingym.scripts.pareto import Pareto
from lingym.scripts.pareto_picture import draw_front
from lingym.scripts.run_folder import write_json
from lingym.scripts.sweep import run_once
from lingym.scripts.train import Train
from lingym.scripts.training import metric_names, read, say


def sweep(pareto: Pareto) -> dict[str, Any]:
    """Train what is not in the folder yet, and write what came of all of it.

    Returns:
        What stands in ``pareto.json``.
    """
    pareto.check()
    a, b = from_spec(pareto.reward_a), from_spec(pareto.reward_b)
    base, (x, y) = pareto.base(), measures(pareto, a, b)
    if pareto.start_episodes:
        base = replace(base, warm_start=started(pareto), encoder=None)
    plan = [(weight, seed) for weight in pareto.weights for seed in pareto.seeds]
    runs = []
    for place, (weight, seed) in enumerate(plan):
        reward = WeightedSum.of((weight, a), (round(1 - weight, 12), b)).to_spec()
        out = pareto.out / f"weight-{weight:g}-seed-{seed}"
        say(f"{place + 1}/{len(plan)}  {reward}, seed {seed}")
        metrics = obtained(replace(base, out=out, reward=reward, seed=seed))
        runs.append({"weight": weight, "seed": seed, "out": out.name, "reward": reward} | metrics)
    result = summary(pareto, runs, x, y, warm=base.warm_start is not None)
    write_json(pareto.out / "pareto.json", result)
    write_csv(pareto.out / "pareto.csv", result)
    draw_front(result, pareto.out / "pareto.png")
    print(table(result))
    say(f"{pareto.out / 'pareto.png'}, pareto.json and pareto.csv are written")
    return result


def measures(pareto: Pareto, a: Reward, b: Reward) -> tuple[str, str]:
    """The metrics of the two axes, and a check that this task has them and these rewards.

    Raises:
        ValueError: it has not, or a reward stands for no metric.
    """
    dataset = read(pareto.base())
    if "dev" not in dataset.splits:
        raise ValueError("a front is drawn of dev metrics: give --dev FILE")
    known = metric_names(dataset)
    found = []
    for axis, given, reward in (("x", pareto.x, b), ("y", pareto.y, a)):
        try:  # an error now, and not when half of the runs are done
            reward.bind(dataset.space)
        except ValueError as error:
            raise ValueError(f"reward {reward.name} does not fit this task: {error}") from error
        metric = given or reward.name.removeprefix("corpus_")
        if metric not in known:
            why = "no metric" if given else f"reward {reward.name} is called as no metric; no"
            raise ValueError(f"{why} {metric!r}: give --{axis}, one of {', '.join(known)}")
        found.append(metric)
    if found[0] == found[1]:
        raise ValueError(f"both axes are {found[0]}: give --x or --y, of {', '.join(known)}")
    return found[0], found[1]


def started(pareto: Pareto) -> Path:
    """The supervised run that all others go on from."""
    out = pareto.out / "start"
    say(f"warm start: supervised, {pareto.start_episodes} texts")
    obtained(
        replace(
            pareto.base(),
            out=out,
            agent="supervised",
            episodes=pareto.start_episodes,
            learning_rate=pareto.start_learning_rate,
            seed=pareto.seeds[0],
            keep_best=True,
        )
    )
    return out


def obtained(arguments: Train) -> dict[str, Any]:
    """The dev and test metrics of a run: read if it was done, else done now.

    Raises:
        ValueError: the folder holds a run with other options.
    """
    done = run_once(arguments)
    return {"before": done["curve"][0]["metrics"], "dev": done["dev"], "test": done["test"]}


def summary(pareto: Pareto, runs: list[dict[str, Any]], x: str, y: str, warm: bool) -> Any:
    """All that came of the sweep: each run, the mean of each weight, and who is on the front."""
    means = []
    for weight in pareto.weights:
        own = [run for run in runs if run["weight"] == weight]
        mean: dict[str, Any] = {"weight": weight}
        for split in ("dev", "test"):
            both = np.array([[run[split][m] for m in (x, y)] for run in own if run[split]])
            if len(both):
                mean[split] = dict(zip((x, y), both.mean(0).tolist(), strict=True))
                mean[f"{split}_std"] = dict(zip((x, y), both.std(0).tolist(), strict=True))
        means.append(mean)
    front = pareto_front([[mean["dev"][x], mean["dev"][y]] for mean in means])
    for mean, best in zip(means, front.tolist(), strict=True):
        mean["front"] = best
    return {
        "reward_a": pareto.reward_a,
        "reward_b": pareto.reward_b,
        "x": x,
        "y": y,
        "seeds": list(pareto.seeds),
        "start": {m: runs[0]["before"][m] for m in (x, y)} if warm else None,
        "means": means,
        "runs": [{k: v for k, v in run.items() if k != "before"} for run in runs],
    }


def write_csv(file: Path, result: dict[str, Any]) -> None:
    """One row a run: weight, seed, whether its weight is on the front, and all its metrics."""
    front = {mean["weight"]: mean["front"] for mean in result["means"]}
    rows = []
    for run in result["runs"]:
        row = {"weight": run["weight"], "seed": run["seed"], "front": front[run["weight"]]}
        for split in ("dev", "test"):
            row |= {f"{split}_{name}": value for name, value in run[split].items()}
        rows.append(row)
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def table(result: dict[str, Any]) -> str:
    """One row a weight: the mean over seeds of both metrics, on dev and test, and the front."""
    x, y, several = result["x"], result["y"], len(result["seeds"]) > 1
    columns = [(s, m) for s in ("dev", "test") for m in (x, y) if s in result["means"][0]]
    width = max(15 if several else 6, *(len(f"{s} {m}") for s, m in columns))
    head = "  ".join(f"{f'{s} {m}':>{width}}" for s, m in columns)
    lines = [f"weight of {result['reward_a']}, the rest to {result['reward_b']}"]
    if several:
        lines[0] += f"; mean and spread of {len(result['seeds'])} seeds"
    lines.append(f"{'weight':>6}  {head}  front")
    if result["start"]:
        first = "  ".join(f"{result['start'][m]:>{width}.4f}" for m in (x, y))
        lines.append(f"{'before':>6}  {first}")
    for mean in result["means"]:
        cells = []
        for split, metric in columns:
            cell = f"{mean[split][metric]:.4f}"
            if several:
                cell += f" +- {mean[f'{split}_std'][metric]:.4f}"
            cells.append(f"{cell:>{width}}")
        lines.append(f"{mean['weight']:>6g}  {'  '.join(cells)}  {'yes' if mean['front'] else ''}")
    return "\n".join(line.rstrip() for line in lines)
