"""Who proposes settings and who stops trials.

A sampler is made anew for each trial, from the seed and the trial's place. One that lasts would
propose its first settings again whenever a search is gone on with, and in each of its processes.
"""

import random
from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

from lingym.scripts.tuning_space import Knob
from lingym.scripts.tuning_store import counted

if TYPE_CHECKING:
    from lingym.scripts.tune import Tune


def sampler_of(tune: "Tune", place: int) -> BaseSampler:
    """The sampler of a trial; a grid's settings come by the queue (`grid_point`).

    Args:
        tune: the search.
        place: how many trials there were before, those that were broken off not counted.
    """
    seed = int(np.random.SeedSequence((tune.seed, place)).generate_state(1)[0])
    return TPESampler(seed=seed) if tune.sampler == "tpe" else RandomSampler(seed=seed)


def pruner_of(tune: "Tune") -> BasePruner:
    """The pruner; its steps are hundredths of a run, those of one seed after those of another."""
    if tune.pruner == "median":
        return MedianPruner(n_startup_trials=tune.prune_after)
    if tune.pruner == "hyperband":
        last = 100 * tune.seeds_per_trial
        return HyperbandPruner(min_resource=10, max_resource=last, reduction_factor=3)
    return NopPruner()


def grid_point(tune: "Tune", space: Sequence[Knob], study: optuna.Study) -> dict[str, Any]:
    """The next settings of the grid, in an order that the seed shuffles; {} when all were tried."""
    names = [knob.name for knob in space]
    points = [dict(zip(names, values, strict=True)) for values in product(*map(Knob.values, space))]
    random.Random(tune.seed).shuffle(points)
    tried = [trial.params for trial in counted(study)]
    return next((point for point in points if point not in tried), {})
