"""What the report's drawings are made of: axes, frames, marks. Plain SVG, the same every time."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from lingym.scripts.compare.markup import Markup, join, tag
from lingym.scripts.compare.wording import MINUS, short

COLOURS = 9
"""Arms after so many begin with the first colour again, with another mark."""
LETTER = 6.6
"""Width of a letter of the drawings' text, on average, in pixels."""
LINE = 14.0

MARKS = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
    "M-3.6 -3.6h7.2v7.2h-7.2z",
    "M0 -4.8L4.6 3.4H-4.6z",
    "M0 -5L5 0L0 5L-5 0z",
    "M0 4.8L4.6 -3.4H-4.6z",
    "M-1.5 -4.6h3v3.1h3.1v3h-3.1v3.1h-3v-3.1h-3.1v-3h3.1z",
    "M-4.6 -2L0 -5L4.6 -2L2.8 3.8H-2.8z",
)
"""Outlines around the origin: circle, square, triangle, diamond, triangle down, cross, pentagon."""
VERDICT_MARKS = {"better": MARKS[2], "worse": MARKS[4], "no difference seen": MARKS[0]}


@dataclass(frozen=True)
class Axis:
    """A scale from values to pixels.

    Attributes:
        low: the value at ``start``.
        high: the value at ``end``, above ``low``.
        start: a pixel.
        end: another, before or after ``start``.
        log: by logarithms; ``low`` is above 0 then.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        low, high, at = self.low, self.high, value
        if self.log:
            low, high, at = math.log(low), math.log(high), math.log(value)
        return self.start + (at - low) / (high - low) * (self.end - self.start)

    def ticks(self, count: int = 4) -> list[float]:
        """Round values inside: about ``count``; the powers of ten if by logarithms."""
        if self.log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            powers = [10.0**n for n in range(first, last + 1)]
            if len(powers) > 2:
                return powers[:: math.ceil(len(powers) / 5)]
            steps = [10.0**n * m for n in range(first - 1, last + 1) for m in (1, 2, 5)]
            return [step for step in steps if self.low <= step <= self.high]
        rough = (self.high - self.low) / count
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * (1 - 1e-9))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(n * step, 12) for n in range(first, last + 1)]


def padded(values: Sequence[float], share: float = 0.06) -> tuple[float, float]:
    """Limits a little wider than the values are."""
    low, high = min(values), max(values)
    room = (high - low) * share or max(abs(high) * 0.1, 0.01)
    return low - room, high + room


def style(arm: int) -> str:
    """The class that gives an arm its colour."""
    return f"a{arm % COLOURS}"


def mark(
    x: float, y: float, arm: int, title: str = "", shape: str = "", kind: str = "dot"
) -> Markup:
    """An arm's mark, or another shape in the arm's colour.

    Args:
        x: pixel.
        y: pixel.
        arm: its number.
        title: what a pointer that rests on it is told.
        shape: an outline around the origin; by default the arm's own.
        kind: ``dot``, or ``ring`` for one that is not filled.
    """
    told = [tag("title", title)] if title else []
    outline = shape or MARKS[arm % len(MARKS)]
    place = f"translate({x:.1f} {y:.1f})"
    return tag("path", *told, d=outline, transform=place, class_=f"{kind} {style(arm)}")


def line(points: Sequence[tuple[float, float]], kind: str) -> Markup:
    """A line through points."""
    return tag("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points), class_=kind)


def rule(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    """A straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)


def words(text: str, x: float, y: float, anchor: str = "start", kind: str = "") -> Markup:
    """A line of text."""
    end = anchor if anchor != "start" else None
    return tag("text", text, x=float(x), y=float(y), text_anchor=end, class_=kind or None)


def wrapped(text: str, width: float) -> list[str]:
    """A text in lines that are at most so many pixels wide; nothing is left out."""
    fits = max(int(width / LETTER), 4)
    spaced = text.replace("_", "_\u200b").replace("/", "/\u200b")
    lines: list[str] = [""]
    for part in spaced.replace(" ", " \u200b").split("\u200b"):
        for piece in textwrap.wrap(part, fits, drop_whitespace=False) or [part]:
            if len((lines[-1] + piece).rstrip()) > fits and lines[-1]:
                lines.append("")
            lines[-1] += piece
    return [each.strip() for each in lines if each.strip()] or [""]


def frame(x: Axis, y: Axis, label: str, decimals: bool = True) -> Markup:
    """Grid lines and tick labels of a panel.

    Args:
        x: from left to right.
        y: from bottom to top.
        label: what x is.
        decimals: whether y's labels all have the same number of decimals.
    """
    drawn: list[Markup] = []
    ticks = y.ticks()
    places = max((len(f"{t:.10g}".partition(".")[2]) for t in ticks), default=0)
    for tick in ticks:
        at = y(tick)
        drawn.append(rule(x.start, at, x.end, at, "grid"))
        told = f"{tick:.{places}f}" if decimals else short(tick)
        drawn.append(words(told.replace("-", MINUS), x.start - 6, at + 4, "end", "tick"))
    for tick in x.ticks():
        drawn.append(rule(x(tick), y.start, x(tick), y.start + 4, "axis"))
        drawn.append(words(short(tick), x(tick), y.start + 17, "middle", "tick"))
    drawn.append(rule(x.start, y.start, x.end, y.start, "axis"))
    drawn.append(words(label, x.end, y.start + 33, "end", "label"))
    return join(drawn)


def key(arm: int, size: float = 14) -> Markup:
    """An arm's mark alone, to stand in a line of text."""
    half = size / 2
    body = mark(half, half, arm)
    box = f"0 0 {size:g} {size:g}"
    return tag("svg", body, viewBox=box, width=size, height=size, class_="key", aria_hidden="true")
