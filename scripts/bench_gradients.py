"""`lingym bench gradients`: how far each estimator's gradient is from the exact one."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lingym.scripts.arguments import Reading, TaskName

COLUMNS = {
    "error": "error",
    "+-": "standard_error",
    "bias": "bias",
    "noise": "noise",
    "scale": "scale",
    "rescaled": "rescaled",
    "cosine": "cosine",
    "direction": "direction",
    "cost": "cost",
}
"""The columns of the table, and what `gradient_errors.measure` calls them."""


@dataclass(frozen=True)
class Gradients:
    """Measure the variance and the bias of gradients from sampled labelings.

    The policy and some minibatches are fixed. Where the reward is a sum over labels, the gradient
    of its expectation is known (`lingym.agents.ExpectedReward`); every estimator is asked for its
    gradient many times over, and compared.
    """

    data: str = "synthetic:commands"
    """Labelled texts, or a generated corpus (its train split)."""
    task: TaskName = "tagging"
    """What the units and the labels are."""
    reading: Reading = field(default_factory=Reading)
    reward: str = "accuracy"
    """One that says what each label is worth, whatever the others are."""
    warm_start: Path | None = None
    """A run whose policy is measured. Without one, a policy is trained here, supervised."""
    encoder: str | None = None
    """tiny (the default), minilm, a folder, or a Hugging Face Hub name."""
    history: Literal["none", "previous"] | None = None
    """Whether the previous label conditions the next. By default none, or the warm start's."""
    warm_up: int = 640
    """Texts that the policy learns from before it is measured; none with a warm start."""
    learning_rate: float = 1e-3
    """Of the warm-up."""
    samples: tuple[int, ...] = (2, 4, 8, 16)
    """Labelings of a text."""
    alpha: tuple[float, ...] = (0.005, 0.1, 1.0)
    """Of minimum risk."""
    batches: int = 2
    """Minibatches."""
    batch_size: int = 16
    """Texts of each."""
    repetitions: int = 64
    """Gradients of each estimator on each minibatch."""
    head_only: bool = False
    """Only the gradient with respect to the label head, not the encoder."""
    max_tokens: int = 256
    """Tokens to a window."""
    seed: int = 0
    """Of everything random."""
    threads: int = 1
    """Threads of PyTorch on the CPU."""
    device: str = "cpu"
    """cpu, cuda, or auto."""
    json: bool = False
    """Print JSON."""

    def run(self) -> None:
        """Measure, and print the table.

        Raises:
            ValueError: the reward is no sum over labels, or a number is too small.
        """
        from lingym.scripts.gradient_errors import measure

        counts = {"batches": 1, "batch_size": 1, "repetitions": 2, "threads": 1, "warm_up": 0}
        for name, least in counts.items():
            if vars(self)[name] < least:
                raise ValueError(f"{name} is {vars(self)[name]}: wanted {least} or more")
        if not self.samples or min(self.samples) < 2:
            raise ValueError(f"samples are {self.samples}: wanted 2 or more, to be compared")
        if min(self.alpha, default=1.0) <= 0:
            raise ValueError(f"alpha is {self.alpha}: wanted numbers above 0")
        found = measure(self)
        print(json.dumps(found, indent=2) if self.json else table(found))


def table(found: dict[str, object]) -> str:
    """What `measure` found, for a terminal."""
    about = {name: value for name, value in found.items() if name != "estimators"}
    rows = found["estimators"]
    assert isinstance(rows, list)
    lines = [", ".join(f"{name} {value}" for name, value in about.items())]
    lines.append(f"{'estimator':<36}{'S':>3}" + "".join(f"{name:>10}" for name in COLUMNS))
    for row in rows:
        numbers = "".join(f" {row[key]:>9.3f}" for key in COLUMNS.values())
        lines.append(f"{row['estimator']:<36}{row['samples']:>3}{numbers}")
    return "\n".join(lines)
