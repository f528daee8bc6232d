"""Stock DQN trains action values on our environments, as it is."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3 import DQN
from stable_baselines3.common.buffers import DictReplayBuffer

from lingym.agents import LabelVecEnv, evaluate
from lingym.envs import (
    Classification,
    Dataset,
    LabelEnv,
    LabelVectorEnv,
    MultipleChoice,
    SlotsAndIntent,
    SpanQA,
    Tagging,
    build,
    load_corpus,
)
from lingym.policies import LabelQPolicy

TASKS: dict[str, Callable[[], Any]] = {
    "tagging": Tagging,
    "classification": Classification,
    "choice": MultipleChoice,
    "choice one by one": lambda: MultipleChoice(sequential=True),
    "slots and intent": SlotsAndIntent,
    "spanqa": SpanQA,
}
FAST: dict[str, Any] = {"learning_rate": 1e-3, "batch_size": 32, "train_freq": 1, "gamma": 1.0}
SMALL: dict[str, Any] = {"buffer_size": 600, "learning_starts": 16, "target_update_interval": 32}
# Labels that mean nothing are not tried: see LabelQPolicy.
WITHIN_RULES: dict[str, Any] = {
    "exploration_initial_eps": 0.0,
    "exploration_final_eps": 0.0,
    "learning_starts": 0,
    "policy_kwargs": {"epsilon": 0.5},
}


class Witness(LabelVecEnv):
    """Counts the actions that mean nothing, and keeps every transition."""

    def __init__(self, env: LabelVectorEnv) -> None:
        super().__init__(env)
        self.meaningless = 0
        self.seen: list[tuple[Any, ...]] = []

    def step_async(self, actions: np.ndarray) -> None:
        rows = np.arange(self.num_envs)
        self.meaningless += int((~self.env.game.meaningful()[rows, actions]).sum())
        super().step_async(actions)

    def step_wait(self) -> Any:
        before = self.env.game.observe(np.arange(self.num_envs))
        observation, rewards, done, infos = super().step_wait()
        after = {name: value.copy() for name, value in observation.items()}
        for row in np.flatnonzero(done):
            for name, value in infos[row]["terminal_observation"].items():
                after[name][row] = value
        self.seen.append((before, self._actions.copy(), rewards.copy(), done.copy(), after))
        return observation, rewards, done, infos


@cache
def dataset_of(task: str) -> Dataset:
    made = TASKS[task]()
    return build(made, load_corpus(f"{made.corpus}?train=24&dev=6&test=6"), max_tokens=128)


def vector(task: str, rows: int = 4) -> Witness:
    return Witness(LabelVectorEnv(dataset=dataset_of(task), num_envs=rows))


def dqn(env: Any, **given: Any) -> DQN:
    settings = {**FAST, **SMALL, "seed": 0, "device": "cpu", **given}
    policy: dict[str, Any] = {"encoder": "tiny", **settings.pop("policy_kwargs", {})}
    return DQN(LabelQPolicy, env, policy_kwargs=policy, **settings)


def weights(agent: DQN) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in agent.policy.state_dict().items()}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("single", [False, True])
def test_trains_saves_and_loads(tmp_path: Path, task: str, single: bool) -> None:
    env: Any = LabelEnv(dataset=dataset_of(task)) if single else vector(task)
    agent = dqn(env, batch_size=8, train_freq=4 if single else 1)
    before = weights(agent)
    agent.learn(64)
    after = weights(agent)
    assert agent.num_timesteps == 64
    for network in ("q_net", "q_net_target"):
        moved = {name for name, value in before.items() if not torch.equal(value, after[name])}
        assert f"{network}.label_head.weight" in moved
        assert any(name.startswith(f"{network}.encoder.encoder.layer.0") for name in moved)
    assert all(torch.isfinite(value).all() for value in after.values())
    assert agent.ep_info_buffer is not None
    assert all(0 <= episode["r"] <= 1 for episode in agent.ep_info_buffer)

    agent.save(tmp_path / "agent")
    again = DQN.load(tmp_path / "agent", env=env, device="cpu")
    observation = vector(task).reset()
    actions, _ = agent.predict(observation, deterministic=True)
    assert np.array_equal(again.predict(observation, deterministic=True)[0], actions)
    assert all(torch.equal(value, after[name]) for name, value in weights(again).items())
    again.learn(8, reset_num_timesteps=False)  # with the optimiser's state


@pytest.mark.parametrize("task", TASKS)
def test_the_buffer_holds_what_happened(task: str) -> None:
    """Integers stay integers, an episode's last observation is its own, and nothing times out."""
    env = vector(task)
    agent = dqn(env, learning_starts=1000)
    agent.learn(120)
    buffer = agent.replay_buffer
    assert isinstance(buffer, DictReplayBuffer)
    assert buffer.pos == len(env.seen) == 30
    for place, (before, actions, rewards, done, after) in enumerate(env.seen):
        assert np.array_equal(buffer.actions[place, :, 0], actions)
        assert np.array_equal(buffer.rewards[place], rewards)
        assert np.array_equal(buffer.dones[place], done)
        for name in before:
            assert buffer.observations[name].dtype == np.int32
            assert np.array_equal(buffer.next_observations[name][place], after[name])
    assert buffer.dones.sum() > 4
    assert (buffer.timeouts == 0).all()
    last = buffer.next_observations["labels"][:30][buffer.dones[:30] == 1]
    assert (last[:, 0] >= 0).all()  # not the first observation of the next text


