"""Texts as tensors, and the pooling of token features into features of groups.

Sizes: N windows, L tokens to a window, B episodes, G groups, D features, M pooled tokens. A group
is a unit, the whole text, or a candidate: what the label space's `form` says.
"""

from dataclasses import dataclass, fields
from typing import Any, Literal

import torch
from torch import Tensor

from lingym.types import Batch

Pooling = Literal["first", "mean"]


@dataclass(frozen=True)
class Texts:
    """The texts of B episodes, and which of their tokens make up which group."""

    input_ids: Tensor  # [N, L] int64
    attention_mask: Tensor  # [N, L] int64
    episode_of_window: Tensor  # [N] int64
    token: Tensor  # [M] place in the N * L tokens
    unit: Tensor  # [M] place in the B * G groups
    share: Tensor  # [M] weight of the token in its group's feature
    alone: bool  # whether every group has one token at most, of weight 1
    size: tuple[int, int]  # (B, G)
    tokens: int  # of all windows, padding left out

    @classmethod
    def of(
        cls,
        input_ids: Tensor,
        attention_mask: Tensor,
        unit_of_token: Tensor,
        episode_of_window: Tensor,
        size: tuple[int, int],
        pooling: Pooling,
    ) -> "Texts":
        """Find the tokens to pool.

        Args:
            input_ids: [N, L].
            attention_mask: [N, L].
            unit_of_token: [N, L] group within its episode, -1 for none.
            episode_of_window: [N].
            size: (B, G).
            pooling: ``first`` takes each group's first token (in every window where it has one,
                and of every stretch of tokens that is its own),
                ``mean`` the mean over its tokens.
        """
        pooled = unit_of_token >= 0
        if pooling == "first":
            before = torch.full_like(unit_of_token, -1)
            before[:, 1:] = unit_of_token[:, :-1]
            pooled &= unit_of_token != before
        token = pooled.flatten().nonzero().flatten()
        place = episode_of_window[:, None] * size[1] + unit_of_token
        unit = place.flatten()[token]
        count = torch.bincount(unit, minlength=size[0] * size[1])
        return cls(
            *(input_ids, attention_mask, episode_of_window, token, unit),
            share=1.0 / count[unit],
            alone=bool((count <= 1).all()),
            size=size,
            tokens=int(attention_mask.sum()),
        )

    @classmethod
    def of_batch(cls, batch: Batch, pooling: Pooling, device: torch.device, groups: int) -> "Texts":
        """The texts of a batch of episodes, on a device."""
        arrays = (batch.input_ids, batch.attention_mask, batch.unit_of_token)
        ids, mask, units = (torch.from_numpy(array).long() for array in arrays)
        windows = torch.from_numpy(batch.episode_of_window).long()
        size = (len(batch), groups)
        texts = cls.of(ids, mask, units, windows, size, pooling)

        def move(tensor: Tensor) -> Tensor:
            return tensor.to(device, non_blocking=True)

        return cls(
            input_ids=move(texts.input_ids),
            attention_mask=move(texts.attention_mask),
            episode_of_window=move(texts.episode_of_window),
            token=move(texts.token),
            unit=move(texts.unit),
            share=move(texts.share),
            alone=texts.alone,
            size=texts.size,
            tokens=texts.tokens,
        )

    @classmethod
    def of_observation(
        cls, observation: dict[str, Tensor], windows: int, pooling: Pooling, groups: int
    ) -> "Texts":
        """The texts of B observations, each of `windows` windows, some of them padding."""
        rows = observation["input_ids"].shape[0]
        names = ("input_ids", "attention_mask", "unit_of_token")
        # Stable-Baselines3 hands out float copies of integer observations.
        ids, mask, owner = (observation[n].long().reshape(rows * windows, -1) for n in names)
        episode = torch.arange(rows, device=ids.device).repeat_interleave(windows)
        real = mask.any(1)
        return cls.of(ids[real], mask[real], owner[real], episode[real], (rows, groups), pooling)

    def groups(self) -> Tensor:
        """The groups [B] that have tokens: in every episode all it has, from 0 on."""
        there = torch.zeros(self.size[0] * self.size[1], dtype=torch.int64, device=self.unit.device)
        return there.index_fill(0, self.unit, 1).view(self.size).sum(1)

    def pool(self, hidden: Tensor) -> Tensor:
        """Features [B, G, D] from token features [N, L, D]; 0 for padding groups."""
        features = hidden.flatten(0, 1)[self.token]  # [M, D]
        out = features.new_zeros(self.size[0] * self.size[1], features.shape[1])
        if self.alone:
            out = out.index_copy(0, self.unit, features)
        else:
            out = out.index_add(0, self.unit, features * self.share[:, None].to(features.dtype))
        return out.view(*self.size, -1)

    def pool_windows(self, pooled: Tensor) -> Tensor:
        """Text features [B, 1, D]: the mean of a text's window features [N, D]."""
        out = pooled.new_zeros(self.size[0], pooled.shape[1])
        out = out.index_add(0, self.episode_of_window, pooled)
        count = torch.bincount(self.episode_of_window, minlength=self.size[0])
        return (out / count[:, None]).view(*self.size, -1)


class LateTexts(Texts):
    """The texts of a batch, whose tensors are made when they are first asked for.

    Whoever has the features of the batch already asks for none of them.
    """

    def __init__(self, batch: Batch, pooling: Pooling, device: torch.device, groups: int) -> None:
        vars(self).update(batch=batch, pooling=pooling, device=device, size=(len(batch), groups))

    def __getattr__(self, name: str) -> Any:
        """Make the tensors: Python asks here only for what is not there yet."""
        if name not in _FIELDS:
            raise AttributeError(name)
        own = vars(self)
        made = Texts.of_batch(own["batch"], own["pooling"], own["device"], own["size"][1])
        own.update(vars(made))
        return own[name]


_FIELDS = frozenset(field.name for field in fields(Texts))
