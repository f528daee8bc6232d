"""Labelling tasks as Gymnasium environments."""

from lingym.envs.corpora import Corpus, load_corpus
from lingym.envs.dataset import Dataset, build, encode
from lingym.envs.env import LabelEnv
from lingym.envs.episodes import Episodes
from lingym.envs.tasks import Classification, Example, Tagging, Task
from lingym.envs.vector_env import LabelVectorEnv

__all__ = [
    "Classification",
    "Corpus",
    "Dataset",
    "Episodes",
    "Example",
    "LabelEnv",
    "LabelVectorEnv",
    "Tagging",
    "Task",
    "build",
    "encode",
    "load_corpus",
]
