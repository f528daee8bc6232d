"""What results.json says of single runs and arms: scores, cost, curves, label efficiency, tries."""

from collections.abc import Mapping
from typing import Any

from lingym.scripts.compare.choose import choose, grid_points
from lingym.scripts.compare.compared import agent_of, ends
from lingym.scripts.compare.drawn import Drawn
from lingym.scripts.compare.gathered import Gathered, Run, mean

Part = list[dict[str, Any]]
KINDS = ("right", "missed", "spurious", "type", "boundary", "both")
"""What becomes of spans."""


def arms(done: Gathered) -> Part:
    """Each arm in words, and how many settings it was allowed to try."""
    return [
        {
            "name": arm.name,
            "about": arm.about,
            "start": done.trained(arm).start,
            "agent": agent_of(done.study, arm.name),
            "tries": len(grid_points(done.trained(arm))),
        }
        for arm in done.study.arms
    ]


def scores(done: Gathered, drawn: Mapping[str, Drawn]) -> Part:
    """Each arm on each data set: means over seeds, and what it took."""
    rows = []
    for data, own in drawn.items():
        metric = done.study.data_named(data).metric
        for arm in done.arms(data):
            runs = done.runs(data, arm)
            found = [done.scored[run] for run in runs]
            estimate, costs = own.estimate(arm), [done.cost(run) for run in runs]
            level = ends(estimate)
            names = [name for name in found[0]["test"] if name != metric]
            rows.append(
                {
                    "data": data,
                    "arm": arm,
                    "chosen": found[0]["chosen"],
                    "dev": mean(row.get("dev", {}).get(metric) for row in found),
                    "test": level.pop("mean"),
                    "seeds": list(estimate.seeds),
                    **level,
                    **{name: mean(cost[name] for cost in costs) for name in costs[0]},
                    "others": {n: mean(row["test"].get(n) for row in found) for n in names},
                }
            )
    return rows


def curves(done: Gathered) -> Part:
    """The metric on dev while the chosen runs learned, and where they began."""
    rows = []
    for run in (run for run in done.scored if run.share == 1):
        arm = done.study.arm_named(run.arm)
        if arm.of is not None:
            continue  # its runs are another arm's
        chosen = done.scored[run]["chosen"]
        train = done.find("train", run, arm.name, chosen)
        metrics = None if train is None else done.json(train, "metrics.json")
        if not metrics:
            continue
        metric = done.study.data_named(run.data).metric
        warm = done.find("warm", run, None) if arm.start == "warm" else None
        rows.append(
            {
                "data": run.data,
                "arm": run.arm,
                "seed": run.seed,
                "chosen": chosen,
                "points": points_of(metrics, metric),
                "start": None
                if warm is None
                else {
                    "tokens": last_tokens(done, warm),
                    "seconds": warm.get("training_seconds"),
                    "points": points_of(done.json(warm, "metrics.json"), metric),
                },
            }
        )
    return rows


def points_of(metrics: Any, metric: str) -> Part:
    """The measurements of a run, of what ``metrics.json`` holds of it."""
    return [
        {
            "texts": point["episodes"],
            "tokens": point.get("tokens"),
            "seconds": point["seconds"],
            "metric": point["metrics"][metric],
        }
        for point in (metrics or {}).get("curve", ())
    ]


def last_tokens(done: Gathered, row: Mapping[str, Any]) -> float | None:
    """The tokens of a whole run, counted as its curve counts them."""
    points = (done.json(row, "metrics.json") or {}).get("curve") or [{}]
    tokens: float | None = points[-1].get("tokens")
    return tokens


def efficiency(done: Gathered, drawn: Mapping[str, Drawn]) -> Part:
    """The score by the number of gold texts; the main study is the share 1."""
    shares, rows = done.study.shares, []
    for data in () if shares is None else shares.of:
        for arm in shares.arms if shares and data in drawn else ():
            runs = done.runs(data, arm, share=None)
            for share in sorted({run.share for run in runs}):
                gold = next(done.texts(run)["train"] for run in runs if run.share == share)
                level = ends(drawn[data].estimate(arm, share))
                rows.append({"data": data, "arm": arm, "share": share, "gold_texts": gold, **level})
    return rows


def errors(done: Gathered) -> Part:
    """What becomes of spans, mean counts over seeds, where an arm's cells have counted them."""
    rows = []
    for data in done.study.data:
        for arm in done.arms(data.name):
            found = [_errors(done, run) for run in done.runs(data.name, arm)]
            counts = [one for one in found if one]
            if counts:
                means = {kind: mean(one[kind] for one in counts) for kind in KINDS}
                rows.append({"data": data.name, "arm": arm, **means})
    return rows


def _errors(done: Gathered, run: Run) -> Any:
    return done.json(done.scored[run], "errors.json")


def tries(done: Gathered) -> Part:
    """Every point of every grid with its dev scores, and which one was chosen."""
    rows = []
    for data in done.study.data:
        for arm in done.study.arms_on(data.name):
            if arm.of is not None:
                continue
            try:
                chosen = choose(done.rows, data.name, arm.name, 1.0, done.study)
            except ValueError:  # the grid is not done yet
                chosen = None
            for point in grid_points(arm):
                values = _dev(done, data.name, data.metric, arm.name, point)
                if values:
                    rows.append(
                        {
                            "data": data.name,
                            "arm": arm.name,
                            "settings": point,
                            "dev_mean": mean(values),
                            "dev_seeds": values,
                            "chosen": point == chosen,
                        }
                    )
    return rows


def _dev(done: Gathered, data: str, metric: str, arm: str, point: Any) -> list[float]:
    """The dev scores of a grid point, on the seeds that the choice is made on."""
    runs = [Run(data, arm, 1.0, seed) for seed in done.study.grid_seeds()]
    found = [done.find("train", run, arm, point) for run in runs]
    return [row["dev"][metric] for row in found if row is not None]
