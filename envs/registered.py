"""The environments that lingym registers, each a task and the arguments of `make_game`."""

from typing import Any

from lingym.envs.env import LabelEnv
from lingym.envs.tasks import Classification, Tagging
from lingym.envs.vector_env import LabelVectorEnv


def tagging(**kwargs: Any) -> LabelEnv:
    """``lingym/Tagging-v0``: units are words, labels are tags; the reward is entity F1."""
    return LabelEnv(**_with(Tagging, kwargs))


def tagging_vector(num_envs: int = 1, **kwargs: Any) -> LabelVectorEnv:
    """``lingym/Tagging-v0``, vectorised."""
    return LabelVectorEnv(num_envs=num_envs, **_with(Tagging, kwargs))


def classification(**kwargs: Any) -> LabelEnv:
    """``lingym/Classification-v0``: the text is one unit with a label; the reward is accuracy."""
    return LabelEnv(**_with(Classification, kwargs))


def classification_vector(num_envs: int = 1, **kwargs: Any) -> LabelVectorEnv:
    """``lingym/Classification-v0``, vectorised."""
    return LabelVectorEnv(num_envs=num_envs, **_with(Classification, kwargs))


def _with(task: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The task beside the other arguments, unless a data set or another task is given."""
    if kwargs.get("dataset") is not None or kwargs.get("task") is not None:
        return kwargs
    return {**kwargs, "task": task()}
