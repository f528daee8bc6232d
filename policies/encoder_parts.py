"""An encoder made ready for a method: what is added to it, which weights are trained."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from lingym.policies.bottleneck import add_adapters
from lingym.policies.encoder_tuning import Tuning
from lingym.policies.low_rank import add_ia3, add_lora, factors, merge_factors
from lingym.policies.prompt import add_prompt

FACTORS = ("lora", "ia3")
"""Methods whose result can be written as weights of the encoder itself."""

MARKS = {"lora": ".lora_", "ia3": ".ia3_", "adapter": "bottlenecks.", "prompt": "prompt."}
"""What the names of added weights have in them."""


def prepare(encoder: nn.Module, tuning: Tuning) -> frozenset[str]:
    """Add what a method adds, and let what it trains have gradients, and nothing else.

    Weights that the encoder's file lacked (a pooling layer that no file has) are random: they are
    trained under every method but ``frozen``. Global random state is left as it was.

    Returns:
        The names of the weights that are trained.

    Raises:
        ImportError: a library is missing.
        ValueError: the encoder has too few layers, no biases, or no layers that could be found.
    """
    if tuning.method == "full":
        return frozenset(name for name, _ in encoder.named_parameters())
    with torch.random.fork_rng(devices=[]):  # heads begin the same under all methods
        _add(encoder, tuning)
    names = [name for name, _ in encoder.named_parameters()]
    fresh = set(fresh_weights(encoder)) if tuning.method != "frozen" else set()
    trained = fresh | {name for name in names if _trains(encoder, tuning, name)}
    for name, weight in encoder.named_parameters():
        weight.requires_grad_(name in trained)
    return frozenset(trained)


def fresh_weights(encoder: Any) -> tuple[str, ...]:
    """The weights that are random because the encoder's file lacks them."""
    return getattr(encoder, "fresh", ())


def layers_of(encoder: Any) -> nn.ModuleList:
    """The layers of an encoder of any family, first to last.

    Raises:
        ValueError: none were found, or they share their weights.
    """
    config = encoder.config
    wanted = getattr(config, "num_hidden_layers", None)
    lists = [module for module in encoder.modules() if isinstance(module, nn.ModuleList)]
    every = [each for each in lists if len(each) == wanted]
    if not every:
        raise ValueError(
            f"no list of {wanted} layers was found in this encoder (family {config.model_type}): "
            "use tune full, frozen or bitfit"
        )
    return max(every, key=lambda layers: sum(weight.numel() for weight in layers.parameters()))


def added_weights(encoder: nn.Module, tuning: Tuning) -> list[nn.Parameter]:
    """The parameters that the method added."""
    mark = MARKS.get(tuning.method)
    return [weight for name, weight in encoder.named_parameters() if mark and mark in f".{name}"]


@contextmanager
def switched_off(encoder: nn.Module, tuning: Tuning) -> Iterator[None]:
    """Leave out what a method added, within.

    Raises:
        ValueError: the method changes weights of the encoder itself.
    """
    if tuning.method == "frozen":
        yield
        return
    if not tuning.added:
        raise ValueError(f"tune {tuning.tune} changes the encoder's weights: nothing to switch off")
    if tuning.method in FACTORS:
        layers = factors(encoder)
        learned = [weight.requires_grad for weight in encoder.parameters()]
        before = [layer.disable_adapters for layer in layers]
        for layer in layers:
            layer.enable_adapters(False)
        try:
            yield
        finally:
            for layer, off in zip(layers, before, strict=True):
                layer.enable_adapters(not off)
            for weight, had in zip(encoder.parameters(), learned, strict=True):
                weight.requires_grad_(had)
        return
    one: Any = encoder.prompt if tuning.method == "prompt" else None
    parts: list[Any] = list(encoder.bottlenecks) if one is None else [one]  # type: ignore[arg-type]
    was = [part.off for part in parts]
    for part in parts:
        part.off = True
    try:
        yield
    finally:
        for part, off in zip(parts, was, strict=True):
            part.off = off


def put_together(encoder: nn.Module, tuning: Tuning) -> None:
    """Make of a part-trained encoder one of its family that computes the same, in place.

    Raises:
        ValueError: there is none, since the method adds layers or tokens.
    """
    if tuning.method in ("adapter", "prompt"):
        raise ValueError(
            f"what tune {tuning.tune} trained cannot be merged into an encoder of its family: go "
            f"on with tune {tuning.method}, of the same size"
        )
    if tuning.method in FACTORS:
        merge_factors(encoder)
    encoder.requires_grad_(True)


def plain_weights(encoder: nn.Module, tuning: Tuning) -> dict[str, torch.Tensor]:
    """The encoder's own weights by the names of its family, without what was added."""
    mark = MARKS.get(tuning.method)
    return {
        name.replace(".base_layer.", "."): weight.detach()
        for name, weight in encoder.state_dict().items()
        if not mark or mark not in f".{name}"
    }


def _add(encoder: Any, tuning: Tuning) -> None:
    if tuning.method == "lora":
        add_lora(encoder, layers_of(encoder), tuning.lora_rank, tuning.lora_alpha)
    elif tuning.method == "ia3":
        add_ia3(encoder, layers_of(encoder))
    elif tuning.method == "adapter":
        add_adapters(encoder, layers_of(encoder), tuning.adapter_width)
    elif tuning.method == "prompt":
        add_prompt(encoder, tuning.prompt_tokens)
    elif tuning.method == "bitfit":
        if not any(name.endswith("bias") for name, _ in encoder.named_parameters()):
            raise ValueError(
                f"tune bitfit trains biases, and encoders of the family {encoder.config.model_type}"
                " have none: use another method"
            )
    elif tuning.method == "top" and tuning.layers > len(layers_of(encoder)):
        raise ValueError(
            f"tune {tuning.tune}: the encoder has {len(layers_of(encoder))} layers, so N is from 1 "
            "to that"
        )


def _trains(encoder: nn.Module, tuning: Tuning, name: str) -> bool:
    """Whether a method trains a weight of the encoder."""
    if tuning.added:
        return MARKS[tuning.method] in f".{name}"
    if tuning.method == "bitfit":
        return name.endswith("bias")
    return tuning.method == "top" and name in _top(encoder, tuning.layers)


def _top(encoder: nn.Module, count: int) -> set[str]:
    """The weights of the last layers, and of all that stands above them (a norm, a pooler)."""
    layers = layers_of(encoder)
    modules: list[nn.Module] = list(layers)[-count:]
    above = False
    for child in encoder.children():
        if above:
            modules.append(child)
        above = above or any(module is layers for module in child.modules())
    ours = {id(weight) for module in modules for weight in module.parameters()}
    return {name for name, weight in encoder.named_parameters() if id(weight) in ours}
