"""The report of a sequence of corpora from matrix.json: a page, the same in Markdown, a picture."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lingym.reading import read_json, wanted
from lingym.scripts.compare.blocks import (
    Block,
    Cell,
    Code,
    Figure,
    Panel,
    Report,
    Section,
    Table,
    Terms,
    Words,
)
from lingym.scripts.compare.figures import words
from lingym.scripts.compare.markup import Markup, tag
from lingym.scripts.compare.publish import publish
from lingym.scripts.compare.wording import (
    NONE,
    duration,
    gain,
    interval,
    listed,
    plural,
    score,
)
from lingym.scripts.continual_measures import MEASURES

TITLES = {
    "none": "no remedy",
    "rehearsal": "rehearsal",
    "ewc": "elastic weight consolidation",
    "adapters": "adapters",
    "joint": "all at once",
}
ABOUT = {
    "average score": "A = 1/T sum_j R[T, j]: all stages' scores after the last one.",
    "score when learned": "1/T sum_j R[j, j]: each stage right after it was learned.",
    "backward transfer": "BWT = 1/(T-1) sum_{j<T} (R[T, j] - R[j, j]); below 0 where stages are "
    "forgotten (Lopez-Paz and Ranzato, 2017).",
    "forgetting": "F = 1/(T-1) sum_{j<T} (max_{i<T} R[i, j] - R[T, j]); above 0 where stages are "
    "forgotten (Chaudhry et al., 2018).",
    "forward transfer": "FWT = 1/(T-1) sum_{j>1} (R[j-1, j] - b[j]), b the scores before any "
    "training: what earlier stages teach of one to come (Lopez-Paz and Ranzato, 2017).",
}
SIDE, LEFT, TOP = 58.0, 92.0, 26.0
DARKEST = 0.75
"""Of a cell's ground; its words stay readable on it."""

Row = Mapping[str, Any]


def write(out: Path) -> Path:
    """Write ``report.html``, ``report.md``, ``figures/forgetting.svg`` and ``forgetting.png``.

    Args:
        out: the folder with ``matrix.json``.

    Returns:
        The page.
    """
    from lingym.scripts.continual_picture import draw

    source = out / "matrix.json"
    found = read_json(source, nan=True)
    with wanted(source, "what lingym continual writes"):
        report = compose(found)
        draw(found, out / "forgetting.png")
    return publish(report, out)


def compose(found: Mapping[str, Any]) -> Report:
    """All that the report says."""
    stages, methods = found["stages"], found["methods"]
    seeds = max(len(row["runs"]) for row in methods)
    notices = [
        "R[j, j] is measured on the dev texts by which the model of stage j was chosen, where it "
        "was (--keep-best): it is the more flattered the smaller they are, and with it forgetting."
    ]
    if any("test" in row for row in methods):
        notices.append(
            "The test texts were looked at: who now chooses a method by them has chosen on test."
        )
    sections = [
        Section("figure", "What is known after each stage", [figure(found)]),
        Section("measures", "Side by side", [comparison(found), Terms(list(ABOUT.items()))]),
        Section("rows", "The matrices", matrices(found)),
        Section("made", "How it was made", origin(found)),
    ]
    return Report(
        f"A sequence of corpora: {listed([stage['name'] for stage in stages])}",
        f"{measure(found)} on the dev texts of every stage, after each stage was learned.",
        answer(found),
        notices,
        " · ".join([plural(len(stages), "stage"), plural(seeds, "seed"), found["task"]]),
        sections,
        over="What is forgotten?",
    )


def measure(found: Mapping[str, Any]) -> str:
    """What the scores are."""
    own = found["settings"]["label_space"] == "own"
    return "Each stage's own measure" if own else str(found["metric"])


def answer(found: Mapping[str, Any]) -> list[str]:
    """A sentence for each method."""
    told = []
    for row in found["methods"]:
        own = row["measures"]
        said = f"{TITLES[row['method']]}: {score(own['average']['mean'])} on average at the end"
        if "forgetting" in own:
            said += f", forgetting of the earlier stages {gain(own['forgetting']['mean'])}"
        told.append(f"{said}.")
    return told


def figure(found: Mapping[str, Any]) -> Figure:
    """A panel a method: the matrix as a map, darker for higher scores."""
    caption = (
        "A row is the model after a stage (start: before any), a column the texts it is measured "
        "on; darker is higher. What stands below the diagonal is what is left of earlier stages, "
        "above it what is known of those to come. Means over seeds."
    )
    panels = [_panel(found, row) for row in found["methods"]]
    return Figure("forgetting", panels, caption, columns=2)


def shown(row: Row) -> list[tuple[int, list[float]]]:
    """The rows of a matrix that there are, by the stages that were learned, the start first."""
    every = [row["start"], *row["matrix"]]
    return [(number, scores) for number, scores in enumerate(every) if scores is not None]


