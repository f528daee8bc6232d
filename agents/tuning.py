"""Tuning a trained labeller: the plain search, and agents that learn to tune."""

import time
from dataclasses import dataclass
from typing import Any, Literal, get_args

import gymnasium
import numpy as np
from stable_baselines3 import PPO, SAC

from lingym.agents.sarsa import SARSA
from lingym.envs.tuning import Parameters, ParameterTuningEnv, Scores, measure
from lingym.envs.tuning.measures import Metric
from lingym.types import FloatArray

Tuner = Literal["search", "sarsa", "ppo", "sac"]
TUNERS: tuple[Tuner, ...] = get_args(Tuner)
POINTS = 100.0
"""Agents learn from the gain in points (hundredths), which is about 1 and not about .01."""


@dataclass(frozen=True)
class Tuning:
    """What is tuned, for which metric, and how the environment moves it.

    Attributes:
        parameters: kinds of parameters; see `lingym.envs.tuning.Parameters.of`.
        metric: its name, or a function of labelings; None takes the usual one of the labels.
        batch_size: texts of a training episode.
        horizon: steps of an episode.
        step_size: the most that a parameter moves in a step.
        limit: the most that it moves in all.
        subspace_size: directions of parameters of kind ``subspace``.
        subspace_seed: what draws them.
    """

    parameters: str = "bias"
    metric: Metric | None = None
    batch_size: int = 256
    horizon: int = 20
    step_size: float = 0.5
    limit: float = 3.0
    subspace_size: int = 4
    subspace_seed: int = 0

    def of(self, scores: Scores) -> Parameters:
        """The parameters."""
        return Parameters.of(scores, self.parameters, self.subspace_size, self.subspace_seed)

    def env(self, scores: Scores, discrete: bool, whole: bool = False) -> ParameterTuningEnv:
        """The environment on these texts; `whole` makes one batch of all of them."""
        return ParameterTuningEnv(
            *(scores, self.parameters, self.metric),
            batch_size=len(scores) if whole else self.batch_size,
            horizon=self.horizon,
            step_size=self.step_size,
            limit=self.limit,
            discrete=discrete,
            subspace_size=self.subspace_size,
            subspace_seed=self.subspace_seed,
        )

    def evaluate(self, scores: Scores, values: FloatArray) -> float:
        """The metric of the labeller with these values, on these texts."""
        return measure(scores, self.metric)(self.of(scores).labels(scores, values))


def threshold_search(
    scores: Scores, tuning: Tuning, points: int = 25, rounds: int = 4
) -> tuple[FloatArray, float]:
    """The plain way: one parameter after another takes the best value of a grid.

    From the untouched labeller on, until a round through all parameters changes nothing. Of equally
    good values the one nearest to 0 is taken.

    Args:
        scores: the texts.
        tuning: the parameters, their limit and the metric.
        points: values of the grid, from -limit to limit.
        rounds: rounds at the most.

    Returns:
        The values [n], and their metric.
    """
    if points < 2 or rounds < 1:
        raise ValueError(f"points {points}, rounds {rounds}: wanted 2 and 1, or more")
    parameters, score = tuning.of(scores), measure(scores, tuning.metric)
    grid = np.linspace(-tuning.limit, tuning.limit, points)
    grid = grid[np.argsort(np.abs(grid), kind="stable")]
    values = np.zeros(len(parameters))
    best = score(parameters.labels(scores, values))
    for _ in range(rounds):
        before = values.copy()
        for place in range(len(values)):
            for value in grid:
                tried = values.copy()
                tried[place] = value
                if (now := score(parameters.labels(scores, tried))) > best:
                    values, best = tried, now
        if np.array_equal(values, before):
            break
    return values, best


