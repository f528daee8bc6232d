"""The report's views: how arms learn, what gold is worth, which labels gain, which errors stay."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lingym.scripts.compare.blocks import Block, Cell, Fold, Row, Section, Table, Words
from lingym.scripts.compare.figures_curves import efficiency, learning
from lingym.scripts.compare.figures_labels import KINDS, errors, imbalance, label_gain
from lingym.scripts.compare.wording import MINUS, amount, asked_about, gain, interval, score


def curves(results: Mapping[str, Any], arms: Mapping[str, int]) -> Section | None:
    """The metric against tokens, and against seconds."""
    tokens, seconds = (learning(results, arms, unit) for unit in ("tokens", "seconds"))
    if tokens is None:
        return Section("curves", "Learning curves", [seconds]) if seconds else None
    folded = [Fold("The same against seconds", [seconds])] if seconds else []
    return Section("curves", "Learning curves", [tokens, *folded])


def gold(results: Mapping[str, Any], arms: Mapping[str, int]) -> Section | None:
    """The label-efficiency curve."""
    figure = efficiency(results, arms)
    if figure is None:
        return None
    caption = (
        "The metric on test against the number of training texts with gold labels. Bars: "
        "intervals. Marks of one number of texts stand side by side to be told apart."
    )
    rows: list[Row] = []
    for data in results["data"]:
        own = [r for r in results["efficiency"] if r["data"] == data["name"]]
        if own:
            rows.append(f"{data['name']} · {data['metric']}")
        for each in own:
            rows.append(
                [
                    Cell(each["arm"], arm=arms.get(each["arm"])),
                    f"{each['share']:.3g}",
                    amount(each["gold_texts"]),
                    score(each["mean"]),
                    interval(each),
                ]
            )
    table = Table(("arm", "share", "gold texts", "test", "interval"), rows, "lrrrr")
    blocks: list[Block] = [replace(figure, caption=caption), Fold("The numbers", [table])]
    return Section("efficiency", "What gold labels are worth", blocks)


def labels(results: Mapping[str, Any], arms: Mapping[str, int]) -> Section | None:
    """The imbalance view, an arm after the other; those that were not asked about are folded."""
    blocks: list[Block] = []
    asked = asked_about(results)
    order = sorted(arms, key=lambda arm: (arm not in asked, arms[arm]))
    for arm in order:
        figure = imbalance(results, arm, arms)
        if figure is None:
            continue
        rows: list[Row] = []
        for data in results["data"]:
            of = (data["name"], arm)
            own = [r for r in results["labels"] if (r["data"], r["arm"]) == of]
            if own:
                rows.append(str(data["name"]))
            for each in sorted(own, key=lambda r: -r["train_count"]):
                both = [score(each.get(f)) for f in ("f1_reference", "f1")]
                difference = [gain(label_gain(each)), interval(each, True)]
                rows.append([each["label"], amount(each["train_count"]), *both, *difference])
        columns = ("label", "in training texts", results["reference"], arm, "gain", "interval")
        numbers = Fold(f"Every label, {arm}", [Table(columns, rows, "lrrrrr")])
        if arm in asked:
            blocks += [figure, numbers]
        else:
            blocks.append(Fold(f"Gains of {arm}", [figure, numbers]))
    return Section("imbalance", "Rare and frequent labels", blocks) if blocks else None


def error_kinds(results: Mapping[str, Any], arms: Mapping[str, int]) -> Section | None:
    """Error kinds of spans, supervised against reinforcement."""
    figure = errors(results, arms)
    if figure is None:
        return None
    rows: list[Row] = []
    kinds = {"right": "right", **KINDS}
    for data in results["data"]:
        own = [r for r in results["errors"] if r["data"] == data["name"]]
        if own:
            rows.append(str(data["name"]))
        base = next((r for r in own if r["arm"] == results["reference"]), None)
        for each in own:
            row: list[Cell | str] = [Cell(each["arm"], arm=arms.get(each["arm"]))]
            for kind in kinds:
                row.append(Cell(amount(each[kind]), _change(each, base, kind)))
            rows.append(row)
    table = Table(("arm", *kinds.values()), rows, "l" + "r" * len(kinds))
    said = f"Below each number: the change from {results['reference']}."
    return Section(
        "errors", "Errors in spans", [figure, Fold("The numbers", [Words(said, "note"), table])]
    )


def _change(row: Mapping[str, Any], base: Mapping[str, Any] | None, kind: str) -> str:
    """How a count changed from the reference's, in per cent."""
    if base is None or row is base or not base[kind]:
        return ""
    return f"{row[kind] / base[kind] - 1:+.0%}".replace("-", MINUS).replace("%", " %")
