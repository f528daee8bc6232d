"""The maths of policy gradients on whole episodes, as pure functions.

Every array is [B, U] (or [..., B, U]): one row an episode, one column a unit; `mask` is True for
real units. An episode always terminates after its last unit, so nothing is bootstrapped.
"""

import torch
from torch import Tensor


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """The mean over real units.

    Raises:
        ValueError: values and mask differ in shape (broadcasting them would be a silent error).
    """
    _same_shape(values=values, mask=mask)
    return torch.where(mask, values, 0.0).sum() / mask.sum()


def normalized(advantages: Tensor, mask: Tensor) -> Tensor:
    """Advantages less their mean, over their standard deviation (n - 1) plus 1e-8, on real units.

    A single unit is left as it is, as Stable-Baselines3 does.
    """
    count = mask.sum()
    if count < 2:
        return advantages
    mean = masked_mean(advantages, mask)
    centred = torch.where(mask, advantages - mean, 0.0)
    deviation = (centred.square().sum() / (count - 1)).sqrt()
    return centred / (deviation + 1e-8)


def returns_to_go(rewards: Tensor, gamma: float = 1.0) -> Tensor:
    """G_u = r_u + gamma * G_{u+1}.

    Args:
        rewards: [..., U], 0 after an episode's last unit.
        gamma: the discount, in [0, 1].
    """
    if gamma == 1.0:
        return rewards.flip(-1).cumsum(-1).flip(-1)
    following = torch.zeros_like(rewards[..., 0])
    out = torch.empty_like(rewards)
    for unit in range(rewards.shape[-1] - 1, -1, -1):
        following = rewards[..., unit] + gamma * following
        out[..., unit] = following
    return out


def gae(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float, gae_lambda: float) -> Tensor:
    """Generalised advantage estimates, 0 for padding.

    A_u = delta_u + gamma lambda A_{u+1}, delta_u = r_u + gamma V_{u+1} - V_u, with V = 0 after the
    last unit. Schulman et al. (2016), https://arxiv.org/abs/1506.02438.

    Args:
        rewards: [B, U].
        values: [B, U] expected rewards from each unit on.
        mask: bool [B, U].
        gamma: the discount, in [0, 1].
        gae_lambda: 1 gives returns less values, 0 the temporal-difference error.
    """
    _same_shape(rewards=rewards, values=values, mask=mask)
    values = torch.where(mask, values, 0.0)
    following = torch.zeros_like(values)
    following[..., :-1] = values[..., 1:]
    delta = torch.where(mask, rewards + gamma * following - values, 0.0)
    return returns_to_go(delta, gamma * gae_lambda)


def clipped_surrogate(ratio: Tensor, advantages: Tensor, mask: Tensor, clip_range: float) -> Tensor:
    """PPO's loss, -mean min(ratio A, clip(ratio, 1 - eps, 1 + eps) A) over real units.

    Schulman et al. (2017), https://arxiv.org/abs/1707.06347, equation 7.
    """
    _same_shape(ratio=ratio, advantages=advantages, mask=mask)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    return -masked_mean(torch.min(ratio * advantages, clipped * advantages), mask)


def kl_estimate(log_ratio: Tensor, mask: Tensor) -> Tensor:
    """KL(old || new) from samples of old: mean of (e^x - 1) - x, x = log new - log old.

    Unbiased and never negative: Schulman's k3, http://joschu.net/blog/kl-approx.html.
    """
    return masked_mean(log_ratio.exp() - 1 - log_ratio, mask)


def kl_divergence(log_probs: Tensor, reference: Tensor) -> Tensor:
    """KL(policy || reference) of each unit, exact: [..., U] from log-probabilities [..., U, K]."""
    _same_shape(log_probs=log_probs, reference=reference)
    return (log_probs.exp() * (log_probs - reference)).sum(-1)


def leave_one_out(scores: Tensor, mask: Tensor | None = None) -> Tensor:
    """Each sample's baseline: the mean score of the other samples of the same text.

    Kool, van Hoof and Welling (2019), https://openreview.net/forum?id=r1lgTGL5DE.

    Args:
        scores: [S, ...], S samples of each text.
        mask: bool [S, ..., U] where scores are returns of units: the units that a sample labelled.
            One that ended earlier than another is compared by its last return. (Any number that
            does not depend on the sample itself would do; 0 would make going on look good.)

    Raises:
        ValueError: there is one sample only.
    """
    if len(scores) < 2:
        raise ValueError(f"leave-one-out needs at least 2 samples of a text, got {len(scores)}")
    scores = _carried(scores, mask)
    return (scores.sum(0, keepdim=True) - scores) / (len(scores) - 1)


def group_advantages(scores: Tensor, mask: Tensor | None = None, scale: bool = True) -> Tensor:
    """Each sample's score less the mean of its text's samples, over their standard deviation.

    A = (score - mean) / (std + 1e-4), std with n - 1; 0 where all samples of a text score the same.
    GRPO: Shao et al. (2024), https://arxiv.org/abs/2402.03300, section 4.1.

    Without the scale it is (S - 1) / S times the advantage of `leave_one_out`. The scale makes the
    gradient another one than that of the expected score: texts whose samples hardly differ, those
    that are nearly always or nearly never labelled right, weigh as much as those where labels
    matter (Liu et al., 2025, "Dr. GRPO", https://arxiv.org/abs/2503.20783).

    Args:
        scores: [S, ...], S samples of each text.
        mask: see `leave_one_out`.
        scale: divide by the standard deviation.

    Raises:
        ValueError: there is one sample only.
    """
    if len(scores) < 2:
        raise ValueError(f"a group needs at least 2 samples of a text, got {len(scores)}")
    scores = _carried(scores, mask)
    centred = scores - scores.mean(0, keepdim=True)
    if not scale:
        return centred
    # Equal scores, summed in another order, differ by rounding: no advantage is made of that.
    spread = scores.amax(0, keepdim=True) - scores.amin(0, keepdim=True)
    same = spread <= 1e-6 * scores.abs().amax(0, keepdim=True)
    deviation = centred.square().sum(0, keepdim=True).div(len(scores) - 1).sqrt()
    return torch.where(same, 0.0, centred / (deviation + 1e-4))


def _carried(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Returns whose last one stands for the units that a sample has not."""
    if mask is None:
        return scores
    last = (mask.sum(-1, keepdim=True) - 1).clamp(min=0)
    return torch.where(mask, scores, scores.gather(-1, last))


def _same_shape(**tensors: Tensor) -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"shapes must be equal, got {shapes}")
