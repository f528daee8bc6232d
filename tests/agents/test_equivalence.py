"""The proof of the design: an episode in one pass equals stock PPO stepping through it.

Stock PPO collects whole episodes by its own code, from an environment of one row (tagging) or
several (classification), into its own buffer. The same texts and labels then go through
`lingym.agents.PPO` with the same weights, and everything that learning depends on is compared.
Episodes that a label stops are shorter than their texts: how many steps hold whole episodes is
then found by a first rollout of the same seed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
import stable_baselines3
import torch
from torch import Tensor

from lingym.agents import PPO
from lingym.envs import Dataset
from lingym.policies import LabelPolicy
from tests.envs.every_task import every_task

PRECISION = 1e-5
EPISODES = 24
DISCOUNTS = {"gamma": 0.97, "gae_lambda": 0.9}
POLICIES: dict[str, dict[str, Any]] = {
    "plain": {},
    "constrained": {"constrained": True},
    "previous": {"history": "previous"},
    "previous, all labels": {"history": "previous", "constrained": False},
    "mean": {"pooling": "mean", "value_gradient": True},
    "previous, mean": {"history": "previous", "pooling": "mean", "value_gradient": True},
}
CASES = [
    (task, policy, tokens)
    for task in ("tagging", "classification")
    for policy in POLICIES
    for tokens in (64, 16)
    # one unit has no label before it, so classification has nothing to constrain
    if task == "tagging" or policy not in ("constrained", "previous, all labels")
]
OTHERS = [
    ("spanqa", "plain", 64),
    ("choice one by one", "plain", 64),
    ("summary", "plain", 64),
    ("multilabel", "plain", 64),
    ("slots and intent", "previous, mean", 16),
    ("mix", "previous", 64),
]
PLAIN = "0.7 * accuracy + 0.3 * cross_entropy"
REWARDS = {  # another than the task's own, where a random policy would hardly ever get it
    "tagging": PLAIN,
    "classification": PLAIN,
    "spanqa": "0.5 * squad_f1 + 0.5 * accuracy",
    "slots and intent": "by_kind(slot=0.5*accuracy, intent=0.5*accuracy)",
}
LOSSES: dict[str, dict[str, Any]] = {
    "plain": {"normalize_advantage": False},
    "normalised": {"normalize_advantage": True},
    "clipped values": {"normalize_advantage": True, "clip_range_vf": 0.3},
}
HEADS = ("label_head", "value_head", "transition", "value_transition")
SMALL = 1e-3  # of the whole gradient: one below it is what rounding leaves where terms cancel


@dataclass(frozen=True)
class Pair:
    """Stock PPO after collecting a rollout, and ours on the same texts and labels."""

    stock: stable_baselines3.PPO
    ours: PPO

    def flat(self, stepped: np.ndarray) -> np.ndarray:
        """An array of the stock buffer, [steps, rows], in the order of our real units."""
        return stepped.T.ravel()

    def units(self, played: Tensor) -> np.ndarray:
        """The real units of an array of our rollout."""
        return played[0][self.ours.rollout.mask[0]].numpy()


@pytest.fixture(scope="module")
def pair(
    commands: Callable[..., Dataset],
    vec_env: Callable[..., Any],
    randomise: Callable[[LabelPolicy, int], None],
) -> Callable[..., Pair]:
    @cache
    def make(task: str, name: str, tokens: int) -> Pair:
        old = task in ("tagging", "classification")
        dataset = commands(task, tokens) if old else every_task(task, windows=tokens == 16)
        several = tokens == 16 or task.startswith("choice")
        assert (dataset["train"].max_windows > 1) == several, "the case is not the one meant"
        rows = 3 if task == "classification" else 1
        reward = REWARDS.get(task)
        # The texts that a seed brings, in the order in which rows that end one by one get them.
        twin = vec_env(dataset, reward, rows).env
        first = twin.reset(seed=[5])[1]["example"]
        examples = np.concatenate([first, twin.sample(EPISODES - rows)])
        steps = int(twin.episodes.lengths[examples].sum()) // rows
        keep = dict(device="cpu", seed=5, policy_kwargs=POLICIES[name], **DISCOUNTS)

        def collected(steps: int) -> stable_baselines3.PPO:
            stock = stable_baselines3.PPO(
                LabelPolicy,
                vec_env(dataset, reward, rows),
                n_steps=steps,
                batch_size=steps * rows,
                n_epochs=1,
                **keep,
            )
            randomise(stock.policy, 3)
            _, callback = stock._setup_learn(steps * rows)
            stock.collect_rollouts(stock.env, callback, stock.rollout_buffer, steps)
            return stock

        stock = collected(steps)
        if dataset.space.stop is not None:
            starts = np.flatnonzero(stock.rollout_buffer.episode_starts[:, 0])
            assert len(starts) > EPISODES, "no label stopped an episode"
            stock = collected(int(starts[EPISODES]))
        assert bool(np.all(stock._last_episode_starts)), "the rollout must end with an episode"
        ours = PPO(LabelPolicy, vec_env(dataset, reward), **keep)
        ours.policy.load_state_dict(stock.policy.state_dict())

        ours._setup_learn(1)
        examples = examples.reshape(-1, rows).T.ravel()  # by row, then by step
        actions = stock.rollout_buffer.actions[..., 0].T.ravel()
        starts = stock.rollout_buffer.episode_starts.T.ravel().astype(bool)
        first = np.flatnonzero(starts)
        assert len(first) == EPISODES
        unit = np.arange(len(starts)) - first[starts.cumsum() - 1]
        labels = np.full((len(examples), int(twin.episodes.lengths[examples].max())), -1)
        labels[starts.cumsum() - 1, unit] = actions
        ours.rollout = ours.label_texts(examples, torch.from_numpy(labels)[None])
        return Pair(stock, ours)

    return make


@pytest.fixture(params=CASES, ids=[f"{t}-{p}-{n}" for t, p, n in CASES])
def case(request: pytest.FixtureRequest, pair: Callable[..., Pair]) -> Iterator[Pair]:
    """Both agents; their weights are put back afterwards."""
    yield from restored(pair(*request.param))


@pytest.fixture(params=OTHERS, ids=[f"{t}-{p}-{n}" for t, p, n in OTHERS])
def other(request: pytest.FixtureRequest, pair: Callable[..., Pair]) -> Iterator[Pair]:
    """Both agents on a further task."""
    yield from restored(pair(*request.param))


def restored(found: Pair) -> Iterator[Pair]:
    weights = {name: value.clone() for name, value in found.stock.policy.state_dict().items()}
    yield found
    for agent in (found.stock, found.ours):
        agent.policy.load_state_dict(weights)


def gradients(policy: LabelPolicy) -> dict[str, Tensor]:
    return {n: p.grad.clone() for n, p in policy.named_parameters() if p.grad is not None}


def relative(ours: Any, stock: Any) -> float:
    """The largest difference over the largest size."""
    assert ours.shape == stock.shape
    return float(abs(ours - stock).max() / abs(stock).max())


@pytest.mark.parametrize("array", ["log_probs", "values", "rewards", "advantages", "returns"])
def test_a_rollout_equals_stepping(case: Pair, array: str) -> None:
    stepped = case.flat(getattr(case.stock.rollout_buffer, array))
    assert np.abs(stepped).max() > 0.01
    assert relative(case.units(getattr(case.ours.rollout, array)), stepped) < PRECISION


def test_a_rollout_equals_stepping_in_other_tasks(other: Pair) -> None:
    for array in ("log_probs", "values", "rewards", "advantages", "returns"):
        stepped = other.flat(getattr(other.stock.rollout_buffer, array))
        assert np.abs(stepped).max() > 0.01
        assert relative(other.units(getattr(other.ours.rollout, array)), stepped) < PRECISION


@pytest.mark.parametrize("moved", [False, True], ids=["ratios 1", "ratios not 1"])
def test_the_gradient_equals_stock_training_in_other_tasks(
    other: Pair,
    moved: bool,
    shift: Callable[[LabelPolicy, int, float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of the whole gradient: with fewer labels to a text, more of each part cancels."""
    for agent in (other.stock, other.ours):
        if moved:
            shift(agent.policy, 11, 0.008)
        agent.ent_coef, agent.vf_coef, agent.max_grad_norm = 0.05, 0.7, 1e9
    monkeypatch.setattr(other.stock.policy.optimizer, "step", lambda *_: None)
    other.stock.train()
    theirs = gradients(other.stock.policy)
    other.ours.policy.zero_grad()
    loss, log = other.ours.loss(np.random.default_rng(0).permutation(EPISODES))
    loss.backward()
    for part in ("encoder", "label_head", "value_head", "transition", "value_transition"):
        ours, stock = (
            [gradient.flatten() for name, gradient in each.items() if name.startswith(part)]
            for each in (gradients(other.ours.policy), theirs)
        )
        if stock:
            whole = torch.cat(stock)
            assert whole.norm() > 1e-4, part
            assert (torch.cat(ours) - whole).norm() < 3 * PRECISION * whole.norm() + 1e-8, part
    found = other.stock.logger.name_to_value
    scale = abs(log["policy_gradient_loss"]) + log["value_loss"] + abs(log["entropy_loss"])
    for term in ("loss", "policy_gradient_loss", "value_loss", "entropy_loss", "approx_kl"):
        assert abs(log[term] - found[f"train/{term}"]) < PRECISION * scale, term


