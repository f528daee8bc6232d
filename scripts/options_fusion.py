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
        """Refuse two beginnings of one run, and a labeller that cannot be corrected.

        Raises:
            ValueError: there is a warm start too, or the labeller's head is a masked-language head.
        """
        if self.residual is not None and warm:
            raise ValueError(
                "--residual and --warm-start cannot both be: to go on with a correction, give its "
                "run as --warm-start; to correct another labeller, give that as --residual"
            )
        if self.residual is not None and self._prompted():
            raise ValueError(
                f"--residual {self.residual}: its head fills in a pattern's blank (--verbaliser), "
                "and a correction has a linear head: go on from it with --warm-start"
            )

    def _prompted(self) -> bool:
        """Whether the labeller's scores are those of a masked-language head."""
        from lingym.agents.labeller import model_folder
        from lingym.policies import read_settings

        assert self.residual is not None
        folder = model_folder(self.residual)  # a study asks before there is one
        return folder.is_dir() and "verbaliser" in read_settings(folder)
