"""A policy's copy that shares what nobody changes, and the part of its weights that is trained."""

import copy
from collections.abc import Mapping
from typing import TypeVar

from torch import Tensor

from lingym.policies.network import LabelNetwork

Policy = TypeVar("Policy", bound=LabelNetwork)


def light_copy(policy: Policy) -> Policy:
    """A copy of a policy with an own copy of what is trained; the rest is the policy's, shared.

    With ``tune="full"`` all is trained, and all copied. The copy has no optimiser.
    """
    shared = {id(weight): weight for weight in policy.constant()}
    nothing = {id(getattr(policy, "optimizer", shared)): None}
    return copy.deepcopy(policy, {**nothing, **shared})


def frozen_copy(policy: Policy) -> Policy:
    """A light copy that never learns: the policy as it is now, dropout off."""
    twin = light_copy(policy)
    shared = {id(weight) for weight in policy.constant()}
    for weight in twin.parameters():
        if id(weight) not in shared:
            weight.requires_grad_(False)
    twin.train(False)
    return twin


def trained_weights(policy: LabelNetwork) -> dict[str, Tensor]:
    """The weights of a policy that training may change, by name, as they are now (not copied)."""
    constant = {id(weight) for weight in policy.constant()}
    fixed = {name for name, weight in policy.named_parameters() if id(weight) in constant}
    return {name: value for name, value in policy.state_dict().items() if name not in fixed}


def load_trained(policy: LabelNetwork, weights: Mapping[str, Tensor]) -> None:
    """Put back what `trained_weights` gave; more is taken too.

    Raises:
        RuntimeError: a weight is missing, or of another policy.
    """
    missing = trained_weights(policy).keys() - weights.keys()
    found = policy.load_state_dict(dict(weights), strict=False)
    if missing or found.unexpected_keys:
        wrong = sorted(missing) or found.unexpected_keys
        raise RuntimeError(f"these are not the weights of this policy: see {', '.join(wrong[:3])}")


def trained_parameters(policy: LabelNetwork) -> tuple[int, int]:
    """How many parameters of a policy are trained, and how many it has."""
    counts = [(weight.numel(), weight.requires_grad) for weight in policy.parameters()]
    return sum(n for n, learned in counts if learned), sum(n for n, _ in counts)
