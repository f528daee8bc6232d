"""Curves: the metric while an arm learns, and against how much gold it was given."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lingym.scripts.compare.blocks import Figure, Panel
from lingym.scripts.compare.figures import (
    Axis,
    frame,
    line,
    mark,
    padded,
    rule,
    style,
    words,
    wrapped,
)
from lingym.scripts.compare.markup import Markup, join, tag
from lingym.scripts.compare.wording import interval, known, score, short

WIDTH, HEIGHT, TOP, BOTTOM, LEFT, RIGHT = 340.0, 230.0, 10.0, 190.0, 46.0, 326.0

Point = tuple[float, float, float, float]
"""x, mean over seeds, lowest seed, highest seed."""


def learning(results: Mapping[str, Any], arms: Mapping[str, int], unit: str) -> Figure | None:
    """The metric on dev while the arms learn, a panel a data set.

    Args:
        results: what stands in ``results.json``.
        arms: number of each arm.
        unit: ``tokens`` or ``seconds``.
    """
    panels = []
    for data in results["data"]:
        own = [c for c in results["curves"] if c["data"] == data["name"] and c["points"]]
        panel = _learning(data, own, arms, unit)
        panels += [panel] if panel else []
    drawn = {c["arm"] for c in results["curves"]}
    names = [(number, arm) for arm, number in arms.items() if arm in drawn]
    what = "tokens that went through the encoder" if unit == "tokens" else "seconds of training"
    caption = (
        f"The metric on dev against {what}, each at its chosen settings. Line: mean over seeds; "
        "band: lowest to highest seed. Shaded, in grey: the warm start, which arms share. Where an "
        "arm lies below a panel its last mean is written at the bottom."
    )
    return Figure(f"learning-{unit}", panels, caption, names) if panels else None


def over_seeds(curves: Sequence[Mapping[str, Any]], unit: str) -> list[Point]:
    """Means and ranges over seeds, measurement by measurement.

    Seeds are met at the same number of texts; x is the mean of what they had used by then, with
    what the warm start had used before.
    """
    met: dict[float, list[tuple[float, float]]] = {}
    for curve in curves:
        before = (curve.get("start") or {}).get(unit) or 0
        for point in curve["points"]:
            if known(point["metric"]) and known(point[unit]):
                place = (before + point[unit], point["metric"])
                met.setdefault(point["texts"], []).append(place)
    found = []
    for texts in sorted(met):
        xs, ys = zip(*met[texts], strict=True)
        found.append((sum(xs) / len(xs), sum(ys) / len(ys), min(ys), max(ys)))
    return found


def _learning(
    data: Mapping[str, Any], curves: Sequence[Mapping[str, Any]], arms: Mapping[str, int], unit: str
) -> Panel | None:
    """A panel of learning curves, if anything was measured."""
    order: dict[str, int] = {c["arm"]: arms.get(c["arm"], -1) for c in curves}
    lines = {
        arm: over_seeds([c for c in curves if c["arm"] == arm], unit)
        for arm in sorted(order, key=order.__getitem__)
    }
    lines = {arm: points for arm, points in lines.items() if points}
    if not lines:
        return None
    going_on = {c["arm"] for c in curves if c.get("start")}
    every = [point for points in lines.values() for point in points]
    near = [p for arm in going_on for p in lines.get(arm, ())] or every
    # Arms that begin at nothing would press the others together: they come in from below.
    low, high = padded([*(p[2] for p in near), max(p[3] for p in every)], 0.08)
    x = Axis(0.0, max(p[0] for p in every) * 1.02 or 1.0, LEFT, RIGHT)
    y = Axis(low, high, BOTTOM, TOP)
    under = [frame(x, y, unit)]
    warm = [c["start"][unit] for c in curves if c.get("start") and known(c["start"][unit])]
    if warm:
        wide = x(sum(warm) / len(warm)) - LEFT
        shade = tag("rect", x=LEFT, y=TOP, width=wide, height=BOTTOM - TOP, class_="warm")
        under = [shade, *under, words("warm start", LEFT + 5, BOTTOM - 6, kind="hint")]
    drawn, said, notes, height = _warm(curves, unit, x, y), [], [], HEIGHT
    for arm, points in lines.items():
        drawn.append(_line(points, x, y, order[arm], arm))
        said.append(f"{arm} ends at {score(points[-1][1])}")
        if points[-1][3] < low:
            for text in wrapped(f"↓ {arm} {score(points[-1][1])}", WIDTH - 10):
                notes.append(words(text, 4, height + 8, kind="told"))
                height += 15
    # A drawing in the drawing cuts off what lies outside it.
    inner = {"x": LEFT, "y": TOP - 6, "width": RIGHT - LEFT + 6, "height": BOTTOM - TOP + 6}
    view = " ".join(f"{v:g}" for v in inner.values())
    body = join([*under, tag("svg", *drawn, viewBox=view, **inner), *notes])
    title = f"{data['name']} · {data['metric']}"
    return Panel(title, WIDTH, height, body, f"{title}: {'; '.join(said)}")


def _warm(curves: Sequence[Mapping[str, Any]], unit: str, x: Axis, y: Axis) -> list[Markup]:
    """The curve of the warm start, one of each seed: the arms share it."""
    starts = {c["seed"]: {"points": c["start"].get("points", ())} for c in curves if c.get("start")}
    points = over_seeds(list(starts.values()), unit)
    return [_line(points, x, y, -1, "")] if points else []


def _line(points: Sequence[Point], x: Axis, y: Axis, number: int, arm: str) -> Markup:
    """A curve with its band, and a mark at its end."""
    kind = style(number) if number >= 0 else "plain"
    upper = [(x(p[0]), y(p[3])) for p in points]
    lower = [(x(p[0]), y(p[2])) for p in reversed(points)]
    drawn = []
    if any(p[2] != p[3] for p in points) and len(points) > 1:
        corners = " ".join(f"{a:.1f},{b:.1f}" for a, b in upper + lower)
        drawn.append(tag("polygon", points=corners, class_=f"band {kind}"))
    drawn.append(line([(x(p[0]), y(p[1])) for p in points], f"line {kind}"))
    if number >= 0:
        drawn.append(
            mark(x(points[-1][0]), y(points[-1][1]), number, f"{arm}: {score(points[-1][1])}")
        )
    return join(drawn)


def efficiency(results: Mapping[str, Any], arms: Mapping[str, int]) -> Figure | None:
    """The metric on test against the number of gold texts, on a log axis, a panel a data set."""
    return small_multiples(results, arms, "efficiency", _efficiency)


def small_multiples(
    results: Mapping[str, Any],
    arms: Mapping[str, int],
    part: str,
    draw: Callable[[Mapping[str, Any], Sequence[Mapping[str, Any]], Mapping[str, int]], Panel],
) -> Figure | None:
    """A panel for each data set of which a part of the results says something."""
    found = {
        d["name"]: [r for r in results[part] if r["data"] == d["name"]] for d in results["data"]
    }
    panels = [draw(d, found[d["name"]], arms) for d in results["data"] if found[d["name"]]]
    used = {r["arm"] for r in results[part]}
    names = [(number, arm) for arm, number in arms.items() if arm in used]
    return Figure(part, panels, "", names) if panels else None


def _efficiency(
    data: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], arms: Mapping[str, int]
) -> Panel:
    """A panel of the label-efficiency curve."""
    texts = [max(r["gold_texts"], 1) for r in rows]
    ends = [r[e] for r in rows for e in ("mean", "low", "high") if known(r.get(e))]
    x = Axis(min(texts) / 1.5, max(texts) * 1.5, LEFT, RIGHT, log=True)
    y = Axis(*padded(ends, 0.08), BOTTOM, TOP)
    drawn, said = [frame(x, y, "gold texts, log axis")], []
    used = sorted({r["arm"] for r in rows}, key=arms.__getitem__)
    for n, arm in enumerate(used):
        own = sorted((r for r in rows if r["arm"] == arm), key=lambda r: r["gold_texts"])
        shift = 3.5 * (n - (len(used) - 1) / 2)
        places = [(x(max(r["gold_texts"], 1)) + shift, y(r["mean"])) for r in own]
        drawn.append(line(places, f"line {style(arms[arm])}"))
        for (at, height), row in zip(places, own, strict=True):
            if interval(row):
                kind = f"whisker thin {style(arms[arm])}"
                drawn.append(rule(at, y(row["low"]), at, y(row["high"]), kind))
            told = f"{arm}, {short(row['gold_texts'])} texts: {score(row['mean'])} {interval(row)}"
            drawn.append(mark(at, height, arms[arm], told))
            said.append(told)
    title = f"{data['name']} · {data['metric']}"
    return Panel(title, WIDTH, HEIGHT, join(drawn), f"{title}: {'; '.join(said)}")
