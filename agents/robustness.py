"""What makes a labeller robust while it is trained: the settings that all agents take."""

from dataclasses import dataclass
from math import inf
from typing import Any, Literal, get_args

Adversarial = Literal["none", "fgm", "pgd", "freelb"]
STEPS = 3  # of ascent


@dataclass(frozen=True)
class Robustness:
    """How hard the training of an agent is made, for a labeller that bears more.

    Args:
        adversarial: perturb the embeddings of a text's tokens to where the loss is high, and learn
            there too: ``fgm``, ``pgd`` or ``freelb`` (see `lingym.agents.adversarial`).
        adversarial_eps: the L2 norm that the perturbation of a text may have, 0.1 by default.
        adversarial_steps: K, steps of ``pgd`` or ``freelb``, 3 by default.
        adversarial_rate: the length of such a step; by default 1.5 eps / K.
        r_drop: weight of the divergence between two passes under different dropout masks (see
            `lingym.agents.r_drop`). Dropout must be on.
        dropout_rate: of the encoder's hidden dropout and the head's, not of attention; or a pair,
            what it is at first and what it comes to in a line. None: what they were made with.
            Dropout must be on.
        weight_decay_end: what the policy's weight decay comes to in a line; None keeps it.
        l2_start: C of the penalty C/2 ||w - w0||^2 on the encoder's trained weights, w0 what they
            were when `learn` began (L2-SP: Li et al., 2018, https://arxiv.org/abs/1802.01483).

    Raises:
        ValueError: a number is out of its range, or has no use beside the others.
    """

    adversarial: Adversarial = "none"
    adversarial_eps: float | None = None
    adversarial_steps: int | None = None
    adversarial_rate: float | None = None
    r_drop: float = 0.0
    dropout_rate: float | tuple[float, float] | None = None
    weight_decay_end: float | None = None
    l2_start: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        known = get_args(Adversarial)
        if self.adversarial not in known:
            raise ValueError(f"unknown adversarial {self.adversarial!r}: one of {', '.join(known)}")
        self._check_use()
        for name in ("adversarial_eps", "r_drop", "weight_decay_end", "l2_start"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < inf:
                raise ValueError(f"{name} must be 0 or more, got {value}")
        if self.adversarial_steps is not None and self.adversarial_steps < 1:
            raise ValueError(f"adversarial_steps must be 1 or more, got {self.adversarial_steps}")
        if self.adversarial_rate is not None and not 0 < self.adversarial_rate < inf:
            raise ValueError(f"adversarial_rate must be above 0, got {self.adversarial_rate}")
        for rate in self.dropout_rates or ():
            if not 0 <= rate < 1:
                raise ValueError(f"dropout_rate must be in [0, 1), got {rate}")

    def _check_use(self) -> None:
        users = {
            "adversarial_eps": ("fgm", "pgd", "freelb"),
            "adversarial_steps": ("pgd", "freelb"),
            "adversarial_rate": ("pgd", "freelb"),
        }
        for name, methods in users.items():
            if getattr(self, name) is not None and self.adversarial not in methods:
                raise ValueError(
                    f"{name} is for adversarial {', '.join(methods)}, not {self.adversarial}"
                )

    @property
    def dropout_rates(self) -> tuple[float, float] | None:
        """The dropout rate at first and at last; None where it is left alone."""
        rate = self.dropout_rate
        if rate is None or isinstance(rate, tuple):
            return rate
        return (rate, rate)

    @property
    def eps(self) -> float:
        """How long a perturbation may be."""
        return 0.1 if self.adversarial_eps is None else self.adversarial_eps

    @property
    def steps(self) -> int:
        """Steps of ascent, K."""
        if self.adversarial == "fgm":
            return 1
        return STEPS if self.adversarial_steps is None else self.adversarial_steps

    @property
    def rate(self) -> float:
        """How long a step of ascent is."""
        if self.adversarial == "fgm":
            return self.eps
        return self.adversarial_rate or 1.5 * self.eps / self.steps

    @property
    def pass_weights(self) -> tuple[float, ...]:
        """What the loss of each pass of an update weighs; they sum to 1."""
        if self.adversarial == "none":
            return (1.0,)
        if self.adversarial == "freelb":
            return (1 / self.steps,) * self.steps
        return (0.5, *(0.0,) * (self.steps - 1), 0.5)

    def check(self, policy: Any, dropout: bool) -> None:
        """Refuse what a policy, or an agent without dropout, has no use for.

        Args:
            policy: a `LabelPolicy`.
            dropout: whether the agent keeps dropout on.

        Raises:
            ValueError: with words about what and why.
        """
        named = {"r_drop": bool(self.r_drop), "dropout_rate": self.dropout_rate is not None}
        for name, given in named.items():
            if given and not dropout:
                raise ValueError(
                    f"{name} needs dropout, which this agent has off: give dropout=True "
                    "(--dropout), which PPO, REINFORCE, minimum risk and expected reward take"
                )
            if given and getattr(policy, "shared", False):
                raise ValueError(
                    f"{name} needs dropout, and a correction that reads its frozen labeller's own "
                    "features (residual with tune frozen) has none: leave it out, or give the "
                    "correction an encoder or another tune"
                )
        if self.weight_decay_end is not None and not policy.weight_decay:
            raise ValueError(
                "weight_decay_end is what weight_decay comes to, and that is 0, by which nothing "
                "is marked for decay: give it a value above 0"
            )
        if not getattr(policy, "encoder_constant", False):
            return
        reasons = {
            "adversarial": (self.adversarial != "none", "nothing that reads them learns"),
            "l2_start": (bool(self.l2_start), "nothing of it leaves its start"),
        }
        for name, (given, reason) in reasons.items():
            if given:
                what = "embeddings" if name == "adversarial" else "encoder"
                raise ValueError(
                    f"{name} is of no use to an encoder that is frozen ({what}: {reason}): leave "
                    "it out, or train something of the encoder (tune)"
                )
