"""How far a study is, and how long it will still take."""

from collections import defaultdict
from collections.abc import Iterable

from lingym.scripts.compare.cells import Cell
from lingym.scripts.compare.passes import passes_of
from lingym.scripts.compare.study import Study
from lingym.scripts.compare.table import Row


def passes(cell: Cell, study: Study) -> int:
    """Texts that a cell's training takes forward and backward; 0 where it trains nothing."""
    if cell.kind not in ("warm", "train"):
        return 0
    arm = None if cell.arm is None else study.arm_named(cell.arm)
    return passes_of(study, study.data_named(cell.data), arm, cell.share)


def seconds_left(
    cells: Iterable[Cell], study: Study, rows: Iterable[Row], jobs: int
) -> float | None:
    """Seconds that cells will take, by those that are done.

    A run takes as long for a pass as the mean run of its data set, any other cell as long as the
    mean cell of its kind and data set; where there is none yet, as over all data sets.

    Args:
        cells: that are still to be done.
        study: that they are of.
        rows: of the cells that are done.
        jobs: cells at a time.

    Returns:
        None as long as nothing is known.
    """
    spent: dict[tuple[str, str | None], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for row in rows:
        weight = _weight(_cell_of(row), study)
        for data in (row["data"], None):
            total = spent[_kind(row["kind"]), data]
            total[0] += row["seconds"]
            total[1] += weight
    left, known = 0.0, False
    for cell in cells:
        own, general = spent[_kind(cell.kind), cell.data], spent[_kind(cell.kind), None]
        seconds, texts = own if own[1] else general
        if texts:
            known = True
            left += seconds / texts * _weight(cell, study)
    return left / jobs if known else None


def _kind(kind: str) -> str:
    return "train" if kind == "warm" else kind


def _weight(cell: Cell, study: Study) -> int:
    return passes(cell, study) if cell.kind in ("warm", "train") else 1


def _cell_of(row: Row) -> Cell:
    return Cell(row["cell"], row["kind"], row["data"], row["arm"], row["seed"], row["share"])


def duration(seconds: float) -> str:
    """In the two greatest units: 45 s, 3 min 20 s, 2 h 5 min, 1 d 3 h."""
    whole = round(seconds)
    for unit, size, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "min", 60)):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // part} {smaller}"
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"


def finished_line(number: int, total: int, row: Row, study: Study, left: float | None) -> str:
    """What is said of a cell that is done."""
    parts = [f"{number:>{len(str(total))}}/{total}", row["cell"], duration(row["seconds"])]
    metric = study.data_named(row["data"]).metric
    if metric in row["dev"]:
        parts.append(f"dev {metric} {row['dev'][metric]:.4f}")
    if left is not None and number < total:
        parts.append(f"about {duration(left)} left")
    return "  ".join(parts)


def planned(cells: list[Cell], study: Study) -> str:
    """What a study will take, by data set and arm, as a table of Markdown."""
    lines = [
        f"{len(cells)} cells, {sum(passes(cell, study) for cell in cells):,} passes",
        "",
        "| data | arm | runs | passes | tuned | scored |",
        "|---|---|--:|--:|--:|--:|",
    ]
    groups: dict[tuple[str, float, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[cell.data, -cell.share, cell.arm or "(warm start)"].append(cell)
    order = {data.name: place for place, data in enumerate(study.data)}
    for data, share, arm in sorted(groups, key=lambda group: (order[group[0]], group[1])):
        own = groups[data, share, arm]
        counts = [sum(cell.kind in kinds for cell in own) for kinds in (("warm", "train"),)]
        counts.append(sum(passes(cell, study) for cell in own))
        counts += [sum(cell.kind == kind for cell in own) for kind in ("tune", "score")]
        name = data if share == -1 else f"{data}, {-share:.0%} of the gold"
        lines.append(f"| {name} | {arm} | " + " | ".join(f"{n:,}" for n in counts) + " |")
    return "\n".join(lines)
