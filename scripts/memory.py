"""What a process holds: resident memory, open files, threads, as the system counts them."""

import ctypes
import gc
import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MIB = 2**20


@dataclass(frozen=True)
class Held:
    """What a process holds at a moment.

    Attributes:
        own: MiB of resident memory that is its own (heaps and stacks).
        mapped: MiB of files that are mapped and resident, which the system takes back at need.
        peak: the most MiB that were resident at once, of both sorts.
        files: open file descriptors.
        threads: of Python and of libraries.
    """

    own: float
    mapped: float
    peak: float
    files: int
    threads: int


def held(tidy: bool = False) -> Held:
    """What this process holds now.

    Args:
        tidy: collect garbage, and have the C library give free memory back, before looking: what
            is left is what something still refers to.

    Raises:
        OSError: the system has no /proc (it is no Linux).
    """
    if tidy:
        gc.collect()
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    told = {name: rest.split() for name, _, rest in (line.partition(":") for line in lines)}
    size = {name: int(told[name][0]) * 1024 / MIB for name in ("RssAnon", "RssFile", "VmHWM")}
    return Held(
        *(size["RssAnon"], size["RssFile"], size["VmHWM"]),
        len(os.listdir("/proc/self/fd")) - 1,  # less the one that lists them
        max(int(told["Threads"][0]), threading.active_count()),
    )
