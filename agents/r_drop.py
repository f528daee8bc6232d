"""R-Drop: two passes under different dropout masks, which are to say the same.

Liang et al. (2021), https://arxiv.org/abs/2106.14448. With L_1 and L_2 the agent's loss in both
passes, and p, q the distributions of a unit's labels,

    loss = (L_1 + L_2) / 2 + alpha mean_u [KL(p_u || q_u) + KL(q_u || p_u)] / 2.

The paper adds L_1 and L_2, so its alpha is twice this one; its published code has the mean, as
here. Where a unit's labels depend on those before (history ``previous``, constraints, quotas), p_u
and q_u are conditioned on the labels that the loss is of: the gold ones, or those that were drawn.
"""

from typing import NamedTuple

from torch import Tensor

from lingym.agents.losses import kl_divergence, masked_mean


class Path(NamedTuple):
    """What one pass said of every label, along some labelings."""

    log_probs: Tensor  # [B, U, K], or [S, B, U, K]
    mask: Tensor  # bool [B, U] or [S, B, U], the units that have a label


def disagreement(one: Path, other: Path) -> Tensor:
    """The mean over units of the symmetric KL of two passes, nats; 0 where they say the same."""
    there = kl_divergence(one.log_probs, other.log_probs)
    back = kl_divergence(other.log_probs, one.log_probs)
    return masked_mean(((there + back) / 2).expand(one.mask.shape), one.mask)
