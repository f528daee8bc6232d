"""A labeller of every task: the same when it is read again, and refused with words when torn."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lingym.agents import Labeller, Supervised, predict_labels
from lingym.envs import LabelVectorEnv
from lingym.policies import LabelPolicy
from tests.envs.every_task import FORMS, corpus_of, every_task

SHOWN = {  # what a task says of a text, beside what all say
    "tagging": {"tokens", "labels"},
    "classification": {"text", "label", "probabilities"},
    "multilabel": {"text", "labels", "probabilities"},
    "spanqa": {"id", "question", "answer", "start", "end", "probability"},
    "choice": {"question", "choices", "answer", "probabilities"},
    "choice one by one": {"question", "choices", "answer", "probabilities"},
    "relation": {"text", "label", "probabilities"},
    "summary": {"summary", "sentences"},
    "summary of 2": {"summary", "sentences"},
    "summary in words": {"summary", "sentences"},
    "sentences": {"sentences", "labels"},
    "slots and intent": {"tokens", "slots", "intent"},
}
GOLD = ("labels", "intent", "answer", "answers", "label", "oracle", "summary", "references")
Randomise = Callable[[LabelPolicy, int], None]


def labeller(form: str, randomise: Randomise) -> Labeller:
    dataset = every_task(form)
    agent = Supervised("LabelPolicy", LabelVectorEnv(dataset=dataset), device="cpu", seed=0)
    randomise(agent.policy, 1)
    task = dataset.task
    return Labeller(agent.policy, task.name, dataset.tokenizer, 128, settings=task.saved())


@pytest.mark.parametrize("form", FORMS)
def test_what_is_loaded_is_what_was_saved(form: str, randomise: Randomise, tmp_path: Path) -> None:
    dataset, saved = every_task(form), labeller(form, randomise)
    saved.save(tmp_path / "model")
    assert {file.suffix for file in (tmp_path / "model").iterdir()} <= {".safetensors", ".json"}
    loaded = Labeller.load(tmp_path / "model", device="cpu")
    weights = saved.policy.state_dict()
    assert all(torch.equal(v, weights[name]) for name, v in loaded.policy.state_dict().items())
    ours, theirs = loaded.policy.labels, saved.policy.labels
    for name in ("names", "form", "roles", "kinds", "mixed", "stop", "quota", "span", "of_text"):
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("transitions", "kind_of_label"):
        one, other = getattr(ours, name), getattr(theirs, name)
        assert (one is None) == (other is None)
        assert one is None or (one == other).all()
    assert dict(loaded.settings) == dict(saved.settings)
    found, wanted = (predict_labels(one.policy, dataset["test"]) for one in (loaded, saved))
    assert (found == wanted).all()
    records = corpus_of(FORMS[form].corpus).test
    assert list(loaded.predict_records(records)) == list(saved.predict_records(records))
    if not form.startswith("summary"):  # whose gold labels depend on how they are found
        assert loaded.evaluate(records) == saved.evaluate(records)


@pytest.mark.parametrize("form", FORMS)
def test_predictions_have_the_tasks_shape(form: str, randomise: Randomise) -> None:
    """Of texts without gold labels, and of JSON: numbers, strings, lists and objects only."""
    records = corpus_of(FORMS[form].corpus).test
    texts = [
        {name: value for name, value in record.fields.items() if name not in GOLD}
        for record in records
    ]
    one = labeller(form, randomise)
    for text, shown in zip(texts, one.predict(texts), strict=True):
        assert json.loads(json.dumps(shown)) == shown
        if form == "mix":
            kind = {"slots": "tagging", "mood": "classification", "roles": "sentences"}
            assert shown["task"] == text["task"]
            assert shown.keys() == SHOWN[kind[text["task"]]] | {"task"}
            continue
        assert shown.keys() == SHOWN[form]
        if "probabilities" in shown and form not in ("multilabel", "choice one by one"):
            chances = shown["probabilities"]
            chances = chances.values() if isinstance(chances, dict) else chances
            assert sum(chances) == pytest.approx(1, abs=1e-5)
        if form == "spanqa":
            assert text["context"][shown["start"] : shown["end"]] == shown["answer"]
            assert 0 <= shown["probability"] <= 1
        if form.startswith("choice"):
            assert (shown["question"], shown["choices"]) == (text["question"], text["choices"])
            assert 0 <= shown["answer"] < len(text["choices"])
        if form == "summary in words":
            assert len(shown["summary"].split()) <= 30
        elif form.startswith("summary"):
            assert 1 <= len(shown["sentences"]) <= (2 if form.endswith("2") else 1)
        if form.startswith("summary"):
            chosen = [text["sentences"][place] for place in shown["sentences"]]
            assert shown["summary"] == " ".join(chosen)
        if form == "slots and intent":
            assert len(shown["slots"]) == len(shown["tokens"]) == len(text["tokens"])


def test_a_question_without_a_context_is_shown(randomise: Randomise) -> None:
    for form in ("choice", "choice one by one"):
        [shown] = labeller(form, randomise).predict([{"question": "Who?", "choices": ["I", "you"]}])
        assert shown["question"] == "Who?"


TORN: list[tuple[str, dict[str, Any], str]] = [
    ("spanqa", {"space": 3}, "space is 3; wanted an object"),
    ("spanqa", {"space": {"form": "rows"}}, "labels must be a list"),
    ("relation", {"space": {"form": "rows"}}, "space has form 'rows', which cannot be"),
    ("spanqa", {"space": {"form": "candidates"}}, "space has roles None"),
    ("spanqa", {"space+": {"span": 0}}, "space has span 0"),
    ("spanqa", {"space+": {"span": "4"}}, "space has span '4'"),
    ("spanqa", {"space+": {"span": True}}, "space has span True"),
    ("spanqa", {"space+": {"reach": 4}}, "space has 'reach'; known are"),
    (
        "spanqa",
        {"task": "choice"},
        "has other labels than|was trained on|are not of one model|cannot have",
    ),
    ("spanqa", {"task": "relation", "task_settings": {}}, "task relation has other labels"),
    ("summary", {"space+": {"stop": 3}}, "space has stop 3"),
    ("summary", {"space+": {"stop": -1}}, "space has stop -1"),
    (
        "summary",
        {"space+": {"quota": {"label": 9, "limit": 1, "required": True}}},
        "space has quota",
    ),
    (
        "summary",
        {"space+": {"quota": {"label": 0, "limit": -1, "required": True}}},
        "space has quota",
    ),
    ("summary", {"space+": {"quota": {"label": 0, "limit": 1.5, "required": True}}}, "has quota"),
    ("summary", {"space+": {"quota": {"label": 0, "limit": 1, "required": "yes"}}}, "has quota"),
    ("summary", {"space+": {"quota": {"label": 0}}}, "space has quota"),
    ("summary", {"space+": {"quota": [0, 1, True]}}, "space has quota"),
    ("summary", {"task_settings": {"sentences": "1", "words": None}}, "'sentences': '1'"),
    ("summary", {"task_settings": {"sentences": 3, "words": None}}, "are not of one model"),
    ("summary", {"task_settings": {"colour": 1}}, "has 'colour': 1, which summary cannot have"),
    ("summary", {"task_settings": [1]}, r"task_settings is \[1\]; wanted an object"),
    ("choice one by one", {"task_settings": {"sequential": 1}}, "'sequential': 1, which choice"),
    ("choice one by one", {"task_settings": {"sequential": False}}, "task choice has other labels"),
    ("choice", {"task_settings": {"sequential": True}}, "task choice has other labels"),
    ("slots and intent", {"space+": {"kind_of_label": [0, 1]}}, "space has kind_of_label"),
    ("slots and intent", {"space+": {"kind_of_label": "x"}}, "space has kind_of_label 'x'"),
    ("slots and intent", {"space+": {"kinds": ["slot", "slot"]}}, "space has kinds"),
    ("slots and intent", {"space+": {"kinds": ["slot"]}}, "space has kind_of_label"),
    ("slots and intent", {"space": {}}, "task slots_intent has other labels"),
    ("slots and intent", {"space+": {"mixed": "no"}}, "space has mixed 'no'"),
    ("multilabel", {"space+": {"roles": ["a", "a"]}}, "space has roles"),
    ("multilabel", {"space+": {"roles": []}}, "space has roles"),
    ("multilabel", {"space+": {"roles": ["a", "b"]}}, "has the shape"),
    ("mix", {"task_settings": {}}, "task_settings must hold the tasks slots, mood, roles"),
    ("mix", {"task_settings": {"tasks": {"slots": {}}}}, "must hold the tasks"),
    (
        "mix",
        {"task_settings": {"tasks": {"slots": {"kind": "os"}, "mood": {}, "roles": {}}}},
        "the task slots has the kind 'os': wanted one of",
    ),
    (
        "mix",
        {"task_settings": {"tasks": {"slots": {"kind": "multitask"}, "mood": {}, "roles": {}}}},
        "the task slots has the kind 'multitask'",
    ),
    (
        "mix",
        {"task_settings": {"tasks": {"slots": {"kind": "spanqa"}, "mood": {}, "roles": {}}}},
        "the task slots: task spanqa has other labels",
    ),
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, randomise: Randomise) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def model(form: str) -> Path:
        if form not in made:
            made[form] = tmp_path_factory.mktemp("models") / "model"
            labeller(form, randomise).save(made[form])
        return made[form]

    return model


@pytest.mark.parametrize(("form", "change", "message"), TORN)
def test_settings_that_cannot_be_are_refused(
    models: Callable[[str], Path], form: str, change: dict[str, Any], message: str
) -> None:
    file = models(form) / "lingym.json"
    whole = file.read_text()
    settings = json.loads(whole)
    for name, value in change.items():
        if name.endswith("+"):
            settings[name[:-1]] |= value
        else:
            settings[name] = value
    try:
        file.write_text(json.dumps(settings))
        with pytest.raises(ValueError, match=message):
            Labeller.load(file.parent, device="cpu")
    finally:
        file.write_text(whole)
    Labeller.load(file.parent, device="cpu")
