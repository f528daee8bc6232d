"""What is exported as a stock Hugging Face model computes what the policy computes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification

from lingym.envs import Dataset, MultiLabel, SlotsAndIntent, SpanQA, build, load_corpus
from lingym.policies import LabelPolicy, save_policy, stock
from lingym.policies.stock import stock_model

AUTO: dict[str, Any] = {
    "tagging": AutoModelForTokenClassification,
    "classification": AutoModelForSequenceClassification,
}


def wide(**more: Any) -> dict[str, Any]:
    """The sizes of a small encoder."""
    return dict(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48
    ) | dict(vocab_size=1000, max_position_embeddings=80, pad_token_id=0, **more)


CONFIGS: dict[str, Any] = {
    "bert": lambda: transformers.BertConfig(**wide()),
    "roberta": lambda: transformers.RobertaConfig(**wide()),
    "electra": lambda: transformers.ElectraConfig(embedding_size=16, **wide()),
    "distilbert": lambda: transformers.DistilBertConfig(
        dim=32, n_layers=2, n_heads=2, hidden_dim=48, vocab_size=1000, pad_token_id=0
    ),
}
EXPORTED = {
    "tagging": {"tiny", "minilm", "bert", "roberta", "electra", "distilbert"},
    # a classifier of ELECTRA or DistilBERT has one layer more than its encoder
    "classification": {"tiny", "minilm", "bert", "roberta"},
}


@pytest.mark.parametrize("task", AUTO)
@pytest.mark.parametrize("name", ["tiny", "minilm", *CONFIGS])
def test_the_stock_model_gives_the_logits_and_labels_or_there_is_none(
    commands: Callable[..., Dataset],
    policy_of: Callable[..., LabelPolicy],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    name: str,
    task: str,
) -> None:
    if name == "minilm":
        request.getfixturevalue("minilm")
    tokenizer = "minilm" if name == "minilm" else "tiny"
    dataset, encoder = commands(task, 64, tokenizer), name
    if name in CONFIGS:
        torch.manual_seed(0)
        transformers.AutoModel.from_config(CONFIGS[name]()).save_pretrained(tmp_path / "encoder")
        encoder = str(tmp_path / "encoder")
    policy = policy_of(dataset, encoder=encoder)
    assert (stock_model(policy) is not None) == (name in EXPORTED[task])
    if name not in EXPORTED[task]:
        return
    save_policy(policy, tmp_path / "model")
    theirs = AUTO[task].from_pretrained(tmp_path / "model").train(False)
    assert theirs.config.id2label == dict(enumerate(dataset.space.names))
    batch = dataset["test"].batch(range(16))
    assert len(batch.input_ids) == len(batch)  # a window each
    ids, mask = (torch.from_numpy(a).long() for a in (batch.input_ids, batch.attention_mask))
    with torch.no_grad():
        logits = theirs(input_ids=ids, attention_mask=mask).logits
        ours = policy.distribution(policy.features(policy.texts(batch)), batch).scores
    if task == "classification":
        torch.testing.assert_close(logits[:, None], ours, rtol=1e-4, atol=1e-4)
        return
    for row, units in enumerate(batch.lengths):
        first = [int(np.argmax(batch.unit_of_token[row] == unit)) for unit in range(units)]
        torch.testing.assert_close(logits[row, first], ours[row, :units], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("task", "arguments"),
    [
        ("tagging", {"history": "previous"}),
        ("tagging", {"constrained": True}),
        ("tagging", {"pooling": "mean"}),
        ("classification", {"history": "previous"}),
        ("classification", {"pooling": "mean"}),
    ],
)
def test_what_no_stock_model_computes_has_none(
    commands: Callable[..., Dataset],
    policy_of: Callable[..., LabelPolicy],
    task: str,
    arguments: dict[str, Any],
) -> None:
    assert stock_model(policy_of(commands(task), **arguments)) is None


def test_the_export_leaves_the_random_numbers_alone(
    commands: Callable[..., Dataset], policy_of: Callable[..., LabelPolicy]
) -> None:
    policy = policy_of(commands("tagging"))
    state = torch.get_rng_state()
    stock_model(policy)
    assert torch.equal(state, torch.get_rng_state())


def test_a_model_that_computes_something_else_is_not_exported(
    commands: Callable[..., Dataset],
    policy_of: Callable[..., LabelPolicy],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    policy = policy_of(commands("tagging"))
    weights = stock._weights

    def other(*arguments: Any) -> Any:
        found = weights(*arguments)
        assert found is not None
        return found | {"classifier.bias": found["classifier.bias"] + 0.01}

    monkeypatch.setattr(stock, "_weights", other)
    assert stock.stock_model(policy) is None


def test_a_multi_label_policy_is_a_stock_classifier_with_a_logit_for_each_label(
    policy_of: Callable[..., LabelPolicy], tmp_path: Path
) -> None:
    dataset = build(MultiLabel(), load_corpus("synthetic:emotions?train=64&dev=8&test=16"))
    policy = policy_of(dataset)
    save_policy(policy, tmp_path)
    theirs = AutoModelForSequenceClassification.from_pretrained(tmp_path).train(False)
    assert theirs.config.problem_type == "multi_label_classification"
    assert theirs.config.id2label == dict(enumerate(dataset.space.roles))
    batch = dataset["test"].batch(range(16))
    ids, mask = (torch.from_numpy(a).long() for a in (batch.input_ids, batch.attention_mask))
    with torch.no_grad():
        chances = theirs(input_ids=ids, attention_mask=mask).logits.sigmoid()
        scores = policy.distribution(policy.features(policy.texts(batch)), batch).scores
    torch.testing.assert_close(chances, scores.softmax(-1)[..., 1], atol=1e-5, rtol=0)


@pytest.mark.parametrize(("task", "corpus"), [(SlotsAndIntent, "commands"), (SpanQA, "questions")])
def test_labels_with_rules_have_no_stock_model(
    policy_of: Callable[..., LabelPolicy], task: Any, corpus: str
) -> None:
    dataset = build(task(), load_corpus(f"synthetic:{corpus}?train=16&dev=4&test=4"))
    assert stock_model(policy_of(dataset)) is None
