"""Options of `lingym train` for augmentation: changed copies of the training texts."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lingym.envs.tasks import Example, Task


@dataclass(frozen=True)
class Augmenting:
    """How training texts are augmented; dev and test texts never are."""

    augment: str | None = None
    """Changed copies of training texts beside them, such as "typos(0.1) | casing(0.2)" (both) or
    "2*typos(0.1) + mentions(0.5)" (one of them, by weight); see docs/robustness.md. Drawn by
    --seed."""
    augment_share: float = 1.0
    """Changed copies of a training text: 0.5 for half the texts, 2 for two of each."""

    def check(self, agent: str, task: str) -> None:
        """Refuse what cannot be done, before the texts are read.

        Args:
            agent: that learns; every one may learn from augmented texts.
            task: what it labels.

        Raises:
            ValueError: no such augmentation, or not for this task, or a share that means nothing.
        """
        if not 0 < self.augment_share < math.inf:
            raise ValueError(f"--augment-share must be above 0, got {self.augment_share}")
        if self.augment is None:
            if self.augment_share != 1.0:
                raise ValueError("--augment-share means something with --augment only")
            return
        from lingym.envs.augment import from_spec

        from_spec(self.augment).check(task)

    def augmented(
        self, examples: "list[Example]", task: "Task", seed: int
    ) -> "tuple[list[Example], str]":
        """Training texts with their changed copies after them, and what to say of it."""
        if self.augment is None:
            return examples, ""
        from lingym.envs.augment import copies

        new = copies(examples, self.augment, seed, self.augment_share, task)
        return [*examples, *new.examples], new.told()
