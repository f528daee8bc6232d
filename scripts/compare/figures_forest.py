"""Forest plots: differences with their intervals around a line of no difference."""

from collections.abc import Mapping, Sequence
from typing import Any

from lingym.scripts.compare.blocks import Figure, Panel
from lingym.scripts.compare.figures import (
    COLOURS,
    LINE,
    VERDICT_MARKS,
    Axis,
    mark,
    padded,
    rule,
    words,
    wrapped,
)
from lingym.scripts.compare.markup import Markup, join, tag
from lingym.scripts.compare.wording import MINUS, SHAPES, gain, interval, known

WIDTH, NAMES, TOLD = 440.0, 132.0, 74.0
ALIKE = 4.0
"""Arms share an axis if none is so many times as wide as the narrowest."""


def forest(results: Mapping[str, Any], arms: Mapping[str, int]) -> Figure | None:
    """Paired differences from the reference, a panel an arm, a row a data set.

    Args:
        results: what stands in ``results.json``.
        arms: number of each arm.
    """
    reference = results["reference"]
    rows = [d for d in results["differences"] if d["against"] == reference and known(d["mean"])]
    by_arm = {arm: [d for d in rows if d["arm"] == arm] for arm in arms}
    by_arm = {arm: own for arm, own in by_arm.items() if own}
    if not by_arm:
        return None
    limits = _shared({arm: _limits(own) for arm, own in by_arm.items()})
    narrowest = min(high - low for low, high in limits.values())
    panels = []
    for arm, own in by_arm.items():
        low, high = limits[arm]
        axis = Axis(low, high, NAMES + 10, WIDTH - TOLD)
        note = "a wider axis" if high - low > narrowest else ""
        panels.append(_rows(own, axis, arms[arm], f"{arm} {MINUS} {reference}", note))
    caption = (
        f"Differences on test, arm minus “{reference}”, with their intervals. An interval that "
        "crosses the upright line does not say which arm is better. ▲ better, ▼ worse, ○ no "
        "difference seen, after the correction. Panels whose differences are of like size share "
        "an axis."
    )
    return Figure("differences", panels, caption, columns=2)


def _limits(rows: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """How far a panel must reach to both sides of 0."""
    ends = [d[end] for d in rows for end in ("low", "mean", "high") if known(d.get(end))]
    return padded([*ends, 0.0], 0.08)


def _shared(own: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """The limits of each arm's panel: the same for arms whose differences are of like size."""
    found: dict[str, tuple[float, float]] = {}
    group: list[str] = []
    reach = {arm: max(map(abs, ends)) for arm, ends in own.items()}
    for arm in sorted(own, key=reach.__getitem__):
        group = [*group, arm] if group and reach[arm] <= ALIKE * reach[group[0]] else [arm]
        ends = min(own[a][0] for a in group), max(own[a][1] for a in group)
        found |= dict.fromkeys(group, ends)
    return found


def _rows(rows: Sequence[Mapping[str, Any]], axis: Axis, arm: int, title: str, note: str) -> Panel:
    """A panel of differences."""
    drawn, said, y = [], [], 6.0
    for row in rows:
        lines = wrapped(row["data"], NAMES)
        height = max(26.0, LINE * len(lines) + 8)
        middle = y + height / 2
        for n, text in enumerate(lines):
            at = middle + 4 + LINE * (n - (len(lines) - 1) / 2)
            drawn.append(words(text, NAMES, at, "end", "name"))
        told = f"{row['data']}: {gain(row['mean'])} {interval(row, True)} {row['verdict']}"
        drawn.append(_interval(row, axis, middle, arm, told))
        number = f"{gain(row['mean'])} {SHAPES[row['verdict']]}"
        drawn.append(words(number, WIDTH - 2, middle + 4, "end", "told"))
        said.append(told)
        y += height
    bottom = y + 4
    under = [rule(axis(0), 2, axis(0), bottom, "zero")]
    for tick in axis.ticks():
        under.append(rule(axis(tick), bottom, axis(tick), bottom + 4, "axis"))
        label = "0" if tick == 0 else f"{tick:+g}".replace("-", MINUS)
        under.append(words(label, axis(tick), bottom + 17, "middle", "tick"))
    under.append(rule(axis.start, bottom, axis.end, bottom, "axis"))
    under.append(words("◂ worse", axis.start, bottom + 34, kind="label"))
    under.append(words(note, (axis.start + axis.end) / 2, bottom + 34, "middle", "hint"))
    under.append(words("better ▸", axis.end, bottom + 34, "end", "label"))
    return Panel(title, WIDTH, bottom + 40, join(under + drawn), "; ".join(said))


def _interval(row: Mapping[str, Any], axis: Axis, y: float, arm: int, told: str) -> Markup:
    """A difference and its interval, the mark by the verdict."""
    drawn = []
    if interval(row):
        drawn.append(rule(axis(row["low"]), y, axis(row["high"]), y, f"whisker a{arm % COLOURS}"))
    kind = "ring" if row["verdict"] == "no difference seen" else "dot"
    drawn.append(mark(axis(row["mean"]), y, arm, told, VERDICT_MARKS[row["verdict"]], kind))
    return join(drawn)


def strip(row: Mapping[str, Any], axis: Axis, arm: int) -> Markup:
    """A score and its interval, small, to stand in a table's cell.

    A score beyond the axis is an arrow at its end.
    """
    width, middle = axis.end + 6, 8
    drawn = [rule(axis.start, middle, axis.end, middle, "grid")]
    beyond = "◂" if row["test"] < axis.low else "▸" if row["test"] > axis.high else ""
    if beyond:
        end = axis.start if beyond == "◂" else axis.end
        drawn.append(words(beyond, end, middle + 4, "middle", f"dot a{arm % COLOURS}"))
    elif interval(row):
        low, high = max(row["low"], axis.low), min(row["high"], axis.high)
        kind = f"whisker a{arm % COLOURS}"
        drawn.append(rule(axis(low), middle, axis(high), middle, kind))
    if not beyond:
        drawn.append(mark(axis(row["test"]), middle, arm))
    box = f"0 0 {width:g} 16"
    size = {"viewBox": box, "width": width, "height": 16}
    return tag("svg", *drawn, **size, class_="strip", aria_hidden="true")
