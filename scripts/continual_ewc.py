"""What elastic weight consolidation keeps between stages: which weights the texts so far need."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from lingym.agents import Consolidation, Labeller, fisher_information
from lingym.agents.consolidation import accumulated
from lingym.envs import Episodes
from lingym.policies import LabelPolicy
from lingym.reading import wanted
from lingym.types import DataError

if TYPE_CHECKING:
    from lingym.scripts.continual import Continual

FILE = "fisher.safetensors"


def write_fisher(asked: "Continual", texts: Episodes, done: Sequence[Path], seed: int) -> None:
    """Write the information of all stages so far into the last one's folder, if it is not there.

    Args:
        asked: the command.
        texts: the last stage's training texts; some are drawn.
        done: the runs of the stages.
        seed: of that draw, and of the labels.
    """
    file = done[-1] / FILE
    if file.exists():
        return
    policy = Labeller.load(done[-1], asked.train.device).policy
    generator = torch.Generator(policy.device)
    generator.manual_seed(seed)
    count = min(asked.fisher_texts, len(texts))
    chosen = np.random.default_rng(seed).choice(len(texts), count, replace=False)
    found = fisher_information(policy, texts, chosen, generator)
    if len(done) > 1:
        found = accumulated(fisher_in(done[-2], policy), found, asked.ewc_decay)
    new = file.with_name(f"{FILE}.new")
    save_file({name: value.cpu().contiguous() for name, value in found.items()}, new)
    new.replace(file)


def consolidating(policy: LabelPolicy, before: Path, strength: float) -> Consolidation:
    """What holds the weights of a policy that was read from the run before."""
    return Consolidation(policy, fisher_in(before, policy), strength)


def fisher_in(run: Path, policy: LabelPolicy) -> dict[str, torch.Tensor]:
    """The information that `write_fisher` wrote, by the names of weights that are trained.

    Raises:
        DataError: the file cannot be read, or is of other weights.
    """
    file = run / FILE
    with wanted(file, "what the weights of this policy are needed for"):
        try:
            found = load_file(file, str(policy.device))
        except (OSError, SafetensorError) as error:
            raise DataError(f"{file}: cannot be read ({error})") from None
        trained = {name: w.shape for name, w in policy.named_parameters() if w.requires_grad}
        other = sorted(name for name, known in found.items() if trained.get(name) != known.shape)
        if other:
            raise ValueError(f"its {other[0]} is not the policy's")
    return found
