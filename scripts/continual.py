"""`lingym continual`: one labeller through a sequence of corpora, and what it forgets."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from lingym.scripts.train import Train

Method = Literal["none", "rehearsal", "ewc", "adapters", "joint"]


@dataclass(frozen=True)
class Continual:
    """Train on one corpus after another, and measure on all of them after each.

    A command that was broken off goes on with the stage that it was at.
    """

    sequence: Annotated[Path, tyro.conf.Positional]
    """A TOML file with a table for each stage, in order: its corpus, or train, dev and test; how
    they are read; and options of `lingym train` that hold for this stage alone."""
    train: Train
    """The options of `lingym train` that hold for all stages. --out is the folder of all runs."""
    method: tuple[Method, ...] = ("none",)
    """What is done against forgetting, each in runs of its own. none: nothing. rehearsal: old texts
    among the new. ewc: weights that old texts need are held (elastic weight consolidation).
    adapters: each stage adds an adapter and a head of its own to an encoder that nothing changes.
    joint: all corpora at once, the upper bound."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Runs of each method."""
    label_space: Literal["shared", "own"] = "shared"
    """shared: a label of one name is one label in all stages, and a text may get any. own: each
    stage has labels of its own, and a text only gets those of its stage, which must be known."""
    memory: int = 200
    """rehearsal: old texts that are kept, a uniform draw of all that were learned from."""
    rehearsal: float = 0.5
    """rehearsal: the share of old texts among those of a later stage."""
    ewc_lambda: float = 1000.0
    """ewc: how strongly weights are held."""
    ewc_decay: float = 1.0
    """ewc: what the information of earlier stages counts after each further one."""
    fisher_texts: int = 200
    """ewc: texts of a stage that tell which weights it needs."""
    route: Literal["name", "confident"] = "name"
    """adapters: a text is labelled by the adapter of its stage, or by the most confident one."""
    score_test: bool = False
    """At the end, score the last model once on the test texts of every stage."""

    def check(self) -> None:
        """Refuse what makes no sequence, before a file is read.

        Raises:
            ValueError: a number is out of its range, or options have no use beside one another.
        """
        for name, values in (("method", self.method), ("seeds", self.seeds)):
            if not values or len(set(values)) < len(values):
                raise ValueError(f"--{name} is {list(values)}: wanted one or more, each once")
        if min(self.seeds) < 0:
            raise ValueError(f"--seeds must be 0 or more, got {min(self.seeds)}")
        for name in ("memory", "fisher_texts"):
            if getattr(self, name) < 1:
                written = name.replace("_", "-")
                raise ValueError(f"--{written} must be 1 or more, got {getattr(self, name)}")
        if not 0 < self.rehearsal < 1:
            raise ValueError(f"--rehearsal must be between 0 and 1, got {self.rehearsal}")
        if not 0 <= self.ewc_lambda < float("inf"):
            raise ValueError(f"--ewc-lambda must be 0 or more, got {self.ewc_lambda}")
        if not 0 <= self.ewc_decay <= 1:
            raise ValueError(f"--ewc-decay must be in [0, 1], got {self.ewc_decay}")
        own = self.label_space == "own"
        if own and self.route == "confident":
            raise ValueError(
                "--route confident is for --label-space shared: own labels say a text's stage"
            )
        if own and self.train.metric is not None:
            raise ValueError("--metric is for --label-space shared: each stage has its own measure")
        tune = (self.train.tuning.tune or "adapter").partition(":")[0]
        added = ("adapter", "lora", "ia3", "prompt")
        if "adapters" in self.method and tune not in added:
            raise ValueError(
                f"--method adapters needs --tune {' or '.join(added)}, which leave the encoder as "
                f"it is, not {tune}"
            )

    def run(self) -> None:
        """Do the runs that are not done yet; write the matrices, the report and the picture."""
        from lingym.scripts.continual_report import summary, write
        from lingym.scripts.continual_run import measure

        self.check()
        found = measure(self)
        page = write(self.train.out)
        print(f"{summary(found)}\n{page}")
