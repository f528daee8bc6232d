"""Too little memory: batches are halved, and the gradient is that of the whole batch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch

from lingym.agents import (
    PPO,
    REINFORCE,
    ExpectedReward,
    Guard,
    LabelVecEnv,
    MinimumRisk,
    PreferenceLearning,
    Robustness,
    Supervised,
    predict_labels,
)
from lingym.agents.episodic import EpisodicAlgorithm
from lingym.agents.out_of_memory import TextTooLarge, halving, is_out_of_memory
from lingym.envs import Dataset
from lingym.policies.distribution import LabelDistribution
from lingym.rewards import Accuracy, Preference

ERRORS = {
    "cuda": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    "cpu": RuntimeError(
        "[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory: "
        "you tried to allocate 99999999999 bytes. Error code 12 (Cannot allocate memory)"
    ),
    "cublas": RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"),
    "numpy": MemoryError("Unable to allocate 8.00 GiB for an array"),
}
AGENTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "supervised": (Supervised, {}),
    "balanced": (Supervised, {"class_weights": "balanced", "label_smoothing": 0.1}),
    "ppo": (PPO, {"samples": 2, "baseline": "leave-one-out", "n_epochs": 1}),
    "ppo_value": (PPO, {"n_epochs": 1, "kl_coef": 0.1, "ent_coef": 0.01}),
    "reinforce": (REINFORCE, {"samples": 2, "gold_coef": 0.5}),
    "delayed": (REINFORCE, {"samples": 2, "feedback_delay": 8}),
    "expected_reward": (ExpectedReward, {"ent_coef": 0.01}),
    "minimum_risk": (MinimumRisk, {"samples": 3, "ent_coef": 0.01}),
}
Make = Callable[..., EpisodicAlgorithm]


@pytest.fixture
def make(commands: Callable[..., Dataset], vec_env: Callable[..., LabelVecEnv]) -> Make:
    def make(name: str, **given: Any) -> EpisodicAlgorithm:
        kind, own = AGENTS[name]
        agent: EpisodicAlgorithm = kind(
            "LabelPolicy",
            vec_env(commands("tagging"), Accuracy(dense=True)),
            n_steps=8,
            batch_size=8,
            policy_kwargs={"encoder": "tiny"},
            seed=0,
            device="cpu",
            **{"learning_rate": 1e-3, **own, **given},
        )
        agent.policy.encoder.eval()  # dropout would differ from part to part
        return agent

    return make


@contextmanager
def room_for(
    agent: EpisodicAlgorithm, texts: int, error: Exception, grad: bool = False
) -> Iterator[list[int]]:
    """Let the encoder read so many texts at a time and no more; how many it was asked to read.

    Args:
        agent: whose policy.
        texts: the most.
        error: what is raised above it.
        grad: only where there is a gradient.
    """
    read, sizes = agent.policy.features, []

    def features(given: Any) -> Any:
        size = int(given.episode_of_window.max()) + 1
        sizes.append(size)
        if size > texts and (torch.is_grad_enabled() or not grad):
            raise error
        return read(given)

    agent.policy.features = features  # type: ignore[method-assign]
    try:
        yield sizes
    finally:
        del agent.policy.features  # type: ignore[attr-defined]


def gradient_of(agent: EpisodicAlgorithm, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The gradient of the one update of a run of 8 texts, before it is cut."""
    found: dict[str, Any] = {}

    def look(trained: Any, told: Any) -> float:
        for name, weight in agent.policy.named_parameters():
            if weight.grad is not None:
                found[name] = weight.grad.double().clone()
        return 1.0

    monkeypatch.setattr(agent, "_step", look)
    if isinstance(agent, Supervised):  # without dropout
        monkeypatch.setattr(agent.policy, "train", lambda mode=True: agent.policy)
    agent.learn(total_episodes=8)
    return found


