"""Attention rollout: how much of each token has come through to what a label is told from."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from lingym.agents.explain.scene import Scene
from lingym.types import FloatArray


def rollout(scene: Scene) -> FloatArray:
    r"""Attention rollout of words, [T, W]; never negative (Abnar and Zuidema, 2020).

    With A_l the attention of layer l, its heads' mean, what reaches the last layer is

    .. math:: R = \hat A_n \cdots \hat A_1, \qquad \hat A_l = (A_l + I) / 2,

    whose rows sum to 1. A target's row is the mean over the tokens that its feature is pooled from.
    It says where a feature came from, not which label it speaks for: two labels of one unit have
    the same scores. https://arxiv.org/abs/2005.00928

    Args:
        scene: the text and the labels.

    Raises:
        ValueError: the encoder does not give its attention.
    """
    policy, batch = scene.policy, scene.batch
    texts = policy.texts(batch)
    with torch.no_grad(), eager(policy.encoder) as encoder:
        out = encoder(
            input_ids=texts.input_ids, attention_mask=texts.attention_mask, output_attentions=True
        )
    layers = getattr(out, "attentions", None)
    if not layers or layers[0] is None:
        raise ValueError(
            f"encoder {policy.encoder_name!r} does not give its attention: take another method"
        )
    through = rolled(layers)  # [N, L', L']
    width = batch.input_ids.shape[1]
    through = through[:, -width:, -width:]  # what was put before the text (a prompt) is left out
    rows = np.zeros((len(scene.units), *batch.input_ids.shape))
    for place, (unit, label) in enumerate(zip(scene.units, scene.targets, strict=True)):
        if policy.text_feature:
            rows[place] = through[:, 0].cpu().numpy() / len(through)
            continue
        group = {"units": int(unit), "text": 0}.get(policy.labels.form, int(label))
        own = texts.unit == group
        for token, share in zip(texts.token[own].tolist(), texts.share[own].tolist(), strict=True):
            window, position = divmod(token, width)
            rows[place, window] += share * through[window, position].cpu().numpy()
    return scene.of_words(rows)


def rolled(layers: Any) -> Tensor:
    """The product of attentions [N, H, L, L], from the first layer to the last: [N, L, L]."""
    size = layers[0].shape[-1]
    same = torch.eye(size, device=layers[0].device, dtype=torch.float64)
    through = same.expand(len(layers[0]), size, size)
    for layer in layers:
        mixed = (layer.double().mean(1) + same) / 2
        through = mixed / mixed.sum(-1, keepdim=True) @ through
    return through


@contextmanager
def eager(encoder: Any) -> Iterator[Any]:
    """The encoder with attention that is computed openly, which fused kernels do not show."""
    model: Any = next(m for m in encoder.modules() if isinstance(m, PreTrainedModel))
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        yield encoder
    finally:
        model.set_attn_implementation(before)
