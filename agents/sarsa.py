"""SARSA(lambda), with a table or with linear function approximation over binary features.

Sutton and Barto (2018), Reinforcement Learning: An Introduction, chapters 10 and 12,
http://incompleteideas.net/book/the-book-2nd.html. Sizes: A actions, F features, m active ones.
"""

import json
from pathlib import Path
from typing import Any, Literal, Self, get_args

import gymnasium
import numpy as np
import numpy.typing as npt
import torch
from gymnasium import spaces

from lingym.agents.features import FeatureMap, default_features, from_dict, to_dict
from lingym.agents.guard import Guard
from lingym.agents.npz import load_npz
from lingym.reading import parse_json, wanted
from lingym.types import Rows

Weights = npt.NDArray[np.float64]
Traces = Literal["true-online", "accumulating", "replacing"]
LARGEST = 1e100  # of a number that is learned from: beyond it weights would soon be infinite
SHARES = (
    *("gamma", "lambda_", "exploration_fraction"),
    *("exploration_initial_eps", "exploration_final_eps"),
)


class SARSA:
    """On-policy control: action values under the epsilon-greedy policy that they define.

    Names follow Stable-Baselines3 where it has one. The value of an action is the sum of its
    weights over the active features; the learning rate is divided by their number, so that 1 would
    move a value all the way to its target. A terminated episode is worth nothing beyond its end; a
    truncated one is worth the value of its last state and action.

    Args:
        env: discrete actions; observations discrete, or a bounded box of one axis. None: only
            `predict`, after `load`.
        features: of states; None takes a table or tiles, by the observation space.
        learning_rate: at first.
        final_learning_rate: at the end, reached in a line; None keeps the first.
        gamma: the discount.
        lambda_: how far back an error reaches: 0 to the last step only, 1 to the first.
        traces: ``true-online`` (van Seijen et al., 2016, http://jmlr.org/papers/v17/15-599.html),
            ``accumulating`` or ``replacing``.
        exploration_fraction: the part of learning in which epsilon falls.
        exploration_initial_eps: epsilon, the share of random actions, at first.
        exploration_final_eps: epsilon from then on.
        seed: of the actions; the environment's first episode gets it too.

    Attributes:
        guard: what happens to a reward or value that is NaN or infinite; it is not saved.

    Raises:
        ValueError: a number out of its range.
        TypeError: spaces that it cannot learn on.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        features: FeatureMap | None = None,
        *,
        learning_rate: float = 0.1,
        final_learning_rate: float | None = None,
        gamma: float = 1.0,
        lambda_: float = 0.9,
        traces: Traces = "true-online",
        exploration_fraction: float = 0.5,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.05,
        seed: int | None = None,
    ) -> None:
        if not isinstance(env.action_space, spaces.Discrete):
            raise TypeError(f"SARSA needs discrete actions, got {env.action_space}")
        self._settings: dict[str, Any] = {
            "learning_rate": learning_rate,
            "final_learning_rate": final_learning_rate,
            "gamma": gamma,
            "lambda_": lambda_,
            "traces": traces,
            "exploration_fraction": exploration_fraction,
            "exploration_initial_eps": exploration_initial_eps,
            "exploration_final_eps": exploration_final_eps,
        }
        _check(self._settings)
        self.env: gymnasium.Env[Any, Any] | None = env
        self.features = default_features(env.observation_space) if features is None else features
        self.learning_rate = learning_rate
        last = learning_rate if final_learning_rate is None else final_learning_rate
        self.final_learning_rate = last
        self.gamma, self.lambda_, self.traces = gamma, lambda_, traces
        self.exploration_fraction = exploration_fraction
        self.exploration_initial_eps = exploration_initial_eps
        self.exploration_final_eps = exploration_final_eps
        self.seed = seed
        self.random = np.random.default_rng(seed)
        self.first_action = int(env.action_space.start)
        self.weights: Weights = np.zeros((int(env.action_space.n), self.features.size))  # [A, F]
        self.axes = len(env.observation_space.shape or ())
        self.num_timesteps = 0
        self.episode_returns: list[float] = []
        self.guard = Guard()

    def learn(self, total_timesteps: int) -> Self:
        """Play and learn for so many steps; another call goes on with the weights.

        The schedules of the learning rate and of epsilon run once through each call. Afterwards
        `episode_returns` has the return of every episode that ended.

        Where the guard leaves a step out, the traces end there: what was done before it earned a
        return that nobody knows. That of its episode is NaN or infinite, too.

        Raises:
            NonFiniteError: a reward or a value is NaN or infinite (or above `LARGEST`), and the
                guard does not leave the step out; the weights are as before it.
        """
        if self.env is None:
            raise ValueError("no environment to learn in: load with env=")
        eligibility, old = np.zeros_like(self.weights), 0.0
        state, action, total = None, 0, 0.0
        for step in range(total_timesteps):
            done = step / total_timesteps
            rate = self.learning_rate + done * (self.final_learning_rate - self.learning_rate)
            if state is None:
                seed = self.seed if self.num_timesteps == 0 else None
                state = self.features(self.env.reset(seed=seed)[0])
                action = self._explore(self.values(state), done)
                eligibility[:], old, total = 0.0, 0.0, 0.0
            observation, reward, terminated, truncated, info = self.env.step(
                action + self.first_action
            )
            total += float(reward)
            following = self.features(observation)
            values = self.values(following)
            next_action = self._explore(values, done)
            next_value = 0.0 if terminated else float(values[next_action])
            target = float(reward) + self.gamma * next_value
            value = float(self.weights[action, state].sum())
            share = rate / self.features.active
            if abs(target) + share * (abs(target) + abs(value) + abs(old)) <= LARGEST:
                self._update(eligibility, state, action, target, old, share)
            else:
                self._refused(float(reward), next_value, rate, info)
                eligibility[:] = 0.0
            state, action, old = following, next_action, next_value
            self.num_timesteps += 1
            if terminated or truncated:
                self.episode_returns.append(total)
                state = None
        return self

    def values(self, active: Rows) -> Weights:
        """The action values [A] of a state with these features."""
        total: Weights = self.weights[:, active].sum(1)
        return total

    def predict(
        self,
        observation: Any,
        state: None = None,
        episode_start: Any = None,
        deterministic: bool = True,
    ) -> tuple[Any, None]:
        """The action of an observation, or of each of several, as Stable-Baselines3 has it.

        Args:
            observation: one, or several along a first axis.
            state: of recurrent policies; unused.
            episode_start: likewise.
            deterministic: the best action (the first of equals); else epsilon-greedy, with the
                final epsilon.
        """
        several = np.ndim(observation) > self.axes
        rows = observation if several else [observation]
        actions = []
        for row in rows:
            values = self.values(self.features(row))
            best = int(values.argmax()) if deterministic else self._explore(values, 1.0)
            actions.append(best + self.first_action)
        return np.array(actions) if several else np.int64(actions[0]), None

    def save(self, file: str | Path) -> None:
        """Write weights and settings to an .npz file, without a pickle."""
        settings = {
            **self._settings,
            "seed": self.seed,
            "first_action": self.first_action,
            "axes": self.axes,
            "num_timesteps": self.num_timesteps,
            "features": to_dict(self.features),
        }
        with Path(file).open("wb") as out:
            np.savez(out, weights=self.weights, settings=np.array(json.dumps(settings)))

    @classmethod
    def load(
        cls,
        file: str | Path,
        env: gymnasium.Env[Any, Any] | None = None,
        features: FeatureMap | None = None,
    ) -> Self:
        """Read what `save` wrote; random draws begin again from the seed.

        Args:
            file: the file.
            env: to go on learning in; `predict` needs none.
            features: a feature map of somebody's own, which is not in the file.

        Raises:
            ValueError: another environment's weights, or features that are not in the file.
        """
        stored = load_npz(file)
        with wanted(file, "what SARSA.save writes"):
            weights = stored["weights"]
            settings = parse_json(str(stored["settings"]), str(file))
            if weights.dtype != np.float64 or weights.ndim != 2:
                raise ValueError(f"the weights are {weights.dtype} {list(weights.shape)}")
            own, first, axes, steps = (
                settings.pop(key) for key in ("features", "first_action", "axes", "num_timesteps")
            )
            if features is None and own is not None:
                features = from_dict(own)
        if features is None:
            raise ValueError(f"{file} has no feature map: give features=, the agent's own")
        if weights.shape[1] != features.size:
            raise ValueError(
                f"{file} has weights of {weights.shape[1]} features, and there are {features.size}"
            )
        with wanted(file, "what SARSA.save writes"):
            if [type(n) for n in (first, axes, steps)] != [int] * 3 or not 0 <= axes <= 32:
                raise ValueError(f"first_action, axes, num_timesteps are {first, axes, steps}")
            if env is None:
                env = _Nowhere(len(weights), first, axes)
            agent = cls(env, features, **settings)
        sizes = (len(weights), first, axes)
        if (len(agent.weights), agent.first_action, agent.axes) != sizes:
            raise ValueError(
                f"{file} is of another environment: it has {sizes[0]} actions from {sizes[1]} on "
                f"and observations of {sizes[2]} axes; this one {len(agent.weights)} from "
                f"{agent.first_action} on and {agent.axes}"
            )
        if isinstance(env, _Nowhere):
            agent.env = None
        agent.weights[:], agent.num_timesteps = weights, steps
        return agent

    def _explore(self, values: Weights, done: float) -> int:
        """An epsilon-greedy action, ties at random; `done` is the part of learning behind."""
        way = min(1.0, done / self.exploration_fraction) if self.exploration_fraction else 1.0
        first, last = self.exploration_initial_eps, self.exploration_final_eps
        if self.random.random() < first + way * (last - first):
            return int(self.random.integers(len(values)))
        return int(self.random.choice(np.flatnonzero(values == values.max())))

    def _refused(self, reward: float, following: float, rate: float, info: dict[str, Any]) -> None:
        """Have the guard take note of a step that is not learned from; it raises, or goes on."""
        what = (
            f"the target of step {self.num_timesteps} is not finite, or above {LARGEST:g} (reward "
            f"{reward}, value of what follows {following})"
        )
        known = {
            "after": {"steps": self.num_timesteps, "episodes": len(self.episode_returns)},
            **{"reward": reward, "value": following, "learning_rate": rate},
        }
        texts = [{"where": f"example {info['example']}", "text": ""}] if "example" in info else []
        self.guard.refuse(what, texts, known, weights=[torch.from_numpy(self.weights)])

    def _update(
        self,
        eligibility: Weights,
        active: Rows,
        action: int,
        target: float,
        old: float,
        rate: float,
    ) -> None:
        """Move the weights towards a target.

        Args:
            eligibility: [A, F] how much each weight is answerable; changed in place.
            active: [m] features of the state.
            action: the action taken there.
            target: reward plus the discounted value of what follows.
            old: this state's and action's value before the update before this one; 0 at first.
            rate: the learning rate of one weight.
        """
        value = float(self.weights[action, active].sum())
        eligibility *= self.gamma * self.lambda_
        if self.traces == "replacing":
            eligibility[action, active] = 1.0
        elif self.traces == "accumulating":
            eligibility[action, active] += 1.0
        else:
            # The book's "dutch" trace; the trace has been decayed already.
            eligibility[action, active] += 1 - rate * eligibility[action, active].sum()
        error = target - value
        if self.traces == "true-online":
            self.weights += rate * (error + value - old) * eligibility
            self.weights[action, active] -= rate * (value - old)
        else:
            self.weights += rate * error * eligibility


class _Nowhere(gymnasium.Env[Any, Any]):
    """Spaces alone, for an agent that only predicts."""

    def __init__(self, actions: int, first: int, axes: int) -> None:
        self.action_space = spaces.Discrete(actions, start=first)
        self.observation_space = spaces.Box(0, 1, (1,) * axes)


def _check(settings: dict[str, Any]) -> None:
    """Refuse numbers out of their range."""
    for name in SHARES:
        if not 0 <= settings[name] <= 1:
            raise ValueError(f"{name} is {settings[name]}: wanted 0 .. 1")
    for name in ("learning_rate", "final_learning_rate"):
        if settings[name] is not None and not 0 <= settings[name] < np.inf:
            raise ValueError(f"{name} is {settings[name]}: wanted 0 or more")
    if settings["traces"] not in get_args(Traces):
        raise ValueError(f"traces is {settings['traces']!r}: wanted {', '.join(get_args(Traces))}")
