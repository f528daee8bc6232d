"""The search of `lingym tune`: trials until there are enough, then what came of them."""

import shutil
import time
from contextlib import ExitStack
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import optuna
import torch
from optuna.trial import FrozenTrial, TrialState

from lingym.agents.evaluate import check_metric
from lingym.scripts.sweep import FREE
from lingym.scripts.train import Train
from lingym.scripts.training import metric_names, read, say
from lingym.scripts.tuning_defaults import default_space, warm_knob
from lingym.scripts.tuning_finish import finish
from lingym.scripts.tuning_results import row, short, write_results
from lingym.scripts.tuning_sampler import grid_point, pruner_of, sampler_of
from lingym.scripts.tuning_space import WARM, Knob, read_space
from lingym.scripts.tuning_store import (
    counted,
    keep_options,
    locked,
    revive,
    stored,
    trial_lock,
)
from lingym.scripts.tuning_trial import Watch, run_trial

if TYPE_CHECKING:
    from lingym.scripts.tune import Tune

REFUSALS = 3
"""After so many trials that were refused, and none that was not, the search gives up."""
UNSEEN = ("test", "test_limit")
"""Options of the split that a search never scores, and never opens a file of."""


def search(tune: "Tune") -> None:
    """Do the trials that are missing, and write what came of all of them.

    Raises:
        ValueError: nothing to search or to measure, a search that was begun with other options,
            or settings that `lingym train` always refuses.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space = space_of(tune)
    base, metric = measured(tune)
    with ExitStack() as stack:
        storage = stack.enter_context(stored(tune.out))
        with locked(tune.folder / "locks" / "next"):
            study = optuna.create_study(
                storage=storage,
                study_name=tune.name,
                direction="maximize",
                sampler=sampler_of(tune, 0),
                pruner=pruner_of(tune),
                load_if_exists=True,
            )
            keep_options(study, options(tune, base, space))
        done = len([trial for trial in counted(study) if trial.state.is_finished()])
        say(f"{tune.trials} trials, {done} done, of {', '.join(knob.name for knob in space)}")
        until = None if tune.timeout is None else time.monotonic() + tune.timeout
        while until is None or time.monotonic() < until:
            if not next_trial(tune, base, metric, space, study):
                break
            stop_if_refused(study)
        with locked(tune.folder / "locks" / "results"):
            write_results(tune, base, metric, space, study)
        if tune.finish:
            finish(tune, base, metric, study)


def space_of(tune: "Tune") -> tuple[Knob, ...]:
    """What is searched.

    Raises:
        ValueError: nothing, or warm starts in two places.
    """
    base = tune.base()
    space = read_space(tune.space, base) if tune.space is not None else default_space(tune)
    if tune.warm_passes and any(knob.name == WARM for knob in space):
        raise ValueError(f"{tune.space} has {WARM}, and so has the command line: leave out one")
    space = (*space, *warm_knob(tune))
    if not space:
        raise ValueError("nothing to search: all that matters to the agent is given; see --space")
    warm = tune.warm_passes or any(knob.name == WARM for knob in space)
    if warm and tune.warm_start is not None:
        raise ValueError("--warm-start is a warm start already: leave out --warm-passes")
    if tune.sampler == "grid":
        for knob in space:
            knob.values()
    return space


def measured(tune: "Tune") -> tuple[Train, str]:
    """The options of all trials, the number of episodes among them, and the metric.

    Raises:
        ValueError: no training or no dev texts, or no such metric.
    """
    base = replace(tune.base(), test=None)
    dataset = read(base)
    for split in ("train", "dev"):
        if split not in dataset.splits:
            raise ValueError(f"no {split} texts, and a search wants some: give --{split} FILE")
    metric = base.metric or dataset.task.metric(dataset.space)
    check_metric(metric, metric_names(dataset), dataset.space)
    return replace(base, episodes=base.episodes or 3 * len(dataset["train"])), metric


def options(tune: "Tune", base: Train, space: tuple[Knob, ...]) -> dict[str, Any]:
    """What all trials of a search have in common."""
    shared = {name: value for name, value in asdict(base).items() if name not in (*FREE, *UNSEEN)}
    own = ("sampler", "pruner", "prune_after", "seeds_per_trial", "warm_passes")
    return {
        **shared,
        **{name: getattr(tune, name) for name in (*own, "warm_learning_rate")},
        "space": {knob.name: knob.told() for knob in space},
    }


def next_trial(
    tune: "Tune", base: Train, metric: str, space: tuple[Knob, ...], study: optuna.Study
) -> bool:
    """Do one more trial, if one is missing."""
    with ExitStack() as stack:
        with locked(tune.folder / "locks" / "next"):
            revive(study, tune.folder)
            place = len(counted(study))
            if place >= tune.trials:
                return False
            queue = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
            if tune.sampler == "grid" and not queue:
                point = grid_point(tune, space, study)
                if not point:
                    say("all of the grid was tried")
                    return False
                study.enqueue_trial(point)
            study.sampler = sampler_of(tune, place)
            trial = study.ask()
            stack.enter_context(locked(trial_lock(tune.folder, trial.number)))
            settings = {knob.name: knob.suggest(trial) for knob in space}
        folder = tune.folder / "trials" / f"{trial.number:04d}"
        if folder.exists():  # of a data base that was removed
            raise ValueError(f"{folder} is of another search: give another --out, or remove it")
        say(f"trial {trial.number}: " + ", ".join(f"{k} {short(v)}" for k, v in settings.items()))
        total = base.episodes or 1
        watch = Watch(trial, metric, total, tune.seeds_per_trial, base.keep_best)
        state, reason = TrialState.COMPLETE, ""
        began = time.monotonic()
        try:
            run_trial(tune, base, settings, folder, watch)
        except optuna.TrialPruned as stopped:
            state, reason = TrialState.PRUNED, f"stopped: {stopped}"
        except (FloatingPointError, torch.OutOfMemoryError) as error:
            # Told as pruned, so that the sampler keeps away from such settings.
            kind = "diverged" if isinstance(error, FloatingPointError) else "out of memory"
            state, reason = TrialState.PRUNED, f"{kind}: {first_line(error)}"
        except ValueError as error:
            state, reason = TrialState.FAIL, f"refused: {first_line(error)}"
        trial.set_user_attr("reason", reason)
        trial.set_user_attr("scores", watch.done)
        trial.set_user_attr("episodes", watch.episodes)
        trial.set_user_attr("seconds", round(time.monotonic() - began, 3))
        value = sum(watch.done) / len(watch.done) if state is TrialState.COMPLETE else None
        frozen = study.tell(trial, value, state=state)
    print(row(study, frozen, metric), flush=True)
    if not tune.keep_models:
        remove_models(tune, study, frozen)
    return True


def first_line(error: Exception) -> str:
    """What an error says, without the rest."""
    return str(error).partition("\n")[0]


def remove_models(tune: "Tune", study: optuna.Study, new: FrozenTrial) -> None:
    """Remove the models of all whole trials but the best: each has the size of its encoder."""
    whole = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    worse = sorted(whole, key=lambda t: (-(t.value or 0.0), t.number))[1:]
    for trial in (*worse, *(() if new.state is TrialState.COMPLETE else (new,))):
        for run in (tune.folder / "trials" / f"{trial.number:04d}").glob("seed-*"):
            shutil.rmtree(run / "model", ignore_errors=True)


def stop_if_refused(study: optuna.Study) -> None:
    """Give up where every trial is refused.

    Raises:
        ValueError: the last reason.
    """
    ended = [trial for trial in counted(study) if trial.state.is_finished()]
    if len(ended) >= REFUSALS and all(t.state is TrialState.FAIL for t in ended):
        raise ValueError(
            f"none of {len(ended)} trials could be run; the last was "
            + ended[-1].user_attrs["reason"]
        )
