"""Reinforcement learning for labelling text: registers the environments, and names the rest."""

import importlib
from os import PathLike
from typing import TYPE_CHECKING, Any

import gymnasium

from lingym.types import DataError

if TYPE_CHECKING:
    from lingym.agents import PPO, REINFORCE, Labeller, Supervised, evaluate
    from lingym.envs import (
        Classification,
        LabelEnv,
        LabelVectorEnv,
        Tagging,
        Task,
        build,
        load_corpus,
    )
    from lingym.policies import LabelPolicy

__version__ = "0.1.0"

__all__ = [
    "PPO",
    "REINFORCE",
    "Classification",
    "DataError",
    "LabelEnv",
    "LabelPolicy",
    "LabelVectorEnv",
    "Labeller",
    "Supervised",
    "Tagging",
    "Task",
    "build",
    "evaluate",
    "load",
    "load_corpus",
]

_ROOMS = {
    "lingym.agents": ("PPO", "REINFORCE", "Labeller", "Supervised", "evaluate"),
    "lingym.envs": (
        *("Classification", "LabelEnv", "LabelVectorEnv", "Tagging", "Task", "build"),
        "load_corpus",
    ),
    "lingym.policies": ("LabelPolicy",),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

# An environment is one registered line: its class, and the task it plays.
for _task in ("Tagging", "Classification"):
    gymnasium.register(
        id=f"lingym/{_task}-v0",
        entry_point=f"lingym.envs.registered:{_task.lower()}",
        vector_entry_point=f"lingym.envs.registered:{_task.lower()}_vector",
    )


def load(folder: str | PathLike[str], device: str = "auto") -> "Labeller":
    """A trained labeller from a run's or a model's folder: see `lingym.agents.Labeller.load`."""
    return importlib.import_module("lingym.agents").Labeller.load(folder, device)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import lingym` stays light."""
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'lingym' has no attribute {name!r}")
    return getattr(importlib.import_module(_ROOM_OF[name]), name)
