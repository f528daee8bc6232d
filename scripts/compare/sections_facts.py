"""The report's facts: cost, repeats, looks at test, settings, commands, versions."""

import math
from collections.abc import Mapping
from typing import Any

from lingym.scripts.compare.blocks import Block, Cell, Fold, Row, Section, Table, Words
from lingym.scripts.compare.sections import against
from lingym.scripts.compare.sections_verdicts import decided
from lingym.scripts.compare.wording import (
    NONE,
    TIMES,
    amount,
    duration,
    known,
    plural,
    ratio,
)

COSTS = {
    "seconds": "time of training",
    "passes_forward": "texts forward",
    "passes_backward": "texts backward",
    "tokens": "tokens",
    "peak_memory_mb": "peak memory",
}
"""What a run costs, as results name it and as a reader does."""
PAIRS = {
    "train_test": "test in train",
    "dev_test": "test in dev",
    "train_dev": "dev in train",
}
"""Which split repeats which, likewise."""


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
        f"How many times as much as “{reference}”, the geometric mean over the data sets that both "
        "have, each with its warm start. Forward counts the texts that went through the encoder, "
        "backward those that were also learned from; tokens are counted both ways. Evaluation is "
        "left out."
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
    return f"{math.exp(sum(map(math.log, values)) / len(values)):.2f} {TIMES}"


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
    examples: list[Row] = []
    for data in told:
        found = data["repeats"]
        counts = [found[pair][kind] for pair in PAIRS for kind in ("exact", "near")]
        rows.append([data["name"], *(amount(count) for count in counts)])
        examples += [data["name"]] if found["examples"] else []
        for each in found["examples"]:
            alike = "exact" if each["exact"] else f"{each['similarity']:.2f}"
            examples.append([each["text"], each["split"], each["repeats"], alike])
    heads = [f"{name}, {kind}" for name in PAIRS.values() for kind in ("exact", "near")]
    blocks: list[Block] = [
        Words(
            "Texts of the second split that stand in the first too: exactly, but for case and "
            "spaces, or nearly, by the letters that they share."
        ),
        Table(("data set", *heads), rows, "l" + "r" * len(heads)),
    ]
    if examples:
        table = Table(("test text", "repeats one of", "which is", "similarity"), examples, "lllr")
        blocks.append(Fold("Examples", [table]))
    compared: list[Row] = []
    for each in results["differences"]:
        without = each.get("without_repeats")
        if without:
            compared.append(
                [
                    each["data"],
                    against(each, results["reference"], arms),
                    *(decided(found) for found in (each, without)),
                    amount(without["items_left"]),
                ]
            )
    if compared:
        columns = ("data set", "arm", "all test texts", "without repeats", "items left")
        said = (
            "Test texts that repeat texts of training or dev could reward memory. The verdicts "
            "with them, and without them:"
        )
        blocks += [Words(said), Table(columns, compared, "llllr")]
    return Section("repeats", "Repeats between splits", blocks)


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
    shown = "whose figures are not in this report"
    for kind, one, many, none in (
        ("again", "further look", "further looks", "No test split was looked at again."),
        ("unshown", f"look {shown}", f"looks {shown}", ""),
    ):
        rows = [_look(each, arms) for each in found.get(kind, [])]
        if rows:
            columns = ("time", "data set", "arm", "seed", "reason")
            blocks.append(Words(f"{plural(len(rows), one, many)}:", "warning"))
            blocks.append(Table(columns, rows, "lllrl"))
        elif none:
            blocks.append(Words(none))
    return Section("looks", "Looks at the test splits", blocks)


def _look(each: Mapping[str, Any], arms: Mapping[str, int]) -> Row:
    """One look at a test split."""
    arm = Cell(str(each.get("arm", NONE)), arm=arms.get(str(each.get("arm"))))
    names = ("time", "data", "seed", "reason")
    told = [NONE if each.get(name) is None else str(each[name]) for name in names]
    return [*told[:2], arm, *told[2:]]
