"""The passes of one update: the loss as it stands, under another mask, at perturbed embeddings.

An agent computes its loss by a function. Robust training calls it again, and all passes must be of
the same labelings, judged once: `Passes.once` keeps what the first pass decided. Dropout is the
same in a pass at other embeddings as in the first (Zhu et al., 2020, section 3.3).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from lingym.agents.adversarial import Perturbation
from lingym.agents.r_drop import Path, disagreement
from lingym.agents.robustness import Robustness

Kept = TypeVar("Kept")
Compute = Callable[[], tuple[Tensor, dict[str, float]]]


class Passes:
    """Computes an agent's loss, and its gradient, as often as the settings say.

    Args:
        settings: which passes there are.
        policy: whose encoder reads the texts.
        seed: of random starts, which draw nothing from what labels are drawn by; None: any.

    Attributes:
        twin: whether a pass runs under R-Drop's second mask.
        mass: how much the loss is a mean over, where the agent said it (`over`).
    """

    def __init__(self, settings: Robustness, policy: Any, seed: int | None) -> None:
        self.settings, self.policy = settings, policy
        random = np.random.default_rng(None if seed is None else [seed, 1])
        self.generator = torch.Generator(policy.device)
        self.generator.manual_seed(int(random.integers(2**63)))
        self.twin = False
        self._running = self._later = False
        self.mass: Callable[[], float] | None = None
        self._decided: dict[str, Any] = {}
        self._paths: list[Path] = []
        self._first: Tensor | None = None
        self._compute: Compute | None = None
        self._perturbation: Perturbation | None = None
        self._noise: list[Tensor] = []

    def run_state(self) -> dict[str, Any]:
        """What goes on from one update to the next: the generator of random starts."""
        return {"generator": self.generator.get_state()}

    def load_run_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `run_state` gave."""
        self.generator.set_state(state["generator"])

    @property
    def again(self) -> bool:
        """Whether a pass runs other than the one that drew the labels."""
        return self._running and (self._later or self.twin)

    def once(self, name: str, make: Callable[[], Kept]) -> Kept:
        """What the first pass of an update makes, and its other passes take as it is.

        Outside an update it is made each time.
        """
        if not self._running:
            return make()
        if name not in self._decided:
            self._decided[name] = make()
        kept: Kept = self._decided[name]
        return kept

    def saw(self, log_probs: Callable[[], Tensor], labels: Tensor) -> None:
        """Note what this pass says of every label, for R-Drop.

        Args:
            log_probs: gives [B, U, K], or [S, B, U, K] along the labels.
            labels: [B, U] or [S, B, U], -1 as padding.
        """
        if self._running and self.settings.r_drop:
            self._paths.append(Path(log_probs(), labels >= 0))

    def over(self, mass: Callable[[], float]) -> None:
        """Say what the loss of this pass is a mean over, if it is not all units of its texts.

        By it the gradients of the parts of a minibatch are added up, where memory makes it parts.
        """
        if self._running:
            self.mass = mass

    def loss(
        self, compute: Compute, decided: dict[str, Any] | None = None
    ) -> tuple[Tensor, dict[str, float]]:
        """The loss of an update's first pass (of its first two, with R-Drop), and its log.

        Args:
            compute: the agent's loss and log; it is kept for `backward`.
            decided: what `once` need not make; what it does make is put in.
        """
        settings = self.settings
        self._decided = {} if decided is None else decided
        self._compute, self._later = compute, False
        self._perturbation = self.mass = None
        if settings.adversarial != "none":
            start = self.generator if settings.adversarial == "freelb" else None
            self._perturbation = Perturbation(settings.eps, settings.rate, start)
            self._noise = noise(self.policy.device)
        self._first, log = self._run()
        return self._first, log

    def backward(self, loss: Tensor) -> dict[str, float]:
        """Leave the update's gradient in the parameters; what to log of it.

        Args:
            loss: what `loss` gave, or any other, whose plain gradient is then taken.
        """
        perturbation = self._perturbation
        ours, self._first = loss is self._first, None
        if perturbation is None or not ours:
            loss.backward()
            return {}
        self._later = True
        first, *others = self.settings.pass_weights
        gradient = perturbation.backward(loss, first)
        for weight in others:
            perturbation.ascend(gradient)
            with repeated(self._noise, self.policy.device):
                loss, _ = self._run()
            gradient = perturbation.backward(loss, weight)
        self._perturbation = self._compute = None
        return {"adversarial_loss": loss.item()}

    def forget(self) -> None:
        """Hold nothing of the last update any more."""
        self._decided, self._compute, self._paths = {}, None, []
        self._first = self._perturbation = self.mass = None

    def _run(self) -> tuple[Tensor, dict[str, float]]:
        """The loss at the present perturbation; with R-Drop both masks and their disagreement."""
        compute, perturbation = self._compute, self._perturbation
        assert compute is not None
        self._running, self._paths = True, []
        added = nullcontext() if perturbation is None else perturbation.added(self.policy.encoder)
        try:
            with added:
                loss, log = compute()
                if self.settings.r_drop:
                    self.twin = True
                    other, _ = compute()
                    apart = disagreement(*self._paths)
                    loss = (loss + other) / 2 + self.settings.r_drop * apart
                    log = {**log, "loss": loss.item(), "r_drop": apart.item()}
        finally:
            self._running, self.twin, self._paths = False, False, []
        return loss, log


def noise(device: torch.device) -> list[Tensor]:
    """PyTorch's random state on the CPU and on a device."""
    states = [torch.get_rng_state()]
    return [*states, torch.cuda.get_rng_state(device)] if device.type == "cuda" else states


@contextmanager
def repeated(states: list[Tensor], device: torch.device) -> Iterator[None]:
    """Draw within what was drawn from these states on; afterwards the state is as before."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.set_rng_state(states[0])
        if device.type == "cuda":
            torch.cuda.set_rng_state(states[1], device)
        yield
