"""What a training run cost beside time: what its encoders read, and the memory it took."""

import sys
from typing import Any

import torch

from lingym.policies import LabelPolicy, trained_parameters


def begin_memory(device: torch.device) -> None:
    """Forget the peak of what ran before on a CUDA device; a process keeps its own."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def cost(policy: LabelPolicy) -> dict[str, Any]:
    """What `metrics.json` says of a run: ``encoder_...`` counts, parameters, ``peak_memory_mb``."""
    trained, every = trained_parameters(policy)
    read = {f"encoder_{name}": count for name, count in vars(policy.work).items()}
    read |= {"parameters_trained": trained, "parameters": every}
    return {**read, "peak_memory_mb": peak_memory_mb(policy.device)}


def peak_memory_mb(device: torch.device) -> float | None:
    """The most memory in use at a time, in 10^6 bytes; None where the system does not say.

    Of a CUDA device what PyTorch's tensors took there since `begin_memory`; else the resident
    memory of the whole process since it began, its texts and libraries among it.
    """
    if device.type == "cuda":
        return round(torch.cuda.max_memory_allocated(device) / 1e6, 1)
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB on Linux
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)
