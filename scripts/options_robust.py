"""Options of `lingym train` that make training harder, for a labeller that bears more."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from lingym.agents import Robustness


@dataclass(frozen=True)
class Robust:
    """Adversarial training, R-Drop, and regularisation that moves with the run."""

    adversarial: Literal["none", "fgm", "pgd", "freelb"] = "none"
    """Learn also where a small change of a text's embeddings makes the loss high."""
    adversarial_eps: float | None = None
    """The L2 norm that the change of a text may have; 0.1 by default."""
    adversarial_steps: int | None = None
    """pgd, freelb: steps up the loss; 3 by default."""
    adversarial_rate: float | None = None
    """pgd, freelb: the length of a step; by default 1.5 eps / steps."""
    r_drop: float = 0.0
    """R-Drop: weight of the divergence between passes under two dropout masks; RL needs
    --dropout."""
    dropout_rate: str | None = None
    """Hidden dropout, not attention's: P, or P..Q from the first rollout to the last; by default
    the encoder's own. RL needs --dropout."""
    weight_decay_end: float | None = None
    """What --weight-decay comes to at the end of the run, in a line."""
    l2_start: float = 0.0
    """C of the penalty C/2 ||w - w0||^2 on the encoder's weights, w0 those that the run begins
    with."""

    def check(self, agent: str, dropout: bool, weight_decay: float) -> None:
        """Refuse what makes no sense, before files are read.

        Args:
            agent: how the policy learns.
            dropout: whether --dropout is given.
            weight_decay: what --weight-decay is.

        Raises:
            ValueError: a number is out of its range, or an option has no use.
        """
        self.settings()
        for name in ("r_drop", "dropout_rate"):
            if getattr(self, name) and agent != "supervised" and not dropout:
                option = f"--{name.replace('_', '-')}"
                if agent == "preference":
                    raise ValueError(f"{option} needs dropout, which --agent preference has not")
                raise ValueError(f"{option} needs dropout, which RL has off: give --dropout")
        if self.weight_decay_end is not None and not weight_decay:
            raise ValueError("--weight-decay-end needs a --weight-decay above 0 to begin with")

    def settings(self) -> "Robustness":
        """The argument `robust` of the agents.

        Raises:
            ValueError: a number is out of its range, or an option has no use.
        """
        from lingym.agents import Robustness

        return Robustness(
            adversarial=self.adversarial,
            adversarial_eps=self.adversarial_eps,
            adversarial_steps=self.adversarial_steps,
            adversarial_rate=self.adversarial_rate,
            r_drop=self.r_drop,
            dropout_rate=self._rates(),
            weight_decay_end=self.weight_decay_end,
            l2_start=self.l2_start,
        )

    def _rates(self) -> tuple[float, float] | None:
        if self.dropout_rate is None:
            return None
        parts = self.dropout_rate.split("..")
        try:
            rates = [float(part) for part in parts]
        except ValueError:
            rates = []
        if len(rates) not in (1, 2):
            raise ValueError(
                f"--dropout-rate must be a number or two, such as 0.1 or 0.1..0.3, got "
                f"{self.dropout_rate!r}"
            )
        return rates[0], rates[-1]
