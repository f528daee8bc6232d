"""A lingym vector environment as Stable-Baselines3 wants one."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

import gymnasium
import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from lingym.envs import LabelEnv, LabelVectorEnv
from lingym.envs.game import Observation


class LabelVecEnv(VecEnv):
    """`LabelVectorEnv` behind Stable-Baselines3's interface; stock algorithms train on it.

    Args:
        env: the environment.
    """

    def __init__(self, env: LabelVectorEnv) -> None:
        self.env = env
        self.render_mode = None
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)
        self._actions = np.zeros(env.num_envs, np.int64)
        self._began = time.time()
        self._lengths = np.zeros(env.num_envs, np.int64)

    def reset(self) -> Observation:
        """Start new episodes.

        A seed given to `seed` restarts the order of the texts; `set_options` with
        ``[{"example": i}, ...]`` picks a text for every row.
        """
        seed = self._seeds[0] if self._seeds else None
        wanted = [options.get("example") for options in self._options]
        picked = None if all(example is None for example in wanted) else {"example": wanted}
        observation, info = self.env.reset(seed=seed, options=picked)
        self.reset_infos = [{"example": int(example)} for example in info["example"]]
        self._reset_seeds()
        self._reset_options()
        self._lengths[:] = 0
        return observation

    def step_async(self, actions: np.ndarray) -> None:
        """Take the actions of the next step, [num_envs]."""
        self._actions = actions

    def step_wait(self) -> tuple[Observation, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Do the step; ended episodes carry ``terminal_observation`` and ``episode`` (r, l, t)."""
        observation, rewards, done, _, info = self.env.step(self._actions)
        self._lengths += 1
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        seconds = round(time.time() - self._began, 6)
        for row in np.flatnonzero(done):
            score = float(info["final_info"]["score"][row])
            infos[row] = {
                "terminal_observation": info["final_obs"][row],
                "TimeLimit.truncated": False,
                "episode": {"r": score, "l": int(self._lengths[row]), "t": seconds},
            }
            self._lengths[row] = 0
        return observation, rewards.astype(np.float32), done, infos

    def close(self) -> None:
        """Nothing is open."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """The environment's attribute, once for each row asked for."""
        return [getattr(self.env, attr_name)] * len(list(self._rows(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refused: the rows are one environment."""
        raise NotImplementedError(f"rows cannot be set apart: set {attr_name} on the environment")

    def env_method(
        self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method whose result has a row for each episode, such as ``action_masks``."""
        result = getattr(self.env, method_name)(*method_args, **method_kwargs)
        return [result[row] for row in self._rows(indices)]

    def env_is_wrapped(
        self, wrapper_class: type[gymnasium.Wrapper], indices: Any = None
    ) -> list[bool]:
        """Never: episode statistics come from the environment itself."""
        return [False for _ in self._rows(indices)]

    def _rows(self, indices: int | Iterable[int] | None) -> Sequence[int]:
        return list(self._get_indices(indices))


def as_vec_env(env: Any, rows: int = 1) -> LabelVecEnv:
    """The adapter around a lingym environment, single, vectorised or wrapped already.

    Raises:
        TypeError: the environment is not lingym's, or stands in an adapter of another kind.
    """
    if isinstance(env, LabelVecEnv):
        return env
    inner = getattr(env, "unwrapped", env)
    if isinstance(inner, LabelVectorEnv):
        return LabelVecEnv(inner)
    if isinstance(inner, LabelEnv):
        return LabelVecEnv(LabelVectorEnv.of(inner.game.of_rows(rows)))
    raise TypeError(
        f"lingym's agents play whole episodes and need a lingym environment, got "
        f"{type(env).__name__}: pass the environment itself (gymnasium.make or make_vec)"
    )
