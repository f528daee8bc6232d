"""Late feedback: the same run without a delay, unbiased weights, and nothing lost."""

import math
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lingym.agents import REINFORCE, LabelVecEnv, evaluate
from lingym.agents.delay import Importance, importance_weights
from lingym.agents.one_update import OneUpdate
from lingym.envs import Dataset
from lingym.policies import LabelPolicy

Make = Callable[..., REINFORCE]


@pytest.fixture
def agent(identity: Dataset, vec_env: Callable[..., LabelVecEnv]) -> Make:
    def make(reward: str = "accuracy", history: str = "none", **arguments: Any) -> REINFORCE:
        given = {"n_steps": 64, "batch_size": 16, "learning_rate": 1e-3, **arguments}
        policy = {"history": history}
        env = vec_env(identity, reward)
        return REINFORCE("LabelPolicy", env, policy_kwargs=policy, device="cpu", seed=0, **given)

    return make


def weights_of(agent: REINFORCE) -> Tensor:
    return torch.cat([p.detach().flatten().clone() for p in agent.policy.parameters()])


def test_without_a_delay_nothing_is_other_than_before(agent: Make) -> None:
    # What OneUpdate does, which knows of no delay, bit for bit.
    one, other = agent(), agent(feedback_delay=0, importance="labelling", max_weight=1.0)
    other.train = lambda: OneUpdate.train(other)  # type: ignore[method-assign]
    for learner in (one, other):
        learner.learn(total_episodes=128)
    assert torch.equal(weights_of(one), weights_of(other))
    assert not one.waiting


def test_weights_are_ratios_up_to_the_limit_and_1_where_nothing_moved() -> None:
    log_ratio = torch.tensor([[[0.0, math.log(3), -1.0], [0.5, 0.5, 99.0]]])
    mask = torch.tensor([[[True, True, True], [True, True, False]]])
    unit = importance_weights(log_ratio, mask, "unit", 2.0)
    torch.testing.assert_close(
        unit, torch.tensor([[[1, 2, math.exp(-1)], [math.exp(0.5), math.exp(0.5), 1]]])
    )
    whole = importance_weights(log_ratio, mask, "labelling")
    wanted = torch.tensor([[[3 / math.e] * 3, [math.e] * 3]])
    torch.testing.assert_close(whole, wanted)
    assert torch.equal(importance_weights(torch.zeros(1, 2, 3), mask, "unit"), torch.ones(1, 2, 3))


def gradient(agent: REINFORCE, loss: Tensor) -> Tensor:
    agent.policy.zero_grad()
    loss.backward()
    found = [torch.zeros_like(p) if p.grad is None else p.grad for p in agent.policy.parameters()]
    return torch.cat([part.flatten() for part in found])


@pytest.mark.parametrize(
    ("importance", "reward", "history", "exactly"),
    [
        ("unit", "accuracy", "none", True),
        ("labelling", "accuracy", "none", True),
        ("labelling", "accuracy(dense=False)*0.5 + 0.5*exact_match", "previous", True),
        ("unit", "exact_match", "none", False),  # the bias that `importance_weights` tells of
    ],
)
def test_the_gradient_from_an_older_policy_is_that_of_the_present_one(
    agent: Make,
    randomise: Callable[[LabelPolicy, int], None],
    shift: Callable[[LabelPolicy, int, float], None],
    importance: Importance,
    reward: str,
    history: str,
    exactly: bool,
) -> None:
    # The mean over all pairs of labelings of a text of two words, each with the probability that
    # the older policy gave it.
    learner = agent(reward, history, samples=2, importance=importance, max_weight=math.inf)
    randomise(learner.policy, 4)
    learner._setup_learn(1)
    episodes = learner.label_env.episodes
    text = int(np.flatnonzero(episodes.lengths == 2)[0])
    labelings = torch.tensor(list(product(range(4), repeat=2)))  # [16, 2]
    every = episodes.batch([text] * 16)
    older = learner.policy.evaluate_labels(every, labelings)[0].detach()
    shift(learner.policy, 7, 0.05)
    now = learner.policy.evaluate_labels(every, labelings)[0]
    assert (now.detach() - older).abs().max() > 0.2  # it has moved

    scores = torch.from_numpy(learner.label_env.play(labelings.numpy(), every).sum(1)).float()
    exact = gradient(learner, -(now.sum(1).exp() * scores).sum() / 2)
    weighted, plain = torch.zeros_like(exact), torch.zeros_like(exact)
    chances = older.sum(1).exp()
    for pair in product(range(16), repeat=2):
        drawn, chance = list(pair), chances[list(pair)].prod()
        given, then = labelings[drawn][:, None], older[drawn][:, None]
        batch = episodes.batch([text])
        weighted += chance * gradient(learner, learner.loss(batch, given, then)[0])
        plain += chance * gradient(learner, learner.loss(batch, given)[0])
    error = (weighted - exact).norm() / exact.norm()
    assert (plain - exact).norm() > 0.05 * exact.norm()  # without weights it is another
    assert error < 1e-3 if exactly else error > 0.1


