"""What an `OnlineLearner` learns by: the loss on texts that were shown and judged.

Sizes: B texts, U units, K labels.
"""

import torch
from torch import Tensor

from lingym.agents.losses import clipped_surrogate, kl_divergence, masked_mean, returns_to_go
from lingym.agents.online_settings import OnlineSettings
from lingym.agents.replay import Together, off_policy_loss
from lingym.agents.update_parts import detached, taken
from lingym.policies import LabelPolicy


def online_loss(
    policy: LabelPolicy,
    reference: LabelPolicy | None,
    settings: OnlineSettings,
    texts: Together,
    new: int,
    baseline: Tensor,
) -> tuple[Tensor, dict[str, float]]:
    """The loss on texts that were shown, and what to log of it.

    New labels have PPO's clipped surrogate (Schulman et al., 2017,
    https://arxiv.org/abs/1707.06347), old ones `lingym.agents.replay.off_policy_loss`; the two are
    weighed by their units.

    Args:
        policy: as it is now.
        reference: what the KL is measured to.
        settings: the coefficients.
        texts: B; the first `new` of them are new, the others are replayed.
        new: how many are new; there may be none.
        baseline: [B, 1] with the ``mean`` baseline; not looked at with ``value``.
    """
    batch, labels = texts.batch, texts.labels
    mask = labels >= 0
    features = policy.features(policy.texts(batch))
    every = policy.distribution(features, batch).log_probs(labels)
    log_probs = torch.where(mask, taken(every, labels), 0.0)
    returns = returns_to_go(texts.rewards, settings.gamma)
    log: dict[str, Tensor] = {}
    if new:
        log["reward"] = texts.rewards[:new].sum(1).mean()
    loss = torch.zeros((), device=policy.device)
    if settings.baseline == "value":
        values = policy.values(features, labels, batch)
        log["value_loss"] = masked_mean((values - returns).square(), mask)
        loss = loss + settings.vf_coef * log["value_loss"]
        baseline = values.detach()
    advantages = torch.where(mask, returns - baseline, 0.0)
    clipped = len(labels) if settings.weights == "clipped" else new
    surrogate = torch.zeros_like(loss)
    if clipped:
        surrogate = _surrogate(settings, texts, log_probs, advantages, mask, clipped)
    if clipped < len(labels):
        rest = slice(clipped, None)
        replayed = off_policy_loss(
            *(log_probs[rest], texts.behaviour[rest], advantages[rest], mask[rest]),
            *(settings.weights, settings.max_weight),
        )
        share = mask[rest].sum() / mask.sum()
        surrogate = (1 - share) * surrogate + share * replayed
    entropy = masked_mean(-(every.exp() * every).sum(-1).expand(mask.shape), mask)
    loss = loss + surrogate - settings.ent_coef * entropy
    if reference is not None:
        with torch.no_grad():
            before = reference.features(reference.texts(batch))
            known = reference.distribution(before, batch).log_probs(labels)
        log["reference_kl"] = masked_mean(kl_divergence(every, known).expand(mask.shape), mask)
        loss = loss + settings.kl_coef * log["reference_kl"]
    log |= {"policy_gradient_loss": surrogate, "entropy": entropy, "loss": loss}
    return loss, detached(log)


def _surrogate(
    settings: OnlineSettings,
    texts: Together,
    log_probs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    rows: int,
) -> Tensor:
    """PPO's loss of the first rows, each label weighed for how it was drawn."""
    own = slice(0, rows)
    real = mask[own]
    ratio = torch.where(real, log_probs[own] - texts.log_probs[own], 0.0).exp()
    drawn = torch.where(real, texts.log_probs[own] - texts.behaviour[own], 0.0).exp()
    weighed = advantages[own] * drawn.clamp(max=settings.max_weight)
    return clipped_surrogate(ratio, weighed, real, settings.clip_range)
