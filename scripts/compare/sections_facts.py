"""The report's facts: cost, repeats, looks at test, settings, commands, versions."""

import math
from collections.abc import Mapping
from typing import Any

from lingym.scripts.compare.blocks import Block, Cell, Fold, Row, Section, Table, Words
from lingym.scripts.compare.wording import (
    NONE,
    amount,
    duration,
    gain,
    interval,
    known,
    plural,
    ratio,
    setting,
)

COSTS = {
    "seconds": "time of training",
    "passes_forward": "texts forward",
    "passes_backward": "texts backward",
    "tokens": "tokens",
    "peak_memory_mb": "peak memory",
}
"""What a run costs, as results name it and as a reader does."""


def cost(results: Mapping[str, Any], arms: Mapping[str, int]) -> Section:
    """What each arm costs, as ratios to the reference over all data sets and one by one."""
    found = {(s["data"], s["arm"]): s for s in results["scores"]}
    reference = results["reference"]
    rows: list[Row] = []
    for arm in arms:
        pairs = [
            (each, found[data, reference])
            for (data, name), each in found.items()
            if name == arm and (data, reference) in found
        ]
        means = [_mean_ratio(pairs, kind) for kind in COSTS]
        rows.append([Cell(arm, arm=arms[arm]), str(len(pairs)), *means])
    columns = ("arm", "data sets", *COSTS.values())
    every: list[Row] = []
    for data in results["data"]:
        own = [s for s in results["scores"] if s["data"] == data["name"]]
        if own:
            every.append(str(data["name"]))
        base = found.get((data["name"], reference), {})
        for each in own:
            cells = [_cost(each.get(kind), kind) for kind in COSTS]
            over = [ratio(each.get(kind), base.get(kind)) for kind in COSTS]
            filled = [Cell(a, b if b != NONE else "") for a, b in zip(cells, over, strict=True)]
            every.append([Cell(each["arm"], arm=arms.get(each["arm"])), *filled])
    said = (
        f"How many times as much as {reference}, the geometric mean over the data sets that both "
        "have. Forward and backward count the texts that went through the encoder in training; "
        "evaluation is left out."
    )
    blocks: list[Block] = [
        Words(said),
        Table(columns, rows, "lr" + "r" * len(COSTS)),
        Fold("Each data set", [Table(("arm", *COSTS.values()), every, "l" + "r" * len(COSTS))]),
    ]
    return Section("cost", "What it costs", blocks)


def _mean_ratio(pairs: list[tuple[Mapping[str, Any], Mapping[str, Any]]], kind: str) -> str:
    """The geometric mean of a cost's ratios."""
    values = [
        float(each[kind]) / float(base[kind])
        for each, base in pairs
        if known(each.get(kind)) and known(base.get(kind)) and base[kind] and each[kind] > 0
    ]
    if not values:
        return NONE
    return f"{math.exp(sum(map(math.log, values)) / len(values)):.2f} ×"


def _cost(value: float | None, kind: str) -> str:
    """A cost with its unit."""
    if kind == "seconds":
        return duration(value)
    return f"{amount(value)} MB" if kind == "peak_memory_mb" and known(value) else amount(value)


def repeats(results: Mapping[str, Any], arms: Mapping[str, int]) -> Section | None:
    """Texts that stand in two splits, and what the verdicts are without them."""
    told = [d for d in results["data"] if d.get("repeats")]
    if not told:
        return None
    rows: list[Row] = []
    for data in told:
        rows.append(str(data["name"]))
        rows += [[name, value] for name, value in _flat(data["repeats"])]
    blocks: list[Block] = [Fold("What was counted", [Table(("", "count"), rows, "lr")])]
    compared: list[Row] = []
    for each in results["differences"]:
        without = each.get("without_repeats")
        if without:
            told_with = f"{gain(each['mean'])} {interval(each, True)} {each['verdict']}"
            told_without = f"{gain(without['mean'])} {interval(without, True)} {without['verdict']}"
            compared.append(
                [
                    each["data"],
                    Cell(each["arm"], f"against {each['against']}", arm=arms.get(each["arm"])),
                    Cell(told_with, verdict=each["verdict"]),
                    Cell(told_without, verdict=without["verdict"]),
                    amount(without["items_left"]),
                ]
            )
    if compared:
        columns = ("data set", "arm", "all test texts", "without repeats", "items left")
        said = (
            "Test texts that stand in the training texts too, exactly or nearly, could reward "
            "memory. The verdicts with them and without them:"
        )
        blocks = [Words(said), Table(columns, compared, "llllr"), *blocks]
    return Section("repeats", "Repeats between splits", blocks)


def _flat(found: Any, name: str = "") -> list[tuple[str, str]]:
    """A nested mapping as names and values."""
    if isinstance(found, Mapping):
        parts = [(f"{name} {key}".strip().replace("_", " "), own) for key, own in found.items()]
        return [pair for part, own in parts for pair in _flat(own, part)]
    if isinstance(found, list):
        return [(name, ", ".join(setting(value) for value in found) or NONE)]
    return [(name, f"{found:,}" if isinstance(found, int) else setting(found))]


def looks(results: Mapping[str, Any], arms: Mapping[str, int]) -> Section:
    """How often test was looked at, and why."""
    found = results["looks"]
    whole = (
        "The ledger's chain is whole."
        if found["intact"]
        else "THE LEDGER'S CHAIN IS BROKEN: a line was changed or removed, and the number of looks "
        "cannot be told."
    )
    said = f"{plural(found['first'], 'run')} scored on test once, after all choices. {whole}"
    blocks: list[Block] = [Words(said, "" if found["intact"] else "warning")]
    if not found["again"]:
        blocks.append(Words("No test split was looked at again."))
        return Section("looks", "Looks at the test splits", blocks)
    rows: list[Row] = [
        [
            str(each.get("time", NONE)),
            str(each.get("data", NONE)),
            Cell(str(each.get("arm", NONE)), arm=arms.get(str(each.get("arm")))),
            str(each.get("seed", NONE)),
            str(each.get("reason", NONE)),
        ]
        for each in found["again"]
    ]
    blocks.append(Words(f"{plural(len(rows), 'further look')}, each with its reason:", "warning"))
    blocks.append(Table(("time", "data set", "arm", "seed", "looked again because"), rows, "lllrl"))
    return Section("looks", "Looks at the test splits", blocks)