@pytest.mark.parametrize("task", ["spanqa", "choice one by one", "slots and intent"])
def test_a_target_takes_the_best_label_that_means_something(
    monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    """One update against Q-learning by definition, transition by transition."""
    env = vector(task)
    agent = dqn(env, **{**WITHIN_RULES, "learning_starts": 1000, "gamma": 0.9})
    agent.learning_starts = 0  # after construction, so that nothing is trained before it is asked
    agent.gradient_steps = 0
    agent.learn(80)
    assert env.meaningless == 0
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in agent.policy.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    buffer: Any = agent.replay_buffer
    sample = buffer.sample(24)
    monkeypatch.setattr(buffer, "sample", lambda size, env: sample)
    seen: list[Any] = []
    own = torch.nn.functional.smooth_l1_loss

    def witness(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        seen.append((found.detach().clone(), wanted.clone()))
        return own(found, wanted)

    monkeypatch.setattr(torch.nn.functional, "smooth_l1_loss", witness)
    # By hand: the raw scores of both networks, and the masks that the game wrote down.
    policy: Any = agent.policy
    with torch.no_grad():
        now = policy.q_net.scores_here(policy.q_net.look(sample.observations))
        after = policy.q_net_target.scores_here(policy.q_net_target.look(sample.next_observations))
    values, targets, tempted = [], [], 0
    for row in range(24):
        allowed = sample.next_observations["allowed"][row].bool()
        best = max(float(q) for q, a in zip(after[row], allowed, strict=True) if a)
        over = bool(sample.dones[row, 0])
        targets.append(float(sample.rewards[row, 0]) + (0.0 if over else 0.9 * best))
        values.append(float(now[row, int(sample.actions[row, 0])]))
        real = after[row][after[row] > -1e7]
        tempted += not over and float(real.max()) > best
    assert tempted or task == "spanqa"  # a forbidden label looked better
    assert 0 < sample.dones.sum() < 24
    agent.train(gradient_steps=1, batch_size=24)
    found, wanted = seen[0]
    torch.testing.assert_close(found[:, 0], torch.tensor(values), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(wanted[:, 0], torch.tensor(targets), rtol=1e-4, atol=1e-4)


def test_exploration_by_the_policy_keeps_the_rules_and_that_of_dqn_does_not() -> None:
    strict, loose = vector("choice one by one"), vector("choice one by one")
    dqn(strict, **WITHIN_RULES, train_freq=4).learn(120)
    assert strict.meaningless == 0
    agent = dqn(loose, exploration_fraction=1.0, train_freq=4)
    agent.learn(120)
    assert loose.meaningless > 3
    # It harms the loss that is logged, and nothing else: such a label has no gradient.
    agent.train(gradient_steps=1, batch_size=256)
    assert agent.logger.name_to_value["train/loss"] > 1e5
    assert all(value.abs().max() < 10 for value in weights(agent).values())


def test_one_environment_may_train_by_the_episode() -> None:
    agent = dqn(LabelEnv(dataset=dataset_of("tagging")), train_freq=(2, "episode"))
    agent.learn(80)
    assert agent.num_timesteps >= 80
    assert 2 <= agent._n_updates < 40


def test_one_seed_gives_one_result() -> None:
    def trained(seed: int) -> dict[str, torch.Tensor]:
        return weights(dqn(vector("slots and intent"), seed=seed).learn(120))

    first, second, other = trained(3), trained(3), trained(4)
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert not torch.equal(first["q_net.label_head.weight"], other["q_net.label_head.weight"])


LEARNING: dict[str, Any] = {
    "buffer_size": 4000,
    "learning_starts": 200,
    "target_update_interval": 100,
    "exploration_fraction": 0.5,
}


@pytest.mark.slow
@pytest.mark.parametrize(("history", "gamma"), [("none", 0.0), ("none", 1.0), ("previous", 1.0)])
def test_the_identity_labelling_is_learned(identity: Dataset, history: str, gamma: float) -> None:
    env = LabelVecEnv(LabelVectorEnv(dataset=identity, reward="accuracy", num_envs=8))
    agent = dqn(env, **LEARNING, gamma=gamma, policy_kwargs={"history": history})
    policy: Any = agent.policy
    assert evaluate(policy, identity["train"])["accuracy"] < 0.6
    agent.learn(3000)
    assert evaluate(policy, identity["train"])["accuracy"] >= 0.95


@pytest.mark.slow
def test_a_classification_is_learned() -> None:
    dataset = dataset_of("classification")
    env = LabelVecEnv(LabelVectorEnv(dataset=dataset, reward="accuracy", num_envs=8))
    agent = dqn(env, **LEARNING)
    policy: Any = agent.policy
    before = evaluate(policy, dataset["train"])["accuracy"]
    agent.learn(3000)
    assert before < 0.5
    assert evaluate(policy, dataset["train"])["accuracy"] >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("sequential", [False, True])
def test_a_choice_is_learned(tmp_path: Path, sequential: bool) -> None:
    """Of two to four choices the right one says so; the rules hold throughout."""
    random = np.random.default_rng(0)
    file = tmp_path / "train.jsonl"
    with file.open("w") as out:
        for _ in range(48):
            count = int(random.integers(2, 5))
            right = int(random.integers(count))
            choices = ["right" if place == right else "wrong" for place in range(count)]
            choices = [f"{choice} {random.integers(9)}" for choice in choices]
            row = {"question": "which one ?", "choices": choices, "answer": right}
            out.write(json.dumps(row) + "\n")
    dataset = build(MultipleChoice(sequential=sequential), load_corpus(train=str(file)))
    env = Witness(LabelVectorEnv(dataset=dataset, num_envs=8))
    agent = dqn(env, **{**LEARNING, **WITHIN_RULES})
    agent.learn(2000)
    policy: Any = agent.policy
    assert evaluate(policy, dataset["train"])["accuracy"] >= 0.95
    assert env.meaningless == 0
