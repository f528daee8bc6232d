"""One at a time: files and cells of a study that several processes, or machines, work on.

The locks are the system's own on open files, so a process that dies leaves none behind. On a disk
that machines share they hold between machines, where the disk knows them (NFS from version 4).
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def held(file: Path, wait: bool = True) -> Iterator[bool]:
    """Hold the lock of a file that is made for it, and is left when it is no longer held.

    Args:
        file: stands for what is locked.
        wait: until nobody else holds it.

    Yields:
        Whether it is held; with ``wait`` it always is.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
