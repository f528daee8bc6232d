"""Dropout of attention alone, whatever a family of encoders calls it, kept by a saved policy."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import DistilBertConfig, DistilBertModel, XLNetConfig, XLNetModel

from lingym.envs import Dataset, LabelVectorEnv
from lingym.policies import LabelPolicy, save_policy
from lingym.policies.encoder import load_encoder

Make = Callable[..., LabelPolicy]


def test_it_changes_attention_in_training_and_nothing_else(
    commands: Callable[..., Dataset], policy_of: Make
) -> None:
    dataset = commands("tagging", 64)
    plain, without = policy_of(dataset), policy_of(dataset, attention_dropout=0.0)
    for policy, attention in ((plain, 0.1), (without, 0.0)):
        config: Any = policy.encoder.config
        assert config.attention_probs_dropout_prob == attention
        assert config.hidden_dropout_prob == 0.1
        drops = {n: m.p for n, m in policy.named_modules() if isinstance(m, torch.nn.Dropout)}
        inner = [p for name, p in drops.items() if name.endswith("attention.self.dropout")]
        assert inner == [attention] * 2 and drops["dropout"] == 0.1
    batch = dataset["train"].batch(range(4))
    with torch.no_grad():
        one, other = (p.features(p.texts(batch)) for p in (plain, without))
    assert torch.equal(one, other)
    without.train(True)
    for module in without.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0 if module.p == 0.1 else module.p
    with torch.no_grad():  # nothing was left that is random
        assert torch.equal(without.features(without.texts(batch)), other)


def test_a_saved_policy_keeps_it_and_so_does_one_that_goes_on_from_it(
    commands: Callable[..., Dataset], policy_of: Make, tmp_path: Path
) -> None:
    dataset = commands("tagging", 64)
    save_policy(policy_of(dataset, attention_dropout=0.0), tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["attention_probs_dropout_prob"] == 0 and config["hidden_dropout_prob"] == 0.1
    space = LabelVectorEnv(dataset=dataset)
    for asked, wanted in ((None, 0.0), (0.2, 0.2)):
        policy = LabelPolicy(
            *(space.single_observation_space, space.single_action_space, lambda _: 1e-3),
            encoder=str(tmp_path),
            attention_dropout=asked,
        )
        found: Any = policy.encoder.config
        assert found.attention_probs_dropout_prob == wanted
        assert policy._get_constructor_parameters()["attention_dropout"] == asked


def test_other_families_and_those_without(tmp_path: Path) -> None:
    size: dict[str, Any] = {"vocab_size": 30, "dim": 8, "n_layers": 1, "n_heads": 2}
    DistilBertModel(DistilBertConfig(**size, hidden_dim=8)).save_pretrained(tmp_path / "distil")
    encoder: Any = load_encoder(str(tmp_path / "distil"), 30, 16, False, 0.0)
    assert (encoder.config.attention_dropout, encoder.config.dropout) == (0.0, 0.1)
    little = XLNetConfig(vocab_size=30, d_model=8, n_layer=1, n_head=2, d_inner=8)
    XLNetModel(little).save_pretrained(tmp_path / "xlnet")
    with pytest.raises(ValueError, match=r"\(xlnet\) has no dropout of attention alone"):
        load_encoder(str(tmp_path / "xlnet"), 30, 16, False, 0.0)


@pytest.mark.parametrize("wrong", [-0.1, 1.0, float("nan")])
def test_what_is_no_share_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match=r"attention_dropout must be in \[0, 1\), got"):
        load_encoder("tiny", 30, 16, False, wrong)
