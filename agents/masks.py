"""Dropout that policies of several epochs can keep: the mask is part of the policy.

A ratio between probabilities under two masks is far from 1 before any update. Under one mask it
measures what the weights moved, and nothing else. A mask need not be kept: its seed brings it back,
for as long as the minibatch has the same texts in the same order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from lingym.policies import LabelPolicy
from lingym.types import Batch, Rows


@dataclass(frozen=True)
class Masks:
    """The minibatches of a rollout, which stay as they are, and the seeds of their masks."""

    minibatches: tuple[Rows, ...]
    seeds: tuple[int, ...]

    @classmethod
    def drawn(cls, minibatches: Sequence[Rows], random: np.random.Generator) -> "Masks":
        """A new mask for each of these minibatches."""
        seeds = random.integers(2**63, size=len(minibatches))
        return cls(tuple(minibatches), tuple(seeds.tolist()))

    def shuffled(self, random: np.random.Generator) -> list[Rows]:
        """The minibatches in another order."""
        return [self.minibatches[place] for place in random.permutation(len(self.minibatches))]

    def seed_of(self, rows: Rows) -> int:
        """The seed of the mask of a minibatch.

        Raises:
            ValueError: the rows are none of the minibatches; other rows have no mask.
        """
        place = self._places.get(int(rows[0])) if len(rows) else None
        if place is not None and np.array_equal(self.minibatches[place], rows):
            return self.seeds[place]
        raise ValueError(
            f"rows {np.asarray(rows).tolist()} are no minibatch of the rollout: with dropout, rows "
            "are learned from in the minibatches that they were labelled in (rollout.masks)"
        )

    @cached_property
    def _places(self) -> dict[int, int]:
        return {int(rows[0]): place for place, rows in enumerate(self.minibatches)}


def masked_features(policy: LabelPolicy, batch: Batch, seed: int) -> Tensor:
    """Features [B, G, D] of a batch of texts under the dropout mask of a seed.

    PyTorch's random state and the policy's mode, without dropout, are afterwards as before.

    Raises:
        ValueError: the policy is on a device other than a CPU or a CUDA GPU.
    """
    device = policy.device
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"dropout masks can be repeated on cpu and cuda, not on {device.type}")
    texts = policy.texts(batch)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        # Not torch.manual_seed, which would seed every GPU, and only this one is put back.
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        policy.train(True)
        try:
            return policy.features(texts)
        finally:
            policy.train(False)
