"""How to do it again: settings, what was tried, commands, the study's file, versions."""

from collections.abc import Mapping
from typing import Any

from lingym.scripts.compare.blocks import Block, Cell, Code, Fold, Row, Section, Table, Terms, Words
from lingym.scripts.compare.wording import NONE, amount, plural, score, setting, settings


def chosen(results: Mapping[str, Any], arms: Mapping[str, int]) -> Section:
    """The arms, what was tried on dev, and what was chosen."""
    rows: list[Row] = []
    for arm in results["arms"]:
        begins = {"warm": "shared warm start", "nothing": "pretrained encoder"}
        rows.append(
            [
                Cell(arm["name"], arm.get("about") or "", arm=arms[arm["name"]]),
                begins.get(arm.get("start") or "", str(arm.get("start") or NONE)),
                str(arm.get("agent") or NONE),
                str(arm.get("tries", NONE)),
            ]
        )
    columns = ("arm", "starts from", "agent", "tries on dev")
    budget: list[Row] = []
    for data in results["data"]:
        texts = data.get("texts") or {}
        counts = [amount(texts.get(split)) for split in ("train", "dev", "test")]
        passes = [amount(data.get("warm")), amount(data.get("more"))]
        name = Cell(data["name"], data.get("about") or "")
        budget.append([name, str(data.get("task") or NONE), data["metric"], *counts, *passes])
    heads = ("data set", "task", "metric", "train", "dev", "test", "warm start", "arm")
    blocks: list[Block] = [
        Table(columns, rows, "lllr"),
        Words("Texts of each split, and passes (a text forward and backward once) of each part:"),
        Table(heads, budget, "lllrrrrr"),
    ]
    best = _best(results, arms)
    if best:
        blocks += [Words("Chosen by the mean on dev, before test was looked at:"), best]
    tries = _tries(results, arms)
    if tries:
        blocks.append(Fold("Everything that was tried", [tries]))
    words = "Every option of each run stands in the commands, and what is shared in the study file."
    blocks.append(Words(words, "note"))
    return Section("settings", "Settings, and how they were chosen", blocks)


def _best(results: Mapping[str, Any], arms: Mapping[str, int]) -> Table | None:
    """The chosen settings: a row a data set, a column an arm."""
    found = {(s["data"], s["arm"]): s.get("chosen") for s in results["scores"]}
    used = [arm for arm in arms if any(name == arm for _, name in found)]
    if not used:
        return None
    rows: list[Row] = []
    for data in results["data"]:
        own = [found.get((data["name"], arm)) for arm in used]
        rows.append([data["name"], *(settings(each) for each in own)])
    heads: list[str | Cell] = ["data set", *(Cell(arm, arm=arms[arm]) for arm in used)]
    return Table(heads, rows, "l" + "l" * len(used), cards=True)


def _tries(results: Mapping[str, Any], arms: Mapping[str, int]) -> Table | None:
    """Every grid point with its score on dev."""
    rows: list[Row] = []
    for data in results["data"]:
        own = [t for t in results["tries"] if t["data"] == data["name"]]
        if own:
            rows.append(f"{data['name']} · {data['metric']}")
        for each in own:
            seeds = " ".join(score(value) for value in each["dev_seeds"])
            taken = "◆ chosen" if each["chosen"] else ""
            name = Cell(each["arm"], arm=arms.get(each["arm"]))
            rows.append([name, settings(each["settings"]), score(each["dev_mean"]), seeds, taken])
    columns = ("arm", "settings", "dev", "seed by seed", "")
    return Table(columns, rows, "llrrl") if rows else None


def commands(results: Mapping[str, Any], arms: Mapping[str, int]) -> Section | None:
    """Every command that was run, under the cell it was run for."""
    by_data: dict[str, list[str]] = {}
    for cell, command in results["commands"].items():
        by_data.setdefault(cell.partition("/")[0], []).append(f"# {cell}\n{command or '(none)'}")
    if not by_data:
        return None
    blocks: list[Block] = [
        Fold(f"{name}: {plural(len(own), 'command')}", [Code("\n\n".join(own), "sh")])
        for name, own in by_data.items()
    ]
    return Section("commands", "Commands", blocks)


def study(results: Mapping[str, Any], arms: Mapping[str, int]) -> Section:
    """The study's file as it was, and what the report has no section for."""
    text = results["study"]["text"]
    fold = Fold(plural(len(text.splitlines()), "line"), [Code(text, "yaml")])
    return Section("study", "The study file", [fold])


def versions(results: Mapping[str, Any], arms: Mapping[str, int]) -> Section:
    """Commit, packages, machines."""
    made = results["made"]
    pairs = [("made", str(made.get("time", NONE))), ("commit", str(made.get("commit", NONE)))]
    pairs += [(str(name), str(value)) for name, value in (made.get("versions") or {}).items()]
    for n, machine in enumerate(made.get("machines") or (), 1):
        pairs.append((f"machine {n}", _machine(machine)))
    pairs.append(("seeds", ", ".join(str(seed) for seed in results["study"]["seeds"])))
    return Section("versions", "Versions and machines", [Terms(pairs)])


def _machine(machine: Any) -> str:
    """A machine in a line."""
    if not isinstance(machine, Mapping):
        return str(machine)
    return ", ".join(f"{k} {setting(v)}" for k, v in machine.items() if v is not None)
