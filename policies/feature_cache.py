"""Features of an encoder that is not trained: computed once, kept on disk, and found by content.

What a text's features depend on is its key: the ids of its tokens, window by window, and the group
of each; and what they depend on beside the text names the folder: the encoder's weights and
configuration, the pooling, bfloat16, the kind of device. So nothing has to be said when any of it
changes, splits and runs share what they have in common, and a stale feature cannot be found.

Sizes: B episodes, N windows, L tokens to a window, G groups, D features.
"""

import json
import logging
import os
from collections.abc import Callable
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lingym.cache import cache_folder
from lingym.policies.feature_store import KEY_BYTES, Features, FeatureStore
from lingym.policies.texts import LateTexts, Texts
from lingym.types import Batch, Rows

LARGE = 4 << 30
"""Bytes from which the size of a store is told, and again whenever it has doubled."""

_NO_MATTER = (
    *("_name_or_path", "architectures", "dtype", "torch_dtype", "transformers_version"),
    *("id2label", "label2id", "problem_type"),  # of heads
)
_log = logging.getLogger("lingym")


def default_folder() -> Path | None:
    """Where features are kept unless a folder is named.

    ``$LINGYM_CACHE/features``; by default that of ``lingym`` in ``$XDG_CACHE_HOME`` or
    ``~/.cache``. None where files cannot be locked (Windows).
    """
    if os.name != "posix":
        return None
    return cache_folder() / "features"


