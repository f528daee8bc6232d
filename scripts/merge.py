"""`lingym merge`: a run that holds only what was trained becomes a whole model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro


@dataclass(frozen=True)
class Merge:
    """Write a whole model of a run that holds only what was trained of its encoder.

    LoRA and IA3 become part of the encoder's own weights; top layers, biases and a frozen encoder
    are put together. Adapters and a prompt are no weights of a stock encoder: they stay beside it,
    in a folder that needs no base.
    """

    run_folder: Annotated[Path, tyro.conf.Positional]
    """The run's folder."""
    out: Path
    """Folder of the whole model; `lingym predict`, `evaluate` and `train --warm-start` read it."""
    base: str | None = None
    """Where the model lies that the run stands on, if it has moved."""

    def run(self) -> None:
        """Merge, and say what came of it."""
        from lingym.agents import Labeller

        if self.out.exists():
            raise ValueError(f"{self.out} is there already: give another --out, or remove it")
        labeller = Labeller.load(self.run_folder, "cpu", self.base)
        before = labeller.policy.tune
        labeller.policy.merge()
        labeller.save(self.out)
        if labeller.policy.tuning.added:
            print(f"{self.out} is whole; {before} stays beside the encoder's own weights")
        elif before == "full":
            print(f"{self.out} is a copy: every weight was trained, so the run was whole already")
        else:
            print(f"{self.out} is whole: {before} is part of the encoder's weights")
