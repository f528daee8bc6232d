"""Choosing which text to label next, as a Gymnasium environment."""

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from lingym.envs.active.features import NAMES
from lingym.envs.active.generated import GeneratedOracle
from lingym.envs.active.oracle import Learned, Oracle
from lingym.types import Rows

Observation = npt.NDArray[np.float32]
BOUND = 1e6
"""Standardised numbers are cut to this, far beyond what they come to."""


class ActiveLabellingEnv(gymnasium.Env[Observation, int]):
    """A pool of texts without labels, one of which is labelled at each step.

    ## Description
    A labeller is trained on a few labelled texts of a pool. At each step a few texts without a
    label are drawn, the agent chooses one, it gets its gold label, and the labeller is trained
    anew. The game is that of Fang et al. (2017), https://aclanthology.org/D17-1063, and Liu et al.
    (2018), https://aclanthology.org/P18-1174.

    ## Action Space
    `Discrete(candidates)`: which of the texts that are shown.

    ## Observation Space
    `Box`, float32, (candidates, F): what is known of each without its label, one row a text:
    entropy, margin, distance to the labelled texts, density and length, each standardised over
    the texts without a label (`lingym.envs.active.candidate_features`).

    ## Starting State
    `start` texts drawn at random have labels. `reset(options={"labelled": [...]})` says which.

    ## Reward
    How much the metric rose, on texts that are set apart. The rewards of an episode sum to the
    metric at its end less the metric at its start.

    ## Episode End
    Terminated after `horizon` labels, never truncated: the number of labels is part of the task.

    ## Information
    `metric` now; `labelled`, the texts that have labels in the order in which they got them;
    `rows`, the texts that are shown.

    ## Arguments
    - `oracle`: trains and measures the labeller (`lingym.envs.active.Oracle`); by default a
      generated one. For texts and a policy: `lingym.agents.active.HeadOracle`.
    - `start`: labelled texts at the beginning.
    - `horizon`: labels of an episode.
    - `candidates`: texts that are shown at a step.
    - `render_mode="ansi"`: the metric, and the texts that are shown.

    ## Version History
    v0: first version.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012  (Gymnasium's own form)

    def __init__(
        self,
        oracle: Oracle | None = None,
        *,
        start: int = 4,
        horizon: int = 10,
        candidates: int = 10,
        render_mode: str | None = None,
    ) -> None:
        given = {"start": start, "horizon": horizon, "candidates": candidates}
        for name, value in given.items():
            if value < 1:
                raise ValueError(f"{name} is {value}: wanted 1 or more")
        self.oracle: Oracle = GeneratedOracle() if oracle is None else oracle
        most = start + horizon + candidates
        if len(self.oracle) < most:
            raise ValueError(
                f"the pool has {len(self.oracle)} texts: wanted {most} or more, so that after "
                f"{start} + {horizon} labels {candidates} texts are left to be shown"
            )
        self.start, self.horizon, self.candidates = start, horizon, candidates
        self.render_mode = render_mode
        self.action_space: Any = spaces.Discrete(candidates)
        shape = (candidates, len(NAMES))
        self.observation_space: Any = spaces.Box(-BOUND, BOUND, shape, np.float32)
        self.labelled: list[int] = []
        self.rows: Rows = np.zeros(0, np.int32)
        self.steps = horizon
        self.before = self.now = 0.0
        self._shown: Observation = np.zeros(shape, np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Draw the texts that have labels from the beginning.

        Args:
            seed: of everything that is drawn.
            options: ``labelled``, [start] the texts instead.

        Raises:
            ValueError: options of other names, or no such texts.
        """
        super().reset(seed=seed)
        options = options or {}
        if unknown := set(options) - {"labelled"}:
            raise ValueError(f"no option {', '.join(sorted(unknown))}: choose labelled")
        if options.get("labelled") is None:
            drawn = self.np_random.choice(len(self.oracle), self.start, replace=False)
            self.labelled = drawn.tolist()
        else:
            self.labelled = self._texts(options["labelled"])
        self.steps = 0
        learned = self.oracle(np.array(self.labelled, np.int32))
        self.before = self.now = learned.metric
        return self._observe(learned), self._info()

    def step(self, action: int) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Label one of the texts that are shown, and train anew.

        Raises:
            ValueError: no episode is under way, or the action is none of the action space.
        """
        if self.steps == self.horizon:
            raise ValueError("the episode is over or has not begun: call reset()")
        given = np.asarray(action)
        whole = given.ndim == 0 and np.issubdtype(given.dtype, np.integer)
        if not whole or not 0 <= given < self.candidates:
            raise ValueError(
                f"action must be a whole number in 0 .. {self.candidates - 1}; got {action}"
            )
        self.labelled.append(int(self.rows[int(given)]))
        self.steps += 1
        learned = self.oracle(np.array(self.labelled, np.int32))
        last, self.now = self.now, float(learned.metric)
        done = self.steps == self.horizon
        return self._observe(learned), self.now - last, done, False, self._info()

    def render(self) -> str | None:
        """The metric before and now, and the texts that are shown (mode ``ansi``)."""
        if self.render_mode is None:
            return None
        if not self.labelled:
            raise gymnasium.error.ResetNeeded("call reset() before render()")
        lines = [
            f"label {self.steps} of {self.horizon}, {len(self.labelled)} labelled",
            f"metric {self.before:.4f} before, {self.now:.4f} now ({self.now - self.before:+.4f})",
            "     text " + " ".join(f"{name:>9}" for name in NAMES),
        ]
        for place, (row, shown) in enumerate(zip(self.rows, self._shown, strict=True)):
            numbers = " ".join(f"{number:+9.2f}" for number in shown)
            lines.append(f"{place:>3}  {row:>4} {numbers}")
        return "\n".join(lines)

    def _observe(self, learned: Learned) -> Observation:
        free = np.ones(len(self.oracle), np.bool_)
        free[self.labelled] = False
        drawn = self.np_random.choice(np.flatnonzero(free), self.candidates, replace=False)
        self.rows = drawn.astype(np.int32)
        shown = np.clip(learned.features[self.rows], -BOUND, BOUND)
        self._shown = shown.astype(np.float32)
        return self._shown.copy()

    def _info(self) -> dict[str, Any]:
        labelled = np.array(self.labelled, np.int32)
        return {"metric": self.now, "labelled": labelled, "rows": self.rows.copy()}

    def _texts(self, texts: Any) -> list[int]:
        given = np.asarray(texts)
        whole = given.ndim == 1 and np.issubdtype(given.dtype, np.integer)
        if not whole or len(given) != self.start or len(set(given.tolist())) < self.start:
            raise ValueError(
                f"option labelled must be {self.start} whole numbers, each once; got {texts}"
            )
        if given.min() < 0 or given.max() >= len(self.oracle):
            raise ValueError(f"option labelled: texts are 0 .. {len(self.oracle) - 1}; got {texts}")
        found: list[int] = given.tolist()
        return found