class FeatureCache:
    """Keeps what an encoder says of texts, in a folder of its own for each encoder.

    Args:
        folder: of all encoders; is made when there is something to keep.

    Raises:
        ValueError: the folder's name is taken by a file, or this system cannot lock files.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser()
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"feature_cache must be a folder, and {self.folder} is a file")
        if os.name != "posix":
            raise ValueError("feature_cache needs a system that locks files as POSIX does")
        self._store: FeatureStore | None = None
        self._of: nn.Module | None = None
        self._tensors: list[Tensor] = []
        self._versions: tuple[Any, ...] = ()
        self._told = LARGE
        self._failed = False

    def __deepcopy__(self, memo: dict[int, Any]) -> "FeatureCache":
        """A copy of a policy, such as a reference, keeps its features in the same place."""
        return FeatureCache(self.folder)

    def features(
        self,
        encoder: nn.Module,
        facts: dict[str, Any],
        texts: LateTexts,
        encode: Callable[[Texts], Tensor],
    ) -> Tensor:
        """Features [B, G, D] of a batch: those that are kept, and what `encode` says of the rest.

        Args:
            encoder: whose weights are part of the key; nothing else of it is used.
            facts: what features depend on beside text and weights, JSON values.
            texts: the batch.
            encode: gives the features of some of its texts, all at once.
        """
        store = self._store_of(encoder, {**facts, "device": texts.device.type})
        batch = texts.batch
        keys, groups = text_keys(batch)
        places = store.find(keys)
        missing: dict[bytes, list[int]] = {}  # a text that stands there twice is read once
        for row, place in enumerate(places):
            if place is None:
                missing.setdefault(keys[row], []).append(row)
        if len(missing) == len(keys):
            out = encode(texts)
            self._keep(store, keys, groups, out)
            return out
        size = (*texts.size, store.width)
        kept: Features = np.empty(size, np.float32)
        for row, place in enumerate(places):
            if place is not None:
                kept[row, : place[1]] = store.rows(place)
                kept[row, place[1] :] = 0.0
        if missing:
            rows = [every[0] for every in missing.values()]
            rest = LateTexts(rows_of(batch, rows), texts.pooling, texts.device, texts.size[1])
            new = encode(rest)
            self._keep(store, list(missing), groups[rows], new)
            for every, features in zip(missing.values(), new.cpu().numpy(), strict=True):
                kept[every] = features
        return torch.from_numpy(kept).to(texts.device, non_blocking=True)

    def _keep(self, store: FeatureStore, keys: list[bytes], groups: Rows, new: Tensor) -> None:
        if self._failed:
            return
        arrays = new.detach().cpu().numpy()
        try:
            rows = zip(arrays, groups, strict=True)
            store.add(keys, [features[:count] for features, count in rows])
        except OSError as error:  # no reason to end a run: features are only computed again
            self._failed = True
            _log.warning("features are not kept in %s any more: %s", store.folder, error)
            return
        if store.nbytes > self._told:
            gigabytes = store.nbytes / 1e9
            _log.warning(
                "features kept in %s: %.1f GB (delete it at will)", store.folder, gigabytes
            )
            self._told = 2 * store.nbytes

    def _store_of(self, encoder: nn.Module, facts: dict[str, Any]) -> FeatureStore:
        """The store of an encoder as it is now; its weights are read only if they were changed."""
        if encoder is not self._of:
            self._of, self._versions = encoder, ()
            self._tensors = [*encoder.parameters(), *encoder.buffers()]
        versions = (*(tensor._version for tensor in self._tensors), *facts.values())
        if self._store is None or versions != self._versions:
            self._versions = versions
            config: Any = encoder.config
            folder = self.folder / encoder_key(encoder, facts)
            self._store = FeatureStore(folder, config.hidden_size)
        return self._store


def encoder_key(encoder: nn.Module, facts: dict[str, Any]) -> str:
    """What names an encoder's features: 32 hexadecimal digits of a BLAKE2b hash.

    Dropout is no part of it: an encoder that is not trained has none.

    Args:
        encoder: its configuration and weights are part of it.
        facts: what else features depend on, JSON values.
    """
    config: Any = encoder.config
    settings = {
        name: value
        for name, value in config.to_dict().items()
        if name not in _NO_MATTER and "dropout" not in name
    }
    attention = getattr(config, "_attn_implementation", None)
    told = {"encoder": settings, "attention": attention, "torch": torch.__version__, **facts}
    digest = blake2b(json.dumps(told, sort_keys=True, default=str).encode(), digest_size=16)
    for name, tensor in encoder.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def text_keys(batch: Batch) -> tuple[list[bytes], Rows]:
    """The key of each text of a batch, and how many groups it has, [B].

    A key is a BLAKE2b hash of the text's windows, each with its length before it: padding and the
    rest of the batch are no part of it.
    """
    windows, width = batch.input_ids.shape
    packed = np.empty((windows, width + 1, 2), np.int32)
    sizes = batch.attention_mask.sum(1)
    packed[:, 0] = sizes[:, None]
    packed[:, 1:, 0], packed[:, 1:, 1] = batch.input_ids, batch.unit_of_token
    flat, stride = packed.data.cast("B"), 8 * (width + 1)
    ends = (stride * np.arange(windows) + 8 * (sizes + 1)).tolist()
    bounds = np.searchsorted(batch.episode_of_window, np.arange(len(batch) + 1)).tolist()
    keys = []
    for first, last in pairwise(bounds):
        digest = blake2b(flat[stride * first : ends[first]], digest_size=KEY_BYTES)
        for window in range(first + 1, last):
            digest.update(flat[stride * window : ends[window]])
        keys.append(digest.digest())
    most = batch.unit_of_token.max(1, initial=-1) + 1
    return keys, np.maximum.reduceat(most, bounds[:-1])


def rows_of(batch: Batch, rows: list[int]) -> Batch:
    """Some texts of a batch as far as an encoder reads them, padded to the longest of these."""
    there = np.isin(batch.episode_of_window, rows)
    place = np.zeros(len(batch), np.int32)
    place[rows] = np.arange(len(rows))
    mask = batch.attention_mask[there]
    width = int(mask.sum(1).max())
    return Batch(
        input_ids=batch.input_ids[there, :width],
        attention_mask=mask[:, :width],
        unit_of_token=batch.unit_of_token[there, :width],
        episode_of_window=place[batch.episode_of_window[there]],
        lengths=batch.lengths[rows],
        gold=batch.gold[rows],
        examples=batch.examples[rows],
        groups=batch.groups[rows],
    )
