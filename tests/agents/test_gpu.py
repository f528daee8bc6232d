"""The same on a GPU: a rollout of every agent, labels as on a CPU, and models that cross over."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lingym.agents import (
    PPO,
    REINFORCE,
    Checkpoints,
    ExpectedReward,
    Labeller,
    LabelVecEnv,
    MinimumRisk,
    OnlineLearner,
    OnlineSettings,
    Supervised,
    predict_labels,
)
from lingym.envs import Dataset
from lingym.policies import LabelPolicy
from tests.envs.every_task import FORMS, every_task

pytestmark = pytest.mark.gpu
AGENTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "ppo": (PPO, {"kl_coef": 0.1}),
    "ppo, dropout": (PPO, {"kl_coef": 0.1, "dropout": True}),
    "ppo leave-one-out": (PPO, {"samples": 2, "baseline": "leave-one-out"}),
    **{
        f"reinforce {baseline}": (REINFORCE, {"baseline": baseline, "kl_coef": 0.1})
        for baseline in ("none", "mean", "value", "greedy", "leave-one-out")
    },
    "reinforce, late": (REINFORCE, {"feedback_delay": 20, "baseline": "mean"}),
    "expected reward": (ExpectedReward, {"kl_coef": 0.1, "ent_coef": 0.1}),
    "minimum risk": (MinimumRisk, {"kl_coef": 0.1, "include_gold": True}),
    "supervised": (Supervised, {"label_smoothing": 0.1}),
}


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("history", ["none", "previous"])
@pytest.mark.parametrize("name", AGENTS)
def test_a_rollout_is_learned_from_and_saved(
    identity: Dataset,
    vec_env: Callable[..., LabelVecEnv],
    tmp_path: Path,
    name: str,
    history: str,
    autocast: bool,
) -> None:
    kind, arguments = AGENTS[name]
    agent = kind(
        *("LabelPolicy", vec_env(identity)),
        **dict(n_steps=32, batch_size=16, seed=0, device="cuda", learning_rate=1e-3),
        **arguments,
        policy_kwargs={"history": history, "autocast": autocast},
    )
    before = agent.policy.label_head.weight.clone()
    agent.learn(total_episodes=64)
    assert {parameter.device.type for parameter in agent.policy.parameters()} == {"cuda"}
    assert bool(torch.isfinite(agent.policy.label_head.weight).all())
    assert not torch.equal(before, agent.policy.label_head.weight)
    agent.save(tmp_path / "agent")
    loaded = kind.load(tmp_path / "agent", device="cpu")
    for key, value in agent.policy.state_dict().items():
        assert torch.equal(value.cpu(), loaded.policy.state_dict()[key]), key


@pytest.mark.parametrize("task", ["tagging", "classification"])
@pytest.mark.parametrize("history", ["none", "previous"])
def test_labels_are_those_of_the_cpu_and_models_cross_over(
    commands: Callable[..., Dataset],
    vec_env: Callable[..., LabelVecEnv],
    randomise: Callable[[LabelPolicy, int], None],
    tmp_path: Path,
    task: str,
    history: str,
) -> None:
    dataset = commands(task)
    agent = Supervised(
        *("LabelPolicy", vec_env(dataset)),
        **dict(device="cpu", seed=0, policy_kwargs={"history": history}),
    )
    randomise(agent.policy, 0)
    batch = dataset["train"].batch(range(32))
    gold = torch.from_numpy(batch.gold).long()
    with torch.no_grad():
        wanted = agent.policy.evaluate_labels(batch, gold)
    labels = predict_labels(agent.policy, dataset["train"])

    agent.policy.to("cuda")
    with torch.no_grad():
        found = agent.policy.evaluate_labels(batch, gold.cuda())
    for ours, theirs in zip(found, wanted, strict=True):
        real = gold >= 0
        torch.testing.assert_close(ours.cpu()[real], theirs[real], rtol=1e-3, atol=1e-3)
    on_gpu = predict_labels(agent.policy, dataset["train"])
    assert np.mean(on_gpu[labels >= 0] == labels[labels >= 0]) > 0.99  # but for ties in rounding

    Labeller(agent.policy, task, dataset.tokenizer, 64).save(tmp_path / "model")
    loaded = Labeller.load(tmp_path / "model", device="cpu")
    assert (predict_labels(loaded.policy, dataset["train"]) == labels).all()
    back = Labeller.load(tmp_path / "model", device="cuda")
    assert (predict_labels(back.policy, dataset["train"]) == on_gpu).all()


@pytest.mark.parametrize("form", FORMS)
def test_every_task_is_labelled_and_learned_there(form: str, vec_env: Any, randomise: Any) -> None:
    dataset = every_task(form)
    agent = REINFORCE(
        *("LabelPolicy", vec_env(dataset)),
        **dict(n_steps=8, batch_size=4, samples=2, device="cpu", seed=0),
    )
    randomise(agent.policy, 0)
    texts = dataset["train"]
    batch = texts.batch(range(8))
    gold = torch.from_numpy(batch.gold).long()
    with torch.no_grad():
        wanted = agent.policy.evaluate_labels(batch, gold)
    labels = predict_labels(agent.policy, texts)

    agent.policy.to("cuda")
    with torch.no_grad():
        found = agent.policy.evaluate_labels(batch, gold.cuda())
        drawn = agent.policy.label(batch, deterministic=False)
    for ours, theirs in zip(found, wanted, strict=True):
        real = gold >= 0
        torch.testing.assert_close(ours.cpu()[real], theirs[real], rtol=1e-3, atol=1e-3)
    assert np.mean((predict_labels(agent.policy, texts) == labels).all(1)) > 0.9
    assert (drawn[:, 0] >= 0).all()
    there = REINFORCE(
        *("LabelPolicy", vec_env(dataset)),
        **dict(n_steps=8, batch_size=4, samples=2, device="cuda", seed=0),
    )
    there.learn(total_episodes=16)
    assert bool(torch.isfinite(there.policy.label_head.weight).all())


@pytest.mark.parametrize("history", ["none", "previous"])
def test_a_learner_goes_on_online_there_and_on_a_cpu(
    commands: Callable[..., Dataset],
    vec_env: Callable[..., LabelVecEnv],
    tmp_path: Path,
    history: str,
) -> None:
    dataset = commands("tagging")
    agent = Supervised(
        *("LabelPolicy", vec_env(dataset)),
        **dict(device="cuda", seed=0, policy_kwargs={"history": history}),
    )
    labeller = Labeller(agent.policy, "tagging", dataset.tokenizer, 64)
    settings = OnlineSettings(batch_size=4, kl_coef=0.1, baseline="value", temperature=0.5)
    learner = OnlineLearner(labeller, settings)
    records = [example.record for example in dataset["train"].examples]

    def serve(learner: OnlineLearner, first: int) -> None:
        for row in learner.label(records[first : first + 10]):
            log = learner.feedback(row["id"], 0.5)
            assert all(np.isfinite(value) for value in log.values())

    serve(learner, 0)
    learner.save(tmp_path / "there")
    for device in ("cuda", "cpu"):
        other = OnlineLearner.load(tmp_path / "there", device)
        assert other.policy.device.type == torch.device(device).type
        assert len(other.ready) == 2
        serve(other, 10)
        assert other.updates == 5


@pytest.mark.parametrize(
    ("kind", "own"),
    [(Supervised, {"class_weights": "sqrt"}), (PPO, {"kl_coef": 0.1, "dropout": True})],
)
def test_a_run_goes_on(
    kind: Any,
    own: dict[str, Any],
    identity: Dataset,
    vec_env: Callable[..., LabelVecEnv],
    tmp_path: Path,
) -> None:
    def make() -> Any:
        sizes = {"n_steps": 16, "batch_size": 8, "seed": 0, "device": "cuda"}
        return kind("LabelPolicy", vec_env(identity), **sizes, **own)

    kept = Checkpoints(tmp_path / "kept", None, every=16)
    whole = make().learn(total_episodes=48, callback=kept)
    again = make().learn(resume=kept.last(), callback=kept)
    assert again.num_episodes == 48
    weights = whole.policy.state_dict()
    for name, value in again.policy.state_dict().items():
        torch.testing.assert_close(value, weights[name], rtol=1e-3, atol=1e-4)
