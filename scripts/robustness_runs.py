"""The runs of a robustness report: read, checked, and written down before they are scored."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lingym.agents import Labeller, predict_labels
from lingym.agents.labeller import model_folder
from lingym.envs import Episodes, Example, ExtractiveSummary, encode
from lingym.envs.corpora import read_records
from lingym.envs.tokenizer import UnitTokenizer
from lingym.reading import read_json, wanted
from lingym.scripts.compare import looks
from lingym.scripts.compare.items import Items
from lingym.scripts.compare.task_items import items_of

if TYPE_CHECKING:
    from lingym.scripts.bench_robustness import RobustnessReport


@dataclass(frozen=True)
class Run:
    """A saved run that is measured.

    Attributes:
        name: in the report.
        folder: where it lies.
        labeller: it, loaded.
        episodes: the test texts without noise, as it reads them.
    """

    name: str
    folder: Path
    labeller: Labeller
    episodes: Episodes

    def items(self, examples: Sequence[Example], metric: str) -> Items:
        """What each of these texts adds to a metric, labelled by the run."""
        own, plain = self.labeller, self.episodes
        units = UnitTokenizer(own.tokenizer)
        space = own.policy.labels
        noisy = encode(plain.task, examples, space, units, own.max_tokens, own.overflow)
        labels = predict_labels(own.policy, noisy)
        # A summary is made of the sentences as they were: noise must not cost it n-grams.
        measured = plain if isinstance(plain.task, ExtractiveSummary) else noisy
        return items_of(measured.complete(labels), plain.task, space, metric)


def load(asked: "RobustnessReport") -> list[Run]:
    """The runs with the test texts as each reads them.

    Raises:
        ValueError: they are of different tasks or labels, or the texts are too few or unlabelled.
    """
    if len(set(asked.runs)) < len(asked.runs):
        raise ValueError("a run is named twice")
    records = read_records(asked.test, "test", asked.reading.options())[: asked.test_limit]
    short = [run.name for run in asked.runs]
    runs: list[Run] = []
    for folder in asked.runs:
        labeller = Labeller.load(folder, asked.device)
        if labeller.task is None:
            raise ValueError(
                f"{folder} has a task of its user's own: it is not known what noise is"
            )
        episodes = labeller.read(records, **asked.reading.arguments(labeller.task))
        name = folder.name if short.count(folder.name) == 1 else str(folder)
        runs.append(Run(name, folder, labeller, episodes))
    for run in runs:
        if not run.episodes.labelled or len(run.episodes) < 2:
            raise ValueError(f"{asked.test} must hold two texts or more, all with gold labels")
        one, other = runs[0].labeller, run.labeller
        for what, a, b in (
            ("task", one.task, other.task),
            ("task settings", one.settings, other.settings),
            ("labels", _labels(one), _labels(other)),
        ):
            if a != b:
                raise ValueError(f"{runs[0].folder} and {run.folder} differ in their {what}")
    return runs


def _labels(labeller: Labeller) -> tuple[Any, ...]:
    space = labeller.policy.labels
    return sorted(space.names), sorted(space.roles), space.form


def sum_of(test: str) -> str:
    """The SHA-256 of the test file, or the name of the corpus."""
    return looks.sha256_of(Path(test)) if Path(test).is_file() else test


def write_down(asked: "RobustnessReport", runs: Sequence[Run]) -> None:
    """The looks at the test texts, one of each run, in a ledger of their own."""
    for run in runs:
        now = looks.Look(
            data=asked.test,
            arm=run.name,
            seed=seed_of(run.folder / "config.json"),
            share=1.0,
            chosen={},
            test=sum_of(asked.test),
            model=looks.sha256_of(model_folder(run.folder)),
            command=shlex.join(["lingym", *sys.argv[1:]]),
        )
        looks.look(asked.out, now, broken_off=True)


def seed_of(config: Path) -> int:
    """The seed that a run's ``config.json`` names; 0 for runs that were fused, which have none.

    Raises:
        DataError: it is not what a run writes.
    """
    if not config.is_file():
        return 0
    with wanted(config, "the options of a run"):
        return int(read_json(config, nan=True).get("arguments", {}).get("seed", 0))
