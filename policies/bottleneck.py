"""Adapters: a small network after every layer of a frozen encoder.

Sizes: N windows, L tokens to a window, D features, W the adapter's width.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Bottleneck(nn.Module):
    """h + up(gelu(down(h))), with down [D, W] and up [W, D], zero at first.

    It stands after a whole layer, as in Pfeiffer et al. (2021, https://aclanthology.org/2021.eacl-
    main.39); Houlsby et al. (2019, https://arxiv.org/abs/1902.00751) have two in each. Since `up`
    begins as zero, the encoder begins as it was.

    Args:
        features: D.
        width: W.
    """

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(features, width), nn.Linear(width, features)
        nn.init.normal_(self.down.weight, std=0.02)
        for zero in (self.down.bias, self.up.weight, self.up.bias):
            nn.init.zeros_(zero)
        self.off = False

    def forward(self, hidden: Tensor) -> Tensor:
        """Features [N, L, D] from those of the layer, in their own precision."""
        return hidden + self.up(F.gelu(self.down(hidden))).to(hidden.dtype)

    def after(self, layer: nn.Module, given: Any, out: Any) -> Any:
        """The forward hook of a layer, which gives its features alone or first of several."""
        if self.off:
            return out
        if isinstance(out, Tensor):
            return self(out)
        return (self(out[0]), *out[1:])


def add_adapters(encoder: nn.Module, layers: nn.ModuleList, width: int) -> None:
    """Put an adapter behind each layer of an encoder, as its ``bottlenecks``."""
    config: Any = encoder.config
    some = next(encoder.parameters())
    made = [Bottleneck(config.hidden_size, width) for _ in layers]
    encoder.bottlenecks = nn.ModuleList(made).to(some.device, torch.float32)
    for layer, adapter in zip(layers, made, strict=True):
        layer.register_forward_hook(adapter.after)
