"""Rows of `lingym bench active` to curves, areas and differences with intervals, and to a table."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lingym.scripts.few_shot_results import interval

Row = Mapping[str, Any]


def results(rows: Sequence[Row], even: str) -> dict[str, Any]:
    """The curve of each way of choosing, its area, and its difference to choosing at random.

    A point is the mean over draws with Student's interval (`few_shot_results.interval`). The area
    of a draw is the mean height of its curve over labels, by trapezia, from the start to the fewest
    labels that any way of the draw came to: where texts differ in length, a way that likes long
    ones buys more labels a round, and is not to gain by it. Differences are paired by draw.

    Args:
        rows: of all ways and draws.
        even: the way that all are compared with.
    """
    arms = list(dict.fromkeys(row["arm"] for row in rows))
    draws = sorted({row["draw"] for row in rows})
    areas = {arm: [] for arm in arms}  # type: dict[str, list[float]]
    for draw in draws:
        own = {arm: _of(rows, arm, draw) for arm in arms}
        end = min(found[-1]["labels"] for found in own.values())
        for arm, found in own.items():
            areas[arm].append(area(found, end))
    told = []
    for arm in arms:
        points = []
        for number in sorted({row["round"] for row in rows if row["arm"] == arm}):
            here = [row for row in rows if (row["arm"], row["round"]) == (arm, number)]
            values = [float(row["value"]) for row in here]
            sizes = {key: float(np.mean([row[key] for row in here])) for key in ("texts", "labels")}
            points.append({"round": number, **sizes, **_mean(values), "values": values})
        apart = [one - other for one, other in zip(areas[arm], areas[even], strict=True)]
        arm_told = {
            "arm": arm,
            "points": points,
            "area": {**_mean(areas[arm]), "values": areas[arm]},
        }
        if arm != even:
            arm_told["against"] = {**_mean(apart), "values": apart}
        asked = [row["asked"] for row in rows if row["arm"] == arm and "asked" in row]
        if asked:
            arm_told["asked"] = {name: asked.count(name) for name in sorted(set(asked))}
        told.append(arm_told)
    first = rows[0]
    return {
        **{"metric": first["metric"], "split": first["split"], "even": even},
        **{"draws": len(draws), "arms": told},
    }


def area(curve: Sequence[Row], end: float) -> float:
    """The mean height of a curve over labels from its start to `end`."""
    x = np.array([row["labels"] for row in curve], np.float64)
    y = np.array([row["value"] for row in curve], np.float64)
    inside = np.append(x[x < end], end)
    if len(inside) < 2:
        return float(y[0])
    heights = np.interp(inside, x, y)
    widths = np.diff(inside)
    return float((widths * (heights[1:] + heights[:-1]) / 2).sum() / widths.sum())


def table(found: Mapping[str, Any]) -> str:
    """A Markdown table: a row for each way, some rounds, the area, and the difference to random."""
    rounds = len(found["arms"][0]["points"]) - 1
    shown = sorted({0, round(rounds / 4), round(rounds / 2), round(3 * rounds / 4), rounds})
    even = found["even"]
    heads = [f"{found['arms'][0]['points'][place]['texts']:,.0f} texts" for place in shown]
    lines = [
        f"{found['split']} {found['metric']}, mean of {found['draws']} draws with 95 % intervals; "
        "area: the mean height of the curve over labels.",
        "",
        f"| | {' | '.join(heads)} | area | less {even}'s |",
        f"|---|{'---|' * len(shown)}---|---|",
    ]
    for arm in found["arms"]:
        cells = [_cell(arm["points"][place]) for place in shown]
        apart = _cell(arm["against"], "+.4f") if "against" in arm else ""
        lines.append(f"| {arm['arm']} | {' | '.join(cells)} | {_cell(arm['area'])} | {apart} |")
    for arm in found["arms"]:
        if "asked" in arm:
            asked = ", ".join(f"{name} {count}" for name, count in arm["asked"].items())
            lines += ["", f"Rounds in which the {arm['arm']} asked: {asked}."]
    return "\n".join(lines) + "\n"


def _of(rows: Sequence[Row], arm: str, draw: int) -> list[Row]:
    own = [row for row in rows if (row["arm"], row["draw"]) == (arm, draw)]
    return sorted(own, key=lambda row: row["round"])


def _mean(values: Sequence[float]) -> dict[str, float | None]:
    low, high = interval(values)
    return {"mean": float(np.mean(values)), "low": low, "high": high}


def _cell(told: Mapping[str, Any], form: str = ".4f") -> str:
    if told["low"] is None:
        return f"{told['mean']:{form}}"
    return f"{told['mean']:{form}} [{told['low']:{form}}, {told['high']:{form}}]"
