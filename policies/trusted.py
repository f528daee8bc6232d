"""The configuration and weights of an encoder that somebody else made, looked at before use.

A ``config.json`` decides what is built before a single weight is read, so it is compared with the
header of the weights file first: what would be larger than they are is refused, not allocated.
"""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel

from lingym.policies.encoder_base import WEIGHTS
from lingym.trusted import Header, check_folder, header_of, read_json
from lingym.trusted_config import check_config

ADAPTER = (
    "holds an adapter (adapter_config.json), which names a model of its own choice: merge the two "
    "first, as peft's merge_and_unload does, and name what comes of it"
)
INDEX = f"{WEIGHTS}.index.json"
ROOM = 1 << 24
"""Weights that an encoder may have beside twice those of its file: a pooling layer, say."""
FLOATS = ("F16", "BF16", "F32", "F64")


def check_encoder(folder: Path) -> Header:
    """Refuse a folder whose encoder would run code, read elsewhere, or not be that of its weights.

    Returns:
        The types and shapes of its weights.

    Raises:
        ValueError: something of it cannot be, or is not allowed; the message says what.
    """
    check_folder(folder)
    file = folder / "config.json"
    if not file.exists():
        raise ValueError(f"{folder} holds no encoder: it has no config.json")
    config = read_json(file)
    if (folder / "adapter_config.json").exists():
        raise ValueError(f"{folder} {ADAPTER}")
    weights = _weights(folder)
    check_config(config, file, len(weights))
    _check_sizes(folder, config, weights)
    return weights


def finite(tensors: dict[str, Tensor], where: Path | str) -> None:
    """Refuse weights that are not finite numbers.

    Raises:
        ValueError: the message names the first.
    """
    for name, value in tensors.items():
        # The sum of finite numbers is nearly always finite, and takes no memory.
        if value.is_floating_point() and not value.sum().isfinite() and not whole(value):
            raise ValueError(f"{where}: {name} holds NaN or infinity: these weights are of no use")


def read_tensors(file: Path, but: Collection[str] = ()) -> dict[str, Tensor]:
    """The tensors of a safetensors file of weights.

    Args:
        file: it.
        but: names of those that are no weights.

    Raises:
        ValueError: it is missing or torn, or a weight is not finite, or no floating-point number.
    """
    header = header_of(file)
    wrong = [(n, kind) for n, (kind, _) in header.items() if kind not in FLOATS and n not in but]
    if wrong:
        raise ValueError(
            f"{file}: {wrong[0][0]} has the type {wrong[0][1]}, and weights are floats"
        )
    try:
        found = load_file(file)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{file} cannot be read: {error}") from None
    finite(found, file)
    return found


def whole(value: Tensor) -> bool:
    """Whether all numbers are finite."""
    return bool(value.isfinite().all())


def _weights(folder: Path) -> Header:
    """The header of all weights files of a folder."""
    index = folder / INDEX
    if (folder / WEIGHTS).exists():
        return header_of(folder / WEIGHTS)
    if not index.exists():
        raise ValueError(
            f"{folder} has no {WEIGHTS}: pickled weights (pytorch_model.bin) are never read, since "
            "they can run code. Ask its maker for safetensors, or convert it where you trust it"
        )
    said = read_json(index)
    named = said.get("weight_map") if isinstance(said, dict) else None
    files = list(named.values()) if isinstance(named, dict) else [None]
    found: Header = {}
    for name in dict.fromkeys(str(file) for file in files):
        plain = re.fullmatch(r"[\w.-]+\.safetensors", name) and not name.startswith(".")
        if not plain or not (folder / name).is_file():
            raise ValueError(f"{index} names {name[:200]!r}: wanted a safetensors file beside it")
        found |= header_of(folder / name)
    return found


@contextmanager
def _few(tensors: int) -> Iterator[None]:
    """Let no more weights and modules be made than a file of so many tensors may be of.

    A number in ``config.json`` may say how often something is made, by whatever name. One that is
    too large is met here, before the loop has come far.
    """
    most = {"weights": 4 * tensors + 1_000, "modules": 64 * tensors + 20_000}
    made = dict.fromkeys(most, 0)

    def count(what: str, *_: Any) -> None:
        made[what] += 1
        if made[what] > most[what]:
            raise ValueError(f"more than {most[what]:,} {what}, for {tensors:,} in the file")

    registered = torch.nn.modules.module
    hooks = [
        registered.register_module_parameter_registration_hook(partial(count, "weights")),
        registered.register_module_buffer_registration_hook(partial(count, "weights")),
        registered.register_module_module_registration_hook(partial(count, "modules")),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _check_sizes(folder: Path, config: dict[str, Any], weights: Header) -> None:
    """Build the encoder without memory, and compare it with what its weights file has."""
    file = folder / "config.json"
    kind = config.get("model_type")
    known = {name: value for name, value in config.items() if name != "model_type"}
    try:
        with torch.device("meta"), torch.random.fork_rng(devices=[]), _few(len(weights)):
            of_family = AutoConfig.for_model(str(kind), **known)
            built: nn.Module = AutoModel.from_config(of_family, trust_remote_code=False)
    except Exception as error:  # whatever a family makes of settings that cannot be
        raise ValueError(
            f"{file} is of no encoder that transformers can make "
            f"({type(error).__name__}: {str(error)[:300]})"
        ) from None
    own = {name: value.shape for name, value in built.named_parameters()}
    buffers = sum(value.numel() for value in built.buffers())
    needed = sum(shape.numel() for shape in own.values()) + buffers
    there = sum(torch.Size(shape).numel() for _, shape in weights.values())
    if needed > 2 * there + ROOM:
        raise ValueError(
            f"{file} is of an encoder of {needed:,} weights, and the file of weights has {there:,}"
        )
    prefix = f"{getattr(built, 'base_model_prefix', '')}."
    for name, (dtype, shape) in weights.items():
        wanted = own.get(name, own.get(name.removeprefix(prefix)))
        if wanted is None:
            continue
        if dtype not in FLOATS:
            raise ValueError(
                f"{folder}: {name} has the type {dtype}: wanted one of floats, {FLOATS}"
            )
        if tuple(wanted) != shape:
            raise ValueError(
                f"{folder}: {name} has the shape {shape}, and {tuple(wanted)} by config.json"
            )
