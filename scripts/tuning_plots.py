"""The pictures of a search, by optuna.visualization.matplotlib."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState

LEAST = 2
"""Whole trials for any picture."""
ENOUGH = 5
"""Whole trials before it is said which knobs matter."""
TITLES = {
    "history": "Trials that ran to their end, and the best so far",
    "curves": "Scores of each trial as it learned",
    "importances": "How much of the difference between good and other trials a knob explains",
    "slices": "Scores by the values of each knob",
    "parallel": "Settings of each trial, darker where better",
}


def draw(study: optuna.Study, metric: str, names: list[str], folder: Path) -> list[Path]:
    """Draw the history, what matters, and where it is good; as many as there are trials for.

    Args:
        study: the search.
        metric: what the scores are.
        names: the knobs, in order.
        folder: for the PNG files.

    Returns:
        The files.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from optuna.visualization import matplotlib as pictures

    whole = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(whole) < LEAST:
        return []
    varied = [name for name in names if len({trial.params.get(name) for trial in whole}) > 1]
    kinds: dict[str, Callable[[], Any]] = {
        "history": lambda: pictures.plot_optimization_history(study, target_name=metric),
        "curves": lambda: pictures.plot_intermediate_values(study),
    }
    if varied and len({trial.value for trial in whole}) > 1:
        if len(whole) >= ENOUGH:
            kinds["importances"] = lambda: pictures.plot_param_importances(
                study, params=varied, target_name=metric
            )
        kinds |= {
            "slices": lambda: pictures.plot_slice(study, params=varied, target_name=metric),
            "parallel": lambda: pictures.plot_parallel_coordinate(
                study, params=varied, target_name=metric
            ),
        }
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for kind, make in kinds.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the pictures are "experimental" since 2020
            axes = list(np.ravel(np.asarray(make(), dtype=object)))
            figure = axes[0].figure
            polish(kind, axes, metric, len(varied))
            file = folder / f"{kind}.png"
            figure.savefig(file, dpi=120, bbox_inches="tight")
            plt.close(figure)
        written.append(file)
    return written


def polish(kind: str, axes: list[Any], metric: str, knobs: int) -> None:
    """Say what a picture shows, and give many knobs room."""
    figure = axes[0].figure
    if kind == "slices":
        figure.suptitle(TITLES[kind])
        figure.set_size_inches(max(6.0, 2.2 * knobs), 4.2)
        for one in axes:
            one.tick_params(axis="x", which="both", labelrotation=60, labelsize=8)
            one.xaxis.label.set_size(9)
        return
    axes[0].set_title("", loc="left")  # where optuna puts some of its titles
    axes[0].set_title(TITLES[kind], fontsize=11)
    if kind == "importances":
        axes[0].legend_.remove()
        axes[0].set(xlabel=f"share, by {metric}", ylabel="")
    elif kind == "parallel":
        figure.set_size_inches(max(7.0, 1.5 * (knobs + 1)), 4.8)
    elif kind == "curves":
        axes[0].set_xlabel("hundredths of the trial's runs")
        axes[0].set_ylabel(f"best {metric} so far")
