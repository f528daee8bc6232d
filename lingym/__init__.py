"""Reinforcement learning for labelling text: registers the environments, and names the rest."""

import importlib
import random
from os import PathLike
from typing import TYPE_CHECKING, Any

import gymnasium

from lingym.types import DataError

if TYPE_CHECKING:
    from lingym.agents import (
        PPO,
        REINFORCE,
        SARSA,
        ExpectedReward,
        Labeller,
        MinimumRisk,
        Supervised,
    )
    from lingym.agents.evaluate import evaluate
    from lingym.envs import (
        Abstaining,
        Classification,
        ExtractiveSummary,
        LabelEnv,
        LabelVectorEnv,
        MultiLabel,
        MultipleChoice,
        MultiTask,
        Relation,
        SentenceTagging,
        SlotsAndIntent,
        SpanQA,
        Tagging,
        Task,
        build,
        load_corpus,
        mixed,
    )
    from lingym.policies import LabelPolicy, LabelQPolicy

__version__ = "0.1.0"

__all__ = [
    "PPO",
    "REINFORCE",
    "SARSA",
    "Abstaining",
    "Classification",
    "DataError",
    "ExpectedReward",
    "ExtractiveSummary",
    "LabelEnv",
    "LabelPolicy",
    "LabelQPolicy",
    "LabelVectorEnv",
    "Labeller",
    "MinimumRisk",
    "MultiLabel",
    "MultiTask",
    "MultipleChoice",
    "Relation",
    "SentenceTagging",
    "SlotsAndIntent",
    "SpanQA",
    "Supervised",
    "Tagging",
    "Task",
    "build",
    "evaluate",
    "load",
    "load_corpus",
    "mixed",
]

_ROOMS = {
    "lingym.agents": (
        "PPO",
        "REINFORCE",
        "SARSA",
        "ExpectedReward",
        "Labeller",
        "MinimumRisk",
        "Supervised",
        "evaluate",
    ),
    "lingym.envs": (
        "Abstaining",
        "Classification",
        "ExtractiveSummary",
        "LabelEnv",
        "LabelVectorEnv",
        "MultiLabel",
        "MultiTask",
        "MultipleChoice",
        "Relation",
        "SentenceTagging",
        "SlotsAndIntent",
        "SpanQA",
        "Tagging",
        "Task",
        "build",
        "load_corpus",
        "mixed",
    ),
    "lingym.policies": ("LabelPolicy", "LabelQPolicy"),
}
# Python's generator is the program's, and rich.style draws from it when it is imported.
_drawn = random.getstate()
importlib.import_module("rich.style")
random.setstate(_drawn)

_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

# An environment is one registered line: its id, and the task that it plays.
_TASK_OF = {
    "Tagging": "tagging",
    "Classification": "classification",
    "MultiLabel": "multilabel",
    "SpanQA": "spanqa",
    "MultipleChoice": "choice",
    "Relation": "relation",
    "ExtractiveSummary": "summary",
    "SentenceTagging": "sentences",
    "SlotsAndIntent": "slots_intent",
    "MultiTask": "multitask",
}
for _name, _task in _TASK_OF.items():
    gymnasium.register(
        id=f"lingym/{_name}-v0",
        entry_point="lingym.envs.registered:label_env",
        vector_entry_point="lingym.envs.registered:label_vector_env",
        kwargs={"kind": _task},
    )
gymnasium.register(
    id="lingym/ParameterTuning-v0", entry_point="lingym.envs.tuning:ParameterTuningEnv"
)
gymnasium.register(
    id="lingym/ActiveLabelling-v0", entry_point="lingym.envs.active:ActiveLabellingEnv"
)


def load(folder: str | PathLike[str], device: str = "auto") -> "Labeller":
    """A trained labeller from a run's or a model's folder: see `lingym.agents.Labeller.load`."""
    return importlib.import_module("lingym.agents").Labeller.load(folder, device)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import lingym` stays light."""
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'lingym' has no attribute {name!r}")
    return getattr(importlib.import_module(_ROOM_OF[name]), name)
