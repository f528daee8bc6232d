"""The report of a study: one page to read, and the same in Markdown with its figures."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lingym.reading import read_json, wanted
from lingym.scripts.compare import (
    sections,
    sections_facts,
    sections_figures,
    sections_settings,
    sections_verdicts,
)
from lingym.scripts.compare.blocks import Report
from lingym.scripts.compare.publish import publish
from lingym.scripts.compare.wording import answer, listed, plural

PARTS = (
    sections_verdicts.verdicts,
    sections.differences,
    sections.together,
    sections.scores,
    sections_figures.curves,
    sections_figures.gold,
    sections_figures.labels,
    sections_figures.error_kinds,
    sections_facts.cost,
    sections_facts.repeats,
    sections_facts.looks,
    sections_settings.chosen,
    sections_settings.commands,
    sections_settings.study,
    sections_settings.versions,
)
"""What makes each section, in reading order; ``None`` where a study has nothing for it."""


def write(out: Path) -> Path:
    """Write ``report.html``, ``report.md`` and ``figures/`` from ``results.json``.

    Args:
        out: the study's folder.

    Returns:
        The page.

    Raises:
        FileNotFoundError: there is no ``results.json``.
        ValueError: it is not what `lingym bench compare` writes.
    """
    source = out / "results.json"
    if not source.is_file():
        raise FileNotFoundError(
            f"{source} is not there: wanted the folder of a study that `lingym bench compare` ran"
        )
    results = read_json(source, nan=True)
    with wanted(source, "what lingym bench compare writes (make it again with --report-only)"):
        report = compose(_finite(results))
    return publish(report, out)


def compose(results: Mapping[str, Any]) -> Report:
    """All that a report says.

    Args:
        results: what stands in ``results.json``.
    """
    arms = {arm["name"]: number for number, arm in enumerate(results["arms"])}
    made = [part(results, arms) for part in PARTS]
    study, cells = results["study"], results["cells"]
    facts = [
        plural(len(results["data"]), "data set"),
        plural(len(arms), "arm"),
        plural(len(study["seeds"]), "seed"),
        f"{cells['done']:,} of {plural(cells['planned'], 'run')} done",
        str(results["made"].get("time", "")).replace("T", " ")[:16],
    ]
    return Report(
        study["name"],
        study.get("about") or "",
        answer(results),
        notices(results),
        " · ".join(fact for fact in facts if fact),
        [section for section in made if section],
    )


def notices(results: Mapping[str, Any]) -> list[str]:
    """What must be known before the answer is believed."""
    told = []
    cells, looks = results["cells"], results["looks"]
    missing = cells["planned"] - cells["done"]
    if missing:
        told.append(
            f"Not finished: {plural(missing, 'run')} of {cells['planned']:,} are not done. What "
            "follows may change."
        )
    if len(results["study"]["seeds"]) == 1:
        told.append(
            "One seed: nothing tells how much another seed would change, so there are no "
            "intervals, and no verdict is better or worse."
        )
    held = [data["name"] for data in results["data"] if data.get("held_out")]
    if held:
        told.append(
            f"Test stands for training texts that were held out, on {listed(held)}: of the source "
            "that is trained on, which real test texts need not be."
        )
    if not looks["intact"]:
        told.append(
            "The ledger of looks at test was changed by hand: see Looks at the test splits."
        )
    if looks["again"]:
        names = listed(sorted({str(look.get("data")) for look in looks["again"]}))
        told.append(
            f"Test was looked at again on {names}: the reasons stand under Looks at the test "
            "splits."
        )
    changed = [
        f"{each['arm']} on {each['data']}"
        for each in results["differences"]
        if each.get("without_repeats") and each["without_repeats"]["verdict"] != each["verdict"]
    ]
    if changed:
        told.append(
            "Without test texts that repeat training texts the verdict is another for "
            f"{listed(changed)}."
        )
    return told


def _finite(value: Any) -> Any:
    """The same with ``None`` for what is no number: JSON has no NaN, Python writes it."""
    if isinstance(value, dict):
        return {key: _finite(own) for key, own in value.items()}
    if isinstance(value, list):
        return [_finite(own) for own in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
