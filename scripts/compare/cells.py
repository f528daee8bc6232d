"""The cells of a study: independent pieces of work, each with the cells that it needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lingym.scripts.compare.study import Study
from lingym.scripts.train import Train

Kind = Literal["warm", "train", "tune", "score"]


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
    """All cells of a study, each after the cells that it needs."""
    raise NotImplementedError
