"""A score cell: the chosen run labels dev and test, once, and what it gave is measured and kept."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lingym.agents.evaluate import measures
from lingym.scripts.compare.by_label import by_label
from lingym.scripts.compare.cells import Cell, plan
from lingym.scripts.compare.items import items_file
from lingym.scripts.compare.prepare import sources
from lingym.scripts.compare.span_errors import KINDS, span_errors
from lingym.scripts.compare.splits import Splits, label, model_of, read_splits
from lingym.scripts.compare.study import Study
from lingym.scripts.compare.task_items import items_of
from lingym.scripts.compare.tuned import chosen_run, set_tuned
from lingym.scripts.run_folder import write_json
from lingym.types import Labelings


def score_cell(
    study: Study, cell: Cell, out: Path, rows: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """Label the dev and test texts with an arm's chosen run.

    Everything is chosen by then: no test text has a say in anything. The guard over looks at test
    (`looks.look`) is asked before.

    Writes into the cell's folder ``metrics.json``; `items_file`, what each test text adds
    to the data set's metric (`items.Items`); ``labels.npz``, the labels that were given; and, where
    there are labels with names, ``by_label.json`` and ``by_label.npz`` (`by_label.ByLabel`), and
    for span tags ``errors.json`` and ``errors.npz`` (`span_errors`), in all and by text.

    Args:
        study: that the cell is of.
        cell: of kind score.
        out: the folder of the study's results.
        rows: of the table: the choice is made of them.

    Returns:
        ``dev`` and ``test``, every metric of the task; ``chosen``, the settings of the run.

    Raises:
        ValueError: the run or what was tuned for it is not there, or the metric has no items.
    """
    data = study.data_named(cell.data)
    run = chosen_run(study, cell, rows)
    options = replace(
        run.train_options(study, out),
        test=sources(data, out)["test"],
        test_limit=data.options.get("test_limit"),
    )
    labeller = model_of(run.folder(out), options.device)
    for other in plan(study):
        if other.kind == "tune" and other.id in cell.needs:
            set_tuned(labeller, run, other.folder(out))
    splits = read_splits(options, labeller)
    given = {split: label(labeller, episodes) for split, episodes in splits.episodes.items()}
    folder = cell.folder(out)
    folder.mkdir(parents=True, exist_ok=True)
    metrics = {
        split: measures(splits.task, labelings, splits.space, (data.metric,))
        for split, labelings in given.items()
    }
    texts = {"train": splits.train_texts, **{name: len(x) for name, x in splits.episodes.items()}}
    write_json(
        folder / "metrics.json",
        {"run": run.id, "chosen": dict(run.settings), "texts": texts, **metrics},
    )
    _keep(folder, splits, given, data.metric)
    return {**metrics, "chosen": dict(run.settings)}


def _keep(folder: Path, splits: Splits, given: Mapping[str, Labelings], metric: str) -> None:
    """Write what the report is made of, beside the metrics."""
    test = given["test"]
    items = items_of(test, splits.task, splits.space, metric)
    items.to_npz(folder / items_file(metric))
    arrays: dict[str, Any] = {"names": np.array(splits.space.names or [""])}
    for split, labelings in given.items():
        arrays |= {f"{split}_labels": labelings.labels, f"{split}_lengths": labelings.lengths}
    with (folder / "labels.npz").open("wb") as file:
        np.savez_compressed(file, **arrays)
    labels = by_label(test, splits.task, splits.space, splits.train)
    if labels is not None:
        labels.write(folder)
    errors = span_errors(test, splits.task, splits.space)
    if errors is not None:
        write_json(folder / "errors.json", {kind: int(errors[kind].sum()) for kind in KINDS})
        arrays = {**errors}
        with (folder / "errors.npz").open("wb") as file:
            np.savez_compressed(file, **arrays)
