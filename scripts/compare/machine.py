"""What a row says of where it came from: source, versions, machine, memory."""

import os
import platform
import resource
import subprocess
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lingym
from lingym.scripts.run_folder import PACKAGES


@cache
def commit() -> str:
    """The commit of lingym's source, ``-dirty`` if files differ from it; else its version."""
    root = Path(lingym.__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return f"version {lingym.__version__}"
    git = ["git", "-C", str(root)]
    try:
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, check=True)
        status = [*git, "status", "--porcelain", "--untracked-files=no"]
        changed = subprocess.run(status, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):  # no git, or a folder that it does not trust
        return f"version {lingym.__version__}"
    return head.stdout.decode().strip() + ("-dirty" if changed.stdout.strip() else "")


@cache
def versions() -> dict[str, str]:
    """Of lingym and of the packages that results depend on."""
    return {"lingym": lingym.__version__, **{name: version(name) for name in PACKAGES}}


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


@cache
def processor() -> str:
    """The name of the processor."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine()


def machine() -> dict[str, Any]:
    """Processor, cores, and GPU (None without); to be asked in the process of a cell only."""
    import torch

    # Asking starts CUDA: a process that forks cells must never do so.
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {"cpu": processor(), "cores": cores(), "gpu": gpu, "host": platform.node()}


def peak_memory() -> dict[str, float]:
    """The most memory that this process had, in MB: of the machine, and of the GPU where used."""
    import torch

    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    peak = {"peak_memory_mb": most / 1e6}
    if torch.cuda.is_initialized():
        peak["peak_cuda_mb"] = torch.cuda.max_memory_allocated() / 1e6
    return {name: round(value, 1) for name, value in peak.items()}
