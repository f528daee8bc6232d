"""The optimiser: AdamW whose parameter groups keep their own multiple of the learning rate."""

from collections.abc import Callable, Iterable
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
    encoder: nn.Module,
    policy: nn.Module,
    weight_decay: float,
    head_lr_scale: float,
    added: Iterable[nn.Parameter] = (),
) -> list[dict[str, Any]]:
    """Encoder and head, each with and without weight decay (none on biases, norms and factors).

    Args:
        encoder: learns at the learning rate, as does a head that calls itself ``pretrained``.
        policy: holds the encoder; the rest of it learns at `head_lr_scale` times that.
        weight_decay: of matrices.
        head_lr_scale: of what is new.
        added: parameters inside the encoder that are as new as a head (a low-rank difference, an
            adapter).

    Returns:
        The groups of what has gradients; what has none is in no group.
    """
    new = {id(parameter) for parameter in added}
    known = [encoder, *(m for m in policy.modules() if getattr(m, "pretrained", False) is True)]
    inside = {id(weight) for module in known for weight in module.parameters()} - new
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in policy.parameters():
        if not parameter.requires_grad:
            continue
        scale = 1.0 if id(parameter) in inside else head_lr_scale
        # A vector of factors begins at one and must not decay to zero, whatever its shape.
        vector = parameter.ndim < 2 or (id(parameter) in new and 1 in parameter.shape)
        groups.setdefault((scale, 0.0 if vector else weight_decay), []).append(parameter)
    return [
        {"params": parameters, "lr_scale": scale, "weight_decay": decay}
        for (scale, decay), parameters in groups.items()
    ]
