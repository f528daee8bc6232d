"""An agent's own random states, in the place of the process's while the agent draws.

Stable-Baselines3 seeds the states that a process has one of (Python's, NumPy's, PyTorch's), and
dropout draws from PyTorch's. Here both happen to states of the agent's own: what a program draws
does not depend on whether it made or trained an agent, nor what an agent learns on what a program
drew.
"""

import random
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import numpy as np
import torch

from lingym.agents.run_state import Tree, global_noise, set_global_noise

P = ParamSpec("P")
R = TypeVar("R")


class OwnNoise:
    """``with noise:`` draws from states of one's own, which go on from one such block to the next.

    Blocks may lie within each other; only the outermost changes states.

    Args:
        device: on which is drawn.
        seed: what the first block begins with; None: chance.
    """

    def __init__(self, device: torch.device, seed: int | None = None) -> None:
        self.device, self._seed = device, seed
        self._inside: Mapping[str, Any] | None = None
        self._outside: Mapping[str, Any] = {}
        self._depth = 0

    def __enter__(self) -> None:
        """Put the own states in the place of the process's."""
        if not self._depth:
            self._outside = global_noise(self.device)
            if self._inside is None:
                chance = int(np.random.SeedSequence().generate_state(1)[0])
                self.seed(chance if self._seed is None else self._seed)
            else:
                set_global_noise(self._inside, self.device)
        self._depth += 1

    def __exit__(self, *error: object) -> None:
        """Put the process's states back, whatever happened."""
        self._depth -= 1
        if not self._depth:
            self._inside = global_noise(self.device)
            set_global_noise(self._outside, self.device)

    def seed(self, seed: int) -> None:
        """Begin anew, within a block, with the numbers that Stable-Baselines3's seeding gives."""
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002  (what users and other libraries draw from)
        # Not torch.manual_seed, which would seed every device, and only this one is put back.
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            with torch.cuda.device(self.device):
                torch.cuda.manual_seed(seed)
        elif self.device.type != "cpu":  # its state stays: `global_noise` knows these two
            getattr(torch, self.device.type).manual_seed(seed)

    def state(self) -> Tree:
        """The states as they are now, within a block or not."""
        kept = global_noise(self.device) if self._depth else self._inside
        return dict(kept or {})

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave.

        Raises:
            ValueError: it is of another kind of device.
        """
        with self:
            set_global_noise(state, self.device)


class _Drawing(Protocol):
    noise: OwnNoise


A = TypeVar("A", bound=_Drawing)


def drawing(method: Callable[Concatenate[A, P], R]) -> Callable[Concatenate[A, P], R]:
    """A method that draws from its object's ``noise``, and not from the process's states."""

    @wraps(method)
    def own(self: A, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.noise:
            return method(self, *args, **kwargs)

    return own
