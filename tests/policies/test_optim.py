"""The optimiser: every weight once, each at its own rate."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn

from lingym.envs import Dataset
from lingym.policies import LabelPolicy
from lingym.policies.optim import ScaledAdamW, parameter_groups


@pytest.mark.parametrize("history", ["none", "previous"])
def test_every_parameter_is_in_one_group_of_the_right_kind(
    commands: Callable[..., Dataset], policy_of: Callable[..., LabelPolicy], history: str
) -> None:
    policy = policy_of(commands("tagging"), history=history, head_lr_scale=7.0, weight_decay=0.03)
    found = [
        (id(parameter), group["lr_scale"], group["weight_decay"])
        for group in policy.optimizer.param_groups
        for parameter in group["params"]
    ]
    wanted = [
        (
            id(parameter),
            1.0 if name.startswith("encoder.") else 7.0,
            0.03 if parameter.ndim > 1 else 0.0,
        )
        for name, parameter in policy.named_parameters()
    ]
    assert sorted(found) == sorted(wanted)
    assert len({(scale, decay) for _, scale, decay in found}) == 4


def test_a_step_is_that_of_adamw_with_a_rate_for_each_group() -> None:
    torch.manual_seed(0)
    ours = nn.ModuleDict({"encoder": nn.Linear(4, 4), "head": nn.Linear(4, 2)})
    theirs = copy.deepcopy(ours)
    scaled = ScaledAdamW(parameter_groups(ours["encoder"], ours, 0.1, 10.0), lr=1.0)
    stock = torch.optim.AdamW(
        [
            {"params": [theirs["encoder"].weight], "lr": 1e-3, "weight_decay": 0.1},
            {"params": [theirs["encoder"].bias], "lr": 1e-3, "weight_decay": 0.0},
            {"params": [theirs["head"].weight], "lr": 1e-2, "weight_decay": 0.1},
            {"params": [theirs["head"].bias], "lr": 1e-2, "weight_decay": 0.0},
        ]
    )
    for group in scaled.param_groups:  # as Stable-Baselines3 sets it
        group["lr"] = 1e-3
    begun = copy.deepcopy(ours.state_dict())
    for step in range(3):
        inputs = torch.randn(5, 4, generator=torch.Generator().manual_seed(step))
        for model, optimizer in ((ours, scaled), (theirs, stock)):
            optimizer.zero_grad()
            model["head"](model["encoder"](inputs)).square().sum().backward()
            optimizer.step()
        assert {group["lr"] for group in scaled.param_groups} == {1e-3}
    for name, value in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value, rtol=0, atol=1e-7)
        assert not torch.equal(begun[name], value)
