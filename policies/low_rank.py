"""LoRA and IA3, both of `peft`: small factors beside the matrices of a frozen encoder."""

from typing import Any

from torch import nn

from lingym.policies.needs import peft

KEYS_VALUES = ("key", "value", "k", "v", "k_lin", "v_lin", "k_proj", "v_proj", "wqkv", "qkv")
"""Last names of the matrices that make keys and values, where a family is not in `peft`'s table."""


def add_lora(encoder: Any, layers: nn.ModuleList, rank: int, alpha: float) -> None:
    """Give matrices of attention a learned difference, ``W + alpha / r B A``, B zero at first.

    LoRA (Hu et al., 2021, https://arxiv.org/abs/2106.09685). Which matrices is what `peft` knows
    of the family; of one that it does not know, all linear layers of attention.

    Raises:
        ImportError: `peft` is not installed.
        ValueError: no matrix of attention was found.
    """
    library = peft("lora")
    table = _table("TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING")
    targets = _named(encoder, table) or list(_attention(encoder, layers))
    _found(encoder, targets, "lora")
    config = library.LoraConfig(r=rank, lora_alpha=alpha, target_modules=targets, bias="none")
    library.inject_adapter_in_model(config, encoder)


def add_ia3(encoder: Any, layers: nn.ModuleList) -> None:
    """Scale keys, values and the inner features of feed-forward layers, each by one at first.

    (IA)3 (Liu et al., 2022, https://arxiv.org/abs/2205.05638). Which layers is what `peft` knows of
    the family (of BERT also attention's output layer, which the paper leaves alone); of one that it
    does not know, they are found by names and sizes.

    Raises:
        ImportError: `peft` is not installed.
        ValueError: no such layers were found.
    """
    library = peft("ia3")
    targets = _named(encoder, _table("TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING"))
    inner = _named(encoder, _table("TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING"))
    if not targets or not set(inner) < set(targets):
        attention = _attention(encoder, layers)
        targets = [n for n in attention if n.rpartition(".")[2].lower() in KEYS_VALUES]
        _found(encoder, targets, "ia3")
        inner = [
            name
            for name, module in _linear(encoder, layers).items()
            if name not in attention and module.in_features > module.out_features
        ]
        targets = [*targets, *inner]
    _found(encoder, inner, "ia3")
    config = library.IA3Config(target_modules=targets, feedforward_modules=inner)
    library.inject_adapter_in_model(config, encoder)


def factors(encoder: nn.Module) -> list[Any]:
    """The layers to which LoRA or IA3 gave something."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    return [module for module in encoder.modules() if isinstance(module, BaseTunerLayer)]


def merge_factors(encoder: nn.Module) -> None:
    """Multiply or add what was learned into the encoder's own matrices, in place."""
    every = factors(encoder)
    places = {id(module): name for name, module in encoder.named_modules()}
    for module in every:
        module.merge(safe_merge=True)
        parent, _, own = places[id(module)].rpartition(".")
        setattr(encoder.get_submodule(parent), own, module.get_base_layer())
    del encoder.peft_config  # else the next method would be taken for a second one beside it


def _table(name: str) -> dict[str, list[str]]:
    from peft.utils import constants

    return getattr(constants, name, {})


def _named(encoder: Any, table: dict[str, list[str]]) -> list[str]:
    """The linear layers whose names end as the table has it for the encoder's family."""
    ends = tuple(f".{end}" for end in table.get(encoder.config.model_type, ()))
    every = {n: m for n, m in encoder.named_modules() if isinstance(m, nn.Linear)}
    return [name for name in every if ends and f".{name}".endswith(ends) and "pooler" not in name]


def _linear(encoder: nn.Module, layers: nn.ModuleList) -> dict[str, nn.Linear]:
    """The linear layers inside an encoder's layers, by name."""
    inside = {id(module) for module in layers.modules()}
    return {
        name: module
        for name, module in encoder.named_modules()
        if id(module) in inside and isinstance(module, nn.Linear)
    }


def _attention(encoder: nn.Module, layers: nn.ModuleList) -> dict[str, nn.Linear]:
    every = _linear(encoder, layers)
    words = ("attention", "attn")
    return {n: m for n, m in every.items() if any(word in n.lower() for word in words)}


def _found(encoder: Any, targets: list[str], method: str) -> None:
    if not targets:
        raise ValueError(
            f"tune {method} found no matrices of attention to train in this encoder (family "
            f"{encoder.config.model_type}): use tune adapter, bitfit or top:N"
        )
