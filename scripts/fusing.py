"""Averaging the weights of runs: model soups, and the line between two runs."""

import copy
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lingym.agents import Labeller, evaluate
from lingym.agents.alike import difference
from lingym.agents.labeller import model_folder
from lingym.envs import Episodes
from lingym.policies.average import averaged
from lingym.scripts.fuse import Fuse
from lingym.scripts.labelled import read_labelled
from lingym.scripts.run_folder import about_run, refuse_old_run, write_json
from lingym.scripts.training import say

Metrics = dict[str, float]
Measure = Callable[[Sequence[float]], Metrics]


@dataclass(frozen=True)
class Tried:
    """A mixture that was tried.

    Attributes:
        weights: of each run, in the order in which they were named.
        dev: its dev metrics; none without a dev file.
        kept: whether it is the model that was written, or (greedy) became part of it.
    """

    weights: tuple[float, ...]
    dev: Metrics
    kept: bool


def fuse(arguments: Fuse) -> dict[str, Any]:
    """Do what the arguments describe.

    Model soups, uniform and greedy: Wortsman et al. (2022), https://arxiv.org/abs/2203.05482. The
    line between two runs: linear mode connectivity (Frankle et al., 2020,
    https://arxiv.org/abs/1912.05671) and WiSE-FT (Wortsman et al., 2022b,
    https://arxiv.org/abs/2109.01903).

    Returns:
        What stands in ``metrics.json``: ``dev`` and ``test`` of the model that was written.

    Raises:
        ValueError: the runs are not of one shape, or an option is missing or out of range.
    """
    refuse_old_run(arguments.out)
    _check(arguments)
    labellers = [Labeller.load(run, arguments.device) for run in arguments.runs]
    for run, other in zip(arguments.runs[1:], labellers[1:], strict=True):
        fault = difference(labellers[0], other)
        if fault:
            raise ValueError(f"{run} cannot be averaged with {arguments.runs[0]}: {fault}")
    first, states = labellers[0], [labeller.policy.state_dict() for labeller in labellers]
    fused = replace(first, policy=copy.deepcopy(first.policy))

    def read(data: str | None, split: Any) -> Episodes | None:
        if data is None:
            return None
        return read_labelled(first, arguments.runs[0], data, arguments.reading, split)

    dev, test = read(arguments.dev, "dev"), read(arguments.test, "test")
    metric = None if dev is None else _metric(arguments, dev)

    def measure(weights: Sequence[float]) -> Metrics:
        fused.policy.load_state_dict(averaged(states, weights))
        return {} if dev is None else evaluate(fused.policy, dev)

    search = {"uniform": _uniform, "greedy": _greedy, "interpolate": _line}[arguments.how]
    tried, chosen = search(arguments, measure, metric or "")
    found = measure(tried[chosen].weights)
    scored = {} if test is None else evaluate(fused.policy, test)
    arguments.out.mkdir(parents=True, exist_ok=True)
    fused.save(arguments.out / "model")
    _write(arguments, tried, chosen, metric)
    metrics = {"dev": found, "test": scored}
    write_json(arguments.out / "metrics.json", metrics)
    for run, weight in zip(arguments.runs, tried[chosen].weights, strict=True):
        say(f"{weight:.4f} of {run}")
    for split, values in metrics.items():
        if values:
            say(f"{split}: " + ", ".join(f"{k} {v:.4f}" for k, v in values.items()))
    say(f"saved in {arguments.out}")
    return metrics


def _check(arguments: Fuse) -> None:
    """Refuse options that make no sense, before anything is read."""
    count, how = len(arguments.runs), arguments.how
    if count < 2:
        raise ValueError(f"give two or more runs to fuse, got {count}")
    if how == "interpolate" and count != 2:
        raise ValueError(f"--how interpolate is between two runs, got {count}")
    if how != "uniform" and arguments.dev is None:
        raise ValueError(f"--how {how} is decided on dev: give --dev FILE")
    if how == "interpolate" and arguments.points < 2:
        raise ValueError(f"--points must be 2 or more, got {arguments.points}")
    if how != "interpolate" and arguments.points != Fuse.points:
        raise ValueError(f"--points is for --how interpolate, not {how}")


