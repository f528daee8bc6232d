"""Rows of `lingym bench few-shot` to means with intervals, and those to a table."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import t

CONFIDENCE = 0.95


def results(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean over draws of each way and number of examples, with Student's interval.

        mean +- t_{n - 1, 0.975} s / sqrt(n)

    over the n draws, each a draw of texts and of everything else that is random; None for one draw.
    """
    arms = []
    for name in dict.fromkeys(row["arm"] for row in rows):
        points = []
        for shots in sorted({row["shots"] for row in rows if row["arm"] == name}):
            own = [row for row in rows if (row["arm"], row["shots"]) == (name, shots)]
            values = [float(row["value"]) for row in own]
            low, high = interval(values)
            means = {key: float(np.mean([row[key] for row in own])) for key in COUNTS}
            mean = float(np.mean(values))
            points.append(
                {"shots": shots, **means, "mean": mean, "low": low, "high": high, "values": values}
            )
        arms.append({"arm": name, "points": points})
    first = rows[0]
    return {"metric": first["metric"], "split": first["split"], "arms": arms}


COUNTS = ("texts", "labels", "verdicts")


def interval(values: Sequence[float]) -> tuple[float | None, float | None]:
    """Student's interval of a mean; None for fewer than two values."""
    if len(values) < 2:
        return None, None
    half = t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * np.std(values, ddof=1)
    mean, half = np.mean(values), half / np.sqrt(len(values))
    return float(mean - half), float(mean + half)


def table(found: Mapping[str, Any]) -> str:
    """A Markdown table: a row for each way, a column for each number of examples."""
    shots = sorted({point["shots"] for arm in found["arms"] for point in arm["points"]})
    draws = max(len(point["values"]) for arm in found["arms"] for point in arm["points"])
    lines = [
        f"{found['split']} {found['metric']}, mean of {draws} draws with 95 % intervals, by the "
        "examples a label; verdicts are those beside them or in their place.",
        "",
        f"| | {' | '.join(map(str, shots))} | verdicts |",
        f"|---|{'---|' * len(shots)}---|",
    ]
    for arm in found["arms"]:
        by = {point["shots"]: point for point in arm["points"]}
        cells = [_cell(by[n]) if n in by else "" for n in shots]
        told = max(point["verdicts"] for point in arm["points"])
        lines.append(f"| {arm['arm']} | {' | '.join(cells)} | {f'{told:,.0f}' if told else ''} |")
    return "\n".join(lines) + "\n"


def _cell(point: Mapping[str, Any]) -> str:
    if point["low"] is None:
        return f"{point['mean']:.3f}"
    return f"{point['mean']:.3f} [{point['low']:.3f}, {point['high']:.3f}]"
