"""The tasks: what the units of a text are, and what their labels are."""

from lingym.envs.tasks.abstaining import Abstaining
from lingym.envs.tasks.choice import MultipleChoice
from lingym.envs.tasks.classification import Classification
from lingym.envs.tasks.multilabel import MultiLabel
from lingym.envs.tasks.multitask import MultiTask, mixed
from lingym.envs.tasks.relation import Relation
from lingym.envs.tasks.sentences import SentenceTagging
from lingym.envs.tasks.slots_intent import SlotsAndIntent
from lingym.envs.tasks.spanqa import SpanQA
from lingym.envs.tasks.summary import ExtractiveSummary
from lingym.envs.tasks.tagging import Tagging
from lingym.envs.tasks.task import Example, Passage, Task

TASKS: dict[str, type[Task]] = {
    task.name: task
    for task in (
        *(Tagging, Classification, MultiLabel, SpanQA, MultipleChoice, Relation),
        *(ExtractiveSummary, SentenceTagging, SlotsAndIntent, MultiTask),
    )
}
"""The tasks that have a name on the command line and in saved models."""

__all__ = [
    "TASKS",
    "Abstaining",
    "Classification",
    "Example",
    "ExtractiveSummary",
    "MultiLabel",
    "MultiTask",
    "MultipleChoice",
    "Passage",
    "Relation",
    "SentenceTagging",
    "SlotsAndIntent",
    "SpanQA",
    "Tagging",
    "Task",
    "mixed",
]
