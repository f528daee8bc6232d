"""The cells of a study: independent pieces of work, each with the cells that it needs."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lingym.scripts.compare.choose import grid_points
from lingym.scripts.compare.study import Arm, Study, slug
from lingym.scripts.train import Train

Kind = Literal["warm", "train", "tune", "score"]
_UNSAFE = re.compile(r"[^\w.+-]+")


@dataclass(frozen=True)
class Cell:
    """One process's work.

    A warm or train cell is a run of `lingym train` without test texts; a tune cell fits parameters
    on dev to a run that is there; a score cell labels the test texts with the arm's chosen run.
    """

    id: str
    """Readable, and safe as a path: its folder is ``DIR/cells/<id>``."""
    kind: Kind
    data: str
    arm: str | None
    """None: the warm start that arms share."""
    seed: int
    share: float = 1.0
    """Part of the training texts that is used."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """A train cell's point of its arm's grid."""
    needs: tuple[str, ...] = ()
    """Ids of the cells whose results it uses."""
    chosen: bool = False
    """A train cell of a seed that the grid is not run on: its settings are still empty, and are
    those that `choose` gives once the cells it needs are done (``replace(cell, settings=...)``)."""

    def folder(self, out: Path) -> Path:
        """Where its files are, in the folder of the study's results."""
        return out / "cells" / self.id

    def train_options(self, study: Study, out: Path) -> Train:
        """The whole run of a warm or train cell, without test texts.

        Args:
            study: that the cell is of.
            out: the folder of the study's results.

        Raises:
            ValueError: a tune or score cell, or one whose settings are still to be chosen.
        """
        from lingym.scripts.compare.passes import options_of

        return options_of(self, study, out)


def plan(study: Study) -> list[Cell]:
    """All cells of a study, each after the cells that it needs.

    All that scores test texts comes last, when nothing is left to be chosen.
    """
    learning: list[Cell] = []
    scoring: list[Cell] = []
    for data in study.data:
        for share in shares_of(study, data.name):
            arms = [
                arm
                for arm in study.arms_on(data.name)
                if share == 1 or (study.shares and arm.name in study.shares.arms)
            ]
            for cell in _cells(study, data.name, share, arms):
                (scoring if cell.kind == "score" else learning).append(cell)
    return learning + scoring


def shares_of(study: Study, data: str) -> tuple[float, ...]:
    """The parts of a data set's training texts that are learned from: all, and then fewer."""
    if study.shares is None or data not in study.shares.of:
        return (1.0,)
    return (1.0, *study.shares.gold)


def run_of(cells: Iterable[Cell], cell: Cell, settings: Mapping[str, Any], study: Study) -> Cell:
    """The train cell that a tune or score cell is about.

    Args:
        cells: of the plan.
        cell: the tune or score cell.
        settings: what `choose` gives for its arm.
        study: that the cells are of.

    Raises:
        ValueError: there is none with these settings.
    """
    arm = None if cell.arm is None else study.arm_named(cell.arm)
    name = arm.of if arm and arm.of else cell.arm
    for run in cells:
        if (run.kind, run.data, run.arm, run.seed, run.share) == (
            *("train", cell.data, name, cell.seed, cell.share),
        ) and (run.chosen or run.settings == settings):
            return run
    raise ValueError(f"{cell.id}: no run of {name!r} has the settings {dict(settings)}")


def counts(cells: Iterable[Cell]) -> dict[str, int]:
    """How many cells there are of each kind."""
    found = Counter(cell.kind for cell in cells)
    return {kind: found[kind] for kind in ("warm", "train", "tune", "score")}


def _cells(study: Study, data: str, share: float, arms: list[Arm]) -> list[Cell]:
    """The cells of one data set and share: warm starts, grid, chosen runs, tuning, scoring."""
    part = slug(data) if share == 1 else f"{slug(data)}/g{share!r}"
    place = {seed: f"{part}/s{seed}" for seed in study.seeds}
    warm, grid, rest, after = [], [], [], []
    if any(arm.start == "warm" and arm.of is None for arm in arms):
        warm = [
            Cell(f"{place[seed]}/warm", "warm", data, None, seed, share) for seed in study.seeds
        ]
    needed: dict[tuple[str, int], tuple[str, ...]] = {}  # of an arm and seed, to score it
    for arm in (arm for arm in arms if arm.of is None):
        points = dict(zip(_point_names(arm), grid_points(arm), strict=True))
        everywhere = study.seeds if len(points) == 1 else study.grid_seeds()
        tried = []
        for seed in everywhere:
            start = (f"{place[seed]}/warm",) if arm.start == "warm" else ()
            for name, point in points.items():
                id = f"{place[seed]}/{slug(arm.name)}/{name}"
                tried.append(Cell(id, "train", data, arm.name, seed, share, point, start))
        grid += tried
        choice = tuple(cell.id for cell in tried) if len(points) > 1 else ()
        for seed in study.seeds:
            if seed in everywhere:
                own = () if choice else tuple(cell.id for cell in tried if cell.seed == seed)
            else:
                start = (f"{place[seed]}/warm",) if arm.start == "warm" else ()
                own = (f"{place[seed]}/{slug(arm.name)}/chosen",)
                wait = (*start, *choice)
                rest.append(Cell(own[0], "train", data, arm.name, seed, share, {}, wait, True))
            needed[arm.name, seed] = choice + own
    for arm in arms:
        for seed in study.seeds:
            folder, needs = f"{place[seed]}/{slug(arm.name)}", needed[arm.of or arm.name, seed]
            if arm.of is not None:
                after.append(Cell(f"{folder}/tune", "tune", data, arm.name, seed, share, {}, needs))
                needs = (*needs, after[-1].id)
            after.append(Cell(f"{folder}/score", "score", data, arm.name, seed, share, {}, needs))
    return warm + grid + rest + after


def _point_names(arm: Arm) -> list[str]:
    """The grid points as parts of a path: ``learning_rate=5e-05``, or numbered where too long."""
    names = [
        ",".join(f"{key}={_UNSAFE.sub('-', str(value))}" for key, value in point.items())
        for point in grid_points(arm)
    ]
    if len({name.lower() for name in names}) < len(names) or max(map(len, names)) > 100:
        return [f"point-{number}" for number in range(1, len(names) + 1)]
    return [name or "run" for name in names]
