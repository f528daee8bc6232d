"""The tasks: what the units of a text are, and what their labels are."""

from lingym.envs.tasks.classification import Classification
from lingym.envs.tasks.tagging import Tagging
from lingym.envs.tasks.task import Example, Task

TASKS: dict[str, type[Tagging | Classification]] = {
    "classification": Classification,
    "tagging": Tagging,
}
"""The tasks that have a name on the command line and in saved models."""

__all__ = ["TASKS", "Classification", "Example", "Tagging", "Task"]