def train_tuner(
    tuner: Tuner, scores: Scores, tuning: Tuning, steps: int, seed: int = 0
) -> SARSA | PPO | SAC:
    """An agent that has learnt to tune on random batches of these texts.

    Args:
        tuner: ``sarsa`` moves one parameter a step; ``ppo`` and ``sac``, Stable-Baselines3's own,
            move all.
        scores: the texts.
        tuning: the environment.
        steps: to learn for.
        seed: of the batches and of the agent.

    Raises:
        ValueError: search is no agent.
    """
    if tuner not in ("sarsa", "ppo", "sac"):
        raise ValueError(f"no agent {tuner!r}: choose sarsa, ppo or sac")
    plain = tuning.env(scores, discrete=tuner == "sarsa")
    env = gymnasium.wrappers.TransformReward(plain, _in_points)
    if tuner == "sarsa":
        sarsa = SARSA(env, learning_rate=0.2, final_learning_rate=0.0, lambda_=0.9, seed=seed)
        return sarsa.learn(steps)
    # One way through an episode is all that the return is made of: no discount.
    shared: dict[str, Any] = {"gamma": 1.0, "seed": seed, "device": "cpu"}
    if tuner == "ppo":
        rollout = 20 * tuning.horizon
        ppo = PPO("MlpPolicy", env, n_steps=rollout, batch_size=rollout // 4, **shared)
        return ppo.learn(steps)
    nets = {"net_arch": [64, 64]}
    sac = SAC("MlpPolicy", env, policy_kwargs=nets, learning_starts=20 * tuning.horizon, **shared)
    return sac.learn(steps)


def _in_points(reward: Any) -> float:
    return POINTS * float(reward)


def choose(agent: SARSA | PPO | SAC, scores: Scores, tuning: Tuning) -> tuple[FloatArray, float]:
    """The best values on the way that an agent takes through all of these texts at once.

    The agent acts greedily and sees no gold label; which step of its way is kept, the untouched
    labeller at its beginning included, is chosen by the metric here.

    Returns:
        The values [n], and their metric here.
    """
    env = tuning.env(scores, discrete=isinstance(agent, SARSA), whole=True)
    # In the texts' own order: nothing is drawn.
    observation, info = env.reset(options={"texts": np.arange(len(scores))})
    best, values, done = info["metric"], info["values"], False
    while not done:
        action, _ = agent.predict(observation, deterministic=True)
        observation, _, done, _, info = env.step(action)
        if info["metric"] > best:
            best, values = info["metric"], info["values"]
    return values, best


@dataclass(frozen=True)
class Result:
    """What one way of tuning came to.

    Attributes:
        tuner: ``untouched``, or who tuned.
        seed: of the agent; None where nothing is drawn.
        dev: the metric on the texts by which the values were chosen.
        test: the metric on the test texts, asked for once.
        values: the parameters' values.
        seconds: of learning and choosing.
    """

    tuner: str
    seed: int | None
    dev: float
    test: float
    values: list[float]
    seconds: float


def compare(
    dev: Scores,
    test: Scores,
    tuning: Tuning,
    tuners: tuple[Tuner, ...] = TUNERS,
    *,
    train: Scores | None = None,
    steps: int = 20_000,
    seeds: tuple[int, ...] = (0,),
) -> list[Result]:
    """The untouched labeller, plain search, and agents, on the same labelled texts.

    The search has all of dev. An agent learns on `train` and chooses on dev; without `train` it
    learns on a random half of dev, which the seed draws, and chooses on the other half, so that no
    one sees more gold labels than the search.

    Args:
        dev: texts that the labeller did not learn from.
        test: texts that nothing is chosen by.
        tuning: the parameters, the metric and the environment.
        tuners: the ways to tune.
        train: more texts for the agents, best ones that the labeller did not learn from either.
        steps: each agent's.
        seeds: one agent each.
    """
    nothing = np.zeros(len(tuning.of(dev)))
    results = [_result("untouched", None, dev, test, tuning, nothing, 0.0)]
    for tuner in tuners:
        for seed in [None] if tuner == "search" else seeds:
            began = time.monotonic()
            judged = dev
            if seed is None:
                values, _ = threshold_search(dev, tuning)
            else:
                learnt = train
                if learnt is None:
                    learnt, judged = dev.halves(np.random.default_rng(seed))
                values, _ = choose(train_tuner(tuner, learnt, tuning, steps, seed), judged, tuning)
            seconds = time.monotonic() - began
            results.append(_result(tuner, seed, judged, test, tuning, values, seconds))
    return results


def _result(
    tuner: str,
    seed: int | None,
    dev: Scores,
    test: Scores,
    tuning: Tuning,
    values: FloatArray,
    seconds: float,
) -> Result:
    chosen, final = tuning.evaluate(dev, values), tuning.evaluate(test, values)
    return Result(tuner, seed, chosen, final, values.tolist(), round(seconds, 2))
