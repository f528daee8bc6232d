"""What a run is made of at one point, as data: named tensors, and JSON that names them.

A tree of dicts, lists, tuples, deques, numbers, words, arrays and tensors becomes (tensors, JSON)
and comes back equal to the bit, without pickle: nothing that is read can run code. Whatever else is
met is refused by its place in the tree, so that nothing that moves in a run is left out in silence.
"""

import random
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Tree = dict[str, Any]
"""What `flat` takes apart: plain values under names."""

TAG = "~"
_PLAIN = (bool, int, float, str, type(None))


def flat(tree: Mapping[str, Any]) -> tuple[dict[str, Tensor], Any]:
    """A tree as tensors on the CPU, by their places in it, and JSON values that refer to them.

    Raises:
        TypeError: something in the tree is no data; the message has its place.
    """
    tensors: dict[str, Tensor] = {}

    def keep(kind: str, place: str, tensor: Tensor) -> dict[str, str]:
        tensors[place] = tensor.detach().cpu().contiguous()
        return {TAG: kind, "name": place}

    def encode(value: Any, place: str) -> Any:
        if type(value) in _PLAIN:
            return value
        if isinstance(value, Tensor):
            return keep("tensor", place, value)
        if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "bif":
            return keep("array", place, torch.from_numpy(np.array(value)))
        if isinstance(value, list):
            return [encode(each, f"{place}/{n}") for n, each in enumerate(value)]
        if type(value) is tuple:
            return {TAG: "tuple", "of": encode(list(value), place)}
        if isinstance(value, deque):
            return {TAG: "deque", "of": encode(list(value), place), "maxlen": value.maxlen}
        if isinstance(value, dict) and all(isinstance(key, str) and key != TAG for key in value):
            return {key: encode(each, f"{place}/{key}") for key, each in value.items()}
        raise TypeError(
            f"{place} is a {type(value).__name__}, which a checkpoint cannot keep: put its name "
            "into `made_again` of its class if the constructor makes it, or give the class "
            "run_state and load_run_state"
        )

    return tensors, {key: encode(value, key) for key, value in tree.items()}


def tree_of(tensors: Mapping[str, Tensor], values: Any) -> Any:
    """The tree that `flat` took apart.

    Raises:
        KeyError: a tensor is missing.
        ValueError: the JSON is not of `flat`.
    """
    if isinstance(values, list):
        return [tree_of(tensors, each) for each in values]
    if not isinstance(values, dict):
        return values
    kind = values.get(TAG)
    if kind is None:
        return {key: tree_of(tensors, each) for key, each in values.items()}
    if kind == "tensor":
        return tensors[values["name"]]
    if kind == "array":
        array = tensors[values["name"]].numpy()
        return array if array.ndim else array[()]
    inside = tree_of(tensors, values["of"])
    if kind == "tuple":
        return tuple(inside)
    if kind == "deque":
        return deque(inside, values["maxlen"])
    raise ValueError(f"unknown kind {kind!r} of value")


def global_noise(device: torch.device) -> Tree:
    """The random states that a process has one of: Python's, NumPy's, PyTorch's, the device's."""
    version, numbers, gauss = random.getstate()
    name, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002  (what users draw from)
    noise: Tree = {
        "python": [version, list(numbers), gauss],
        "numpy": [name, np.asarray(keys).astype(np.int64), *rest],
        "torch": torch.get_rng_state(),
        "device": device.type,
    }
    if device.type == "cuda":
        noise["cuda"] = torch.cuda.get_rng_state(device)
    return noise


def set_global_noise(noise: Mapping[str, Any], device: torch.device) -> None:
    """Put back what `global_noise` gave.

    Raises:
        ValueError: it was another kind of device, whose random numbers this one cannot go on with.
    """
    if noise["device"] != device.type:
        raise ValueError(
            f"the run was on {noise['device']} and this is {device.type}: its random numbers "
            "cannot go on here"
        )
    version, numbers, gauss = noise["python"]
    random.setstate((version, tuple(numbers), gauss))
    name, keys, *rest = noise["numpy"]
    np.random.set_state((name, keys.astype(np.uint32), *rest))  # noqa: NPY002
    torch.set_rng_state(noise["torch"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(noise["cuda"], device)


def of_module(module: nn.Module, shared: set[int]) -> Tree:
    """The weights and buffers of a module, and the moments of its optimiser if it has one.

    Args:
        module: whose.
        shared: addresses (``data_ptr``) of weights that are made again and never change.
    """
    weights = module.state_dict()
    own = {name: value for name, value in weights.items() if value.data_ptr() not in shared}
    optimizer = getattr(module, "optimizer", None)
    return {"weights": own, "optimizer": None if optimizer is None else of_optimizer(optimizer)}


def to_module(module: nn.Module, saved: Mapping[str, Any], shared: set[int]) -> None:
    """Put back what `of_module` gave.

    Raises:
        ValueError: it is of another module.
    """
    wanted = of_module(module, shared)["weights"]
    found = saved["weights"]
    for name in wanted.keys() | found.keys():
        if name not in wanted or name not in found or wanted[name].shape != found[name].shape:
            raise ValueError(f"the weight {name} is not the same in the checkpoint and in this run")
    module.load_state_dict(dict(found), strict=False)
    optimizer: Any = getattr(module, "optimizer", None)
    if optimizer is not None and saved["optimizer"] is not None:
        to_optimizer(optimizer, saved["optimizer"])


def of_optimizer(optimizer: torch.optim.Optimizer) -> Tree:
    """The moments of an optimiser by the place of the weight, and the settings of its groups."""
    state = optimizer.state_dict()
    groups = [{k: v for k, v in group.items() if k != "params"} for group in state["param_groups"]]
    return {"state": {str(n): each for n, each in state["state"].items()}, "groups": groups}


def to_optimizer(optimizer: torch.optim.Optimizer, saved: Mapping[str, Any]) -> None:
    """Put back what `of_optimizer` gave."""
    groups = [
        {**own, **kept}
        for own, kept in zip(optimizer.state_dict()["param_groups"], saved["groups"], strict=True)
    ]
    state = {int(place): each for place, each in saved["state"].items()}
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def of_generator(generator: Any) -> Any:
    """The state of a NumPy or a PyTorch generator."""
    if isinstance(generator, torch.Generator):
        return generator.get_state()
    return generator.bit_generator.state


def to_generator(generator: Any, saved: Any) -> None:
    """Put back what `of_generator` gave."""
    if isinstance(generator, torch.Generator):
        generator.set_state(saved)
    else:
        generator.bit_generator.state = saved
