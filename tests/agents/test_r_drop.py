"""R-Drop: two masks are to say the same."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.distributions import Categorical, kl_divergence

from lingym.agents import LabelVecEnv, PreferenceLearning, Robustness
from lingym.agents.r_drop import Path, disagreement
from lingym.agents.regularisation import hidden_dropouts
from lingym.envs import Dataset, LabelVectorEnv, MultiLabel, SpanQA, Tagging, build, load_corpus
from lingym.scripts.training import AGENTS

OWN: dict[str, dict[str, Any]] = {
    "supervised": {},
    "ppo": {"dropout": True, "samples": 2, "baseline": "leave-one-out", "n_epochs": 1},
    "reinforce": {"dropout": True, "samples": 2},
    "expected_reward": {"dropout": True},
    "minimum_risk": {"dropout": True, "samples": 2, "include_gold": True},
}


def watched(learner: Any) -> dict[str, list[float]]:
    """What is logged of every update, as it comes."""
    found: dict[str, list[float]] = {}

    def dump(step: int = 0) -> None:
        for name, value in learner.logger.name_to_value.items():
            found.setdefault(name, []).append(value)
        learner.logger.name_to_value.clear()
        learner.logger.name_to_count.clear()

    learner.dump_logs = dump
    return found


def test_disagreement_is_the_mean_of_both_divergences_over_units() -> None:
    generator = torch.Generator().manual_seed(0)
    p, q = (torch.randn(2, 3, 4, 5, generator=generator).log_softmax(-1) for _ in range(2))
    mask = torch.rand(2, 3, 4, generator=generator) < 0.6
    one, other = Categorical(logits=p), Categorical(logits=q)
    wanted = (kl_divergence(one, other) + kl_divergence(other, one))[mask].mean() / 2
    assert disagreement(Path(p, mask), Path(q, mask)).item() == pytest.approx(wanted.item())
    assert disagreement(Path(p, mask), Path(p, mask)).item() == 0
    shared = Path(p[0], mask)  # labels that do not depend on those before
    wanted = (kl_divergence(one, other) + kl_divergence(other, one))[0].expand(2, 3, 4)[mask]
    assert disagreement(shared, Path(q[0], mask)).item() == pytest.approx(wanted.mean().item() / 2)


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("history", ["none", "previous"])
def test_masks_that_drop_nothing_agree_and_others_do_not(
    commands: Callable[..., Dataset], vec_env: Callable[..., LabelVecEnv], name: str, history: str
) -> None:
    def run(robust: Robustness) -> tuple[torch.Tensor, dict[str, list[float]]]:
        env = vec_env(commands("tagging"), None if name == "supervised" else "accuracy")
        learner = AGENTS[name](
            *("LabelPolicy", env),
            **dict(n_steps=8, batch_size=8, seed=0, device="cpu", learning_rate=0.1),
            policy_kwargs={
                "history": history,
                "optimizer_class": torch.optim.SGD,
                "attention_dropout": 0.0,
            },
            **OWN[name],
            robust=robust,
        )
        found = watched(learner)
        learner.learn(total_episodes=8)
        weights = [weight.flatten() for weight in learner.policy.state_dict().values()]
        return torch.cat(weights), found

    plain, _ = run(Robustness(dropout_rate=0.0))
    same, told = run(Robustness(dropout_rate=0.0, r_drop=5.0))
    assert told["train/r_drop"] == [0.0]
    assert torch.allclose(same, plain, rtol=1e-4, atol=2e-6)
    _, told = run(Robustness(dropout_rate=0.4, r_drop=5.0))
    assert told["train/r_drop"][0] > 1e-6


def test_it_needs_dropout(
    commands: Callable[..., Dataset], vec_env: Callable[..., LabelVecEnv]
) -> None:
    env = vec_env(commands("tagging"), "accuracy")
    for robust in (Robustness(r_drop=1.0), Robustness(dropout_rate=0.2)):
        for name in ("ppo", "reinforce", "expected_reward", "minimum_risk"):
            with pytest.raises(ValueError, match="needs dropout, which this agent has off"):
                AGENTS[name]("LabelPolicy", env, robust=robust)


FORMS: dict[str, Any] = {
    "tagging": (Tagging(), "synthetic:commands", "accuracy"),
    "multilabel": (MultiLabel(), "synthetic:emotions", "accuracy"),
    "spanqa": (SpanQA(), "synthetic:questions", "exact_match"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_agent_takes_everything_on_every_form(form: str) -> None:
    task, corpus, reward = FORMS[form]
    dataset = build(task, load_corpus(f"{corpus}?train=8&dev=4&test=4"), max_tokens=96)
    robust = Robustness(
        "freelb", adversarial_steps=2, r_drop=1.0, dropout_rate=(0.0, 0.4), l2_start=0.1
    )
    for name, own in OWN.items():
        if name == "expected_reward" and form == "spanqa":
            continue  # an exact match has no table
        judge = None if name == "supervised" else reward
        learner = AGENTS[name](
            *("LabelPolicy", LabelVectorEnv(dataset=dataset, reward=judge)),
            **dict(n_steps=4, batch_size=4, seed=0, device="cpu"),
            **own,
            robust=robust,
        )
        before = torch.cat([weight.detach().flatten() for weight in learner.policy.parameters()])
        found = watched(learner)
        learner.learn(total_episodes=8)
        after = torch.cat([weight.detach().flatten() for weight in learner.policy.parameters()])
        assert torch.isfinite(after).all() and not torch.equal(before, after)
        assert found["train/dropout_rate"] == [0.0, 0.2]
        assert found["train/r_drop"][0] < found["train/r_drop"][1]
        assert len(found["train/adversarial_loss"]) == len(found["train/l2_start"]) == 2
        assert not any(dropout.training for dropout in hidden_dropouts(learner.policy))


def test_preferences_take_perturbations(
    commands: Callable[..., Dataset], vec_env: Callable[..., LabelVecEnv]
) -> None:
    learner = PreferenceLearning(
        *("LabelPolicy", vec_env(commands("tagging"), "preference(accuracy)")),
        **dict(n_steps=8, batch_size=8, seed=0, device="cpu"),
        robust=Robustness("fgm"),
    )
    found = watched(learner)
    learner.learn(total_episodes=16)
    assert found["train/adversarial_loss"]
