"""Score cells of a small study with trained models: what is written, and that it is right."""

import json
import math
import textwrap
from dataclasses import replace

import numpy as np
import pytest

from lingym.agents import Labeller, evaluate
from lingym.envs.corpora import read_records
from lingym.scripts.compare.by_label import ByLabel
from lingym.scripts.compare.cells import plan
from lingym.scripts.compare.items import Items
from lingym.scripts.compare.score import score_cell
from lingym.scripts.compare.splits import label, model_of, read_splits
from lingym.scripts.compare.study_file import read_study
from lingym.scripts.training import read, train

STUDY = """
name: small
seeds: [0]
defaults: {encoder: tiny, batch_size: 8, device: cpu}
measures: 2
data:
  commands:
    task: tagging
    corpus: synthetic:commands?train=48&dev=24&test=24
    train_limit: 40
    dev_limit: 20
    test_limit: 22
    metric: entity_f1
    warm: 80
    more: 40
  moods:
    task: multilabel
    corpus: synthetic:emotions?train=48&dev=24&test=24
    metric: macro_f1
    warm: 80
    more: 40
arms:
  plain:
    start: nothing
    agent: supervised
    grid: {learning_rate: [0.002, 0.004]}
  tuned:
    of: plain
    tune: bias
    only: [commands]
  tuned thresholds:
    of: plain
    tune: thresholds
    only: [moods]
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The study, with its train cells done; the folder, and the rows."""
    out = tmp_path_factory.mktemp("study")
    (out / "study.yaml").write_text(textwrap.dedent(STUDY))
    study = read_study(out / "study.yaml")
    rows = []
    for cell in plan(study):
        if cell.kind == "train":
            metrics = train(cell.train_options(study, out))
            rows.append(row_of(cell, metrics["dev"]))
    return study, out, rows


def row_of(cell, dev):
    names = ("kind", "data", "arm", "seed", "share")
    return {
        **{name: getattr(cell, name) for name in names},
        "settings": dict(cell.settings),
        "dev": dev,
    }


def cell_of(study, kind, data, arm):
    return next(c for c in plan(study) if (c.kind, c.data, c.arm) == (kind, data, arm))


def best_of(rows, data, metric):
    return max((row for row in rows if row["data"] == data), key=lambda row: row["dev"][metric])


@pytest.mark.parametrize(("data", "metric"), [("commands", "entity_f1"), ("moods", "macro_f1")])
def test_a_score_cell_measures_the_chosen_run(made, data, metric):
    study, out, rows = made
    cell = cell_of(study, "score", data, "plain")
    result = score_cell(study, cell, out, rows)
    best = best_of(rows, data, metric)
    assert result["chosen"] == best["settings"]
    assert result["dev"] == pytest.approx(best["dev"], abs=1e-6)
    folder = cell.folder(out)
    kept = json.loads((folder / "metrics.json").read_text())
    assert (kept["dev"], kept["test"]) == (result["dev"], result["test"])
    items = Items.from_npz(folder / f"items-{metric}.npz")
    assert (
        len(items) == kept["texts"]["test"] == study.data_named(data).options.get("test_limit", 24)
    )
    assert items.score()[0] == pytest.approx(result["test"][metric], abs=1e-12)
    # The test metrics are those of `lingym evaluate`, on the same texts.
    labeller = Labeller.load(out / "cells" / kept["run"])
    corpus = study.data_named(data).options["corpus"]
    texts = read_records(corpus, "test")[: study.data_named(data).options.get("test_limit")]
    assert labeller.evaluate(texts) == pytest.approx(result["test"], abs=1e-6)
    stored = np.load(folder / "labels.npz")
    assert stored["test_labels"].shape[0] == len(stored["test_lengths"]) == len(texts)
    assert ((stored["test_labels"] >= 0).sum(1) == stored["test_lengths"]).all()
    labels = ByLabel.read(folder)
    assert sum(labels.train_count) > 0
    wanted = "entity_f1" if data == "commands" else "micro_f1"
    right, given, gold = (getattr(labels.counts, n).sum() for n in ("right", "given", "gold"))
    assert 2 * right / (given + gold) == pytest.approx(result["test"][wanted], abs=1e-12)
    assert (folder / "errors.json").exists() == (data == "commands")
    if data == "commands":
        errors = json.loads((folder / "errors.json").read_text())
        assert errors["right"] == right
        paired = errors["right"] + errors["type"] + errors["boundary"] + errors["both"]
        assert (paired + errors["missed"], paired + errors["spurious"]) == (gold, given)


