"""The robustness report from results.json: a page, the same in Markdown, and the figure alone."""

from collections.abc import Mapping, Sequence
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
from lingym.scripts.compare.figures import Axis, frame, line, mark, padded, rule, style
from lingym.scripts.compare.markup import Markup, join, tag
from lingym.scripts.compare.publish import publish
from lingym.scripts.compare.wording import gain, interval, plural, score

WIDTH, HEIGHT, TOP, BOTTOM, LEFT, RIGHT = 340.0, 230.0, 10.0, 190.0, 46.0, 326.0

Row = Mapping[str, Any]


def write(out: Path) -> Path:
    """Write ``report.html``, ``report.md``, ``figures/robustness.svg`` and ``robustness.png``.

    Args:
        out: the folder with ``results.json``.

    Returns:
        The page.
    """
    from lingym.scripts.robustness_picture import draw

    source = out / "results.json"
    results = read_json(source, nan=True)
    with wanted(source, "what lingym bench robustness writes"):
        report = compose(results)
        draw(results, out / "robustness.png")
    return publish(report, out)


def compose(results: Mapping[str, Any]) -> Report:
    """All that the report says."""
    runs, test, made = results["runs"], results["test"], results["made"]
    first = runs[0]["name"]
    facts = [
        plural(len(runs), "run"),
        plural(test["texts"], "test text"),
        plural(results["draws"], "draw") + " of each noise",
        made["time"].replace("T", " ")[:16],
    ]
    looks = (
        f"This is a look at the test split {test['file']}: who now chooses a run or an option by "
        "it has chosen on test. Each run's look stands in looks.jsonl."
    )
    sections = [
        Section("figure", "Under rising noise", [figure(results)]),
        Section("loss", "What the noise costs", losses(results)),
        *([Section("difference", f"Against {first}", differences(results))] if runs[1:] else []),
        Section("noise", "The noise", noise(results)),
        Section("made", "How it was made", origin(results)),
    ]
    return Report(
        f"Robustness: {results['metric']} of {results['task']}",
        f"How runs label the same test texts when they are noisy: {test['file']}.",
        answer(results),
        [looks],
        " · ".join(facts),
        sections,
        over="What does noise cost?",
    )


def answer(results: Mapping[str, Any]) -> list[str]:
    """A sentence for each run: the worst noise; and how many differences are seen."""
    told = []
    first, high = results["runs"][0]["name"], max(row["strength"] for row in results["scores"])
    for run in results["runs"]:
        own = [row for row in results["scores"] if row["run"] == run["name"]]
        worst = max(
            (row for row in own if row["strength"] == high), key=lambda r: r["loss"]["mean"]
        )
        told.append(
            f"{run['name']}: {score(run['plain']['score']['mean'])} on texts as they are; most is "
            f"lost to {_title(results, worst['noise']).lower()} (strength {high:g}): "
            f"{score(worst['score']['mean'])}."
        )
        if run["name"] != first:
            verdicts = [row["loss_difference"]["verdict"] for row in own]
            told.append(
                f"Noise costs {run['name']} less than {first} in {verdicts.count('worse')} of "
                f"{len(own)} settings, more in {verdicts.count('better')}; in "
                f"{verdicts.count('no difference seen')} no difference is seen."
            )
    return told


def _title(results: Mapping[str, Any], noise: str) -> str:
    return str(next(each["title"] for each in results["noises"] if each["name"] == noise))


def figure(results: Mapping[str, Any]) -> Figure:
    """A panel a noise: the metric against strength, a line a run with its intervals."""
    names = [(number, run["name"]) for number, run in enumerate(results["runs"])]
    caption = (
        f"{results['metric']} against the share of words (or entities) that are changed. Points: "
        f"means over {plural(results['draws'], 'draw')} of the noise; whiskers: 95 % intervals "
        "over draws and texts. All runs see the same texts."
    )
    ends = [
        found["score"][end]
        for found in (*results["scores"], *(run["plain"] for run in results["runs"]))
        for end in ("mean", "low", "high")
    ]
    low, high = padded(ends)
    panels = [_panel(results, noise, low, high) for noise in results["noises"]]
    return Figure("robustness", panels, caption, names)


