"""Options of `lingym train` about checkpoints; none of them changes what is learned."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Saving:
    """When a run writes down where it is, so that it can go on."""

    checkpoint_minutes: float = 10.0
    """Write a checkpoint whenever so many minutes have passed; 0: between all rollouts."""
    checkpoint_every: int | None = None
    """Write one also whenever so many texts have passed."""
    keep_checkpoints: int = 2
    """The last so many stay; all go when the run has ended."""
    resume: Path | None = None
    """A run that was stopped, to go on with. It has all other options: lingym train --resume
    RUN."""

    def check(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: a number is out of its range, or --resume stands beside other options.
        """
        if not self.checkpoint_minutes >= 0:
            raise ValueError(
                f"--checkpoint-minutes must be 0 or more, got {self.checkpoint_minutes}"
            )
        for name in ("checkpoint_every", "keep_checkpoints"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"--{name.replace('_', '-')} must be 1 or more, got {value}")
        if self.resume is not None:
            raise ValueError("--resume takes all options from the run: leave out the others")
