"""One trial of `lingym tune`: its settings, its warm start, its runs, and what is told of them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna

from lingym.agents.callbacks import Measurement
from lingym.scripts.groups import with_options
from lingym.scripts.sweep import FREE, run_once
from lingym.scripts.train import Train
from lingym.scripts.train_check import OWN_KEYS, check_numbers, check_use
from lingym.scripts.training import say, train
from lingym.scripts.tuning_space import WARM
from lingym.scripts.tuning_store import locked

if TYPE_CHECKING:
    from lingym.scripts.tune import Tune


@dataclass
class Watch:
    """Tells the pruner of each measurement, and ends the run if it says so.

    What is told is the mean over the trial's seeds so far, of each the score that would count if
    the run ended now. The step is the hundredth of all the trial's runs, so that trials whose runs
    are measured at the same places are compared at the same places.
    """

    trial: optuna.Trial
    metric: str
    total: int
    seeds: int
    keep_best: bool
    done: list[float] = field(default_factory=list)
    episodes: int = 0
    """Texts of all the trial's runs so far, repeats counted."""
    best: float = -float("inf")
    before: int = 0
    told: int = 0

    def begin(self) -> None:
        """A run of the next seed."""
        self.best, self.before = -float("inf"), self.episodes

    def end(self, score: float) -> None:
        """What the run of a seed scored."""
        self.done.append(score)

    def __call__(self, now: Measurement) -> None:
        """A measurement on dev.

        Raises:
            TrialPruned: the trial is not worth going on with.
        """
        value = now.metrics[self.metric]
        self.best = max(self.best, value) if self.keep_best else value
        self.episodes = self.before + now.episodes
        step = 100 * len(self.done) + min(100, 100 * now.episodes // self.total)
        if now.episodes == 0 or step <= self.told:
            return
        self.told = step
        so_far = [*self.done, self.best]
        self.trial.report(sum(so_far) / len(so_far), step)
        if step < 100 * self.seeds and self.trial.should_prune():
            raise optuna.TrialPruned(f"behind after {self.episodes} texts")


def run_trial(
    tune: "Tune", base: Train, settings: Mapping[str, Any], folder: Path, watch: Watch
) -> list[float]:
    """Train the settings with each seed.

    Args:
        tune: the search.
        base: the options that all trials have, with their number of episodes.
        settings: what the trial has of its own.
        folder: of the trial; each seed's run is a folder in it.
        watch: what is told of each measurement.

    Returns:
        The dev scores, one a seed.

    Raises:
        TrialPruned: the trial was stopped.
        ValueError: `lingym train` refuses the settings.
    """
    for seed in tune.seeds:
        arguments = run_of(tune, base, settings, seed, folder / f"seed-{seed}")
        watch.begin()
        watch.end(train(arguments, watch, score_test=False)["dev"][watch.metric])
    return watch.done


def run_of(tune: "Tune", base: Train, settings: Mapping[str, Any], seed: int, out: Path) -> Train:
    """The options of one run; its warm start is trained now, if nobody has."""
    own = {name: value for name, value in settings.items() if name != WARM}
    arguments = replace(with_options(base, own), seed=seed, out=out)
    check_numbers(arguments)
    check_use(arguments)
    start = warm_start(tune, base, settings, seed)
    if start is None:
        return arguments
    warmed(start)
    return replace(arguments, warm_start=start.out, encoder=None)


def warmed(start: Train) -> None:
    """Train a warm start, if nobody has; who wants it meanwhile waits."""
    with locked(start.out.parent / "locks" / start.out.name):
        if not (start.out / "metrics.json").exists():
            say(f"warm start: supervised, {start.episodes} texts, seed {start.seed}")
            run_once(start, score_test=False)


def warm_start(tune: "Tune", base: Train, settings: Mapping[str, Any], seed: int) -> Train | None:
    """The supervised run that a trial goes on from; of equal options it is the same folder.

    Of the trial's own settings it has those that shape the policy, and the rest from the search.
    """
    passes = settings.get(WARM, tune.warm_passes[0] if len(tune.warm_passes) == 1 else 0)
    if not passes:
        return None
    plain: dict[str, Any] = {f.name: f.default for f in fields(Train)}
    own = {name for names in OWN_KEYS.values() for name in names}
    reset = own | {"reward", "patience", "eval_every", "keep_best", "warm_start"}
    shape = ("encoder", "pooling", "history", "constrained")
    start = replace(
        base,
        **{name: plain[name] for name in sorted(reset)},
        **{name: settings[name] for name in shape if name in settings},
        agent="supervised",
        episodes=passes,
        learning_rate=tune.warm_learning_rate,
        seed=seed,
    )
    kept = {name: value for name, value in asdict(start).items() if name not in FREE}
    key = hashlib.sha256(json.dumps(kept, default=str, sort_keys=True).encode()).hexdigest()[:8]
    return replace(start, out=tune.out / "warm" / f"passes-{passes}-seed-{seed}-{key}")
