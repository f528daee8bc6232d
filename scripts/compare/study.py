"""A study: which ways of training are compared, on which data, and on what budget."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Start = Literal["warm", "nothing"]


@dataclass(frozen=True)
class Data:
    """One data set with the one metric that its verdict is about."""

    name: str
    """As the study file calls it."""
    options: Mapping[str, Any]
    """Options of `lingym train` that say what is read: task, files or corpus, labels, limits.
    File names are whole paths."""
    metric: str
    """Decides on dev, and is compared on test."""
    rewards: Mapping[str, str] = field(default_factory=dict)
    """What {name} stands for in the reward of an arm."""
    warm: int = 0
    """Passes of the supervised warm start, which all arms with start warm share."""
    more: int = 0
    """Passes of every arm that goes on from the warm start."""
    arms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Options of an arm, by its name, for this data set alone."""
    dev_from_train: int | None = None
    """So many of the last training texts are dev, and are not trained on."""
    test_from_train: int | None = None
    """So many of the last training texts, behind those of dev, stand for test: for trials that are
    to touch no test text."""
    cut_seed: int | None = None
    """With a seed both are drawn from all training texts instead: for files in order of labels."""
    about: str = ""
    """Shown in the report."""


@dataclass(frozen=True)
class Arm:
    """One way of training: options of `lingym train`, and a grid to choose from on dev."""

    name: str
    """As the study file calls it."""
    start: Start = "nothing"
    """warm goes on from the shared warm start for ``more`` passes; nothing begins with the
    pretrained encoder and has ``warm + more`` passes."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of `lingym train`; a reward may hold the {names} of a data set's rewards."""
    grid: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Values to try of some options; every combination is one point of the grid."""
    of: str | None = None
    """The arm whose chosen runs this one takes: it has no training of its own."""
    tune: str | None = None
    """With ``of``: the kind of parameters tuned on dev, of lingym.envs.tuning."""
    only: tuple[str, ...] | None = None
    """The data sets that it is run on; None: all."""
    about: str = ""
    """Shown in the report."""


@dataclass(frozen=True)
class Share:
    """The label-efficiency curve: some arms, trained on the first part of the gold only."""

    of: tuple[str, ...]
    """Names of data sets."""
    arms: tuple[str, ...]
    """Names of arms."""
    gold: tuple[float, ...]
    """Parts of the training texts, above 0 and below 1: the first so many."""
    least: int = 1
    """Passes are scaled by the share, and never fall below this."""


@dataclass(frozen=True)
class Study:
    """What `lingym bench compare` runs. The first arm is the one all others are compared with."""

    name: str
    about: str
    seeds: tuple[int, ...]
    data: tuple[Data, ...]
    arms: tuple[Arm, ...]
    shares: Share | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Options of `lingym train` for every run."""
    measures: int = 10
    """Measurements on dev in a run."""
    tune_seeds: int | None = None
    """The grid is run on the first so many seeds, the point chosen on the others; None: on all."""
    source: Path = Path("study.yaml")
    """The file that it was read from."""

    def data_named(self, name: str) -> Data:
        """The data set of that name."""
        return next(data for data in self.data if data.name == name)

    def arm_named(self, name: str) -> Arm:
        """The arm of that name."""
        return next(arm for arm in self.arms if arm.name == name)

    def grid_seeds(self) -> tuple[int, ...]:
        """The seeds that the whole grid is run on."""
        return self.seeds[: self.tune_seeds]

    def arms_on(self, data: str) -> tuple[Arm, ...]:
        """The arms that are run on a data set, in the order of the file."""
        return tuple(arm for arm in self.arms if arm.only is None or data in arm.only)


def slug(name: str) -> str:
    """A name as a part of a path: small letters, digits, and hyphens for all else."""
    return re.sub(r"[\W_]+", "-", name.lower()).strip("-")
