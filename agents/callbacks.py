"""Measuring a run on dev as it learns: the best policy is kept, and a stale run is stopped."""

import copy
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stable_baselines3.common.callbacks import BaseCallback
from torch import Tensor

from lingym.agents.alarms import Alarms
from lingym.agents.episodic import EpisodicAlgorithm
from lingym.agents.evaluate import evaluate, predict_labels
from lingym.envs import Episodes
from lingym.policies import load_trained, trained_weights


@dataclass(frozen=True)
class Measurement:
    """The dev metrics at one point of a run."""

    episodes: int
    steps: int
    seconds: float  # of learning, evaluations left out
    metrics: dict[str, float]
    readings: dict[str, float] = field(default_factory=dict)  # what the reward says of itself
    tokens: int = 0  # that encoders read to learn, each time they did; evaluations left out


class DevCallback(BaseCallback):
    """Evaluates on dev every so many episodes, by the corpus metric and not by a few episodes.

    Measures before the first update, between rollouts, and at the end. With `keep_best`, the policy
    of the best measurement is put back when training ends.

    Args:
        dev: the dev split.
        metric: the metric that decides; one that is not the task's is a reward as text
            (`lingym.rewards.as_metric`).
        every: measure when so many episodes are over, twice as many, and so on.
        patience: stop after this many measurements without a better one; None never stops.
        keep_best: end with the best policy instead of the last.
        tell: called with each measurement.
        alarms: what looks at each measurement for a collapse; None: nothing does.
    """

    def __init__(
        self,
        dev: Episodes,
        metric: str,
        every: int,
        patience: int | None = None,
        keep_best: bool = True,
        tell: Callable[[Measurement], None] = lambda _: None,
        alarms: Alarms | None = None,
    ) -> None:
        super().__init__()
        self.dev, self.metric, self.every = dev, metric, every
        self.patience, self.keep_best, self.tell = patience, keep_best, tell
        self.alarms = alarms
        self.curve: list[Measurement] = []
        self.best: Measurement | None = None
        self.evaluation_seconds = 0.0
        self._weights: dict[str, Tensor] = {}
        self._stale = 0
        self._began = 0.0
        self._learned = 0.0  # seconds of the run before it went on here
        self._goes_on = False

    def run_state(self) -> dict[str, Any]:
        """What was measured so far, the best weights, and the seconds spent on either."""
        return {
            "curve": [vars(point) for point in self.curve],
            "best": None if self.best is None else self.curve.index(self.best),
            "weights": self._weights,
            "stale": self._stale,
            "alarms": None if self.alarms is None else self.alarms.run_state(),
            "evaluation_seconds": self.evaluation_seconds,
            "learned": time.monotonic() - self._began - self.evaluation_seconds,
        }

    def load_run_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `run_state` gave."""
        self.curve = [Measurement(**point) for point in state["curve"]]
        self.best = None if state["best"] is None else self.curve[state["best"]]
        device = self.agent.device
        self._weights = {name: weight.to(device) for name, weight in state["weights"].items()}
        self._stale, self.evaluation_seconds = state["stale"], state["evaluation_seconds"]
        self._learned, self._goes_on = state["learned"], True
        if self.alarms is not None and state["alarms"] is not None:
            self.alarms.load_run_state(state["alarms"])

    @property
    def agent(self) -> EpisodicAlgorithm:
        """The algorithm that learns."""
        agent: Any = self.model
        return agent

    def _on_training_start(self) -> None:
        self._began = time.monotonic()
        if self._goes_on:  # all that is to be measured here was
            self._began -= self._learned + self.evaluation_seconds
            self._goes_on = False
        else:
            self._measure()

    def _on_rollout_start(self) -> None:
        # At the multiples of `every` that a rollout ended on or went past: agents whose rollouts
        # differ in size are measured equally often.
        if self.agent.num_episodes // self.every > self.curve[-1].episodes // self.every:
            self._measure()

    def _on_step(self) -> bool:
        if self.alarms is not None and self.alarms.stopped:
            return False
        return self.patience is None or self._stale < self.patience

    def _on_training_end(self) -> None:
        if self.agent.num_episodes > self.curve[-1].episodes:
            self._measure()
        if self.keep_best:
            load_trained(self.agent.policy, self._weights)

    def _measure(self) -> None:
        start = time.monotonic()
        learning = start - self._began - self.evaluation_seconds
        work = self.agent.policy.work
        policy, labels = self.agent.policy, None
        with work.paused():
            if self.alarms is None:
                metrics = evaluate(policy, self.dev, also=(self.metric,))
            else:
                labels = predict_labels(policy, self.dev)
                metrics = evaluate(policy, self.dev, labels=labels, also=(self.metric,))
        for name, value in metrics.items():
            self.logger.record(f"eval/{name}", value)
        self.logger.dump(self.num_timesteps)
        readings = self.agent.label_env.reward.readings()
        now = Measurement(
            self.agent.num_episodes, self.num_timesteps, learning, metrics, readings, work.tokens
        )
        self.curve.append(now)
        before = None if self.best is None else self.best.metrics[self.metric]
        if before is None or _better(metrics[self.metric], before):
            self.best, self._stale = now, 0
            self._weights = copy.deepcopy(trained_weights(self.agent.policy))
        else:
            self._stale += 1
        if self.alarms is not None and labels is not None:
            self.alarms.look(self.agent, self.dev, labels, now, self.metric)
        self.evaluation_seconds += time.monotonic() - start
        self.tell(now)


def _better(now: float, before: float) -> bool:
    """Whether a measurement is above the best one; any number is above none (NaN)."""
    return now > before or (math.isnan(before) and not math.isnan(now))


class RewardProgress(BaseCallback):
    """Tells the reward how much of the run is done, for stock Stable-Baselines3 algorithms.

    The agents of lingym do so themselves; without either, weights that change with progress stay
    as they are at the beginning.
    """

    def _on_rollout_start(self) -> None:
        env: Any = self.training_env
        env.env.reward.advance(1 - self.model._current_progress_remaining)

    def _on_step(self) -> bool:
        env: Any = self.training_env
        return not env.env.reward.exhausted
