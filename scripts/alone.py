"""One process to a folder: two that trained the same run would write over each other."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Work in a run's folder, which no other process does as long as the block lasts.

    The lock is the system's, on the folder itself: it leaves no file, and is let go of however the
    process ends. File systems that know no locks give none, and nothing is refused there.

    Raises:
        ValueError: another process works there.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(
                f"{folder} is being worked on by another process: wait until it ends, or end it"
            ) from None
        except OSError:  # no locks here
            pass
        yield
    finally:
        os.close(handle)
