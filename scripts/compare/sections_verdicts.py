"""The first thing to read: the verdicts, and what a verdict means."""

from collections.abc import Mapping
from typing import Any

from lingym.scripts.compare.blocks import Block, Cell, Row, Section, Table, Terms, Words
from lingym.scripts.compare.wording import NONE, asked_about, gain, interval, listed, score

LEGEND = (
    (
        "0.842 [0.831, 0.853]",
        "The mean over seeds on test, and its 95 % confidence interval: other seeds and other test "
        "texts, together, would give another mean.",
    ),
    (
        "+0.012 [+0.004, +0.020]",
        "A paired difference: the arm minus the reference on the same seeds and the same test "
        "texts. Clear of zero means that both ends lie on one side of it.",
    ),
    (
        "▲ better",
        "The difference is above zero, after a correction for looking at many data sets: an "
        "interval that is only just clear of zero may not be enough.",
    ),
    ("▼ worse", "The difference is below zero, after the same correction."),
    (
        "○ no difference seen",
        "The study cannot tell them apart. That is not a proof that they are equal: the interval "
        "says how large a difference would have been missed.",
    ),
)


def verdicts(results: Mapping[str, Any], arms: Mapping[str, int]) -> Section:
    """The first thing to read: a row a data set, a column an arm."""
    reference = results["reference"]
    found = {(d["data"], d["arm"]): d for d in results["differences"] if d["against"] == reference}
    scores = {(s["data"], s["arm"]): s for s in results["scores"]}
    again = {(look.get("data"), look.get("arm")) for look in results["looks"]["again"]}
    asked = asked_about(results)
    compared = [arm for arm in arms if any(arm == other for _, other in found)]
    compared.sort(key=lambda arm: arm not in asked)
    columns: list[str | Cell] = ["data set, metric", Cell(reference, arm=arms.get(reference))]
    columns += [Cell(arm, arm=arms[arm]) for arm in compared]
    rows: list[Row] = []
    later = []
    for data in results["data"]:
        name = data["name"]
        if not any(scored == name for scored, _ in scores):
            later.append(name)
            continue
        own = scores.get((name, reference), {})
        row: list[Cell | str] = [Cell(name, data["metric"])]
        row.append(Cell(score(own.get("test")), interval(own)))
        for arm in compared:
            each = found.get((name, arm))
            row.append(_verdict(each, (name, arm) in again) if each else Cell(NONE))
        rows.append(row)
    blocks: list[Block] = [Table(columns, rows, "l" * len(columns), cards=True)]
    if later:
        blocks.append(Words(f"Not scored yet: {listed(later)}.", "note"))
    best = _best(results, arms)
    if best:
        said = (
            "Arms that learn by reinforcement, against the best arm that does not. Which one that "
            "is was told by dev, not by test:"
        )
        blocks += [Words(said), best]
    blocks += [
        Terms(LEGEND),
        Words(
            "How the intervals, the correction and the verdicts are computed is defined in "
            "docs/statistics.md.",
            "note",
        ),
    ]
    return Section("verdicts", "The verdicts", blocks)


def decided(found: Mapping[str, Any], more: str = "") -> Cell:
    """A verdict with its difference and interval below."""
    told = f"{gain(found['mean'])} {interval(found, True) or '(no interval)'}{more}"
    return Cell(found["verdict"], told, verdict=found["verdict"])


def _verdict(found: Mapping[str, Any], again: bool) -> Cell:
    """A verdict, and what else must be said of it."""
    told = ""
    without = found.get("without_repeats")
    if without and without["verdict"] != found["verdict"]:
        told += f"; without repeats {without['verdict']}"
    if again:
        told += "; test was looked at again"
    return decided(found, told)


def _best(results: Mapping[str, Any], arms: Mapping[str, int]) -> Table | None:
    """Comparisons with other arms than the reference: a row each, or none."""
    rows: list[Row] = []
    for each in results["differences"]:
        if each["against"] != results["reference"]:
            sides = [Cell(each[side], arm=arms.get(each[side])) for side in ("arm", "against")]
            rows.append([each["data"], *sides, _verdict(each, False)])
    return Table(("data set", "arm", "against", "verdict"), rows, "llll") if rows else None
