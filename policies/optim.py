"""The optimiser: AdamW whose parameter groups keep their own multiple of the learning rate."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn


class ScaledAdamW(torch.optim.AdamW):
    """AdamW (Loshchilov and Hutter, 2019) with a factor ``lr_scale`` to each group's rate.

    Stable-Baselines3 sets one learning rate for all groups; the factor keeps the head's apart from
    the encoder's under its schedules too.
    """

    def __init__(self, params: Any, **arguments: Any) -> None:
        super().__init__(params, **{"fused": True, **arguments})

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update, each group at ``lr * lr_scale``."""
        rates = [group["lr"] for group in self.param_groups]
        for group in self.param_groups:
            group["lr"] = group["lr"] * group["lr_scale"]
        try:
            return super().step(closure)
        finally:
            for group, rate in zip(self.param_groups, rates, strict=True):
                group["lr"] = rate


def parameter_groups(
    encoder: nn.Module, policy: nn.Module, weight_decay: float, head_lr_scale: float
) -> list[dict[str, Any]]:
    """Encoder and head, each with and without weight decay (none on biases and norms)."""
    inside = {id(parameter) for parameter in encoder.parameters()}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in policy.parameters():
        scale = 1.0 if id(parameter) in inside else head_lr_scale
        decay = weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((scale, decay), []).append(parameter)
    return [
        {"params": parameters, "lr_scale": scale, "weight_decay": decay}
        for (scale, decay), parameters in groups.items()
    ]
