"""Labels are learned from which of two labelings is better, and from nothing else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lingym.agents import LabelVecEnv, PreferenceLearning, evaluate
from lingym.agents.reward_model import Comparisons, RewardModel
from lingym.envs import Dataset, Episodes, LabelVectorEnv, SpanQA, build, load_corpus
from lingym.types import Batch

Make = Callable[..., PreferenceLearning]


@pytest.fixture
def agent(identity: Dataset, vec_env: Callable[..., LabelVecEnv]) -> Make:
    def make(
        reward: str = "preference(accuracy)", history: str = "none", **arguments: Any
    ) -> PreferenceLearning:
        settings = {"n_steps": 64, "batch_size": 16, "learning_rate": 1e-3, "comparisons": 1}
        settings |= {"kl_coef": 0.0}
        return PreferenceLearning(
            *("LabelPolicy", vec_env(identity, reward)),
            **{**settings, "model_learning_rate": 1e-3, "model_updates": 16, **arguments},
            **{"policy_kwargs": {"history": history}, "device": "cpu", "seed": 0},
        )

    return make


@torch.no_grad()
def held_out(agent: PreferenceLearning, dataset: Dataset) -> float:
    """How often the reward model is right about pairs of random labelings that nobody judged."""
    batch = dataset["train"].batch(range(64))
    random = np.random.default_rng(9)
    real = batch.gold >= 0
    pairs = np.where(real, random.integers(4, size=(2, *real.shape)), -1).astype(np.int32)
    right = (pairs == batch.gold).sum(-1)
    lead = agent.reward_model.lead(batch, torch.from_numpy(pairs).long()).numpy()
    sure = right[0] != right[1]
    assert sure.sum() > 30
    return float(((lead > 0) == (right[0] > right[1]))[sure].mean())


@pytest.mark.parametrize(
    ("reward", "history", "texts", "reached"),
    [
        ("preference(accuracy)", "none", 256, 0.99),
        ("preference(accuracy, noise=0.1)", "previous", 320, 0.75),
    ],
)
def test_accuracy_rises_from_preferences_alone(
    agent: Make,
    identity: Dataset,
    monkeypatch: pytest.MonkeyPatch,
    reward: str,
    history: str,
    texts: int,
    reached: float,
) -> None:
    learner = agent(reward, history)
    assert evaluate(learner.policy, identity["train"])["accuracy"] < 0.5
    gather = Episodes.batch

    def gathered(episodes: Episodes, examples: Any) -> Batch:
        batch = gather(episodes, examples)
        assert (batch.gold == -1).all() and not batch.facts  # all that the agent gets
        return batch

    monkeypatch.setattr(Episodes, "batch", gathered)
    learner.learn(total_episodes=texts)
    monkeypatch.undo()
    assert evaluate(learner.policy, identity["train"])["accuracy"] >= reached
    assert held_out(learner, identity) > 0.8
    episodes = learner.label_env.episodes
    assert (episodes.gold == -1).all() and not any(e.record.fields for e in episodes.examples)
    assert 100 < learner.judge.spent == len(learner.asked) <= texts  # none of equal pairs


def test_the_policy_goes_on_when_the_budget_is_spent(agent: Make, identity: Dataset) -> None:
    learner = agent("preference(accuracy, budget=90)", comparisons=2, samples=2)
    learner.learn(total_episodes=192)
    assert learner.num_episodes == 192 and learner.judge.spent == 90 == len(learner.asked)
    assert evaluate(learner.policy, identity["train"])["accuracy"] > 0.6


def test_a_saved_agent_keeps_what_it_heard(agent: Make, tmp_path: Path) -> None:
    learner = agent("preference(accuracy, noise=0.2)", memory=50)
    learner.learn(total_episodes=64)
    learner.save(tmp_path / "agent")
    env = agent("preference(accuracy, noise=0.2)").env
    again = PreferenceLearning.load(tmp_path / "agent", env=env, device="cpu")
    assert again.spread == learner.spread and len(again.asked) == 50
    assert np.array_equal(again.asked.pairs, learner.asked.pairs)
    assert again.judge.state() == learner.judge.state()
    for name, weight in learner.reward_model.state_dict().items():
        assert torch.equal(weight, again.reward_model.state_dict()[name])
    moments = [model.reward_model.optimizer.state_dict()["state"] for model in (learner, again)]
    assert moments[0].keys() == moments[1].keys() and moments[0]
    again.learn(total_episodes=64, reset_num_timesteps=False)
    assert again.judge.spent > learner.judge.spent


def test_the_reward_is_what_the_model_says_over_its_spread(agent: Make) -> None:
    learner = agent(history="previous", samples=3)
    learner._setup_learn(1)
    with torch.no_grad():
        learner.reward_model.scorer.transition.normal_()
    batch = learner.label_env.episodes.batch(range(8))
    labels = torch.from_numpy(np.random.default_rng(0).integers(4, size=(3, *batch.gold.shape)))
    inside = torch.arange(labels.shape[-1]) < torch.from_numpy(batch.lengths)[:, None]
    labels = torch.where(inside, labels, -1)
    rewards = learner._rewards(batch, labels)
    scorer = learner.reward_model.scorer
    with torch.no_grad():
        distribution = scorer.distribution(scorer.features(scorer.texts(batch)), batch)
    total = torch.zeros(3, 8)
    for sample in range(3):
        for row in range(8):
            before = 4
            for unit in range(int(batch.lengths[row])):
                label = int(labels[sample, row, unit])
                total[sample, row] += distribution.scores[row, unit, label]
                total[sample, row] += scorer.transition[before, label].detach()
                before = label
    spread = total.var(0, correction=0).mean().sqrt()
    torch.testing.assert_close(rewards.sum(-1), total / spread, rtol=1e-4, atol=1e-4)
    assert not rewards[labels < 0].any()


def test_the_reward_model_begins_as_the_policy_is_when_it_first_asks(
    agent: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = agent("preference(accuracy)", learning_rate=0.0)
    with torch.no_grad():
        learner.policy.label_head.weight.add_(0.01)  # as a warm start's are loaded
    monkeypatch.setattr(learner, "_teach", lambda: None)
    learner.learn(total_episodes=64)
    head = learner.reward_model.scorer.label_head
    assert torch.equal(head.weight, learner.policy.label_head.weight)
    with torch.no_grad():
        head.weight.add_(1.0)  # as if it had learned
    learner.learn(total_episodes=64, reset_num_timesteps=False)
    assert not torch.equal(head.weight, learner.policy.label_head.weight)


def test_the_models_loss_by_hand(agent: Make) -> None:
    learner = agent()
    batch = learner.label_env.episodes.batch([0, 1])
    width = batch.gold.shape[1]
    inside = torch.arange(width) < torch.from_numpy(batch.lengths)[:, None]
    pairs = torch.stack([torch.where(inside, label, -1) for label in (1, 2)])
    model: RewardModel = learner.reward_model
    lead = model.lead(batch, pairs)
    worth = model.steps(batch, pairs).sum(-1)
    torch.testing.assert_close(lead, worth[0] - worth[1])
    said = torch.tensor([1.0, 0.5])
    chance = lead.sigmoid()
    wanted = -(said * chance.log() + (1 - said) * (1 - chance).log()).mean()
    torch.testing.assert_close(model.loss(batch, pairs, said), wanted)
    own = {id(p) for p in learner.policy.parameters()}
    assert not own & {id(p) for p in model.parameters()}


def test_the_latest_comparisons_are_kept() -> None:
    kept = Comparisons(3)
    kept.add(np.array([4, 5], np.int32), np.zeros((2, 2, 1), np.int32), np.array([1.0, 0.5]))
    kept.add(np.array([6, 7], np.int32), np.ones((2, 2, 3), np.int32), np.array([0.0, 1.0]))
    assert len(kept) == 3 and kept.examples.tolist() == [5, 6, 7]
    pairs, said = kept.take(np.array([0, 2]), 2)
    assert pairs[0].tolist() == [[0, -1], [1, 1]] and said.tolist() == [0.5, 1.0]


def test_labels_that_are_candidates_are_compared_too() -> None:
    corpus = load_corpus("synthetic:questions?train=16&dev=4&test=4")
    env = LabelVectorEnv(dataset=build(SpanQA(), corpus), reward="preference(squad_f1)")
    learner = PreferenceLearning("LabelPolicy", env, n_steps=16, batch_size=8, seed=0, device="cpu")
    learner.learn(total_episodes=32)
    assert learner.judge.spent > 8 and len(learner.asked) == learner.judge.spent
    assert all(p.isfinite().all() for p in learner.reward_model.parameters())


def test_what_cannot_be_is_refused(agent: Make, identity: Dataset) -> None:
    with pytest.raises(ValueError, match=r"and reward accuracy makes none: give preference\(acc"):
        agent("accuracy")
    with pytest.raises(ValueError, match="baseline 'greedy' asks for scores"):
        agent(baseline="greedy")
    for name in ("comparisons", "memory", "model_updates"):
        with pytest.raises(ValueError, match=f"{name} must be 1 or more, got 0"):
            agent(**{name: 0})
