"""Options of `lingym train` for results that are the same to the last bit on a GPU too."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from lingym.scripts.train import Train

P = ParamSpec("P")
R = TypeVar("R")
WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
WORKSPACES = (":4096:8", ":16:8")
"""The settings under which cuBLAS adds up in one order."""


@dataclass(frozen=True)
class Determinism:
    """Whether a GPU adds up in one order."""

    deterministic: bool = False
    """Use only operations that give the same bits each time, which a GPU's fastest do not; what
    has no such form stops the run. On a CPU a seed's result is the same with and without it."""

    def check(self) -> None:
        """Refuse a setting of the process that stands against the option.

        Raises:
            ValueError: cuBLAS was told to use workspaces in which the order of sums may change.
        """
        found = os.environ.get(WORKSPACE)
        if self.deterministic and found is not None and found not in WORKSPACES:
            raise ValueError(
                f"--deterministic needs {WORKSPACE}={' or '.join(WORKSPACES)}, and the "
                f"environment has {found!r}: unset it"
            )

    @contextmanager
    def switched(self) -> Iterator[None]:
        """PyTorch's switches for the length of a run, and then as they were.

        The variable for cuBLAS stays set: it is read once, when the first product is computed.
        """
        if not self.deterministic:
            yield
            return
        import torch

        self.check()
        os.environ.setdefault(WORKSPACE, WORKSPACES[0])
        before = torch.are_deterministic_algorithms_enabled()
        warned = torch.is_deterministic_algorithms_warn_only_enabled()
        cudnn = torch.backends.cudnn
        settings = cudnn.benchmark, cudnn.deterministic
        torch.use_deterministic_algorithms(True)
        cudnn.benchmark, cudnn.deterministic = False, True
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before, warn_only=warned)
            cudnn.benchmark, cudnn.deterministic = settings


def in_one_order(
    run: "Callable[Concatenate[Train, P], R]",
) -> "Callable[Concatenate[Train, P], R]":
    """A run under the switches that its arguments ask for."""

    @wraps(run)
    def switched(arguments: "Train", *args: P.args, **kwargs: P.kwargs) -> R:
        with arguments.determinism.switched():
            return run(arguments, *args, **kwargs)

    return switched
