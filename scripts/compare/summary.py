"""All that is known of a study, in results.json: what the report shows, and others can read."""

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lingym.reading import read_json
from lingym.scripts.compare import looks, shown
from lingym.scripts.compare.bootstrap import ALPHA, RESAMPLES, SEED
from lingym.scripts.compare.cell_work import Given
from lingym.scripts.compare.cells import plan
from lingym.scripts.compare.compared import differences, together
from lingym.scripts.compare.drawn import Drawn, unrepeated
from lingym.scripts.compare.gathered import Gathered, standing
from lingym.scripts.compare.labels import labels
from lingym.scripts.compare.study import Data, Study, slug
from lingym.scripts.compare.study_file import read_study
from lingym.scripts.compare.table import Row, read

Results = dict[str, Any]


def write(out: Path, study: Study | None = None) -> Path:
    """Write results.json from what is done of a study so far.

    The same rows and files always give the same figures; only the time in it differs.

    Args:
        out: the folder of the study's results.
        study: by default that of ``out/study.yaml``.

    Returns:
        The file.

    Raises:
        ValueError: the study or the table cannot be read.
    """
    results = summary(out, study or read_study(out / "study.yaml"))
    file = out / "results.json"
    new = file.with_name("results.json.new")
    text = json.dumps(_plain(results), indent=1, ensure_ascii=False, allow_nan=False)
    new.write_text(text + "\n", encoding="utf-8")
    new.replace(file)
    return file


def summary(out: Path, study: Study) -> Results:
    """What stands in results.json; docs/compare.md says what its names mean."""
    every = read(out)
    rows = standing(study, every)
    done = Gathered(study, out, rows)
    drawn, without, repeats = {}, {}, {}
    for data in study.data:
        repeats[data.name] = _repeats(data, out)
        runs = done.runs(data.name, share=None)
        if not any(run.share == 1 for run in runs):
            continue
        items = {run: done.items(run) for run in runs}
        drawn[data.name] = Drawn(items)
        found = (repeats[data.name] or {}).get("test_rows_repeated", [])
        try:
            mask = unrepeated(drawn[data.name].count, found)
        except ValueError as error:
            raise ValueError(f"{_repeats_file(data, out)}: {error}") from error
        if mask is not None and mask.sum() >= 2:
            main = {run: own for run, own in items.items() if run.share == 1}
            without[data.name] = Drawn(main, mask)
    cells, found = {cell.id for cell in plan(study)}, differences(done, drawn, without)
    return {
        "study": {
            "name": study.name,
            "about": study.about,
            "seeds": list(study.seeds),
            "text": study.source.read_text(encoding="utf-8"),
        },
        "made": _made(rows),
        "resampling": {
            "seed": SEED,
            "resamples": RESAMPLES,
            "level": 1 - ALPHA,
            "scipy": version("scipy"),  # draws them
        },
        "reference": study.arms[0].name,
        "data": [
            {
                "name": data.name,
                "about": data.about,
                "metric": data.metric,
                "task": data.options.get("task", "tagging"),
                "texts": _texts(done, data),
                "warm": data.warm,
                "more": data.more,
                "repeats": repeats[data.name],
                "held_out": data.test_from_train is not None,
            }
            for data in study.data
        ],
        "arms": shown.arms(done),
        "cells": {"planned": len(cells), "done": len(cells & {row["cell"] for row in rows})},
        "scores": shown.scores(done, drawn),
        "differences": found,
        "across": together(done, drawn, found),
        "curves": shown.curves(done),
        "efficiency": shown.efficiency(done, drawn),
        "labels": labels(done),
        "errors": shown.errors(done),
        "tries": shown.tries(done),
        "commands": _commands(rows, out),
        "looks": looks.summary(out, every, [row for row in rows if row["kind"] == "score"]),
    }


def _commands(rows: tuple[Row, ...], out: Path) -> dict[str, str | None]:
    """Every cell's command, with variables for the folders that are others on other machines."""
    data = Given.read(out).data
    folders = {str(out.resolve()): "$OUT", **({str(data): "$LINGYM_DATA"} if data else {})}
    told = {}
    for row in rows:
        command = row.get("command")
        for folder, name in folders.items():
            whole = re.escape(folder) + r"(?![^/\s'\"])"  # and no other folder that begins so
            command = command and re.sub(whole, name, command)
        told[row["cell"]] = command
    return told


def table(results: Mapping[str, Any]) -> str:
    """The verdicts in Markdown: a row a data set, a column an arm."""
    reference = results["reference"]
    found = {(d["data"], d["arm"]): d for d in results["differences"] if d["against"] == reference}
    scores = {(s["data"], s["arm"]): s for s in results["scores"]}
    arms = [a["name"] for a in results["arms"] if any(a["name"] == arm for _, arm in found)]
    lines = [["data", "metric", reference, *arms], ["---", "---", "---:", *("---:" for _ in arms)]]
    for data in results["data"]:
        name = data["name"]
        if (name, reference) not in scores:
            continue
        cells = [name, data["metric"], f"{scores[name, reference]['test']:.4f}"]
        lines.append([*cells, *(_verdict(found.get((name, arm))) for arm in arms)])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _verdict(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    ends = [found["low"], found["high"]]
    known = all(end is not None and math.isfinite(end) for end in ends)
    span = f" [{ends[0]:+.4f}, {ends[1]:+.4f}]" if known else ""
    return f"{found['mean']:+.4f}{span} {found['verdict']}"


def _made(rows: tuple[Mapping[str, Any], ...]) -> Results:
    """When, and by what; of several machines or commits all."""
    machines = {json.dumps(row.get("machine"), sort_keys=True): row.get("machine") for row in rows}
    commits = list(dict.fromkeys(row["commit"] for row in rows if row.get("commit")))
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": ", ".join(commits),
        "versions": rows[-1].get("versions", {}) if rows else {},
        "machines": [machine for machine in machines.values() if machine],
    }


def _repeats_file(data: Data, out: Path) -> Path:
    return out / "data" / slug(data.name) / "repeats.json"


def _repeats(data: Data, out: Path) -> Any:
    file = _repeats_file(data, out)
    return read_json(file) if file.exists() else None


def _texts(done: Gathered, data: Data) -> dict[str, int | None]:
    """Texts of the splits as they were used; not known before one run is scored."""
    runs = done.runs(data.name)
    return done.texts(runs[0]) if runs else {"train": None, "dev": None, "test": None}


def _plain(value: Any) -> Any:
    """The same in what JSON has: null for what is not a finite number."""
    if isinstance(value, Mapping):
        return {str(key): _plain(own) for key, own in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(own) for own in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
