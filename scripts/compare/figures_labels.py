"""Which labels and which errors a difference is made of."""

from collections.abc import Mapping, Sequence
from typing import Any

from lingym.scripts.compare.blocks import Figure, Panel
from lingym.scripts.compare.figures import Axis, frame, mark, padded, rule, style, words
from lingym.scripts.compare.figures_curves import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    small_multiples,
)
from lingym.scripts.compare.markup import join
from lingym.scripts.compare.wording import amount, gain, interval, known, short

KINDS = {
    "missed": "missed",
    "spurious": "spurious",
    "type": "wrong type",
    "boundary": "wrong boundary",
    "both": "wrong type and boundary",
}
"""Error kinds of spans, as results name them and as a reader does."""
NEVER = 0.3
"""Where a log axis shows labels that training texts never have."""


def imbalance(results: Mapping[str, Any], arm: str, arms: Mapping[str, int]) -> Figure | None:
    """An arm's gain on each label against how often training texts have it.

    Args:
        results: what stands in ``results.json``.
        arm: whose gains.
        arms: number of each arm.
    """
    rows = [r for r in results["labels"] if r["arm"] == arm and known(label_gain(r))]
    found = small_multiples({"data": results["data"], "labels": rows}, arms, "labels", _labels)
    if found is None:
        return None
    caption = (
        f"F1 of each label, “{arm}” minus “{results['reference']}”, against how often the "
        "training texts have it. Bars: intervals. Filled: the interval is clear of zero, with no "
        "correction for the number of labels."
    )
    return Figure(f"labels-{arms[arm]}", found.panels, caption, found.arms)


def label_gain(row: Mapping[str, Any]) -> float | None:
    """The difference of a label's F1."""
    both = row.get("f1"), row.get("f1_reference")
    return both[0] - both[1] if both[0] is not None and both[1] is not None else None


def clear_of_zero(row: Mapping[str, Any]) -> bool:
    """Whether the interval of a difference leaves zero out."""
    return bool(interval(row)) and (row["low"] > 0 or row["high"] < 0)


def _labels(
    data: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], arms: Mapping[str, int]
) -> Panel:
    """A panel of gains by label."""
    counts = [max(row["train_count"], NEVER) for row in rows]
    ends = [v for r in rows for v in (label_gain(r), r.get("low"), r.get("high")) if known(v)]
    low, high = padded([*(float(v) for v in ends if v is not None), 0.0], 0.08)
    x = Axis(min(counts) / 1.5, max(counts) * 1.5, LEFT, RIGHT, log=True)
    y = Axis(low, high, BOTTOM, TOP)
    drawn = [
        frame(x, y, "times in training texts, log axis"),
        rule(LEFT, y(0), RIGHT, y(0), "zero"),
    ]
    said = []
    order = sorted(rows, key=clear_of_zero)
    for row in order:
        at, value = x(max(row["train_count"], NEVER)), label_gain(row) or 0.0
        if interval(row):
            faint = "" if clear_of_zero(row) else " faint"
            kind = f"whisker thin {style(arms[row['arm']])}{faint}"
            drawn.append(rule(at, y(row["low"]), at, y(row["high"]), kind))
        times = f"{amount(row['train_count'])} times"
        told = f"{row['label']}: {gain(value)} {interval(row, True)}, {times}"
        kind = "dot" if clear_of_zero(row) else "ring"
        drawn.append(mark(at, y(value), arms[row["arm"]], told, kind=kind))
        said.append(told)
    if any(not row["train_count"] for row in rows):
        drawn.append(words("never", x(NEVER), BOTTOM + 17, "middle", "tick"))
    title = f"{data['name']} · {len(rows)} labels" if len(rows) > 1 else f"{data['name']} · 1 label"
    return Panel(title, WIDTH, HEIGHT, join(drawn), f"{title}: {'; '.join(said)}")


def errors(results: Mapping[str, Any], arms: Mapping[str, int]) -> Figure | None:
    """How many spans went wrong in which way, a panel a data set."""
    found = small_multiples(results, arms, "errors", _errors)
    if found is None:
        return None
    caption = (
        "Spans of the test texts by what went wrong, means over seeds; fewer is better. Gold and "
        "predicted spans that overlap are paired. Missed: a gold span without a partner; spurious: "
        "a predicted one. Wrong type: the same place, another label; wrong boundary: the reverse."
    )
    return Figure("errors", found.panels, caption, found.arms)


def _errors(
    data: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], arms: Mapping[str, int]
) -> Panel:
    """A panel of error kinds: a line each, a mark an arm."""
    most = max(row[kind] for row in rows for kind in KINDS) or 1.0
    x = Axis(0.0, most * 1.05, 12, RIGHT)
    drawn, said, y = [], [], 4.0
    for kind, name in KINDS.items():
        drawn.append(words(name, 12, y + 12, kind="name"))
        middle = y + 26
        values = [row[kind] for row in rows]
        drawn.append(rule(x(0), middle, x(most), middle, "grid"))
        drawn.append(rule(x(min(values)), middle, x(max(values)), middle, "link"))
        for row in sorted(rows, key=lambda r: -arms[r["arm"]]):
            told = f"{row['arm']}, {name}: {amount(row[kind])}"
            drawn.append(mark(x(row[kind]), middle, arms[row["arm"]], told))
            said.append(told)
        y += 39
    for tick in x.ticks():
        drawn.append(rule(x(tick), 4, x(tick), y, "grid"))
        drawn.append(words(short(tick), x(tick), y + 15, "middle", "tick"))
    drawn.append(words("spans", RIGHT, y + 31, "end", "label"))
    return Panel(
        str(data["name"]), WIDTH, y + 38, join(drawn), f"{data['name']}: {'; '.join(said)}"
    )
