"""An encoder on disk: whole, or only what was trained of it and the name of the rest."""

from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from lingym.policies.encoder import quiet
from lingym.policies.encoder_base import TUNED, WEIGHTS
from lingym.policies.encoder_parts import fresh_weights, plain_weights
from lingym.policies.policy import LabelPolicy
from lingym.policies.stock import stock_model


def save_encoder(policy: LabelPolicy, folder: Path, stock: bool) -> dict[str, Any]:
    """Write a policy's encoder and its configuration into a folder.

    - All weights were trained, or the base has no file that could be named (random ``tiny``):
      ``model.safetensors``, a stock classifier where there is one that computes the same; and in
      ``tuned.safetensors`` what stands beside the encoder's own weights (LoRA, adapters, ...).
    - Else ``tuned.safetensors`` alone: what was trained. The base is named.

    Args:
        policy: the policy.
        folder: is there already.
        stock: whether a stock classifier of words or texts would mean the same as the policy.

    Returns:
        What ``lingym.json`` says of it: ``stock``, the class of the stock classifier or None; and,
        where not all was trained, ``tuning``.
    """
    encoder: Any = policy.encoder
    tuning, base = policy.tuning, policy.encoder_base
    named = base is not None
    model = stock_model(policy) if stock and not named and not tuning.added else None
    with quiet():
        if named or tuning.added:
            encoder.config.save_pretrained(folder)
        else:
            (encoder if model is None else model).save_pretrained(folder)
    if named or tuning.added:
        _write(_tuned(policy), folder / TUNED)
    if tuning.added and not named:
        _write(plain_weights(encoder, tuning), folder / WEIGHTS)
    said: dict[str, Any] = {"stock": None if model is None else type(model).__name__}
    if tuning.method != "full":
        known = None if base is None else {"name": base.name, "sha256": base.sha256}
        said["tuning"] = {"tune": tuning.tune, **tuning.sizes(), "base": known}
    return said


def _tuned(policy: LabelPolicy) -> dict[str, Tensor]:
    """What the base lacks: what was trained, and random weights that no file has."""
    wanted = policy.encoder_trained | set(fresh_weights(policy.encoder))
    return {n: value for n, value in policy.encoder.state_dict().items() if n in wanted}


def _write(tensors: dict[str, Tensor], file: Path) -> None:
    own = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    save_file(own, file, {"format": "pt"})
