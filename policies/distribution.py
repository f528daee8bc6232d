"""The distribution of a labelling: independent units, or each conditioned on the one before.

Sizes: S samples, B episodes, U units, K labels.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

FORBIDDEN = -1e8
"""Added to a forbidden label's score: probability 0 in float32, no infinity in gradients."""


@dataclass(frozen=True)
class LabelDistribution:
    """p(labels) = prod_u softmax(scores_u + transition[label_{u-1}])[label_u].

    Attributes:
        scores: [B, U, K] what the text says of each unit.
        transition: [K + 1, K] what the label before says, FORBIDDEN where a label may not follow;
            row K is the start. None makes the units independent.
    """

    scores: Tensor
    transition: Tensor | None = None

    def log_probs(self, labels: Tensor) -> Tensor:
        """Log-probabilities of every label of every unit, given the labels before it.

        Args:
            labels: [..., B, U] label ids, -1 for padding.

        Returns:
            [..., B, U, K]; without a transition the leading axes are left out, since nothing
            depends on the labels.
        """
        if self.transition is None:
            return self.scores.log_softmax(-1)
        start = len(self.transition) - 1
        before = torch.full_like(labels, start)
        before[..., 1:] = labels[..., :-1]
        before = torch.where(before < 0, start, before)
        return (self.scores + self.transition[before]).log_softmax(-1)

    def sample(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Independent labelings, int64 [S, B, U]: the Gumbel-max trick, unit after unit."""
        shape = (count, *self.scores.shape)
        noise = torch.empty(shape, device=self.scores.device, dtype=torch.float32)
        noise.exponential_(generator=generator).log_().neg_()
        if self.transition is None:
            return (self.scores + noise).argmax(-1)
        noise = noise + self.scores
        before = torch.full(shape[:2], len(self.transition) - 1, device=self.scores.device)
        labels = []
        for unit in range(shape[2]):
            before = (noise[:, :, unit] + self.transition[before]).argmax(-1)
            labels.append(before)
        return torch.stack(labels, -1)

    def mode(self, lengths: Tensor) -> Tensor:
        """The most probable labelling: argmax, or Viterbi's path where units are conditioned.

        Viterbi (1967), https://doi.org/10.1109/TIT.1967.1054010.

        Args:
            lengths: [B] units of each episode.

        Returns:
            int64 [B, U]; what stands after an episode's last unit means nothing.
        """
        if self.transition is None:
            return self.scores.argmax(-1)
        _, units, count = self.scores.shape
        best = (self.scores[:, 0] + self.transition[count]).log_softmax(-1)  # [B, K]
        same = torch.arange(count, device=best.device).expand_as(best)
        back = []
        for unit in range(1, units):
            step = (self.scores[:, unit, None] + self.transition[:count]).log_softmax(-1)
            score, origin = (best[:, :, None] + step).max(1)  # over the label before
            inside = (unit < lengths)[:, None]
            best = torch.where(inside, score, best)
            back.append(torch.where(inside, origin, same))
        label = best.argmax(-1)
        labels = [label]
        for origin in reversed(back):
            label = origin.gather(1, label[:, None]).squeeze(1)
            labels.append(label)
        return torch.stack(labels[::-1], 1)