def _panel(results: Mapping[str, Any], noise: Row, low: float, high: float) -> Panel:
    rows = [row for row in results["scores"] if row["noise"] == noise["name"]]
    x = Axis(0.0, max(row["strength"] for row in rows), LEFT, RIGHT - 8)
    y = Axis(low, high, BOTTOM, TOP)
    drawn: list[Markup] = [frame(x, y, "strength")]
    said = []
    for number, run in enumerate(results["runs"]):
        own = [row for row in rows if row["run"] == run["name"]]
        points = [(0.0, run["plain"]["score"]), *((row["strength"], row["score"]) for row in own)]
        shift = 2.5 * (number - (len(results["runs"]) - 1) / 2)
        places = [(x(at) + shift, y(found["mean"])) for at, found in points]
        drawn.append(line(places, f"line {style(number)}"))
        for (px, py), (at, found) in zip(places, points, strict=True):
            drawn.append(
                rule(px, y(found["low"]), px, y(found["high"]), f"whisker thin {style(number)}")
            )
            told = f"{run['name']} at {at:g}: {score(found['mean'])} {interval(found)}"
            drawn.append(mark(px, py, number, told))
        said.append(f"{run['name']} falls to {score(points[-1][1]['mean'])}")
    body = join([tag("g", *drawn)])
    return Panel(noise["title"], WIDTH, HEIGHT, body, f"{noise['title']}: {'; '.join(said)}")


def losses(results: Mapping[str, Any]) -> list[Block]:
    """Scores of all runs, and below each what was lost."""
    runs = [run["name"] for run in results["runs"]]
    heads: list[Cell | str] = ["strength", "texts changed"]
    heads += [Cell(name, arm=n) for n, name in enumerate(runs)]
    plain = [
        Cell(score(run["plain"]["score"]["mean"]), interval(run["plain"]["score"]))
        for run in results["runs"]
    ]
    rows: list[Any] = ["No noise", ["0", "0 %", *plain]]
    for noise in results["noises"]:
        rows.append(noise["title"])
        for strength, own in _by_strength(results, noise["name"]):
            cells = [
                Cell(
                    score(row["score"]["mean"]),
                    f"lost {score(row['loss']['mean'])} {interval(row['loss'])}",
                )
                for row in own
            ]
            rows.append([f"{strength:g}", f"{own[0]['changed']:.0%}", *cells])
    told = (
        "The score, and below it what the noise costs: the score on texts as they are minus this "
        "one, with its 95 % interval, paired over the same texts."
    )
    return [Words(told), Table(heads, rows, "rr" + "r" * len(runs))]


def _by_strength(results: Mapping[str, Any], noise: str) -> list[tuple[float, list[Row]]]:
    """The rows of a noise, of all runs in their order, by strength."""
    own = [row for row in results["scores"] if row["noise"] == noise]
    strengths = sorted({row["strength"] for row in own})
    return [(s, [row for row in own if row["strength"] == s]) for s in strengths]


def differences(results: Mapping[str, Any]) -> list[Block]:
    """Of every other run: the difference of scores, and of losses."""
    first = results["runs"][0]["name"]
    rows: list[Any] = []
    for run in results["runs"][1:]:
        rows.append(run["name"])
        plain = run["plain"]["difference"]
        rows.append(["no noise", "0", Cell(gain(plain["mean"]), interval(plain, True)), ""])
        for noise in results["noises"]:
            for strength, own in _by_strength(results, noise["name"]):
                row = next(row for row in own if row["run"] == run["name"])
                cells = [
                    Cell(
                        gain(row[part]["mean"]),
                        interval(row[part], True),
                        row[part]["verdict"] if part == "difference" else "",
                    )
                    for part in ("difference", "loss_difference")
                ]
                rows.append([noise["title"], f"{strength:g}", *cells])
    told = (
        f"The score minus that of {first} on the very same texts (▲ better, ▼ worse, after Holm's "
        "correction over this column; ○ no difference seen), and how much more the noise costs "
        "than it costs there: below 0 is more robust. Draws of noise and test texts vary in the "
        "intervals; the seed of training does not: of one run each, this tells of these runs and "
        "not of the methods that made them."
    )
    heads = ["noise", "strength", "difference", "more lost"]
    return [Words(told), Table(heads, rows, "lrrr")]


def noise(results: Mapping[str, Any]) -> list[Block]:
    """What each noise does."""
    told = (
        "Strength is how probable it is that a word (an entity) changes. Gold labels stay right: "
        "tags go with their words, answers and the spans of relations are left as they are."
    )
    pairs = [(each["title"], each["about"]) for each in results["noises"]]
    return [Words(told), Terms(pairs)]


def origin(results: Mapping[str, Any]) -> list[Block]:
    """The command, the files and the versions."""
    made, test = results["made"], results["test"]
    runs: Sequence[Row] = results["runs"]
    pairs = [
        ("Test texts", f"{test['file']}, SHA-256 {test['sha256']}"),
        *((run["name"], run["folder"]) for run in runs),
        ("Seed of the noise", str(results["seed"])),
        ("Commit", made["commit"]),
        ("Versions", ", ".join(f"{k} {v}" for k, v in made["versions"].items())),
    ]
    return [Code(made["command"], "sh"), Terms(pairs)]