@pytest.mark.parametrize("moved", [False, True], ids=["ratios 1", "ratios not 1"])
@pytest.mark.parametrize("name", LOSSES)
def test_the_loss_and_its_gradient_equal_stock_training(
    case: Pair,
    name: str,
    moved: bool,
    shift: Callable[[LabelPolicy, int, float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if moved:  # the old log-probabilities and values are then other weights'
        for agent in (case.stock, case.ours):
            shift(agent.policy, 11, 0.008)
    for agent in (case.stock, case.ours):
        settings = {"clip_range_vf": None, **LOSSES[name]}
        limit = settings["clip_range_vf"]
        agent.clip_range_vf = None if limit is None else lambda _, limit=limit: limit
        agent.normalize_advantage = settings["normalize_advantage"]
        agent.ent_coef, agent.vf_coef, agent.max_grad_norm = 0.05, 0.7, 1e9
    theirs: dict[str, Tensor] = {}

    def record(*_: Any) -> None:
        for weight, parameter in case.stock.policy.named_parameters():
            assert parameter.grad is not None, weight
            assert weight not in theirs, "stock training took more than one step"
            theirs[weight] = parameter.grad.clone()

    monkeypatch.setattr(case.stock.policy.optimizer, "step", record)
    case.stock.train()

    case.ours.policy.zero_grad()
    loss, log = case.ours.loss(np.random.default_rng(0).permutation(EPISODES))
    loss.backward()

    assert theirs.keys() == {name for name, _ in case.ours.policy.named_parameters()}
    whole = torch.cat([gradient.flatten() for gradient in theirs.values()]).norm()
    for weight, parameter in case.ours.policy.named_parameters():
        assert parameter.grad is not None, weight
        difference = (parameter.grad - theirs[weight]).norm()
        assert difference < PRECISION * max(theirs[weight].norm(), SMALL * whole), weight
        assert not weight.startswith(HEADS) or theirs[weight].norm() > 1e-3, weight

    stock = case.stock.logger.name_to_value
    scale = abs(log["policy_gradient_loss"]) + log["value_loss"] + abs(log["entropy_loss"])
    for part in ("loss", "policy_gradient_loss", "value_loss", "entropy_loss", "approx_kl"):
        assert abs(log[part] - stock[f"train/{part}"]) < PRECISION * scale, part
    assert log["clip_fraction"] == pytest.approx(stock["train/clip_fraction"], abs=1e-7)
    assert (0 < log["clip_fraction"] < 1) == moved
