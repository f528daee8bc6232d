"""Parameters of a chosen run tuned on dev, and carried into the score of its test texts."""

import json
from dataclasses import replace

import numpy as np
import pytest

from lingym.agents.scores import scores_of
from lingym.envs.tuning import Parameters
from lingym.scripts.compare.cells import plan
from lingym.scripts.compare.prepare import sources
from lingym.scripts.compare.score import score_cell
from lingym.scripts.compare.splits import label, model_of, read_splits
from lingym.scripts.compare.study import Arm, Data, Study
from lingym.scripts.compare.tuned import check_tuning, chosen_run, set_tuned, tune_cell
from lingym.scripts.training import train

SETS = {
    "commands": ("tagging", "synthetic:commands", "entity_f1", "bias"),
    "moods": ("multilabel", "synthetic:emotions", "macro_f1", "thresholds"),
    "relations": ("relation", "synthetic:relations", "semeval_f1", "bias"),
}


def data_of(name):
    task, corpus, metric, _ = SETS[name]
    options = {"task": task, "corpus": f"{corpus}?train=64&dev=40&test=40", "encoder": "tiny"}
    return Data(name, options, metric, warm=150)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A study of three data sets with its runs done; the folder, and the rows."""
    out = tmp_path_factory.mktemp("study")
    arms = [Arm("plain", options={"agent": "supervised", "learning_rate": 2e-3})]
    arms += [
        Arm(f"tuned {name}", of="plain", tune=kind, only=(name,))
        for name, (*_, kind) in SETS.items()
    ]
    defaults = {"device": "cpu", "batch_size": 8}
    study = Study(
        "s", "", (0,), tuple(map(data_of, SETS)), tuple(arms), defaults=defaults, measures=2
    )
    for cell in plan(study):
        if cell.kind == "train":
            train(cell.train_options(study, out))
    return study, out


def cell_of(study, kind, name, arm=None):
    wanted = (kind, name, arm or f"tuned {name}")
    return next(cell for cell in plan(study) if (cell.kind, cell.data, cell.arm) == wanted)


@pytest.mark.parametrize("name", SETS)
def test_what_is_tuned_on_dev_labels_test(made, name):
    study, out = made
    metric = study.data_named(name).metric
    cell = cell_of(study, "tune", name)
    row = tune_cell(study, cell, out, [])
    told = json.loads((cell.folder(out) / "tuned.json").read_text())
    assert row["settings"] == {"tune": SETS[name][3], **told["values"]}
    assert told["after"] == row["dev"]
    assert row["dev"][metric] == pytest.approx(told["found"], abs=1e-12)
    assert row["dev"][metric] > told["before"][metric]
    assert any(told["values"].values())
    plain = score_cell(study, cell_of(study, "score", name, "plain"), out, [])
    tuned = score_cell(study, cell_of(study, "score", name), out, [])
    assert plain["dev"] == pytest.approx(told["before"], abs=1e-9)
    assert tuned["dev"] == pytest.approx(told["after"], abs=1e-9)
    assert tuned["test"] != plain["test"]
    assert tuned["chosen"] == plain["chosen"] == {}
    # The same by the long way: the values on the frozen scores of the test texts.
    run = chosen_run(study, cell, [])
    options = replace(
        run.train_options(study, out), test=sources(study.data_named(name), out)["test"]
    )
    labeller = model_of(run.folder(out), "cpu")
    test = read_splits(options, labeller).episodes["test"]
    scores = scores_of(labeller.policy, test)
    values = list(told["values"].values())
    labels = scores.padded(Parameters.of(scores, SETS[name][3]).labels(scores, values))
    assert test.task.metrics(test.complete(labels), test.space) == pytest.approx(tuned["test"])
    set_tuned(labeller, run, cell.folder(out))
    assert np.array_equal(label(labeller, test).labels, labels)


def test_tuning_never_reads_test(made, tmp_path):
    study, out = made
    data = study.data_named("commands")
    files = {**data.options, "test": str(tmp_path / "no such file.jsonl")}
    blind = replace(study, data=(replace(data, options=files),))
    cell = cell_of(blind, "tune", "commands")
    assert tune_cell(blind, cell, out, [])["dev"]


def test_another_run_than_the_tuned_one_is_refused(made):
    study, out = made
    cell = cell_of(study, "tune", "commands")
    tune_cell(study, cell, out, [])
    run = chosen_run(study, cell, [])
    labeller = model_of(run.folder(out), "cpu")
    with pytest.raises(ValueError, match=r"is of the run .* and now other is chosen"):
        set_tuned(labeller, replace(run, id="other"), cell.folder(out))
    with pytest.raises(ValueError, match=r"no .*nowhere/tuned.json: the tune cell must run first"):
        set_tuned(labeller, run, out / "nowhere")


@pytest.mark.parametrize(
    ("task", "tune", "message"),
    [
        ("spanqa", "bias", r"cannot be tuned on 'd': labels of spanqa do not"),
        ("summary", "threshold", r"cannot be tuned on 'd': labels of summary do not"),
        ("tagging", "thresholds", r"thresholds are of several labels to a text, and the task is"),
        ("tagging", "biases", r"no parameters 'biases': choose bias, threshold"),
    ],
)
def test_what_cannot_be_tuned_is_told_beforehand(task, tune, message):
    arm = Arm("tuned", of="plain", tune=tune)
    with pytest.raises(ValueError, match=message):
        check_tuning(Data("d", {"task": task}, "accuracy"), arm)


def test_what_only_the_labels_tell_is_an_error_of_the_cell(made):
    study, out = made
    arms = (*study.arms[:1], Arm("tuned", of="plain", tune="threshold", only=("commands",)))
    worse = replace(study, arms=arms)
    with pytest.raises(ValueError, match="a threshold chooses between two labels"):
        tune_cell(worse, cell_of(worse, "tune", "commands", "tuned"), out, [])
