"""Options of `lingym train` that put a run on top of another."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fusion:
    """Learning a correction of a labeller that stays as it is."""

    residual: Path | None = None
    """A run whose labeller is kept frozen: what is learned is a correction of its scores, which
    begins at exactly zero, from a copy of its encoder (or --encoder, which must read the same
    tokens). With --tune frozen the correction reads the labeller's own features, and no second
    encoder runs."""

    def check(self, warm: bool) -> None:
        """Refuse two beginnings of one run.

        Raises:
            ValueError: there is a warm start too.
        """
        if self.residual is not None and warm:
            raise ValueError(
                "--residual and --warm-start cannot both be: to go on with a correction, give its "
                "run as --warm-start; to correct another labeller, give that as --residual"
            )
