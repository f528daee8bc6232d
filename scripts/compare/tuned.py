"""A few parameters of a trained labeller, tuned on dev: the cells of an arm with ``tune``.

Decoding is what is learned last and cheapest: thresholds or biases of the chosen run's head, each
of which takes the best value of a grid on dev (Fan and Lin, 2007, A study on threshold selection
for multi-label classification). The run itself is left as it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lingym.agents.npz import load_npz
from lingym.reading import read_json, wanted
from lingym.scripts.compare.cells import Cell, plan, run_of
from lingym.scripts.compare.choose import choose
from lingym.scripts.compare.study import Arm, Data, Study
from lingym.scripts.run_folder import write_json
from lingym.types import Labelings

CANNOT = ("spanqa", "choice", "slots_intent", "summary", "multitask")
"""Tasks whose labels are candidates, of several kinds, or counted."""


def check_tuning(data: Data, arm: Arm) -> None:
    """Refuse what can be told to be impossible before anything has run.

    Raises:
        ValueError: parameters that there are not, or that labels of the task do not have.
    """
    from lingym.envs.tuning.parameters import KINDS

    task, wanted = data.options.get("task", "tagging"), (arm.tune or "").split("+")
    for kind in (kind.strip() for kind in wanted):
        if kind not in KINDS:
            raise ValueError(f"arm {arm.name!r}: no parameters {kind!r}: choose {', '.join(KINDS)}")
    if task in CANNOT:
        raise ValueError(
            f"arm {arm.name!r} cannot be tuned on {data.name!r}: labels of {task} do not each take "
            "the largest score; leave it out of `only`"
        )
    if "thresholds" in wanted and task != "multilabel":
        raise ValueError(
            f"arm {arm.name!r} cannot be tuned on {data.name!r}: thresholds are of several labels "
            f"to a text, and the task is {task}: tune a bias, or leave it out of `only`"
        )


def tune_cell(
    study: Study, cell: Cell, out: Path, rows: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """Tune the chosen run of the arm that this one is ``of``, for the data set's metric.

    Writes ``tuned.json``, what was tuned and found, and ``tuned.npz``, the head that has the values
    in it. No test text is read.

    Args:
        study: that the cell is of.
        cell: of kind tune.
        out: the folder of the study's results.
        rows: of the table.

    Returns:
        ``settings``, the values by name, and ``dev``, the metrics with them.

    Raises:
        ValueError: these parameters cannot be tuned for this task.
    """
    from lingym.agents.evaluate import measures
    from lingym.agents.scores import scores_of, set_head
    from lingym.agents.tuning import Tuning, threshold_search
    from lingym.scripts.compare.splits import model_of, read_splits

    data, arm = study.data_named(cell.data), study.arm_named(cell.arm or "")
    check_tuning(data, arm)
    run = chosen_run(study, cell, rows)
    options = run.train_options(study, out)
    labeller = model_of(run.folder(out), options.device)
    splits = read_splits(options, labeller)
    dev, task, space = splits.episodes["dev"], splits.task, splits.space
    scores = scores_of(labeller.policy, dev)

    def metrics(labels: Any) -> dict[str, float]:
        return measures(task, dev.complete(scores.padded(labels)), space, (data.metric,))

    def metric(labelings: Labelings) -> float:
        complete = dev.complete(labelings.labels)
        return measures(task, complete, space, (data.metric,))[data.metric]

    before = metrics(scores.logits.argmax(1).astype(np.int32))
    tuning = Tuning(arm.tune or "", _quick(data.metric, scores) or metric)
    values, best = threshold_search(scores, tuning)
    parameters = tuning.of(scores)
    after = metrics(parameters.labels(scores, values))
    set_head(labeller.policy, parameters, values)
    head = {
        name: value.detach().cpu().numpy()
        for name, value in labeller.policy.label_head.state_dict().items()
    }
    folder = cell.folder(out)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "tuned.npz").open("wb") as file:
        np.savez(file, **head)
    found = dict(zip(parameters.names, values.tolist(), strict=True))
    told = {"run": run.id, "tune": arm.tune, "values": found, "metric": data.metric}
    write_json(folder / "tuned.json", {**told, "before": before, "after": after, "found": best})
    return {"settings": {"tune": arm.tune, **found}, "dev": after}


def set_tuned(labeller: Any, run: Cell, tuned: Path) -> dict[str, Any]:
    """Give a model the head that was tuned for it.

    Args:
        labeller: the model of the run.
        run: that the head must be of.
        tuned: the folder of the tune cell.

    Returns:
        What stands in ``tuned.json``.

    Raises:
        ValueError: nothing was tuned, or another run was.
    """
    import torch

    if not (tuned / "tuned.json").is_file():
        raise ValueError(f"there is no {tuned / 'tuned.json'}: the tune cell must run first")
    told = read_json(tuned / "tuned.json", nan=True)
    if not isinstance(told, dict) or "run" not in told:
        raise ValueError(f"{tuned / 'tuned.json'}: wanted what a tune cell writes")
    if told["run"] != run.id:
        raise ValueError(
            f"{tuned / 'tuned.json'} is of the run {told['run']}, and now {run.id} is chosen: "
            "remove the cell's folder, and it is done again"
        )
    with wanted(tuned / "tuned.npz", "the head of this run"):
        head = load_npz(tuned / "tuned.npz")
        state = {name: torch.from_numpy(values) for name, values in head.items()}
        try:
            labeller.policy.label_head.load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(str(error)) from None
    return told


def chosen_run(study: Study, cell: Cell, rows: Iterable[Mapping[str, Any]]) -> Cell:
    """The train cell that a tune or score cell is about, with the settings that were chosen."""
    chosen = choose(rows, cell.data, cell.arm or "", cell.share, study)
    return replace(run_of(plan(study), cell, chosen, study), settings=chosen)


def _quick(metric: str, scores: Any) -> str | None:
    """The metric's name, if there is a form of it that is quick on scores."""
    from lingym.envs.tuning import measure

    try:
        measure(scores, metric)
    except ValueError:
        return None
    return metric
