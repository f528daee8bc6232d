"""The maths of the losses: by hand, by their relations, and by their guards."""

import math

import pytest
import torch
from torch import Tensor

from lingym.agents.losses import (
    clipped_surrogate,
    gae,
    group_advantages,
    kl_divergence,
    kl_estimate,
    leave_one_out,
    masked_mean,
    normalized,
    returns_to_go,
)

REWARDS = torch.tensor([[0.0, 1.0, 0.0, -0.5, 2.0]], dtype=torch.float64)
VALUES = torch.tensor([[0.5, 0.4, 0.3, 0.2, 0.1]], dtype=torch.float64)
WHOLE = torch.ones(1, 5, dtype=torch.bool)


def close(found: Tensor, wanted: list[float] | Tensor, precision: float = 1e-7) -> None:
    wanted = torch.as_tensor(wanted, dtype=found.dtype).view_as(found)
    torch.testing.assert_close(found, wanted, rtol=0, atol=precision)


def ragged(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Rewards, values and mask of six episodes of 1 to 7 units."""
    generator = torch.Generator().manual_seed(seed)
    mask = torch.arange(7) < torch.tensor([1, 7, 3, 5, 2, 6])[:, None]
    rewards, values = torch.randn(2, 6, 7, generator=generator, dtype=torch.float64)
    return torch.where(mask, rewards, 0.0), values, mask


def test_returns_by_hand() -> None:
    # 2; -.5 + .9 * 2 = 1.3; .9 * 1.3 = 1.17; 1 + .9 * 1.17 = 2.053; .9 * 2.053 = 1.8477
    close(returns_to_go(REWARDS, 0.9), [1.8477, 2.053, 1.17, 1.3, 2.0])
    close(returns_to_go(REWARDS), [2.5, 2.5, 1.5, 1.5, 2.0])


def test_gae_by_hand() -> None:
    # delta: 0 + .9 * .4 - .5 = -.14; 1 + .9 * .3 - .4 = .87; .9 * .2 - .3 = -.12;
    # -.5 + .9 * .1 - .2 = -.61; 2 - .1 = 1.9. Each advantage adds .9 * .8 = .72 of the next one.
    # -.61 + .72 * 1.9 = .758; -.12 + .72 * .758 = .42576; .87 + .72 * .42576 = 1.1765472;
    # -.14 + .72 * 1.1765472 = .707113984
    wanted = [0.707113984, 1.1765472, 0.42576, 0.758, 1.9]
    close(gae(REWARDS, VALUES, WHOLE, 0.9, 0.8), wanted)


def test_a_shorter_episode_has_the_advantages_it_has_alone() -> None:
    rewards, values, mask = ragged(0)
    together = gae(rewards, values, mask, 0.9, 0.8)
    for row, length in enumerate(mask.sum(1)):
        part = slice(row, row + 1), slice(length)
        close(together[part], gae(rewards[part], values[part], mask[part], 0.9, 0.8))
    assert (together[~mask] == 0).all()


@pytest.mark.parametrize("gamma", [1.0, 0.9])
def test_gae_at_lambda_1_is_returns_less_values_and_at_0_the_td_error(gamma: float) -> None:
    rewards, values, mask = ragged(1)
    monte_carlo = torch.where(mask, returns_to_go(rewards, gamma) - values, 0.0)
    close(gae(rewards, values, mask, gamma, 1.0), monte_carlo)
    following = torch.where(mask, values, 0.0).roll(-1, 1)
    following[:, -1] = 0.0
    one_step = torch.where(mask, rewards + gamma * following - values, 0.0)
    close(gae(rewards, values, mask, gamma, 0.0), one_step)


def test_ppo_loss_and_gradient_by_hand() -> None:
    ratio = torch.tensor([[1.1, 1.5, 0.5, 0.5, 1.5]], dtype=torch.float64, requires_grad=True)
    advantages = torch.tensor([[2.0, 2.0, 2.0, -2.0, -2.0]], dtype=torch.float64)
    loss = clipped_surrogate(ratio, advantages, WHOLE, 0.2)
    # min of both products: 2.2, 2.4 (clipped), 1.0, -1.6 (clipped), -3.0; their sum is 1.0
    close(loss, [-0.2])
    loss.backward()
    assert ratio.grad is not None
    close(ratio.grad, [-0.4, 0.0, -0.4, 0.0, 0.4])


def test_reinforce_loss_and_gradient_by_hand() -> None:
    logits = torch.tensor([0.0, math.log(3.0)], dtype=torch.float64, requires_grad=True)
    log_prob = logits.log_softmax(-1)[None]  # log(1/4), log(3/4)
    mask = torch.tensor([[True, True]])
    loss = -masked_mean(log_prob * torch.tensor([[2.0, -1.0]]), mask)
    close(loss, [(2 * math.log(4) + math.log(0.75)) / 2])
    loss.backward()
    assert logits.grad is not None
    # -1/2 (2 (1 - 1/4) - (0 - 1/4)) = -.875, and its opposite
    close(logits.grad, [-0.875, 0.875])


def test_ppo_at_ratio_1_has_the_gradient_of_reinforce() -> None:
    rewards, advantages, mask = ragged(2)
    log_prob = rewards.clone().requires_grad_()
    old = log_prob.detach()
    clipped = clipped_surrogate((log_prob - old).exp(), advantages, mask, 0.2)
    (ours,) = torch.autograd.grad(clipped, log_prob)
    (plain,) = torch.autograd.grad(-masked_mean(log_prob * advantages, mask), log_prob)
    assert plain.abs().sum() > 0
    close(ours, plain, 1e-15)


def test_normalised_advantages_are_those_of_the_real_units() -> None:
    _, values, mask = ragged(3)
    found = normalized(values, mask)
    real = values[mask]
    close(found[mask], (real - real.mean()) / (real.std() + 1e-8), 1e-12)
    assert (found[~mask] == 0).all()
    single = torch.tensor([[3.0, 4.0]])
    assert normalized(single, torch.tensor([[True, False]])).tolist() == [[3.0, 4.0]]


def test_kl_by_hand_and_its_estimate_on_average() -> None:
    old = torch.tensor([0.5, 0.25, 0.25], dtype=torch.float64)
    new = torch.tensor([0.25, 0.5, 0.25], dtype=torch.float64)
    exact = kl_divergence(old.log()[None], new.log()[None])
    close(exact, [0.25 * math.log(2)])  # .5 log 2 - .25 log 2
    terms = torch.stack(
        [kl_estimate(ratio.view(1, 1), torch.ones(1, 1).bool()) for ratio in (new / old).log()]
    )
    assert (terms >= 0).all()
    close((old * terms).sum(), exact)


def test_leave_one_out_by_hand() -> None:
    scores = torch.tensor([[1.0, 0.0], [2.0, 3.0], [6.0, 3.0]])
    close(leave_one_out(scores), [4.0, 3.0, 3.5, 1.5, 1.5, 1.5])
    with pytest.raises(ValueError, match="at least 2 samples of a text, got 1"):
        leave_one_out(torch.zeros(1, 4))


def test_group_advantages_by_hand() -> None:
    scores = torch.tensor([[1.0, 0.5], [2.0, 0.5], [6.0, 0.5]], dtype=torch.float64)
    # mean 3; deviations -2, -1, 3; std sqrt((4 + 1 + 9) / 2) = sqrt(7)
    wanted = [part / (math.sqrt(7) + 1e-4) for part in (-2.0, -1.0, 3.0)]
    close(group_advantages(scores)[:, 0], wanted, 1e-12)
    plain = group_advantages(scores, scale=False)
    close(plain, 2 / 3 * (scores - leave_one_out(scores)), 1e-12)
    with pytest.raises(ValueError, match="at least 2 samples of a text, got 1"):
        group_advantages(torch.zeros(1, 4))


def test_a_group_that_scores_the_same_has_no_advantage_and_no_gradient_that_is_not_a_number() -> (
    None
):
    third = torch.tensor([1 / 3] * 3)
    sums = torch.stack([third.sum(), third[0] + 2 * third[1], torch.tensor(1.0)])
    noisy = torch.stack([sums, sums.flip(0)], 1) + torch.tensor([[0.0], [1e-7], [2e-7]])
    assert len(noisy.unique()) > 1
    assert (group_advantages(noisy) == 0).all()
    assert (group_advantages(torch.zeros(4, 3)) == 0).all()
    # The scale of the scores is no advantage either, but for the little number under it.
    wide = torch.tensor([[0.0], [1.0], [3.0]])
    close(group_advantages(1000 * wide), group_advantages(wide), 1e-3)


def test_shapes_that_would_broadcast_are_refused_by_name() -> None:
    column, square = torch.ones(3, 1), torch.ones(3, 3)
    mask = torch.ones(3, 3, dtype=torch.bool)
    with pytest.raises(ValueError, match=r"'values': \(3, 1\), 'mask': \(3, 3\)"):
        masked_mean(column, mask)
    with pytest.raises(ValueError, match=r"'values': \(3, 1\)"):
        gae(square, column, mask, 1.0, 1.0)
    with pytest.raises(ValueError, match=r"'advantages': \(3, 1\)"):
        clipped_surrogate(square, column, mask, 0.2)
    with pytest.raises(ValueError, match=r"'reference': \(3, 1\)"):
        kl_divergence(square, column)
    with pytest.raises(ValueError, match=r"shapes must be equal"):
        normalized(column, mask)


def test_padding_that_is_not_finite_does_not_reach_the_mean() -> None:
    values = torch.tensor([[1.0, 3.0, math.nan]])
    assert masked_mean(values, torch.tensor([[True, True, False]])) == 2.0


def test_a_sample_that_ended_is_compared_by_its_last_return() -> None:
    returns = torch.tensor([[[6.0, 6.0, 6.0]], [[3.0, 0.0, 0.0]], [[1.0, 2.0, 0.0]]])
    mask = torch.tensor([[[True, True, True]], [[True, False, False]], [[True, True, False]]])
    baseline = leave_one_out(returns, mask)
    assert baseline[0, 0].tolist() == [2.0, 2.5, 2.5]  # (3 + 1) / 2, (3 + 2) / 2, (3 + 2) / 2
    assert baseline[1, 0, 0] == 3.5
    assert baseline[2, 0, :2].tolist() == [4.5, 4.5]
    everything = torch.ones_like(mask)
    torch.testing.assert_close(leave_one_out(returns, everything), leave_one_out(returns))
    group = group_advantages(returns, mask)
    assert group[0, 0, 1] == pytest.approx((6 - 11 / 3) / (math.sqrt(13 / 3) + 1e-4))  # 6, 3, 2
