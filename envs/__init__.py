"""Labelling tasks as Gymnasium environments."""

from lingym.envs.corpora import Corpus, load_corpus
from lingym.envs.corpora.streams import stream_corpus
from lingym.envs.dataset import Dataset, build
from lingym.envs.encode import encode
from lingym.envs.env import LabelEnv
from lingym.envs.episodes import Episodes
from lingym.envs.few_shot import few_shot
from lingym.envs.tasks import (
    Abstaining,
    Classification,
    Example,
    ExtractiveSummary,
    MultiLabel,
    MultipleChoice,
    MultiTask,
    Passage,
    Relation,
    SentenceTagging,
    SlotsAndIntent,
    SpanQA,
    Tagging,
    Task,
    mixed,
)
from lingym.envs.vector_env import LabelVectorEnv

__all__ = [
    "Abstaining",
    "Classification",
    "Corpus",
    "Dataset",
    "Episodes",
    "Example",
    "ExtractiveSummary",
    "LabelEnv",
    "LabelVectorEnv",
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
    "build",
    "encode",
    "few_shot",
    "load_corpus",
    "mixed",
    "stream_corpus",
]
