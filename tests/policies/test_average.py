"""Weights averaged: exact ends, float64, and nothing that has no mean."""

import pytest
import torch

from lingym.policies.average import averaged


def test_the_mean_is_of_float64_and_the_ends_are_exact() -> None:
    random = torch.Generator().manual_seed(0)
    one, other = ({"w": torch.randn(50, generator=random)} for _ in range(2))
    assert torch.equal(averaged([one, other], (1.0, 0.0))["w"], one["w"])
    assert torch.equal(averaged([one, other], (0.0, 1.0))["w"], other["w"])
    third = averaged([one, other], (1 / 3, 2 / 3))["w"]
    wanted = (one["w"].double() * (1 / 3) + other["w"].double() * (2 / 3)).float()
    assert third.dtype == torch.float32
    assert torch.equal(third, wanted)


def test_what_all_share_stays_to_the_last_bit() -> None:
    shared = {"w": torch.full((3,), 0.1), "ids": torch.arange(4)}
    found = averaged([shared] * 3, (1 / 3, 1 / 3, 1 / 3))
    assert all(torch.equal(found[name], shared[name]) for name in shared)
    assert found["w"] is not shared["w"]


def test_what_has_no_mean_is_refused() -> None:
    one = {"w": torch.zeros(2), "ids": torch.arange(2)}
    with pytest.raises(ValueError, match=r"ids holds torch.int64, which has no mean"):
        averaged([one, {**one, "ids": torch.ones(2, dtype=torch.int64)}], (0.5, 0.5))
    with pytest.raises(ValueError, match=r"policy 2 has another shape.*w is \(2,\) against \(3,\)"):
        averaged([one, {**one, "w": torch.zeros(3)}], (0.5, 0.5))
    with pytest.raises(ValueError, match="only one has more"):
        averaged([one, {**one, "more": torch.zeros(1)}], (0.5, 0.5))
    with pytest.raises(ValueError, match="weights must sum to 1"):
        averaged([one, one], (0.5, 0.6))
