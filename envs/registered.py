"""The environments that lingym registers: a task by name, and the arguments of `make_game`."""

import inspect
from typing import Any

from lingym.envs.env import LabelEnv
from lingym.envs.source import make_game
from lingym.envs.tasks import TASKS
from lingym.envs.vector_env import LabelVectorEnv

GAME = set(inspect.signature(make_game).parameters)


def label_env(kind: str, render_mode: str | None = None, **given: Any) -> LabelEnv:
    """One episode at a time of a task.

    Args:
        kind: the task's name, which the environment's id stands for.
        render_mode: None or ``ansi``.
        given: arguments of `make_game`, and of the task's class.
    """
    return LabelEnv(render_mode=render_mode, **_with_task(kind, given))


def label_vector_env(kind: str, num_envs: int = 1, **given: Any) -> LabelVectorEnv:
    """Many episodes at a time of a task: see `label_env`."""
    return LabelVectorEnv(num_envs=num_envs, **_with_task(kind, given))


def _with_task(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """The task beside the arguments of the game, unless a data set or another task is given.

    Raises:
        TypeError: an argument is neither the game's nor the task's.
    """
    game = {name: value for name, value in given.items() if name in GAME or name == "render_mode"}
    own = {name: value for name, value in given.items() if name not in game}
    if game.get("dataset") is not None or game.get("task") is not None:
        if own:
            raise TypeError(
                f"{', '.join(own)}: an argument of the task, which is given already, or of none"
            )
        return game
    files = ("corpus", "train", "dev", "test")
    bare = all(game.get(name) is None for name in files)
    task, corpus = TASKS[kind].default(**own) if bare else (TASKS[kind](**own), None)
    return {**game, "task": task, **({"corpus": corpus} if bare else {})}
