"""Large corpora: texts that lie on disk as memory maps, and are never held in memory."""

from lingym.envs.disk.build import build_on_disk
from lingym.envs.disk.stored import StoredExamples

__all__ = ["StoredExamples", "build_on_disk"]
