"""A study read from its YAML file; every mistake is told with its line, before anything runs."""

import os
from dataclasses import fields, replace
from pathlib import Path

from lingym.scripts.compare.options import OF_DATA
from lingym.scripts.compare.study import Share, Study
from lingym.scripts.compare.study_check import check
from lingym.scripts.compare.study_parts import named, options, read_arm, read_data
from lingym.scripts.compare.yaml_marks import Marked, read_yaml

NEEDED = ("name", "seeds", "data", "arms")


def read_study(file: str | Path, data: str | Path | None = None) -> Study:
    """Read a study, and check it as far as that goes without the data.

    Args:
        file: in YAML.
        data: the folder that the names of data files begin in; by default $LINGYM_DATA, or else
            the study file's own.

    Raises:
        ValueError: the file is no study; the message begins ``study.yaml:LINE: ``.
    """
    top = read_yaml(file)
    parts = top.mapping("a study", [f.name for f in fields(Study) if f.name != "source"])
    for name in NEEDED:
        if name not in parts:
            top.fail(f"a study must say its {name}")
    folder = Path(data or os.environ.get("LINGYM_DATA") or Path(file).parent)
    general = {}
    if "defaults" in parts:
        general = options(parts["defaults"].mapping("defaults"), "defaults", ("agent",))
    reading = {name: value for name, value in general.items() if name in OF_DATA}
    sets, arms = named(parts["data"], "data"), named(parts["arms"], "arms")
    study = Study(
        name=parts["name"].text("name"),
        about=parts["about"].text("about") if "about" in parts else "",
        seeds=_seeds(parts["seeds"]),
        data=tuple(read_data(name, place, reading, folder) for name, place in sets.items()),
        arms=tuple(read_arm(name, place) for name, place in arms.items()),
        shares=_shares(parts["shares"]) if "shares" in parts else None,
        defaults={name: value for name, value in general.items() if name not in OF_DATA},
        measures=parts["measures"].whole("measures", 1) if "measures" in parts else 10,
        tune_seeds=parts["tune_seeds"].whole("tune_seeds", 1) if "tune_seeds" in parts else None,
        source=Path(file),
    )
    check(study, parts)
    starts = {arm.name: arm.start for arm in study.arms}
    return replace(
        study,
        arms=tuple(replace(arm, start=starts[arm.of or arm.name]) for arm in study.arms),
    )


def _seeds(place: Marked) -> tuple[int, ...]:
    """Whole numbers from 0, each once."""
    seeds = tuple(inner.whole("a seed", 0) for inner in place.items("seeds"))
    if not seeds or len(set(seeds)) < len(seeds):
        place.fail(f"seeds must be one or more numbers, each once, got {list(seeds)}")
    return seeds


def _shares(place: Marked) -> Share:
    """The label-efficiency curve."""
    parts = place.mapping("shares", [f.name for f in fields(Share)])
    for name in ("of", "arms", "gold"):
        if name not in parts:
            place.fail(f"shares must say {name}")
    gold = []
    for inner in parts["gold"].items("gold"):
        share = inner.value()
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
            inner.fail(f"a share is a number above 0 and below 1 (all is run anyway), got {share}")
        if share in gold:
            inner.fail(f"gold has {share} twice")
        gold.append(share)
    of, arms = ([i.text(f"shares, {k}") for i in parts[k].items(k)] for k in ("of", "arms"))
    for name, values in (("of", of), ("arms", arms), ("gold", gold)):
        if not values or len(set(values)) < len(values):
            parts[name].fail(f"shares, {name} must name one or more, each once")
    least = parts["least"].whole("least", 1) if "least" in parts else 1
    return Share(tuple(of), tuple(arms), tuple(gold), least)
