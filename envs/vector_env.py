"""Many episodes at a time: the natively vectorised Gymnasium environment."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from lingym.envs.episodes import Episodes
from lingym.envs.game import Game, Observation, chosen
from lingym.envs.growth import Added
from lingym.envs.order import Shuffled, Weighted, grow, order
from lingym.envs.source import make_game
from lingym.rewards import Reward
from lingym.rewards.base import gathered
from lingym.types import Batch, BoolArray, FloatArray, IntArray, Rows


class LabelVectorEnv(VectorEnv[Observation, Rows, Any]):
    """`num_envs` texts labelled side by side; an ended episode is replaced within the step.

    Observations, actions, rewards and arguments are those of `lingym.envs.LabelEnv`, with a leading
    axis. The rows share one shuffled order of the texts, so that each is played once before any is
    played again. Autoreset is ``SAME_STEP``: an ended episode's last observation and information
    stand in ``final_obs`` and ``final_info``.

    Beside Gymnasium's interface, `draw` and `play` handle whole episodes in one call.

    Args:
        num_envs: episodes side by side.
        render_mode: None; a single environment renders.
        *args: the arguments of `lingym.envs.source.make_game`.
        **kwargs: likewise.
    """

    metadata = {  # noqa: RUF012  (Gymnasium's own form)
        "render_modes": [],
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(
        self, *args: Any, num_envs: int = 1, render_mode: str | None = None, **kwargs: Any
    ) -> None:
        if render_mode is not None:
            raise ValueError("a vector environment does not render: use gymnasium.make")
        self._play(make_game(num_envs, *args, **kwargs))

    @classmethod
    def of(cls, game: Game) -> "LabelVectorEnv":
        """The environment of a game that is made already; `num_envs` is its rows."""
        env = cls.__new__(cls)
        env._play(game)
        return env

    def _play(self, game: Game) -> None:
        num_envs = game.rows
        self.game = game
        self.num_envs = num_envs
        self.single_observation_space = self.game.observation_space
        self.single_action_space = self.game.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.render_mode = None
        self._rows = np.arange(num_envs)
        self._order: Shuffled | Weighted | None = None

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Observation, dict[str, Any]]:
        """Start new episodes in every row.

        Args:
            seed: restarts the shuffled order; None goes on with it.
            options: ``{"example": i}`` or ``{"example": [i, ...]}`` takes these texts.
        """
        if seed is not None:
            numbers = [seed] if isinstance(seed, int) else [s for s in seed if s is not None]
            if numbers:
                self._np_random = np.random.default_rng(numbers)
                self._np_random_seed = numbers[0] if len(numbers) == 1 else -1  # -1: unknown
                self._order = None
        wanted = (options or {}).get("example")
        rows = self.num_envs
        examples = self.sample(rows) if wanted is None else chosen(wanted, rows)
        self.game.begin(self._rows, examples)
        return self.game.observe(self._rows), self._info()

    def step(
        self, actions: Rows
    ) -> tuple[Observation, FloatArray, BoolArray, BoolArray, dict[str, Any]]:
        """Label the unit at every row's cursor; ended rows begin their next episode."""
        game = self.game
        rewards, done = game.step(actions)
        final: dict[str, Any] = {}
        if done.any():
            ended = np.flatnonzero(done)
            final = self._final(ended, done)
            game.finished(ended)
            game.begin(ended, self.sample(len(ended)))
        info = self._info() | final
        return game.observe(self._rows), rewards, done, np.zeros(self.num_envs, np.bool_), info

    def action_masks(self) -> BoolArray:
        """The labels that the unit at each cursor may have, bool [num_envs, K]."""
        return self.game.action_masks()

    @property
    def episodes(self) -> Episodes:
        """The texts that are played."""
        return self.game.episodes

    @property
    def reward(self) -> Reward:
        """What a labelling is worth."""
        return self.game.reward

    def restart(self) -> None:
        """Begin a new shuffled round: the texts that rows hold now will be drawn in it as well."""
        self._order = None

    def run_state(self) -> dict[str, Any]:
        """Where in the order of the texts the environment is: numbers and arrays by name.

        Of whole episodes: what rows hold that are being stepped through is not in it.
        """
        return {
            "texts": len(self.episodes),
            "random": self.np_random.bit_generator.state,
            "left": None if self._order is None else self._order.left,
        }

    def load_run_state(self, state: Mapping[str, Any]) -> None:
        """Draw what would have been drawn next where `run_state` was asked for.

        Raises:
            ValueError: there were more texts, or fewer.
        """
        if state["texts"] != len(self.episodes):
            raise ValueError(
                f"the state is of {state['texts']} texts, and there are {len(self.episodes)}"
            )
        self.np_random.bit_generator.state = state["random"]
        self._order = None
        if state["left"] is not None:
            self._order = order(self.episodes, self.np_random)
            self._order.left = state["left"]

    def add_examples(self, texts: Sequence[Added], whole: bool = False) -> IntArray:
        """Take in new texts, which join the round that is being played.

        They are read as the split was, with its tokenizer and labels. A reward that hides gold
        labels gets those of the new texts, and the environment keeps none.

        Args:
            texts: records (`lingym.envs.corpora.read_records`), their fields alone (``{"text": ...,
                "label": ...}``), or examples of the task.
            whole: let texts in that are larger than the observations (see ``room=``): they can be
                drawn and played as whole episodes, as the agents of lingym do, and not be stepped.

        Returns:
            The new texts' indices, int32 [n]; those of the old texts stay.

        Raises:
            DataError: a record is not what the task needs, or has a label that the environment has
                not; the message begins with file and line.
            ValueError: a text is too large, or has no gold labels and the reward needs them.
        """
        new = self.game.add(texts, whole)
        grow(self._order, self.game.episodes, new)
        return new

    def sample(self, count: int) -> IntArray:
        """The indices of the next `count` texts in the shuffled order, int32 [count]."""
        if self._order is None:
            self._order = order(self.episodes, self.np_random)
        return self._order.take(count)

    def draw(self, count: int) -> Batch:
        """The next `count` texts in the shuffled order, as whole episodes."""
        return self.episodes.batch(self.sample(count))

    def play(
        self, labels: IntArray, batch: Batch | None = None, observe: bool = True
    ) -> FloatArray:
        """The rewards of whole episodes, equal to stepping through them.

        Args:
            labels: [B, U] a label id for every unit; anything after an episode's last unit.
            batch: the episodes; None takes those in progress, from their beginning.
            observe: let a reward that learns in the run take note of these labelings.

        Returns:
            float64 [B, U], 0 after the last unit.
        """
        if batch is None:
            batch = self.game.episodes.batch(self.game.examples)
        return self.game.play(batch, labels, observe)

    def _info(self) -> dict[str, Any]:
        return {"example": self.game.examples.copy(), "_example": np.ones(self.num_envs, np.bool_)}

    def _final(self, ended: Rows, done: BoolArray) -> dict[str, Any]:
        """The last observations and scores of ended rows, in Gymnasium's form."""
        last = self.game.observe(ended)
        observations = np.full(self.num_envs, None, object)
        # Row by row over all arrays at once: half the time of taking each place of each.
        each = zip(*last.values(), strict=True)
        observations[ended] = [dict(zip(last, row, strict=True)) for row in each]
        columns: dict[str, Any] = {
            "example": self.game.examples[ended],
            "score": self.game.score[ended],
        }
        columns = gathered((columns, self.game.parts(ended)))  # a part may be called score, too
        info: dict[str, Any] = {}
        for name, values in columns.items():
            info[name] = np.zeros(self.num_envs, values.dtype)
            info[name][ended] = values
            info[f"_{name}"] = done.copy()
        return {
            "final_obs": observations,
            "_final_obs": done.copy(),
            "final_info": info,
            "_final_info": done.copy(),
        }
