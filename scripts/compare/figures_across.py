"""All data sets in one number, drawn: interquartile means, and probabilities of improvement."""

from collections.abc import Mapping, Sequence
from typing import Any

from lingym.scripts.compare.blocks import Figure, Panel
from lingym.scripts.compare.figures import (
    COLOURS,
    LINE,
    Axis,
    mark,
    padded,
    rule,
    words,
    wrapped,
)
from lingym.scripts.compare.figures_forest import TOLD, WIDTH
from lingym.scripts.compare.markup import join
from lingym.scripts.compare.wording import interval, known, score


def across(results: Mapping[str, Any], arms: Mapping[str, int]) -> Figure | None:
    """Over all data sets: interquartile mean, and probability of improvement."""
    rows = [each for each in results["across"] if known(each["iqm"])]
    panels = []
    if rows:
        told = [(r["arm"], r["iqm"], r) for r in rows]
        panels.append(_points("Interquartile mean of the scores", told, arms, None))
    better = [
        (r["arm"], r["improvement"]["mean"], r["improvement"])
        for r in rows
        if r.get("improvement") and r["arm"] != results["reference"]
    ]
    if better:
        title = f"Probability of improvement over {results['reference']}"
        panels.append(_points(title, better, arms, 0.5))
    caption = (
        "Interquartile mean: higher is better. Probability of improvement: how likely a run of the "
        "arm is to beat one of the reference on a data set; one half, the upright line, is a draw."
    )
    return Figure("across", panels, caption, columns=2) if panels else None


def _points(
    title: str,
    rows: Sequence[tuple[str, float, Mapping[str, Any]]],
    arms: Mapping[str, int],
    line_at: float | None,
) -> Panel:
    """A panel of means with intervals, a row an arm, names above them."""
    ends = [v for _, mean, r in rows for v in (mean, r.get("low"), r.get("high")) if known(v)]
    low, high = padded([float(v) for v in ends if v is not None])
    if line_at is not None:
        low, high = min(low, 0.0), max(high, 1.0)
    axis = Axis(low, high, 12, WIDTH - TOLD)
    drawn, said, y = [], [], 4.0
    for name, mean, row in rows:
        for text in wrapped(name, WIDTH - 20):
            y += LINE
            drawn.append(words(text, 12, y, kind="name"))
        y += 13
        told = f"{name}: {score(mean)} {interval(row)}"
        if interval(row):
            kind = f"whisker a{arms[name] % COLOURS}"
            drawn.append(rule(axis(row["low"]), y, axis(row["high"]), y, kind))
        drawn.append(mark(axis(mean), y, arms[name], told))
        drawn.append(words(score(mean), WIDTH - 2, y + 4, "end", "told"))
        said.append(told)
        y += 12
    under = [rule(12, y + 4, WIDTH - TOLD, y + 4, "axis")]
    if line_at is not None:
        under.append(rule(axis(line_at), 2, axis(line_at), y + 4, "zero"))
    for tick in axis.ticks():
        under.append(words(f"{tick:g}", axis(tick), y + 20, "middle", "tick"))
    return Panel(title, WIDTH, y + 28, join(under + drawn), "; ".join(said))
