"""Labelling tasks as Gymnasium environments."""

from lingym.envs.corpora import Corpus, load_corpus
from lingym.envs.dataset import Dataset, build
from lingym.envs.encode import encode
from lingym.envs.env import LabelEnv
from lingym.envs.episodes import Episodes
from lingym.envs.tasks import (
    Classification,
    Example,
    MultipleChoice,
    Passage,
    SentenceTagging,
    SpanQA,
    Tagging,
    Task,
)
from lingym.envs.vector_env import LabelVectorEnv

__all__ = [
    "Classification",
    "Corpus",
    "Dataset",
    "Episodes",
    "Example",
    "LabelEnv",
    "LabelVectorEnv",
    "MultipleChoice",
    "Passage",
    "SentenceTagging",
    "SpanQA",
    "Tagging",
    "Task",
    "build",
    "encode",
    "load_corpus",
]
