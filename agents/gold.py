"""Gold labels as something to learn from: cross-entropy, alone or beside a reward."""

import torch
from torch import Tensor

from lingym.agents.losses import masked_mean
from lingym.envs import LabelVectorEnv
from lingym.policies.distribution import FORBIDDEN, LabelDistribution
from lingym.types import Batch


def cross_entropy(distribution: LabelDistribution, batch: Batch, smoothing: float = 0.0) -> Tensor:
    """The mean cross-entropy of a batch's units, nats, with gradients.

    Args:
        distribution: what the policy says of the batch.
        batch: B episodes with gold labels.
        smoothing: mass moved from the gold label to all allowed labels evenly, in [0, 1).
    """
    gold = torch.from_numpy(batch.gold).long().to(distribution.scores.device)
    every = distribution.log_probs(gold)
    chosen = every.gather(-1, gold.clamp(min=0)[..., None]).squeeze(-1)
    if smoothing:
        allowed = every > FORBIDDEN / 2
        share = torch.where(allowed, every, 0.0).sum(-1) / allowed.sum(-1)
        chosen = (1 - smoothing) * chosen + smoothing * share
    return -masked_mean(chosen, gold >= 0)


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
