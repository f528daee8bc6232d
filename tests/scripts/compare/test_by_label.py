"""Counts of every label, in test and in training."""

import json
from collections import Counter

import numpy as np
import pytest
from sklearn.metrics import f1_score

from lingym.envs import build, load_corpus
from lingym.envs.tasks import TASKS
from lingym.rewards import span_report
from lingym.scripts.compare import by_label as module
from lingym.scripts.compare.by_label import ByLabel, by_label


def data_of(name):
    corpus = "synthetic:relations" if name == "relation" else TASKS[name].corpus
    return build(TASKS[name](), load_corpus(f"{corpus}?train=60&dev=40&test=1"))


def labelled(episodes, seed=0):
    rng = np.random.default_rng(seed)
    gold = episodes.gold_of(np.arange(len(episodes)), episodes.max_units)
    other = rng.integers(0, len(episodes.space), gold.shape)
    labels = np.where(rng.random(gold.shape) < 0.6, gold, other)
    return episodes.complete(np.where(gold >= 0, labels, -1).astype(np.int32))


def counted(name):
    data = data_of(name)
    labelings = labelled(data["dev"])
    return data, labelings, by_label(labelings, data.task, data.space, data["train"].examples)


def test_entity_types():
    data, labelings, found = counted("tagging")
    report = span_report(labelings.labels, labelings.gold, data.space.names)
    scores = dict(zip(found.labels, found.f1()[0], strict=True))
    assert scores == pytest.approx(
        {**dict.fromkeys(scores, 0.0), **{k: r["f1"] for k, r in report.items()}}
    )
    tags = Counter(tag for e in data["train"].examples for tag in e.gold)
    assert dict(zip(found.labels, found.train_count, strict=True)) == {
        kind: tags[f"B-{kind}"] for kind in found.labels
    }
    assert found.counts.gold.sum(0).tolist() == [
        report.get(k, {"support": 0})["support"] for k in found.labels
    ]


@pytest.mark.parametrize("name", ["classification", "sentences"])
def test_classes(name):
    data, labelings, found = counted(name)
    inside = labelings.gold >= 0
    ids = [data.space.names.index(label) for label in found.labels]
    wanted = f1_score(
        labelings.gold[inside], labelings.labels[inside], labels=ids, average=None, zero_division=0
    )
    assert found.f1()[0] == pytest.approx(wanted)
    there = Counter(label for e in data["train"].examples for label in e.gold)
    assert found.train_count == tuple(there[label] for label in found.labels)


def test_candidates_of_a_set():
    data, labelings, found = counted("multilabel")
    assert found.labels == data.space.roles
    wanted = f1_score(labelings.gold == 1, labelings.labels == 1, average=None, zero_division=0)
    assert found.f1()[0] == pytest.approx(wanted)
    yes = np.array([[g == "yes" for g in e.gold] for e in data["train"].examples]).sum(0)
    assert found.train_count == tuple(yes)


def test_slots_and_intents():
    data, labelings, found = counted("slots_intent")
    assert {label.partition("/")[0] for label in found.labels} == {"slot", "intent"}
    there = Counter(label for e in data["train"].examples for label in e.gold)
    for label, count in zip(found.labels, found.train_count, strict=True):
        kind, _, name = label.partition("/")
        assert count == there[f"slot/B-{name}" if kind == "slot" else label]
    intents = [place for place, label in enumerate(found.labels) if label.startswith("intent/")]
    right = found.counts.right[:, intents].sum() / len(labelings.gold)
    assert right == pytest.approx(data.task.metrics(labelings, data.space)["intent_accuracy"])


def test_relations_have_both_directions_together():
    data, _, found = counted("relation")
    there = Counter(e.gold[0].partition("(")[0] for e in data["train"].examples)
    assert dict(zip(found.labels, found.train_count, strict=True)) == {
        label: there[label] for label in found.labels
    }
    assert "Other" not in found.labels


@pytest.mark.parametrize("name", ["spanqa", "choice", "summary"])
def test_labels_without_a_name_of_their_own_have_no_counts(name):
    data = data_of(name)
    episodes = data["dev"]
    gold = episodes.gold_of(np.arange(len(episodes)), episodes.max_units)
    assert by_label(episodes.complete(gold), data.task, data.space, []) is None


def test_resamples_are_those_of_repeated_texts():
    data, labelings, found = counted("tagging")
    weights = np.random.default_rng(1).integers(0, 3, (4, len(data["dev"])))
    for row, scores in zip(weights, found.f1(weights), strict=True):
        rows = np.repeat(np.arange(len(row)), row)
        report = span_report(labelings.labels[rows], labelings.gold[rows], data.space.names)
        wanted = [report.get(label, {"f1": 0.0})["f1"] for label in found.labels]
        assert scores == pytest.approx(wanted)


def test_training_texts_are_counted_in_parts(monkeypatch):
    data, labelings, found = counted("tagging")
    monkeypatch.setattr(module, "TEXTS", 7)
    again = by_label(labelings, data.task, data.space, data["train"].examples)
    assert again.train_count == found.train_count
    assert sum(by_label(labelings, data.task, data.space, []).train_count) == 0


def test_what_is_written_is_read_again(tmp_path):
    _, _, found = counted("tagging")
    found.write(tmp_path)
    again = ByLabel.read(tmp_path)
    assert (again.labels, again.train_count) == (found.labels, found.train_count)
    for name in ("right", "given", "gold"):
        assert np.array_equal(getattr(again.counts, name), getattr(found.counts, name))
    first = json.loads((tmp_path / "by_label.json").read_text())["labels"][0]
    assert first == {
        "label": found.labels[0],
        "train_count": found.train_count[0],
        "right": found.counts.right[:, 0].sum(),
        "predicted": found.counts.given[:, 0].sum(),
        "gold": found.counts.gold[:, 0].sum(),
        "f1": found.f1()[0, 0],
    }
