"""What a labelling is worth, learned from comparisons.

Sizes: S labelings, B texts, U units, K labels, P comparisons.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lingym.policies import LabelPolicy, light_copy, load_trained, trained_weights
from lingym.policies.encoder_parts import added_weights
from lingym.policies.optim import ScaledAdamW, parameter_groups
from lingym.types import UNDECIDED, Batch, FloatArray, IntArray, Rows


class RewardModel(nn.Module):
    """R(y) = sum_u s_u(y_u), or sum_u s_u(y_u) + t(y_{u-1}, y_u) where the policy has a history.

    Trained so that sigmoid(R(a) - R(b)) is the probability that a is said to be better than b
    (Bradley and Terry, 1952; Christiano et al., 2017, https://arxiv.org/abs/1706.03741). It is
    assumed that a labelling is worth the sum of what its units are worth, given the text (and the
    label before): then one encoding prices all labels, and the reward model knows what each unit
    contributed although only whole labelings were compared. What a measure like F1 makes of the
    whole beyond that, it can tell on average only.

    It begins as the policy's own scores (`begin`): what the policy finds probable is worth more
    until somebody says otherwise. A head made anew would give labels that nobody was ever asked
    about any worth, and the policy goes where that is high.

    Args:
        policy: what it begins as.
        learning_rate: of the encoder; the head's is as much higher as the policy's.
    """

    def __init__(self, policy: LabelPolicy, learning_rate: float) -> None:
        super().__init__()
        self.scorer: LabelPolicy = light_copy(policy)  # it learns what the policy learns
        scorer = self.scorer
        scorer.work = policy.work  # what it reads is read in the same run
        added = added_weights(scorer.encoder, scorer.tuning)
        groups = parameter_groups(
            scorer.encoder, scorer, scorer.weight_decay, scorer.head_lr_scale, added
        )
        self.optimizer = ScaledAdamW(groups, lr=learning_rate)

    def begin(self, policy: LabelPolicy) -> None:
        """Be worth what the policy, as it is now, finds probable."""
        load_trained(self.scorer, trained_weights(policy))

    def steps(self, batch: Batch, labels: Tensor) -> Tensor:
        """What each unit's label adds to R, [S, B, U]; 0 for padding.

        Args:
            batch: B texts.
            labels: int64 [S, B, U], -1 as padding.
        """
        features = self.scorer.features(self.scorer.texts(batch))
        distribution = self.scorer.distribution(features, batch)
        scores = distribution.scores.expand(*labels.shape, -1)
        worth = scores.gather(-1, labels.clamp(min=0)[..., None]).squeeze(-1)
        if distribution.transition is not None:
            start = len(distribution.transition) - 1
            before = torch.full_like(labels, start)
            before[..., 1:] = labels[..., :-1]
            before = torch.where(before < 0, start, before)
            worth = worth + distribution.transition[before, labels.clamp(min=0)]
        return torch.where(labels >= 0, worth, 0.0)

    def lead(self, batch: Batch, pairs: Tensor) -> Tensor:
        """R(a) - R(b) of pairs of labelings [2, P, U] of P texts, [P]."""
        one, other = self.steps(batch, pairs).sum(-1)
        return one - other

    def loss(self, batch: Batch, pairs: Tensor, said: Tensor) -> Tensor:
        """The mean cross-entropy of what was said: 1 where a is better, 0 where b, or .5."""
        return F.binary_cross_entropy_with_logits(self.lead(batch, pairs), said)


class Comparisons:
    """The latest comparisons, as many as there is room for: those near the present policy.

    Args:
        room: the most that are kept.
    """

    def __init__(self, room: int) -> None:
        self.room = room
        self.examples = np.zeros(0, np.int32)
        self.pairs = np.zeros((2, 0, 0), np.int32)  # [2, P, U]
        self.said: FloatArray = np.zeros(0)

    def run_state(self) -> dict[str, Any]:
        """The comparisons that are kept."""
        return {"examples": self.examples, "pairs": self.pairs, "said": self.said}

    def load_run_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `run_state` gave."""
        self.examples, self.pairs, self.said = (
            state[name] for name in ("examples", "pairs", "said")
        )

    def __len__(self) -> int:
        """P, the comparisons that are kept."""
        return len(self.said)

    def add(self, examples: IntArray, pairs: IntArray, said: FloatArray) -> None:
        """Keep further ones; the oldest go.

        Args:
            examples: [P] the texts.
            pairs: [2, P, U] the two labelings of each.
            said: [P] which is better.
        """
        width = max(self.pairs.shape[2], pairs.shape[2])
        both = [
            np.pad(each, ((0, 0), (0, 0), (0, width - each.shape[2])), constant_values=UNDECIDED)
            for each in (self.pairs, pairs)
        ]
        self.pairs = np.concatenate(both, 1)[:, -self.room :]
        self.examples = np.concatenate([self.examples, examples])[-self.room :]
        self.said = np.concatenate([self.said, said])[-self.room :]

    def take(self, rows: Rows, width: int) -> tuple[Tensor, Tensor]:
        """Pairs int64 [2, n, width] and what was said, float32 [n], of some comparisons."""
        pairs = torch.from_numpy(self.pairs[:, rows, :width]).long()
        return pairs, torch.from_numpy(self.said[rows]).float()
