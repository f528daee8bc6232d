"""Tuning a frozen labeller, as a Gymnasium environment."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from lingym.envs.tuning.generated import generated_scores
from lingym.envs.tuning.measures import Measure, Metric, measure
from lingym.envs.tuning.parameters import Parameters, Values
from lingym.envs.tuning.render import render_tuning
from lingym.envs.tuning.scores import Floats, Scores
from lingym.envs.tuning.summary import summary, summary_bounds

Action = Floats | int


class ParameterTuningEnv(gymnasium.Env[Floats, Action]):
    """A few parameters of a frozen labeller, moved step by step.

    ## Description
    An episode is a batch of texts, drawn at random. At each step the agent moves some parameters of
    the labeller (label biases, thresholds, a temperature, its head's weight along random
    directions); no text is encoded again.

    ## Action Space
    `Box(-1, 1, (n,))`: each of n parameters moves by `step_size` times its number. With
    `discrete=True`, `Discrete(2 n + 1)`: 0 leaves all as they are, 2 i + 1 moves parameter i up by
    `step_size`, 2 i + 2 down. A parameter stays within ± `limit`.

    ## Observation Space
    `Box`, float32, without any gold label: the parameters over `limit`, the mean confidence, five
    quantiles of the units' entropy, the rate of each label (each role's rate of yes, where the
    units are candidate labels), and the share of steps left. See `lingym.envs.tuning.summary`.

    ## Starting State
    A new batch; the parameters are 0, which is the labeller untouched, or with `keep=True` stay
    where the last episode left them. `reset(options={"texts": [...], "values": [...]})` sets
    either.

    ## Reward
    How much the metric of the batch rose. The rewards of an episode sum to the gain: the metric at
    its end less the metric at its start.

    ## Episode End
    Terminated after `horizon` steps, never truncated: the number of steps is part of the task, not
    a limit set from outside. The gain at the end is all there is, the steps left are observed, and
    nothing is to be bootstrapped from beyond (Pardo et al., 2018,
    https://arxiv.org/abs/1712.00378).

    ## Information
    `metric`, the batch's metric now; `values`, the parameters.

    ## Arguments
    - `scores`: what the labeller says of each unit; by default a generated labeller.
    - `parameters`: kinds of parameters joined by a plus sign; see `Parameters.of`.
    - `metric`: its name, or a function of `Labelings`; by default `default_metric`.
    - `batch_size`: texts of an episode; all of them, if there are fewer.
    - `horizon`: steps of an episode.
    - `step_size`: the most that a parameter moves in a step.
    - `limit`: the most that it moves in all.
    - `discrete`: one parameter a step, up or down.
    - `keep`: see Starting State.
    - `subspace_size`, `subspace_seed`: of parameters of kind `subspace`.
    - `render_mode="ansi"`: the parameters, and the metric before and now.

    ## Version History
    v0: first version.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012  (Gymnasium's own form)

    def __init__(
        self,
        scores: Scores | None = None,
        parameters: str = "bias",
        metric: Metric | None = None,
        *,
        batch_size: int = 128,
        horizon: int = 20,
        step_size: float = 0.5,
        limit: float = 3.0,
        discrete: bool = False,
        keep: bool = False,
        subspace_size: int = 4,
        subspace_seed: int = 0,
        render_mode: str | None = None,
    ) -> None:
        for name, value in {"batch_size": batch_size, "horizon": horizon}.items():
            if value < 1:
                raise ValueError(f"{name} is {value}: wanted 1 or more")
        if not 0 < step_size <= limit < np.inf:
            raise ValueError(
                f"step_size is {step_size} and limit {limit}: wanted 0 < step_size <= limit"
            )
        self.scores = generated_scores() if scores is None else scores
        self.parameters = Parameters.of(self.scores, parameters, subspace_size, subspace_seed)
        self.metric = metric
        measure(self.scores, metric)  # an unknown metric is refused now, not in the first episode
        self.batch_size = min(batch_size, len(self.scores))
        self.horizon, self.step_size, self.limit = horizon, step_size, limit
        self.discrete, self.keep = discrete, keep
        self.render_mode = render_mode
        count = len(self.parameters)
        self.action_space: Any = (
            spaces.Discrete(2 * count + 1) if discrete else spaces.Box(-1, 1, (count,), np.float32)
        )
        low, high = summary_bounds(self.scores, count)
        self.observation_space: Any = spaces.Box(low, high, dtype=np.float32)
        self.values: Values = np.zeros(count)
        self.batch: Scores | None = None
        self.steps = 0
        self._measure: Measure
        self.before = self.now = 0.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Floats, dict[str, Any]]:
        """Draw a batch of texts and set the parameters.

        Args:
            seed: of the batches.
            options: ``texts``, indices of the batch's texts; ``values``, the parameters' values.

        Raises:
            ValueError: options of other names, no such text, or values beyond the limit.
        """
        super().reset(seed=seed)
        options = options or {}
        if unknown := set(options) - {"texts", "values"}:
            raise ValueError(f"no option {', '.join(sorted(unknown))}: choose texts, values")
        texts = options.get("texts")
        if texts is None:
            texts = self.np_random.choice(len(self.scores), self.batch_size, replace=False)
        self.batch = self.scores.take(self._texts(texts))
        if options.get("values") is not None:
            self.values = self._start(options["values"])
        elif not self.keep:
            self.values = np.zeros(len(self.parameters))
        self._measure = measure(self.batch, self.metric)
        self.steps = 0
        logits = self.parameters.logits(self.batch, self.values)
        self.before = self.now = self._measure(logits.argmax(1).astype(np.int32))
        return self._observe(logits), self._info()

    def step(self, action: Action) -> tuple[Floats, float, bool, bool, dict[str, Any]]:
        """Move the parameters.

        Raises:
            ValueError: no episode is under way, or the action is none of the action space.
        """
        if self.batch is None or self.steps == self.horizon:
            raise ValueError("the episode is over or has not begun: call reset()")
        move = self._move(action)
        self.values = np.clip(self.values + self.step_size * move, -self.limit, self.limit)
        self.steps += 1
        logits = self.parameters.logits(self.batch, self.values)
        last, self.now = self.now, self._measure(logits.argmax(1).astype(np.int32))
        done = self.steps == self.horizon
        return self._observe(logits), self.now - last, done, False, self._info()

    def render(self) -> str | None:
        """The parameters, and the metric of the batch before and now (mode ``ansi``)."""
        if self.render_mode is None:
            return None
        if self.batch is None:
            raise gymnasium.error.ResetNeeded("call reset() before render()")
        return render_tuning(self)

    def _observe(self, logits: Floats) -> Floats:
        left = 1 - self.steps / self.horizon
        assert self.batch is not None
        return summary(self.batch, logits, self.values / self.limit, left)

    def _info(self) -> dict[str, Any]:
        return {"metric": self.now, "values": self.values.copy()}

    def _move(self, action: Any) -> Values:
        """The part of a step that each parameter moves, [n] in -1 .. 1."""
        move = np.zeros(len(self.parameters))
        given = np.asarray(action)
        if self.discrete:
            whole = given.ndim == 0 and np.issubdtype(given.dtype, np.integer)
            if not whole or not 0 <= given < self.action_space.n:
                raise ValueError(
                    f"action must be a whole number in 0 .. {self.action_space.n - 1}; got {action}"
                )
            if given > 0:
                move[(int(given) - 1) // 2] = 1.0 if given % 2 else -1.0
            return move
        if given.shape != move.shape or not np.issubdtype(given.dtype, np.number):
            raise ValueError(f"action must be {len(move)} numbers in -1 .. 1; got {action}")
        if not (np.abs(given) <= 1 + 1e-6).all():
            raise ValueError(f"action must lie in -1 .. 1; got {action}")
        return move + given

    def _texts(self, texts: Any) -> np.ndarray:
        given = np.asarray(texts)
        if given.ndim != 1 or not len(given) or not np.issubdtype(given.dtype, np.integer):
            raise ValueError(f"option texts must be a list of whole numbers; got {texts}")
        if given.min() < 0 or given.max() >= len(self.scores):
            raise ValueError(f"option texts: no such text; they are 0 .. {len(self.scores) - 1}")
        return given

    def _start(self, values: Any) -> Values:
        given = np.array(values, np.float64)
        if given.shape != (len(self.parameters),) or not (np.abs(given) <= self.limit).all():
            raise ValueError(
                f"option values must be {len(self.parameters)} numbers in ± {self.limit}; "
                f"got {values}"
            )
        return given