def test_texts_are_read_as_training_reads_them(made):
    study, out, _ = made
    cell = cell_of(study, "train", "commands", "plain")
    named = {"test": "synthetic:commands?test=30", "test_limit": 20, "limit_seed": 3}
    run = replace(cell.train_options(study, out), **named)
    ours, theirs = read_splits(run, model_of(cell.folder(out), "cpu")), read(run)
    assert ours.space.names == theirs.space.names
    assert len(ours.train) == ours.train_texts == 40
    assert [example.units for example in ours.train] == theirs.splits["train"].words
    for split in ("dev", "test"):
        mine, other = ours.episodes[split], theirs.splits[split]
        assert len(mine) == len(other) == 20
        assert np.array_equal(mine.gold, other.gold)
        assert mine.words == other.words


def test_gold_labels_are_hidden_from_the_model(made):
    study, out, _ = made
    cell = cell_of(study, "train", "commands", "plain")
    labeller = model_of(cell.folder(out), "cpu")
    episodes = read_splits(cell.train_options(study, out), labeller).episodes["dev"]
    seen = []
    given = labeller.policy.label
    labeller.policy.label = lambda batch: seen.append(batch) or given(batch)
    labelings = label(labeller, episodes)
    assert seen
    assert all((batch.gold == -1).all() and not batch.facts for batch in seen)
    assert np.array_equal(labelings.gold, episodes.gold_of(labelings.examples, episodes.max_units))
    del labeller.policy.label
    metrics = episodes.task.metrics(labelings, episodes.space)
    assert metrics == evaluate(labeller.policy, episodes)


@pytest.mark.parametrize("data", ["commands", "moods"])
def test_a_label_that_only_test_has_is_missed_and_not_left_out(made, data, tmp_path):
    study, out, _ = made
    cell = cell_of(study, "train", data, "plain")
    labeller = model_of(cell.folder(out), "cpu")
    extra = tmp_path / "test.jsonl"
    if data == "commands":
        rows = [{"tokens": ["a", "b", "c"], "labels": ["B-aaa", "I-aaa", "O"]}] * 2
    else:
        name = labeller.policy.labels.roles[0]
        rows = [{"text": "a b", "labels": ["aaa", name]}, {"text": "c", "labels": []}]
    extra.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = replace(cell.train_options(study, out), test=str(extra), test_limit=None)
    splits = read_splits(run, labeller)
    labelings = label(labeller, splits.episodes["test"])
    metrics = splits.task.metrics(labelings, splits.space)
    own = labeller.policy.labels
    if data == "commands":
        assert set(splits.space.names) - set(own.names) == {"B-aaa", "I-aaa"}
        assert metrics["recall"] == 0
        plain = Labeller.load(cell.folder(out), "cpu").predict(["a b c", "a b c"])
        given = [[splits.space.names[k] for k in row] for row in labelings.labels]
        assert given == [one["labels"] for one in plain]
    else:
        assert splits.space.roles == ("aaa", *own.roles)
        assert (labelings.labels[:, 0] == 0).all()
        assert labelings.gold[0].tolist() == [1, 1] + [0] * (len(own.roles) - 1)
        plain = Labeller.load(cell.folder(out), "cpu").predict(["a b", "c"])
        given = [
            [r for r, k in zip(splits.space.roles, row, strict=True) if k]
            for row in labelings.labels
        ]
        assert given == [one["labels"] for one in plain]


def test_a_model_of_other_labels_is_refused(made):
    study, out, _ = made
    cell = cell_of(study, "train", "commands", "plain")
    other = cell_of(study, "train", "moods", "plain")
    run = cell.train_options(study, out)
    with pytest.raises(ValueError, match="the model was trained on texts with other labels"):
        read_splits(run, model_of(other.folder(out), "cpu"))
    with pytest.raises(ValueError, match=r"there is no model .*missing/model"):
        model_of(out / "missing")


def test_a_metric_that_the_task_has_not_is_an_error(made):
    study, out, rows = made
    data = tuple(replace(d, metric="bleu") for d in study.data)
    worse = [{**row, "dev": {**row["dev"], "bleu": 0.5}} for row in rows]
    cell = cell_of(study, "score", "commands", "plain")
    with pytest.raises(ValueError, match="no metric 'bleu': choose accuracy"):
        score_cell(replace(study, data=data), cell, out, worse)


def test_metrics_are_finite(made):
    _, _, rows = made
    assert all(math.isfinite(value) for row in rows for value in row["dev"].values())
