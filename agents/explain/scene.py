"""One text before a policy, and what the policy says of labels when words are blanked.

Sizes: N windows, L tokens to a window, W words, U units, T targets (labels to be explained), C
copies of the text.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lingym.envs.layout import Layout
from lingym.policies import LabelPolicy
from lingym.policies.network import LabelNetwork
from lingym.types import Batch, BoolArray, FloatArray, IntArray, Rows


@dataclass(frozen=True)
class Scene:
    """A text, the labels given to its units, and which of these are to be explained.

    Attributes:
        policy: the policy.
        batch: the text, alone.
        layout: its words.
        labels: int32 [U] the labels given to all units, -1 after a label that ended the episode.
        units: int32 [T] the unit of each target.
        targets: int32 [T] the label of each target, in most cases that which the unit was given.
        blank: the token id that stands for a word that is taken away.
        logit: explain the label's score; else its log-probability, given the labels before it.
        budget: padded tokens that are encoded at a time.
    """

    policy: LabelPolicy
    batch: Batch
    layout: Layout
    labels: IntArray
    units: IntArray
    targets: IntArray
    blank: int
    logit: bool = False
    budget: int = 8192

    @cached_property
    def words(self) -> IntArray:
        """The word of each token, int32 [N, L]; -1 for what no method may touch."""
        words = np.full(self.batch.input_ids.shape, -1, np.int32)
        own = self.layout.tokens
        own = np.where((own >= 0) & self.layout.marks[own], -1, own)
        words[self.batch.attention_mask > 0] = own
        return words

    @property
    def most(self) -> int:
        """Copies of the text that are encoded at a time."""
        return max(1, self.budget // self.batch.input_ids.size)

    def blanked(self, kept: BoolArray) -> IntArray:
        """Token ids [C * N, L] of copies that keep some words, bool [C, W]; the others are blank.

        Special tokens and markers always stay, and so does the place of a word that does not.
        """
        gone = (self.words >= 0) & ~kept[:, self.words]  # [C, N, L]
        ids = np.where(gone, self.blank, self.batch.input_ids)
        return ids.reshape(-1, ids.shape[-1]).astype(np.int32)

    def say(self, ids: IntArray, which: Rows) -> Tensor:
        """What the policy says of targets, [C], with gradients.

        Args:
            ids: [C * N, L] the token ids of copies of the text.
            which: [C] the target that each copy is asked about.
        """
        batch = replace(copies(self.batch, len(which)), input_ids=ids)
        distribution = self.policy.distribution(
            self.policy.features(self.policy.texts(batch)), batch
        )
        every = distribution.scores
        if not self.logit:
            labels = torch.from_numpy(np.tile(self.labels, (len(which), 1))).long()
            every = distribution.log_probs(labels.to(every.device))
        rows = torch.arange(len(which), device=every.device)
        unit, label = (torch.from_numpy(each[which]).long() for each in (self.units, self.targets))
        return every[rows, unit.to(every.device), label.to(every.device)].double()

    def values(self, kept: BoolArray, which: Rows) -> FloatArray:
        """What the policy says of targets [C] when only some words are kept, bool [C, W]."""
        said = np.zeros(len(which))
        with torch.no_grad():
            for start in range(0, len(which), self.most):
                part = slice(start, start + self.most)
                said[part] = self.say(self.blanked(kept[part]), which[part]).cpu().numpy()
        return said

    def of_words(self, tokens: FloatArray) -> FloatArray:
        """Scores [T, W] of words from scores [T, N, L] of tokens: sums over a word's tokens."""
        inside = self.words >= 0
        scores = np.zeros((len(tokens), len(self.layout.words)))
        for row, each in enumerate(tokens):
            np.add.at(scores[row], self.words[inside], each[inside])
        return scores


def copies(batch: Batch, count: int) -> Batch:
    """A batch `count` times over, windows and all."""
    rows = np.repeat(np.arange(count, dtype=np.int32), len(batch.episode_of_window)) * len(batch)

    def tile(array: IntArray) -> IntArray:
        return np.tile(array, (count,) + (1,) * (array.ndim - 1))

    return replace(
        batch,
        input_ids=tile(batch.input_ids),
        attention_mask=tile(batch.attention_mask),
        unit_of_token=tile(batch.unit_of_token),
        episode_of_window=np.tile(batch.episode_of_window, count) + rows,
        lengths=tile(batch.lengths),
        gold=tile(batch.gold),
        examples=tile(batch.examples),
        groups=tile(batch.groups),
        kinds=None if batch.kinds is None else tile(batch.kinds),
        costs=None if batch.costs is None else tile(batch.costs),
    )


def embeddings(policy: LabelPolicy) -> list[nn.Module]:
    """The layers that turn token ids into vectors: one for each encoder that the policy reads by.

    A head that an encoder brings (of masked words) reads no tokens, and has none.
    """
    layers: list[nn.Module] = []
    for module in policy.modules():
        if isinstance(module, LabelNetwork):
            encoder: Any = module.encoder
            layer = encoder.get_input_embeddings()
            if not any(layer is known for known in layers):
                layers.append(layer)
    return layers


@contextmanager
def still(policy: LabelPolicy) -> Iterator[None]:
    """No dropout, full precision, nothing counted as work, gradients through every encoder.

    All is as it was afterwards.
    """
    training = policy.training
    networks = [module for module in policy.modules() if isinstance(module, LabelNetwork)]
    autocast = [network.autocast for network in networks]
    policy.train(False)
    for network in networks:
        network.autocast, network.open = False, True
    try:
        with policy.work.paused():
            yield
    finally:
        policy.train(training)
        for network, before in zip(networks, autocast, strict=True):
            network.autocast, network.open = before, False
