"""Options of `lingym train` for corpora that are larger than memory."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lingym.scripts.train import Train


@dataclass(frozen=True)
class Disk:
    """Where texts lie while they are learned from."""

    on_disk: Path | None = None
    """Keep the texts in an index in this folder instead of in memory. They are read once; a later
    run on the same files and settings opens the index. What is learned is the same."""

    def check(self, arguments: "Train") -> None:
        """Refuse options that want all texts at hand.

        Raises:
            ValueError: there is one.
        """
        if self.on_disk is None:
            return
        limits = any(getattr(arguments, f"{split}_limit") for split in ("train", "dev", "test"))
        wanting = {
            "--limit-seed": arguments.limit_seed is not None,
            "--augment": bool(arguments.augmenting.augment),
            "--few-shot": arguments.little.few_shot is not None,
            "a limit of --task multitask": limits and arguments.task == "multitask",
        }
        for option, given in wanting.items():
            if given:
                raise ValueError(
                    f"{option} picks or changes texts that are in memory: leave out --on-disk"
                )
