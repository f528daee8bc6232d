"""Numbers and verdicts as a reader wants them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

SHAPES = {"better": "▲", "worse": "▼", "no difference seen": "○"}
"""A verdict is told by its word and its shape, never by colour alone."""

NONE = "\u2013"
"""A dash, where there is no number."""
MINUS, TIMES = "\u2212", "\u00d7"
FIXED = "\u00a0"
"""A space at which no line ends."""


def known(value: float | None) -> bool:
    """Whether there is a number."""
    return value is not None and math.isfinite(value)


def score(value: float | None) -> str:
    """A score with three decimals."""
    return f"{value:.3f}".replace("-", MINUS) if value is not None and known(value) else NONE


def gain(value: float | None) -> str:
    """A difference with its sign."""
    if value is None or not known(value):
        return NONE
    told = f"{value:+.3f}"
    return "0.000" if float(told) == 0 else told.replace("-", MINUS)


def interval(found: Mapping[str, Any], signed: bool = False) -> str:
    """The interval of a mapping with ``low`` and ``high``; nothing where there is none."""
    low, high = found.get("low"), found.get("high")
    if not (known(low) and known(high)):
        return ""
    told = gain if signed else score
    return f"[{told(low)},{FIXED}{told(high)}]"


def amount(value: float | None) -> str:
    """A count with commas; a mean of counts with one decimal."""
    if value is None or not known(value):
        return NONE
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:,.1f}"


def short(value: float) -> str:
    """A number for an axis: 1.5k, 20M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}".replace("-", MINUS)
    return f"{value:g}".replace("-", MINUS)


def duration(seconds: float | None) -> str:
    """Seconds as a person says them."""
    if seconds is None or not known(seconds):
        return NONE
    if seconds < 120:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"


def ratio(value: float | None, reference: float | None) -> str:
    """How many times as much as the reference."""
    if value is None or not reference or not known(value) or not known(reference):
        return NONE
    return f"{value / reference:.2f} {TIMES}"


def setting(value: Any) -> str:
    """A value of an option, numbers as short as they can be."""
    if isinstance(value, float):
        return f"{value:.6g}".replace("e-0", "e-")
    return str(value)


def settings(chosen: Mapping[str, Any] | None) -> str:
    """Options and their values in a line."""
    return ", ".join(f"{k} {setting(v)}" for k, v in (chosen or {}).items()) or NONE


def plural(count: int, one: str, many: str = "") -> str:
    """A count and its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: a, b and c."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def tally(results: Mapping[str, Any], arm: str) -> dict[str, list[str]]:
    """The data sets of each verdict on an arm against the reference."""
    found: dict[str, list[str]] = {verdict: [] for verdict in SHAPES}
    for each in results["differences"]:
        if each["arm"] == arm and each["against"] == results["reference"]:
            found[each["verdict"]].append(each["data"])
    return found


def asked_about(results: Mapping[str, Any]) -> list[str]:
    """The arms that the study is about: reinforcement from the supervised warm start.

    Where there is none, every arm but the reference.
    """
    compared = {each["arm"] for each in results["differences"]}
    others = [a for a in results["arms"] if a["name"] != results["reference"]]
    others = [arm for arm in others if arm["name"] in compared]
    after = [a for a in others if a["start"] == "warm" and a["agent"] not in (None, "supervised")]
    return [arm["name"] for arm in after or others]


def answer(results: Mapping[str, Any]) -> list[str]:
    """A sentence for each arm that the study is about, from its verdicts and nothing else."""
    told = []
    for arm in asked_about(results):
        better, worse, none = (len(names) for names in tally(results, arm).values())
        sets = plural(better + worse + none, "data set")
        told.append(
            f"“{arm}” was better than “{results['reference']}” on {better} of {sets}, worse on "
            f"{worse}, and no difference was seen on {none}."
        )
    return told or ["Nothing was compared yet."]
