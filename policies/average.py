"""The mean of the weights of policies of one shape."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

Weights = Mapping[str, Tensor]


@torch.no_grad()
def averaged(states: Sequence[Weights], weights: Sequence[float]) -> dict[str, Tensor]:
    """The mean sum_i w_i theta_i, summed in float64 and then cast back.

    What is the same in all is taken as it is, so that what they share (a frozen base, whole
    numbers) stays so to the last bit; with all the weight on one of them the result is that one,
    exactly. Value heads are averaged like the rest: they have no say in labels.

    Args:
        states: the ``state_dict`` of each policy, of the same names and shapes.
        weights: [M], summing to 1; negative ones extrapolate.

    Returns:
        A state for any of the policies, on the first one's devices.

    Raises:
        ValueError: names or shapes differ, whole numbers do, or the weights do not sum to 1.
    """
    if len(states) != len(weights) or not states:
        raise ValueError(f"states and weights must be equally many, got {len(states)}, {weights}")
    if not abs(sum(weights) - 1) < 1e-9:
        raise ValueError(f"weights must sum to 1, got {list(weights)}")
    first = states[0]
    for place, state in enumerate(states[1:], 2):
        fault = shape_fault(first, state)
        if fault:
            raise ValueError(f"policy {place} has another shape than the first: {fault}")
    return {name: _mean([state[name] for state in states], weights, name) for name in first}


def shape_fault(one: Weights, other: Weights) -> str:
    """In which weight two states differ in shape; "" where in none."""
    lone = sorted(one.keys() ^ other.keys())
    if lone:
        return f"only one has {lone[0]} ({len(lone)} such weights)"
    for name, weight in one.items():
        if other[name].shape != weight.shape:
            return f"{name} is {tuple(weight.shape)} against {tuple(other[name].shape)}"
    return ""


def _mean(tensors: Sequence[Tensor], weights: Sequence[float], name: str) -> Tensor:
    first = tensors[0]
    tensors = [tensor.to(first.device) for tensor in tensors]
    used = [(w, t) for w, t in zip(weights, tensors, strict=True) if w]
    if all(torch.equal(tensor, used[0][1]) for _, tensor in used):
        return used[0][1].clone()
    if not first.is_floating_point():
        raise ValueError(f"{name} holds {first.dtype}, which has no mean, and differs")
    total = torch.zeros_like(first, dtype=torch.float64)
    for weight, tensor in used:
        total += weight * tensor.double()
    return total.to(first.dtype)