def named(found: Mapping[str, Any], row: Row, number: int) -> str:
    """What a row of the matrix is after."""
    if number == 0:
        return "start"
    return "all" if row["method"] == "joint" else str(found["stages"][number - 1]["name"])


def _panel(found: Mapping[str, Any], row: Row) -> Panel:
    names = [stage["name"] for stage in found["stages"]]
    drawn: list[Markup] = [
        words(cut(name), LEFT + SIDE * (n + 0.5), TOP - 8, "middle", "tick")
        for n, name in enumerate(names)
    ]
    rows, told = shown(row), []
    for line, (number, scores) in enumerate(rows):
        top = TOP + SIDE * line
        after = named(found, row, number)
        drawn.append(words(cut(after), LEFT - 8, top + SIDE / 2 + 4, "end", "tick"))
        for column, value in enumerate(scores):
            left = LEFT + SIDE * column
            about = f"after {after}, on {names[column]}: {score(value)}"
            drawn.append(
                tag(
                    *("rect", tag("title", about)),
                    **{"x": left + 1, "y": top + 1, "width": SIDE - 2, "height": SIDE - 2},
                    fill_opacity=DARKEST * min(max(value, 0.0), 1.0),
                    class_="dot a1",
                )
            )
            middle = (left + SIDE / 2, top + SIDE / 2 + 4)
            drawn.append(words(score(value), *middle, "middle", "told"))
        told.append(f"after {after} {', '.join(map(score, scores))}")
    width, height = LEFT + SIDE * len(names) + 6, TOP + SIDE * (len(found["stages"]) + 1) + 6
    title = TITLES[row["method"]].capitalize()
    return Panel(title, width, height, tag("g", *drawn), f"{title}: {'; '.join(told)}")


def cut(name: str, most: int = 12) -> str:
    """A name that fits; the tables have all of it."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def comparison(found: Mapping[str, Any]) -> Table:
    """A row a method, a column a measure."""
    tested = any("test" in row for row in found["methods"])
    first = TITLES[found["methods"][0]["method"]]
    heads = ["method", *MEASURES.values(), *(["test, average"] if tested else [])]
    heads += [f"average, against {first}", "training"]
    rows = []
    for row in found["methods"]:
        own = row["measures"]
        cells: list[Cell | str] = [TITLES[row["method"]]]
        for name in (*MEASURES, *(["test"] if tested else [])):
            signed = name in ("backward", "forgetting", "forward")
            cells.append(_estimate(own.get(name), signed))
        cells.append(_estimate(row.get("difference"), signed=True))
        rows.append([*cells, duration(row["seconds"])])
    return Table(heads, rows, "l" + "r" * (len(heads) - 1))


def _estimate(found: Mapping[str, Any] | None, signed: bool) -> Cell:
    if found is None:
        return Cell(NONE)
    told = gain if signed else score
    return Cell(told(found["mean"]), interval(found, signed))


def matrices(found: Mapping[str, Any]) -> list[Block]:
    """The mean matrix of each method as a table."""
    names = [stage["name"] for stage in found["stages"]]
    rows: list[Any] = []
    for row in found["methods"]:
        rows.append(TITLES[row["method"]])
        rows += [[named(found, row, number), *map(score, scores)] for number, scores in shown(row)]
        if "test" in row:
            rows.append(["at the end, test", *map(score, row["test"])])
    table = Table(["after", *names], rows, "l" + "r" * len(names))
    return [Words("Means over seeds; those of each seed stand in matrix.json."), table]


def origin(found: Mapping[str, Any]) -> list[Block]:
    """The command, the stages, the settings and the versions."""
    pairs = []
    for stage in found["stages"]:
        files = ", ".join(f"{name} {file}" for name, file in stage["files"].items())
        texts = ", ".join(f"{count:,} {split}" for split, count in stage["texts"].items())
        labels = f"; labels {', '.join(stage['labels'])}" if stage["labels"] else ""
        pairs.append((stage["name"], f"{files}; {texts} texts; agent {stage['agent']}{labels}"))
    made = found["made"]
    pairs += [
        ("Settings", ", ".join(f"{name} {value}" for name, value in found["settings"].items())),
        ("Commit", made["commit"]),
        ("Versions", ", ".join(f"{k} {v}" for k, v in made["versions"].items())),
    ]
    return [Code(made["command"], "sh"), Terms(pairs)]


def summary(found: Mapping[str, Any]) -> str:
    """The comparison for a terminal: a line a method."""
    lines = ["".join([f"{'':<12}", *(f"{name:>20}" for name in MEASURES.values())])]
    for row in found["methods"]:
        cells = [
            score(row["measures"][name]["mean"]) if name in row["measures"] else NONE
            for name in MEASURES
        ]
        lines.append("".join([f"{row['method']:<12}", *(f"{cell:>20}" for cell in cells)]))
    return "\n".join(lines) + "\n"
