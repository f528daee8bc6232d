"""What came of a search: a line a trial, a table, and the best settings as a file and a command."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
import yaml
from optuna.trial import FrozenTrial, TrialState

from lingym.scripts.train import Train
from lingym.scripts.train_words import command_of
from lingym.scripts.training import say
from lingym.scripts.tuning_space import WARM, Knob
from lingym.scripts.tuning_trial import warm_start

if TYPE_CHECKING:
    from lingym.scripts.tune import Tune

SHOWN = 10
"""Trials in the printed table."""


def state_of(trial: FrozenTrial) -> str:
    """How a trial ended, in a word."""
    if trial.state in (TrialState.PRUNED, TrialState.FAIL):
        return str(trial.user_attrs.get("reason", "broken off")).partition(":")[0]
    return {TrialState.COMPLETE: "whole", TrialState.RUNNING: "runs"}.get(trial.state, "waits")


def row(study: optuna.Study, trial: FrozenTrial, metric: str) -> str:
    """A line on a trial that ended: its score, or why it has none, and the best so far."""
    if trial.state is TrialState.COMPLETE:
        scores = trial.user_attrs["scores"]
        each = f" ({', '.join(f'{s:.4f}' for s in scores)})" if len(scores) > 1 else ""
        told = f"{metric} {trial.value:.4f}{each}"
    else:
        told = trial.user_attrs["reason"]
    whole = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    best = f"; best {study.best_value:.4f}, trial {study.best_trial.number}" if whole else ""
    settings = "  ".join(f"{name} {short(value)}" for name, value in trial.params.items())
    return f"trial {trial.number}: {told}{best}  [{settings}]"


def short(value: Any) -> str:
    """A setting for the eye."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def write_results(
    tune: "Tune", base: Train, metric: str, space: tuple[Knob, ...], study: optuna.Study
) -> None:
    """Write ``trials.csv``, ``best.yaml`` and the pictures, and print the table and the command."""
    from lingym.scripts.tuning_plots import draw

    write_csv(tune, space, study)
    whole = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if not whole:
        say("no trial was run to its end: nothing to choose from")
        return
    best = study.best_trial
    content = best_settings(tune, base, metric, best)
    with_name(tune.folder / "best.yaml", yaml.safe_dump(content, sort_keys=False, width=1000))
    drawn = draw(study, metric, [knob.name for knob in space], tune.folder / "plots")
    print(table(whole, metric))
    print(
        f"\nThe best is trial {best.number}. To train it anew with a seed that the search did not "
        "use, and score test if there is one (or with several: the same command and --finish 3):\n"
    )
    for command in content["commands"]:
        print(f"    {command}")
    written = ", ".join(["trials.csv", "best.yaml", *(f"plots/{file.name}" for file in drawn)])
    say(f"written in {tune.folder}: {written}")


def with_name(file: Path, text: str) -> None:
    """Write a file whole or not at all."""
    new = file.with_name(f"{file.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(file)


def table(whole: list[FrozenTrial], metric: str) -> str:
    """The best trials, best first."""
    ranked = sorted(whole, key=lambda t: (-(t.value or 0.0), t.number))[:SHOWN]
    names = list(ranked[0].params)
    lines = [["trial", metric, *names]]
    for trial in ranked:
        values = [short(trial.params.get(name)) for name in names]
        lines.append([str(trial.number), f"{trial.value:.4f}", *values])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = ("  ".join(c.rjust(w) for c, w in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(shown)


def write_csv(tune: "Tune", space: tuple[Knob, ...], study: optuna.Study) -> None:
    """A row a trial, those that were stopped, refused or broken off among them."""
    names = [knob.name for knob in space]
    heads = ["trial", "state", "value", "scores", *names, "episodes", "seconds", "reason", "folder"]
    new = tune.folder / "trials.csv.new"
    with new.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, heads)
        writer.writeheader()
        for trial in study.get_trials(deepcopy=False):
            told = trial.user_attrs
            writer.writerow(
                {
                    "trial": trial.number,
                    "state": state_of(trial),
                    "value": trial.value if trial.state is TrialState.COMPLETE else "",
                    "scores": " ".join(map(str, told.get("scores", []))),
                    **{name: trial.params.get(name, "") for name in names},
                    **{name: told.get(name, "") for name in ("episodes", "seconds", "reason")},
                    "folder": f"trials/{trial.number:04d}",
                }
            )
    new.replace(tune.folder / "trials.csv")


def final_runs(
    tune: "Tune", base: Train, settings: dict[str, Any], seed: int
) -> tuple[Train | None, Train]:
    """The warm start and the run of settings with a new seed and the test file, not done yet."""
    tested = replace(base, test=tune.test, test_limit=tune.test_limit)
    own = {name: value for name, value in settings.items() if name != WARM}
    run = replace(tested, **own, seed=seed, out=tune.folder / "finish" / f"seed-{seed}")
    start = warm_start(tune, tested, settings, seed)
    if start is not None:
        run = replace(run, warm_start=start.out, encoder=None)
    return start, run


def best_settings(tune: "Tune", base: Train, metric: str, best: FrozenTrial) -> dict[str, Any]:
    """What stands in ``best.yaml``."""
    runs = final_runs(tune, base, best.params, tune.seeds.stop)
    return {
        "study": tune.name,
        "trial": best.number,
        "metric": metric,
        "value": best.value,
        "scores": dict(zip(tune.seeds, best.user_attrs["scores"], strict=True)),
        "settings": best.params,
        "commands": [command_of(run) for run in runs if run is not None],
    }
