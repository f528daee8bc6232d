"""Rates that move with the run, the pull to the start, and settings that make no sense."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModel

from lingym.agents import LabelVecEnv, Robustness, Supervised
from lingym.agents.regularisation import Regularisation, hidden_dropouts
from lingym.envs import Dataset
from lingym.scripts.options_robust import Robust

Make = Callable[..., Supervised]


@pytest.fixture
def agent(commands: Callable[..., Dataset], vec_env: Callable[..., LabelVecEnv]) -> Make:
    def make(robust: Robustness, **policy: Any) -> Supervised:
        return Supervised(
            *("LabelPolicy", vec_env(commands("tagging"))),
            **dict(n_steps=8, batch_size=8, seed=0, device="cpu"),
            robust=robust,
            policy_kwargs=policy,
        )

    return make


def test_dropout_moves_in_a_line_and_leaves_attention_alone(agent: Make) -> None:
    learner = agent(Robustness(dropout_rate=(0.1, 0.5)), attention_dropout=0.25)
    hidden = hidden_dropouts(learner.policy)
    assert len(hidden) == 1 + 2 * 2 + 1  # embeddings, two in each of two layers, the head
    every = [each for each in learner.policy.modules() if isinstance(each, torch.nn.Dropout)]
    others = [each for each in every if not any(each is one for one in hidden)]
    assert len(others) == 2
    for progress, rate in ((0.0, 0.1), (0.25, 0.2), (1.0, 0.5)):
        assert learner.regularisation.at(progress) == {"dropout_rate": pytest.approx(rate)}
        assert [each.p for each in hidden] == [pytest.approx(rate)] * len(hidden)
        assert {each.p for each in others} == {0.25}


@pytest.mark.parametrize(
    ("family", "layers"), [("roberta", 1), ("distilbert", 1), ("deberta-v2", 1), ("albert", 1)]
)
def test_hidden_dropout_is_told_from_that_of_attention(family: str, layers: int) -> None:
    config = AutoConfig.for_model(family, vocab_size=7)
    for name in ("num_hidden_layers", "num_attention_heads"):
        setattr(config, name, 1)
    names = ("hidden_dropout_prob", "dropout")
    rates = {name: 0.375 for name in names if isinstance(getattr(config, name, None), int | float)}
    attention = ("attention_probs_dropout_prob", "attention_dropout")
    rates |= {name: 0.75 for name in attention if hasattr(config, name)}
    for name, rate in rates.items():
        setattr(config, name, rate)
    encoder = AutoModel.from_config(config)
    found = [each.p for each in hidden_dropouts(encoder)]
    assert found and set(found) == {0.375}
    every = [each.p for each in encoder.modules() if isinstance(each, torch.nn.Dropout)]
    assert every.count(0.375) == len(found) and 0.75 in every


def test_weight_decay_moves_where_there_is_some(agent: Make) -> None:
    learner = agent(Robustness(weight_decay_end=0.09), weight_decay=0.01)
    before = [group["weight_decay"] for group in learner.policy.optimizer.param_groups]
    assert learner.regularisation.at(0.5) == {"weight_decay": pytest.approx(0.05)}
    now = [group["weight_decay"] for group in learner.policy.optimizer.param_groups]
    assert now == [pytest.approx(0.05) if decay else 0.0 for decay in before]
    assert 0.0 in now
    with pytest.raises(ValueError, match="give it a value above 0"):
        agent(Robustness(weight_decay_end=0.1), weight_decay=0.0)


def test_the_pull_is_the_gradient_of_the_penalty(agent: Make) -> None:
    learner = agent(Robustness(l2_start=0.3))
    pulled, encoder = learner.regularisation, learner.policy.encoder
    assert pulled.pull() == {}
    pulled.begin()
    weights = list(encoder.parameters())
    start = [weight.detach().clone() for weight in weights]
    with torch.no_grad():
        for place, weight in enumerate(weights):
            weight += 0.01 * (place + 1)
    pulled.begin()  # a run that goes on keeps the start that it had
    penalty = sum(0.15 * (w - w0).square().sum() for w, w0 in zip(weights, start, strict=True))
    assert isinstance(penalty, torch.Tensor)
    wanted = torch.autograd.grad(penalty, weights)
    for weight in weights:
        weight.grad = torch.ones_like(weight)
    assert pulled.pull() == {"l2_start": pytest.approx(penalty.item(), rel=1e-5)}
    for weight, gradient in zip(weights, wanted, strict=True):
        assert weight.grad is not None
        assert torch.allclose(weight.grad, 1 + gradient, atol=1e-6)
    head = next(learner.policy.label_head.parameters())
    assert head.grad is None


def test_an_encoder_without_hidden_dropout_is_refused(agent: Make) -> None:
    policy = agent(Robustness()).policy
    policy.encoder = torch.nn.Linear(2, 2)
    with pytest.raises(ValueError, match="has no hidden dropout"):
        Regularisation(Robustness(dropout_rate=0.2), policy)


def test_settings_are_saved_with_an_agent(agent: Make, tmp_path: Path) -> None:
    robust = Robustness("fgm", r_drop=0.5, dropout_rate=0.2)
    learner = agent(robust)
    learner.learn(total_episodes=8)
    learner.save(tmp_path / "agent")
    loaded = Supervised.load(tmp_path / "agent", env=learner.env, device="cpu")
    assert loaded.robust == robust
    loaded.learn(total_episodes=8)
    assert {each.p for each in hidden_dropouts(loaded.policy)} == {0.2}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"adversarial": "vat"}, "unknown adversarial 'vat': one of none, fgm, pgd, freelb"),
        ({"adversarial_eps": 1.0}, "adversarial_eps is for adversarial fgm, pgd, freelb, not none"),
        ({"adversarial": "fgm", "adversarial_steps": 2}, "adversarial_steps is for"),
        ({"adversarial": "fgm", "adversarial_rate": 0.1}, "adversarial_rate is for"),
        ({"adversarial": "fgm", "adversarial_eps": -1.0}, "adversarial_eps must be 0 or more"),
        ({"adversarial": "pgd", "adversarial_steps": 0}, "adversarial_steps must be 1 or more"),
        ({"adversarial": "pgd", "adversarial_rate": 0.0}, "adversarial_rate must be above 0"),
        ({"r_drop": -0.1}, "r_drop must be 0 or more"),
        ({"l2_start": float("nan")}, "l2_start must be 0 or more"),
        ({"weight_decay_end": -1.0}, "weight_decay_end must be 0 or more"),
        ({"dropout_rate": (0.1, 1.0)}, r"dropout_rate must be in \[0, 1\), got 1.0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Robustness(**given)


def test_options_become_settings() -> None:
    assert Robust().settings() == Robustness()
    given = Robust("pgd", adversarial_steps=2, dropout_rate="0.1..0.3", weight_decay_end=0.1)
    wanted = Robustness("pgd", None, 2, None, 0.0, (0.1, 0.3), 0.1)
    assert given.settings() == wanted
    assert Robust(dropout_rate="0.2").settings().dropout_rates == (0.2, 0.2)
    for wrong in ("a", "0.1..", "0.1..0.2..0.3"):
        with pytest.raises(ValueError, match="--dropout-rate must be a number or two"):
            Robust(dropout_rate=wrong).check("supervised", False, 0.01)


def test_options_without_use_are_refused_before_files_are_read() -> None:
    with pytest.raises(ValueError, match="--r-drop needs dropout, which RL has off"):
        Robust(r_drop=1.0).check("ppo", False, 0.01)
    with pytest.raises(ValueError, match="--dropout-rate needs dropout, which --agent preference"):
        Robust(dropout_rate="0.1").check("preference", False, 0.01)
    with pytest.raises(ValueError, match="--weight-decay-end needs a --weight-decay above 0"):
        Robust(weight_decay_end=0.1).check("supervised", False, 0.0)
    Robust(r_drop=1.0, dropout_rate="0.1").check("ppo", True, 0.01)
    Robust(r_drop=1.0, weight_decay_end=0.1).check("supervised", False, 0.01)