def _metric(arguments: Fuse, dev: Episodes) -> str:
    metric = arguments.metric or dev.task.metric(dev.space)
    gold = dev.gold_of(np.arange(len(dev)), dev.max_units)
    known = dev.task.metrics(dev.complete(gold), dev.space)
    if metric not in known:
        raise ValueError(f"no metric {metric!r}: one of {', '.join(known)}")
    return metric


def _uniform(arguments: Fuse, measure: Measure, metric: str) -> tuple[list[Tried], int]:
    """Each run by itself, where there is dev to tell of it, and the mean of all."""
    count = len(arguments.runs)
    alone = [_only([place], count) for place in range(count)] if arguments.dev else []
    tried = [Tried(weights, measure(weights), False) for weights in alone]
    mean = _only(range(count), count)
    return [*tried, Tried(mean, measure(mean), True)], len(tried)


def _greedy(arguments: Fuse, measure: Measure, metric: str) -> tuple[list[Tried], int]:
    """The greedy soup: from the best run on, the next best joins unless dev falls."""
    count = len(arguments.runs)
    alone = [measure(_only([place], count)) for place in range(count)]
    tried = [Tried(_only([place], count), dev, False) for place, dev in enumerate(alone)]
    order = sorted(range(count), key=lambda place: -alone[place][metric])
    soup, best, chosen = order[:1], alone[order[0]][metric], order[0]
    tried[chosen] = replace(tried[chosen], kept=True)
    for place in order[1:]:
        weights = _only([*soup, place], count)
        dev = measure(weights)
        kept = dev[metric] >= best
        if kept:
            soup, best, chosen = [*soup, place], dev[metric], len(tried)
        tried.append(Tried(weights, dev, kept))
    return tried, chosen


def _line(arguments: Fuse, measure: Measure, metric: str) -> tuple[list[Tried], int]:
    """(1 - lambda) of the first run and lambda of the second; of equals the least lambda."""
    last = arguments.points - 1
    places = [place / last for place in range(arguments.points)]
    tried = [Tried((1 - place, place), measure((1 - place, place)), False) for place in places]
    chosen = max(range(len(tried)), key=lambda place: (tried[place].dev[metric], -place))
    tried[chosen] = replace(tried[chosen], kept=True)
    return tried, chosen


def _only(members: Sequence[int] | range, count: int) -> tuple[float, ...]:
    """Equal weights of some runs, and 0 of the others."""
    share = 1 / len(members)
    return tuple(share if place in members else 0.0 for place in range(count))


def _write(arguments: Fuse, tried: list[Tried], chosen: int, metric: str | None) -> None:
    """What was asked for and tried: ``config.json``, and of a line its curve."""
    parents = [
        {"run": str(run.resolve()), "weight": weight, "sha256": _hashes(model_folder(run))}
        for run, weight in zip(arguments.runs, tried[chosen].weights, strict=True)
    ]
    said = {"arguments": asdict(arguments), "parents": parents, "metric": metric}
    steps = [asdict(step) for step in tried]
    write_json(arguments.out / "config.json", {**said, "tried": steps, **about_run()})
    if arguments.how == "interpolate":
        from lingym.scripts.fusing_picture import draw_line

        curve = {
            "metric": metric,
            "runs": [str(run) for run in arguments.runs],
            "points": [{"lambda": step.weights[1], "dev": step.dev} for step in tried],
            "best": tried[chosen].weights[1],
        }
        write_json(arguments.out / "curve.json", curve)
        draw_line(curve, arguments.out / "curve.png")


def _hashes(folder: Path) -> dict[str, str]:
    """The SHA-256 of every weights file of a model."""
    files = sorted(folder.rglob("*.safetensors"))
    digests = {}
    for file in files:
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        digests[file.relative_to(folder).as_posix()] = digest
    return digests
