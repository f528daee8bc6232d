"""Gradients of estimators beside the exact one, each asked for many times over."""

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lingym.agents import PPO, REINFORCE, ExpectedReward, LabelVecEnv, MinimumRisk
from lingym.agents.episodic import EpisodicAlgorithm
from lingym.envs import Dataset, LabelVectorEnv
from lingym.policies import LabelPolicy
from lingym.rewards import Reward, from_spec
from lingym.rewards.wrapper import Wrapper
from lingym.scripts.bench_gradients import Gradients
from lingym.scripts.train import Train
from lingym.scripts.training import make_agent, read
from lingym.types import FloatArray, IntArray, Labelings, LabelSpace

SETTLING = 8
"""Calls before the first that counts: the running mean of returns must have begun."""

LEARNED_FROM = 512
"""Texts that a reward with running counts has seen labelled."""


class Held(Wrapper):
    """A reward as it is: labelings that are drawn to measure do not move what it has learned."""

    def __post_init__(self) -> None:
        """Bear the name of the reward inside."""
        super().__post_init__()
        self.name = self.reward.name

    def observe(self, labelings: Labelings) -> None:
        """Take no note."""

    def score(self, labelings: Labelings) -> FloatArray:
        """The score inside, float64 [B]."""
        return self.reward.score(labelings)

    def steps(self, labelings: Labelings) -> FloatArray:
        """The step rewards inside, float64 [B, U]."""
        return self.reward.steps(labelings)

    def table(self, labelings: Labelings, count: int) -> FloatArray | None:
        """The table inside, float64 [B, U, K]."""
        return self.reward.table(labelings, count)


class AtTheEnd(Held):
    """The same score, paid when the labelling is complete."""

    def bind(self, space: LabelSpace) -> None:
        """Be sparse whatever is inside."""
        super().bind(space)
        self.sparse = True

    def score(self, labelings: Labelings) -> FloatArray:
        """The score of a complete labelling, float64 [B]; 0 before."""
        return np.where(self.scored(labelings), self.reward.score(labelings), 0.0)

    def steps(self, labelings: Labelings) -> FloatArray:
        """The score at each last unit, float64 [B, U]."""
        return Reward.steps(self, labelings)


@dataclass(frozen=True)
class Estimator:
    """An agent whose loss gives a gradient: its class, its arguments, and when it is paid."""

    name: str
    kind: type[EpisodicAlgorithm]
    settings: dict[str, Any]
    at_the_end: bool = False


def estimators(samples: int, alphas: Sequence[float], dense: bool) -> Iterator[Estimator]:
    """What is measured, with so many labelings of a text."""
    shared = {"samples": samples}
    for baseline in ("none", "mean", "greedy", "leave-one-out", "group"):
        yield Estimator(f"reinforce {baseline}", REINFORCE, {**shared, "baseline": baseline})
    if dense:
        for baseline in ("none", "leave-one-out"):
            settings = {**shared, "baseline": baseline}
            yield Estimator(f"reinforce {baseline}, at the end", REINFORCE, settings, True)
    yield Estimator("ppo leave-one-out, normalised", PPO, {**shared, "baseline": "leave-one-out"})
    for alpha in alphas:
        yield Estimator(f"minimum risk, alpha {alpha:g}", MinimumRisk, {**shared, "alpha": alpha})


def measure(arguments: Gradients) -> dict[str, Any]:
    """The policy that is measured, and a row for each estimator.

    Returns:
        In a row, of gradients g beside the exact g*: ``error`` E|g - g*|^2 / |g*|^2 with its
        ``standard_error``; ``bias`` |E g - g*| / |g*|, less what the ``noise`` of the mean gradient
        makes of it; ``scale`` <E g, g*> / |g*|^2; ``rescaled``, the error of c g with the best c;
        ``cosine`` E cos(g, g*) and ``direction`` cos(E g, g*), also less the noise; ``seconds`` of
        a gradient, and its ``cost`` in exact gradients. Means over the minibatches.
    """
    torch.set_num_threads(arguments.threads)
    dataset, policy = _policy(arguments)
    texts = len(dataset["train"])
    wanted = arguments.batches * arguments.batch_size
    if texts < wanted:
        raise ValueError(f"{arguments.data} has {texts} texts: wanted {wanted} for the minibatches")
    order = np.random.default_rng(arguments.seed).permutation(texts)[:wanted].astype(np.int32)
    batches = order.reshape(arguments.batches, -1)
    parameters = _parameters(policy, arguments.head_only)
    agents = _Agents(dataset, policy, arguments.reward, arguments.seed)
    known = agents.make(Estimator("exact", ExpectedReward, {}))
    expected = [known.loss(known.label_env.episodes.batch(batch))[1] for batch in batches]
    rows = []
    for samples in arguments.samples:
        for estimator in estimators(samples, arguments.alpha, not known.label_env.reward.sparse):
            agent = agents.make(estimator)
            for _ in range(SETTLING):
                _gradient(agent, batches[0], parameters)
            compared = [
                _compare(agent, known, batch, parameters, arguments.repetitions)
                for batch in batches
            ]
            rows.append({"estimator": estimator.name, "samples": samples, **_mean(compared)})
    return {
        "data": Path(arguments.data).name,
        "reward": arguments.reward,
        "expected_reward": round(float(np.mean([log["expected_reward"] for log in expected])), 4),
        "entropy": round(-float(np.mean([log["entropy_loss"] for log in expected])), 4),
        "texts": wanted,
        "units": int(dataset["train"].lengths[order].sum()),
        "labels": len(dataset.space),
        "parameters": sum(parameter.numel() for parameter in parameters),
        "repetitions": arguments.repetitions,
        "seed": arguments.seed,
        "estimators": rows,
    }


