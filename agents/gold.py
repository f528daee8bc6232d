"""Gold labels as something to learn from: cross-entropy, alone or beside a reward."""

import torch
from torch import Tensor

from lingym.agents.losses import masked_mean
from lingym.envs import LabelVectorEnv
from lingym.policies.distribution import FORBIDDEN, LabelDistribution
from lingym.types import Batch


def cross_entropy(
    distribution: LabelDistribution,
    batch: Batch,
    smoothing: float = 0.0,
    weights: Tensor | None = None,
    focal_gamma: float = 0.0,
) -> Tensor:
    """The mean cross-entropy of a batch's units, nats, with gradients.

    With weights it is the weighted mean, sum_u w_u l_u / sum_u w_u, with w_u the weight of the gold
    label, which is what `torch.nn.CrossEntropyLoss` computes, with smoothing too. The focal loss
    (Lin et al., 2017, https://arxiv.org/abs/1708.02002) of a unit is -(1 - p)^gamma log p.

    Args:
        distribution: what the policy says of the batch.
        batch: B episodes with gold labels.
        smoothing: mass moved from the gold label to all allowed labels evenly, in [0, 1).
        weights: [R, K] of the labels; R is 1, or one for each unit of an episode.
        focal_gamma: how little a unit counts whose gold label is probable already; 0: as much as
            every other. Not with smoothing.
    """
    gold = torch.from_numpy(batch.gold).long().to(distribution.scores.device)
    every = distribution.log_probs(gold)
    chosen = every.gather(-1, gold.clamp(min=0)[..., None]).squeeze(-1)
    if focal_gamma:
        # Not 0: the gradient of 0^gamma is infinite for a gamma below 1.
        rest = (-torch.expm1(chosen)).clamp(min=torch.finfo(chosen.dtype).tiny)
        chosen = rest**focal_gamma * chosen
    of_gold = None
    if weights is not None:
        weights = weights[: gold.shape[1]].expand(*gold.shape, -1)  # [B, U, K]
        of_gold = weights.gather(-1, gold.clamp(min=0)[..., None]).squeeze(-1)
        chosen = of_gold * chosen
    if smoothing:
        allowed = every > FORBIDDEN / 2
        spread = every if weights is None else weights * every
        share = torch.where(allowed, spread, 0.0).sum(-1) / allowed.sum(-1)
        chosen = (1 - smoothing) * chosen + smoothing * share
    loss = -masked_mean(chosen, gold >= 0)
    return loss if of_gold is None else loss / masked_mean(of_gold, gold >= 0)


def check_gold(env: LabelVectorEnv, who: str) -> None:
    """Refuse texts whose gold labels cannot be learned from.

    Args:
        env: the environment.
        who: what wants to, for the message.

    Raises:
        ValueError: the environment has texts without gold labels, or its reward hides them.
    """
    reward = env.reward
    if reward.hides_gold:
        raise ValueError(
            f"{who} learns from gold labels, which reward {reward} keeps to itself: give the "
            "environment another reward, or learn from this one (REINFORCE, PPO)"
        )
    if not env.episodes.labelled:
        raise ValueError(f"{who} learns from gold labels; some of these texts have none")
