"""Elastic weight consolidation: the information, the penalty, and every agent that is held."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lingym.agents import (
    PPO,
    REINFORCE,
    Consolidation,
    Labeller,
    LabelVecEnv,
    Supervised,
    fisher_information,
)
from lingym.agents.consolidation import accumulated
from lingym.envs import Dataset
from lingym.policies import LabelPolicy

Make = Callable[..., Any]


@pytest.fixture
def make(
    commands: Callable[..., Dataset],
    vec_env: Callable[..., LabelVecEnv],
    randomise: Callable[[LabelPolicy, int], None],
) -> Make:
    def agent(kind: Any = Supervised, task: str = "classification", **policy: Any) -> Any:
        made = kind(
            *("LabelPolicy", vec_env(commands(task))),
            **dict(n_steps=16, batch_size=8, seed=0, device="cpu", learning_rate=1e-3),
            policy_kwargs=policy,
        )
        randomise(made.policy, 1)
        return made

    return agent


@pytest.mark.parametrize(
    ("task", "policy"), [("classification", {}), ("tagging", {"history": "previous"})]
)
def test_information_is_the_mean_square_of_each_texts_gradient(
    make: Make, task: str, policy: dict[str, Any]
) -> None:
    agent = make(task=task, **policy)
    own, episodes = agent.policy, agent.label_env.episodes
    chosen, random = np.array([3, 0, 7]), torch.Generator().manual_seed(5)
    found = fisher_information(own, episodes, chosen, random)
    again = torch.Generator().manual_seed(5)
    wanted = {name: torch.zeros_like(w) for name, w in own.named_parameters()}
    for place in chosen:
        batch = episodes.batch([place])
        labels = own.label(batch, deterministic=False, generator=again)
        own.zero_grad()
        given = torch.from_numpy(labels).long()
        said, _, _ = own.evaluate_labels(batch, given)
        said[given >= 0].sum().backward()
        for name, weight in own.named_parameters():
            if weight.grad is not None:
                wanted[name] += weight.grad**2 / len(chosen)
    assert not any(name.startswith("value") for name in found)  # labels do not depend on them
    assert {name for name, value in wanted.items() if value.any()} <= found.keys()
    for name, value in found.items():
        assert torch.allclose(value, wanted[name], rtol=1e-3, atol=1e-9), name
    assert not own.training and found["encoder.embeddings.LayerNorm.weight"].any()


def test_information_of_a_linear_head_is_that_of_softmax_regression(make: Make) -> None:
    agent = make()
    own, episodes = agent.policy, agent.label_env.episodes
    own.requires_grad_(False)
    own.label_head.requires_grad_(True)
    rows = np.arange(4)
    found = fisher_information(own, episodes, rows, torch.Generator().manual_seed(0), samples=500)
    batch = episodes.batch(rows)
    with torch.no_grad():
        features = own.features(own.texts(batch))
        p = own.distribution(features, batch).log_probs(torch.zeros(4, 1).long()).exp()[:, 0]
    spread = p * (1 - p)  # E[(1{y = k} - p_k)^2]
    assert found.keys() == {"label_head.weight", "label_head.bias"}
    assert torch.allclose(found["label_head.bias"], spread.mean(0), atol=0.02)
    exact = torch.einsum("bk,bd->kd", spread, features[:, 0] ** 2) / 4
    ratio = found["label_head.weight"].sum() / exact.sum()
    assert ratio.item() == pytest.approx(1, abs=0.1)


class Line(torch.nn.Linear):
    device = torch.device("cpu")


def test_the_penalty_by_hand() -> None:
    line = Line(2, 1, bias=False)
    line.weight.data = torch.tensor([[1.0, 2.0]])
    held = Consolidation(line, {"weight": torch.tensor([[3.0, 4.0]])}, 2.0)
    line.weight.data = torch.tensor([[2.0, 0.0]])
    assert held.pull() == {"consolidation": 0.0} and line.weight.grad is None
    line.weight.grad = torch.tensor([[1.0, 1.0]])
    # 2/2 (3 (2 - 1)^2 + 4 (0 - 2)^2), and its gradient 2 (3 (2 - 1), 4 (0 - 2)).
    assert held.pull() == {"consolidation": pytest.approx(19.0)}
    assert line.weight.grad.tolist() == [[7.0, -15.0]]


def test_a_held_line_comes_to_the_closed_form() -> None:
    """1/2 (w - t)^2 + lambda/2 F (w - w*)^2 is least at (t + lambda F w*) / (1 + lambda F)."""
    line = Line(1, 1, bias=False)
    line.weight.data = torch.tensor([[1.0]])
    held = Consolidation(line, {"weight": torch.tensor([[0.5]])}, 6.0)
    steps = torch.optim.SGD(line.parameters(), lr=0.2)
    for _ in range(60):
        steps.zero_grad()
        (0.5 * (line.weight - 5.0) ** 2).sum().backward()
        held.pull()
        steps.step()
    assert line.weight.item() == pytest.approx((5 + 6 * 0.5 * 1) / (1 + 6 * 0.5), abs=1e-5)


@pytest.mark.parametrize("kind", [Supervised, PPO, REINFORCE])
def test_every_agent_is_held(make: Make, kind: Any, tmp_path: Path) -> None:
    apart = []
    for strength in (0.0, 1e4):
        agent = make(kind)
        start = {n: w.detach().clone() for n, w in agent.policy.named_parameters()}
        fisher = {n: torch.ones_like(w) for n, w in start.items() if not n.startswith("value")}
        agent.consolidation = Consolidation(agent.policy, fisher, strength)
        agent.learn(total_episodes=64)
        now = {n: w.detach() for n, w in agent.policy.named_parameters()}
        apart.append(sum(float((now[n] - start[n]).square().sum()) for n in fisher))
    assert apart[1] < 0.5 * apart[0]
    agent.save(tmp_path / "agent")  # what holds it is not part of it
    assert kind.load(tmp_path / "agent", device="cpu").consolidation is None


@pytest.mark.parametrize("tune", ["frozen", "bitfit", "adapter"])
def test_information_is_of_what_is_trained_and_fits_the_saved_policy(
    make: Make, commands: Callable[..., Dataset], tune: str, tmp_path: Path
) -> None:
    agent, tokenizer = make(tune=tune), commands("classification").tokenizer
    episodes = agent.label_env.episodes
    random = torch.Generator().manual_seed(0)
    found = fisher_information(agent.policy, episodes, np.arange(2), random)
    trained = {n for n, w in agent.policy.named_parameters() if w.requires_grad}
    assert "label_head.weight" in found and found.keys() <= trained
    assert any(n.startswith("encoder.") for n in found) == (tune != "frozen")
    Labeller(agent.policy, "classification", tokenizer, 64).save(tmp_path / "model")
    loaded = Labeller.load(tmp_path / "model", "cpu").policy
    assert len(Consolidation(loaded, found, 1.0).held) == len(found)


def test_information_decays_and_new_weights_join() -> None:
    one, two = torch.tensor([1.0]), torch.tensor([2.0])
    found = accumulated({"a": one, "gone": two}, {"a": two, "new": one}, 0.5)
    assert {name: value.item() for name, value in found.items()} == {
        "a": 2.5,
        "gone": 1.0,
        "new": 1.0,
    }
    with pytest.raises(ValueError, match=r"decay must be in \[0, 1\], got 2"):
        accumulated({}, {}, 2)


def test_what_cannot_be_held(make: Make) -> None:
    agent = make()
    with pytest.raises(ValueError, match="strength must be 0 or more, got -1"):
        Consolidation(agent.policy, {}, -1)
    with pytest.raises(ValueError, match=r"of other \(1,\), and the policy has no such trained"):
        Consolidation(agent.policy, {"other": torch.ones(1)}, 1)
    with pytest.raises(ValueError, match=r"label_head\.bias"):
        Consolidation(agent.policy, {"label_head.bias": torch.ones(1)}, 1)
    with pytest.raises(ValueError, match="1 or more texts and samples, got 0 and 1"):
        none = np.zeros(0, np.int64)
        fisher_information(agent.policy, agent.label_env.episodes, none, torch.Generator())