def _policy(arguments: Gradients) -> tuple[Dataset, LabelPolicy]:
    """The texts, and the policy that is measured: a run's, or one trained here."""
    generated = arguments.data.startswith(("synthetic:", "hf:"))
    plan = Train(
        out=Path(),
        task=arguments.task,
        corpus=arguments.data if generated else None,
        train=None if generated else arguments.data,
        reading=arguments.reading,
        max_tokens=arguments.max_tokens,
        agent="supervised",
        reward=arguments.reward,
        encoder=arguments.encoder or (None if arguments.warm_start else "tiny"),
        warm_start=arguments.warm_start,
        history=arguments.history,
        learning_rate=arguments.learning_rate,
        batch_size=arguments.batch_size,
        seed=arguments.seed,
        device=arguments.device,
    )
    dataset = read(plan)
    agent = make_agent(plan, dataset)
    agent.tensorboard_log = None
    if arguments.warm_start is None and arguments.warm_up:
        agent.learn(total_episodes=arguments.warm_up, log_interval=None)
    return dataset, agent.policy


def _parameters(policy: LabelPolicy, head_only: bool) -> list[nn.Parameter]:
    """Those that the gradient is taken of; the value head is no part of it."""
    if head_only:
        policy.encoder.requires_grad_(False)
    return [
        parameter
        for name, parameter in policy.named_parameters()
        if parameter.requires_grad and not name.startswith("value")
    ]


class _Agents:
    """Agents that share one policy and the same texts."""

    def __init__(self, dataset: Dataset, policy: LabelPolicy, reward: str, seed: int) -> None:
        self.policy, self.seed, self.count = policy, seed, 0
        inside = from_spec(reward)
        env = LabelVectorEnv(dataset=dataset, reward=inside)
        some = range(min(LEARNED_FROM, len(env.episodes)))
        for start in some[::32]:  # a reward that learns has then seen the policy
            batch = env.episodes.batch(some[start : start + 32])
            env.play(policy.label(batch, deterministic=False), batch)
        self.envs = [
            LabelVecEnv(LabelVectorEnv(dataset=dataset, reward=one))
            for one in (Held(inside), AtTheEnd(inside))
        ]

    def make(self, estimator: Estimator) -> Any:
        """The agent of an estimator, with a seed of its own."""
        agent = estimator.kind(
            *("LabelPolicy", self.envs[estimator.at_the_end]),
            **estimator.settings,
            seed=self.seed + self.count,
            device=self.policy.device,
        )
        agent._setup_learn(1)
        agent.policy = self.policy
        self.count += 1
        return agent


def _gradient(
    agent: Any, examples: IntArray, parameters: Sequence[nn.Parameter]
) -> tuple[Tensor, float]:
    """The flat gradient of an agent's loss on these texts, and the seconds that it took."""
    began = time.perf_counter()
    if isinstance(agent, PPO):
        agent.rollout = agent.label_texts(examples)
        loss, _ = agent.loss(np.arange(len(examples)))
    else:
        loss, _ = agent.loss(agent.label_env.episodes.batch(examples))
    parts = torch.autograd.grad(loss, parameters, allow_unused=True)
    flat = [
        torch.zeros_like(parameter).flatten() if part is None else part.flatten()
        for parameter, part in zip(parameters, parts, strict=True)
    ]
    gradient = torch.cat(flat)
    if gradient.is_cuda:
        torch.cuda.synchronize()
    return gradient, time.perf_counter() - began


def _compare(
    agent: Any, known: Any, examples: IntArray, parameters: Sequence[nn.Parameter], count: int
) -> dict[str, float]:
    """The figures of `measure` on one minibatch; of the gradients no more than a mean is kept."""
    exact, _ = _gradient(known, examples, parameters)
    size = float(exact.norm())
    right = exact / size
    mean = torch.zeros_like(right, dtype=torch.float64)
    errors, powers, along, seconds, clock = [], [], [], [], []
    for place in range(count):
        gradient, taken = _gradient(agent, examples, parameters)
        gradient /= size
        mean += gradient / count
        errors.append(float((gradient - right).square().sum()))
        powers.append(float(gradient.square().sum()))
        along.append(float(gradient @ right))
        seconds.append(taken)
        if place % 4 == 0:  # side by side, so that another program's work slows both
            clock.append(_gradient(known, examples, parameters)[1])
    power = statistics.fmean(powers)
    variance = (power - float(mean.square().sum())) * count / (count - 1)
    cosines = [a / p**0.5 if p else 0.0 for a, p in zip(along, powers, strict=True)]
    return {
        "error": statistics.fmean(errors),
        "standard_error": statistics.stdev(errors) / count**0.5,
        "bias": float((mean - right).square().sum()) - variance / count,
        "noise": variance / count,
        "scale": statistics.fmean(along),
        "power": power,
        "variance": variance,
        "cosine": statistics.fmean(cosines),
        "seconds": statistics.median(seconds),
        "cost": statistics.median(seconds) / statistics.median(clock),
    }


def _mean(compared: Sequence[dict[str, float]]) -> dict[str, float]:
    """The means over minibatches; then roots of squares, and what is made of several figures."""
    means = {name: statistics.fmean(one[name] for one in compared) for name in compared[0]}
    power, variance, scale = means.pop("power"), means.pop("variance"), means["scale"]
    spread = sum(one["standard_error"] ** 2 for one in compared) ** 0.5
    return means | {
        "standard_error": spread / len(compared),
        "rescaled": 1 - scale**2 / power,
        "direction": scale / max(power - variance, 1e-12) ** 0.5,
        "bias": max(0.0, means["bias"]) ** 0.5,
        "noise": means["noise"] ** 0.5,
    }
