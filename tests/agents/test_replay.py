"""The reservoir is uniform; old labels are weighed as the formulas say."""

import numpy as np
import pytest
import torch

from lingym.agents import Reservoir
from lingym.agents.replay import by_unit, off_policy_loss


def test_every_item_is_equally_likely_to_be_kept() -> None:
    random = np.random.default_rng(0)
    kept = np.zeros(12)
    for _ in range(4000):
        reservoir: Reservoir[int] = Reservoir(3, random)
        for item in range(12):
            reservoir.add(item)
        assert (len(reservoir), reservoir.seen) == (3, 12)
        kept[reservoir.items] += 1
    # 4000 draws with probability 1/4: a standard deviation of 27.
    assert np.abs(kept - 1000).max() < 4 * 27.4


def test_a_sample_has_no_item_twice_and_takes_what_there_is() -> None:
    reservoir: Reservoir[int] = Reservoir(5, np.random.default_rng(0))
    assert reservoir.sample(3) == []
    for item in range(4):
        reservoir.add(item)
    assert sorted(reservoir.sample(9)) == [0, 1, 2, 3]
    drawn = np.zeros(4)
    for _ in range(2000):
        some = reservoir.sample(2)
        assert len(set(some)) == 2
        drawn[some] += 1
    assert np.abs(drawn - 1000).max() < 4 * 22.4
    with pytest.raises(ValueError, match="size 0 or more, got -1"):
        Reservoir(-1, np.random.default_rng(0))


def test_weights_of_old_labels_by_hand() -> None:
    behaviour = torch.log(torch.tensor([[0.5, 0.5, 0.2, 0.8], [0.5, 0.0, 0.0, 0.0]]))
    now = torch.log(torch.tensor([[0.9, 0.1, 0.9, 0.2], [0.25, 1.0, 1.0, 1.0]])).requires_grad_()
    mask = torch.tensor([[True] * 4, [True, False, False, False]])
    advantages = torch.tensor([[1.0, 2.0, -1.0, -2.0], [-1.0, 9.0, 9.0, 9.0]])

    def weights(**how: object) -> torch.Tensor:
        loss = off_policy_loss(now, behaviour, advantages, mask, **how)  # type: ignore[arg-type]
        (gradient,) = torch.autograd.grad(loss, now)
        return -gradient * mask.sum() / advantages  # what each advantage was multiplied with

    tapered = [[1.0, 1.0, 1.0, 0.25], [0.5, 0, 0, 0]]
    torch.testing.assert_close(weights(), torch.tensor(tapered))
    truncated = [[1.8, 0.2, 2.0, 0.25], [0.5, 0, 0, 0]]
    torch.testing.assert_close(weights(weights="truncated", limit=2.0), torch.tensor(truncated))
    with pytest.raises(ValueError, match="tapered or truncated here, got 'clipped'"):
        weights(weights="clipped")


def test_feedback_as_rewards_of_units() -> None:
    assert by_unit(0.5, 3, 0).tolist() == [0, 0, 0.5]
    assert by_unit([1, 0, 1], 3, 0).tolist() == [1, 0, 1]
    assert by_unit(np.float64(-1), 1, 0).tolist() == [-1]
    for wrong in (float("nan"), [0.0, float("inf")], "good", True, None, [[1.0]], ["a"]):
        with pytest.raises(ValueError, match="feedback on text 7 must be a finite number"):
            by_unit(wrong, 2, 7)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="has 2 numbers and the text 3 labels"):
        by_unit([0.0, 1.0], 3, 7)