def test_the_reward_is_asked_when_feedback_is_due_and_all_of_it_at_the_end(
    agent: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = agent(feedback_delay=40, n_steps=32, samples=2)
    asked: list[tuple[int, float]] = []
    play = learner.label_env.play

    def spy(labels: Any, batch: Any, observe: bool = True) -> Any:
        rate = learner.policy.optimizer.param_groups[0]["lr"]
        asked.append((learner.num_episodes, rate))
        return play(labels, batch, observe)

    monkeypatch.setattr(learner.label_env, "play", spy)
    learner.lr_schedule = lambda left: 1e-3 * left
    learner.learn(total_episodes=128)
    # 16 texts a minibatch: feedback comes 48 texts later, that is with the second rollout.
    assert [episodes for episodes, _ in asked] == [64, 96, 96, 128, 128, *[128] * 3]
    assert not learner.waiting
    rates = [rate for _, rate in asked]
    assert rates == sorted(rates, reverse=True) and rates[-1] > 0
    assert len(set(rates)) == 8  # those of the minibatches when they were labelled


def test_a_saved_agent_takes_what_waits_along(agent: Make, tmp_path: Path) -> None:
    learner = agent(feedback_delay=1000)
    learner.finish = lambda: None  # type: ignore[method-assign]
    learner.learn(total_episodes=64)
    del learner.finish
    assert sum(len(each.examples) for each in learner.waiting) == 64
    learner.save(tmp_path / "agent")
    again = REINFORCE.load(tmp_path / "agent", env=learner.env, device="cpu")
    assert len(again.waiting) == 4 and again.feedback_delay == 1000
    for one, other in zip(learner.waiting, again.waiting, strict=True):
        assert np.array_equal(one.labels, other.labels)
        assert np.array_equal(one.log_probs, other.log_probs)
    before = weights_of(again)
    again._setup_learn(1)
    again.finish()
    assert not again.waiting and not torch.equal(before, weights_of(again))


@pytest.mark.parametrize("importance", ["unit", "labelling"])
def test_the_identity_labelling_is_learned_from_late_feedback(
    agent: Make, importance: Importance
) -> None:
    learner = agent(feedback_delay=256, importance=importance)
    learner.learn(total_episodes=1024)
    assert evaluate(learner.policy, learner.label_env.episodes)["accuracy"] >= 0.99


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"feedback_delay": -1}, "feedback_delay must be 0 or more"),
        ({"max_weight": 0.0}, "max_weight above 0"),
        ({"importance": "word"}, "unknown importance 'word': one of unit, labelling"),
    ],
)
def test_wrong_arguments_are_refused(agent: Make, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        agent(**arguments)


def test_a_judge_who_says_no_more_is_not_learned_from(
    agent: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = agent("budget(bandit, judgements=60)", feedback_delay=16, samples=2)
    spoke: list[bool] = []
    update = learner._update

    def spy(*given: Any) -> None:
        spoke.append(not learner.label_env.reward.exhausted)
        update(*given)

    monkeypatch.setattr(learner, "_update", spy)
    learner.learn(total_episodes=192)
    assert spoke and all(spoke)
    assert learner.label_env.reward.exhausted and learner.waiting
