"""The end of a search: the best settings with seeds that it did not use, and test scored once."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from optuna.trial import TrialState

from lingym.reading import read_json, wanted
from lingym.scripts.run_folder import write_json
from lingym.scripts.sweep import run_once
from lingym.scripts.train import Train
from lingym.scripts.training import say
from lingym.scripts.tuning_results import final_runs
from lingym.scripts.tuning_store import locked
from lingym.scripts.tuning_trial import warmed

if TYPE_CHECKING:
    from lingym.scripts.tune import Tune


def finish(tune: "Tune", base: Train, metric: str, study: optuna.Study) -> None:
    """Train the best settings anew, and print dev and test of each seed.

    A score on the dev texts that settings were chosen by flatters them; one on test does not, if it
    is the only one. So a search is finished once: with other settings it is refused.

    Raises:
        ValueError: no trial to take, or test was scored with other settings.
    """
    if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        raise ValueError("no trial was run to its end: nothing to finish")
    best = study.best_trial
    folder = tune.folder / "finish"
    note = folder / "settings.json"
    with locked(tune.folder / "locks" / "finish"):
        if note.exists():
            settings, trial = scored(note)
            if settings != json.loads(json.dumps(best.params)):
                raise ValueError(
                    f"test was scored with the settings of trial {trial} ({folder}); to "
                    f"score trial {best.number}, too, would be to choose by test. What you have "
                    "is the result; a new search in another --out wants test texts of its own"
                )
        folder.mkdir(parents=True, exist_ok=True)
        write_json(note, {"trial": best.number, "settings": best.params})
        rows = []
        for seed in range(tune.seeds.stop, tune.seeds.stop + tune.finish):
            start, run = final_runs(tune, base, best.params, seed)
            if start is not None:
                warmed(start)
            done = run_once(run)
            rows.append({"seed": seed, "dev": done["dev"], "test": done["test"]})
    write_json(folder / "finish.json", {"trial": best.number, "metric": metric, "runs": rows})
    splits = [split for split in ("dev", "test") if rows[0][split]]
    print(
        f"\n{metric} of trial {best.number}'s settings, with seeds that the search did not use:\n"
    )
    print("  ".join(["  seed", *(f"{split:>6}" for split in splits)]))
    for one in rows:
        print("  ".join([f"{one['seed']:>6}", *(f"{one[s][metric]:.4f}" for s in splits)]))
    means = (f"{np.mean([one[s][metric] for one in rows]):.4f}" for s in splits)
    print("  ".join(["  mean", *means]))
    if "test" not in splits:
        say("there are no test texts: give --test FILE to score some")


def scored(note: Path) -> tuple[dict[str, Any], int]:
    """The settings, and the trial, that test was scored with.

    Raises:
        DataError: the file does not say so.
    """
    with wanted(note, "the settings that test was scored with"):
        told = read_json(note, nan=True)
        return dict(told["settings"]), int(told["trial"])