def assert_close(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert {*one} == {*other}
    size = max(float(gradient.abs().max()) for gradient in one.values())
    assert size > 1e-4
    for name, gradient in one.items():
        torch.testing.assert_close(other[name], gradient, rtol=1e-3, atol=2e-6 * size, msg=name)


@pytest.mark.parametrize("room", [1, 4])
@pytest.mark.parametrize("name", AGENTS)
def test_the_gradient_is_that_of_the_whole_batch(
    make: Make, monkeypatch: pytest.MonkeyPatch, name: str, room: int
) -> None:
    # What is drawn must not depend on the order in which texts are labelled.
    monkeypatch.setattr(LabelDistribution, "sample", alternating)
    whole = gradient_of(make(name), monkeypatch)
    agent = make(name)
    said: list[str] = []
    agent.guard = Guard(tell=said.append)
    with room_for(agent, room, ERRORS["cuda"]) as sizes:
        parts = gradient_of(agent, monkeypatch)
    assert max(sizes) == 8 and sum(size <= room for size in sizes) >= 8 // room
    assert_close(whole, parts)
    (message,) = said
    assert "out of memory on a batch of 8 texts" in message


def alternating(self: LabelDistribution, count: int, generator: Any = None) -> torch.Tensor:
    """Labelings that differ, and depend on nothing but the text."""
    label = torch.arange(self.scores.shape[1]) % 3
    labels = torch.stack([(label + sample) % 5 for sample in range(count)])
    return self.ended(labels[:, None].expand(-1, len(self.scores), -1))


@pytest.mark.parametrize("name", ["reinforce", "minimum_risk", "expected_reward"])
def test_labels_that_were_judged_are_not_drawn_and_judged_again(
    make: Make, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    given = {"normalize_advantage": True} if name == "reinforce" else {}
    whole = gradient_of(make(name, **given), monkeypatch)
    agent = make(name, **given)
    agent.guard = Guard(tell=lambda _: None)
    backward, judged = agent.passes.backward, []
    rewards = agent._rewards

    def short(loss: Any) -> Any:
        if len(judged) == 1:
            judged.append(0)
            raise ERRORS["cuda"]
        return backward(loss)

    def judge(batch: Any, labels: Any) -> Any:
        judged.append(len(batch))
        return rewards(batch, labels)

    monkeypatch.setattr(agent.passes, "backward", short)
    monkeypatch.setattr(agent, "_rewards", judge)
    parts = gradient_of(agent, monkeypatch)
    assert judged == [8, 0]  # once, and then memory ran out
    assert_close(whole, parts)  # with normalised advantages, and what was really drawn


@pytest.mark.parametrize("words", ERRORS)
def test_whatever_says_so_is_heard(make: Make, words: str) -> None:
    agent = make("supervised")
    agent.guard = Guard(tell=lambda _: None)
    with room_for(agent, 4, ERRORS[words]):
        agent.learn(total_episodes=16)
    assert agent.guard.told_memory and agent.num_episodes == 16


def test_other_errors_are_errors(make: Make) -> None:
    agent = make("supervised")
    error = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    with room_for(agent, 4, error), pytest.raises(RuntimeError, match="cannot be multiplied"):
        agent.learn(total_episodes=8)
    assert not is_out_of_memory(ValueError("out of memory"))


@pytest.mark.parametrize("name", ["supervised", "ppo", "reinforce", "delayed"])
def test_one_text_that_does_not_fit_is_named(make: Make, name: str) -> None:
    agent = make(name)
    agent.guard = Guard(tell=lambda _: None)
    named = r"one text alone: synthetic:commands\[train\]:\d+"
    with room_for(agent, 0, ERRORS["cuda"]), pytest.raises(TextTooLarge, match=named):
        agent.learn(total_episodes=8)


@pytest.mark.parametrize("dropout", [False, True])
def test_ppo_labels_in_halves_too(make: Make, dropout: bool) -> None:
    agent = make("ppo", dropout=dropout, n_epochs=2)
    agent.guard = Guard(tell=lambda _: None)
    with room_for(agent, 3, ERRORS["cuda"]) as sizes:
        agent.learn(total_episodes=16)
    assert agent.num_episodes == 16 and min(sizes) <= 3


@pytest.mark.parametrize("settings", [{"r_drop": 1.0}, {"adversarial": "fgm"}])
def test_robust_training_is_halved_as_well(make: Make, settings: dict[str, Any]) -> None:
    agent = make("supervised", robust=Robustness(**settings))
    agent.guard = Guard(tell=lambda _: None)
    with room_for(agent, 4, ERRORS["cuda"]):
        agent.learn(total_episodes=8)
    assert agent.guard.told_memory


def test_the_reward_model_learns_in_halves(
    commands: Callable[..., Dataset], vec_env: Callable[..., LabelVecEnv]
) -> None:
    agent = PreferenceLearning(
        "LabelPolicy",
        vec_env(commands("tagging"), Preference(Accuracy(dense=True))),
        n_steps=8,
        batch_size=8,
        samples=2,
        comparisons=2,
        model_updates=2,
        policy_kwargs={"encoder": "tiny"},
        seed=0,
        device="cpu",
    )
    agent.guard = Guard(tell=lambda _: None)
    asked = []
    compare = agent.judge.compare
    agent.judge.compare = lambda a, b: asked.append(len(a.labels)) or compare(a, b)  # type: ignore
    read = agent.reward_model.scorer.features

    def features(given: Any) -> Any:
        if int(given.episode_of_window.max()) + 1 > 3:
            raise ERRORS["cuda"]
        return read(given)

    agent.reward_model.scorer.features = features  # type: ignore[method-assign]
    agent.learn(total_episodes=8)
    assert agent.guard.told_memory
    assert sum(asked) <= 16  # two pairs of each text, none of them twice
    assert agent.judge.spent == sum(asked)


def test_dev_is_measured_in_halves(make: Make) -> None:
    agent = make("supervised")
    dev = agent.label_env.episodes
    wanted = predict_labels(agent.policy, dev)
    with room_for(agent, 5, ERRORS["cuda"]) as sizes:
        assert np.array_equal(predict_labels(agent.policy, dev), wanted)
    assert max(sizes) > 5
    with room_for(agent, 0, ERRORS["cuda"]), pytest.raises(TextTooLarge, match="one text alone"):
        predict_labels(agent.policy, dev)


def test_halves_are_of_all_rows_once() -> None:
    done: list[int] = []

    def do(rows: Any) -> None:
        if len(rows) > 2:
            raise ERRORS["cuda"]
        done.extend(rows.tolist())

    halving(np.arange(11), do, lambda rows, error: None)
    assert done == list(range(11))
