"""The report's findings: differences, all data sets together, scores."""

from collections.abc import Mapping
from typing import Any

from lingym.scripts.compare.blocks import Cell, Fold, Row, Section, Table, Words
from lingym.scripts.compare.figures import Axis, padded
from lingym.scripts.compare.figures_across import across
from lingym.scripts.compare.figures_forest import forest, strip
from lingym.scripts.compare.wording import (
    NONE,
    gain,
    interval,
    known,
    plural,
    score,
    settings,
    tally,
)


def differences(results: Mapping[str, Any], arms: Mapping[str, int]) -> Section | None:
    """The forest plot, and the figures behind it."""
    figure = forest(results, arms)
    if figure is None:
        return None
    rows: list[Row] = []
    for data in results["data"]:
        own = [d for d in results["differences"] if d["data"] == data["name"]]
        if own:
            rows.append(f"{data['name']} · {data['metric']}")
        for each in own:
            improved = each.get("poi") or {}
            rows.append(
                [
                    against(each, results["reference"], arms),
                    gain(each["mean"]),
                    interval(each, True) or NONE,
                    " ".join(gain(value) for value in each.get("seeds") or ()) or NONE,
                    _p(each.get("p")),
                    _p(each.get("p_corrected")),
                    f"{score(improved.get('mean'))} {interval(improved)}".strip(),
                    Cell(each["verdict"], verdict=each["verdict"]),
                ]
            )
    columns = (
        *("arm", "difference", "interval", "seed by seed", "p", "p corrected"),
        *("probability of improvement", "verdict"),
    )
    table = Table(columns, rows, "lrrrrrrl")
    return Section("differences", "Differences", [figure, Fold("The numbers", [table])])


def against(found: Mapping[str, Any], reference: str, arms: Mapping[str, int]) -> Cell:
    """The arm of a difference, and what it is compared with where that is not the reference."""
    other = found["against"]
    return Cell(
        found["arm"], f"against {other}" if other != reference else "", arm=arms.get(found["arm"])
    )


def _p(value: float | None) -> str:
    """A p-value: small ones by their bound."""
    if value is None or not known(value):
        return NONE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def together(results: Mapping[str, Any], arms: Mapping[str, int]) -> Section | None:
    """All data sets at once."""
    figure = across(results, arms)
    if figure is None:
        return None
    rows: list[Row] = []
    for each in results["across"]:
        arm, improved = each["arm"], each.get("improvement") or {}
        compared = arm != results["reference"] and any(tally(results, arm).values())
        counts = [str(each.get(kind, NONE)) for kind in ("better", "worse", "none")]
        rows.append(
            [
                Cell(arm, arm=arms.get(arm)),
                str(each["data"]),
                Cell(score(each["iqm"]), interval(each)),
                Cell(score(improved.get("mean")), interval(improved)) if compared else NONE,
                *(counts if compared else [NONE] * 3),
            ]
        )
    columns = (
        *("arm", "data sets", "interquartile mean", "probability of improvement"),
        *("▲ better", "▼ worse", "○ no difference seen"),
    )
    said = (
        "The interquartile mean is the mean of the middle half of all runs' scores, so that no "
        "single data set decides; it may be compared between arms of equally many data sets only."
    )
    return Section(
        "across", "Across data sets", [Words(said), figure, Table(columns, rows, "lrrrrrr")]
    )


def scores(results: Mapping[str, Any], arms: Mapping[str, int]) -> Section:
    """Every arm's score on every data set."""
    rows: list[Row] = []
    seeds = 0
    warm = {arm["name"] for arm in results["arms"] if arm["start"] != "nothing"}
    for data in results["data"]:
        own = [s for s in results["scores"] if s["data"] == data["name"]]
        if not own:
            continue
        # An arm that begins at nothing may be far off: it would press the others together.
        near = [s for s in own if s["arm"] in warm] or own
        ends = [s[e] for s in near for e in ("test", "low", "high") if known(s.get(e))]
        axis = Axis(*padded(ends or [0.0, 1.0]), 6, 130)
        rows.append(f"{data['name']} · {data['metric']}")
        for each in own:
            values = each.get("seeds") or ()
            seeds = max(seeds, len(values))
            others = settings({k: score(v) for k, v in (each.get("others") or {}).items()})
            drawing = strip(each, axis, arms.get(each["arm"], 0)) if known(each["test"]) else None
            rows.append(
                [
                    Cell(each["arm"], arm=arms.get(each["arm"])),
                    score(each["test"]),
                    interval(each) or NONE,
                    Cell("", drawing=drawing),
                    " ".join(score(value) for value in values),
                    score(each.get("dev")),
                    others,
                ]
            )
    columns = ("arm", "test", "interval", "", "seed by seed", "dev", "other metrics on test")
    said = f"Means over {plural(seeds, 'seed')}. A strip's scale is its data set's."
    return Section("scores", "Scores of all arms", [Words(said), Table(columns, rows, "lrrlrrl")])
