"""The tasks: what the units of a text are, and what their labels are."""

from lingym.envs.tasks.classification import Classification
from lingym.envs.tasks.tagging import Tagging
from lingym.envs.tasks.task import Example, Task

__all__ = ["Classification", "Example", "Tagging", "Task"]
