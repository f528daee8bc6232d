"""Whether two trained labellers are of one kind."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from tokenizers import Tokenizer

from lingym.policies.average import shape_fault

if TYPE_CHECKING:
    from lingym.agents.labeller import Labeller


def same_tokens(one: Tokenizer, other: Tokenizer) -> bool:
    """Whether two tokenizers cut every text into the same tokens."""
    return _cuts(one) == _cuts(other)


def _cuts(tokenizer: Tokenizer) -> dict[str, Any]:
    """What a tokenizer does; truncation and padding are the environment's business."""
    said: dict[str, Any] = json.loads(tokenizer.to_str())
    return {name: value for name, value in said.items() if name not in ("truncation", "padding")}


def difference(one: "Labeller", other: "Labeller") -> str:
    """Why the weights of two labellers cannot be averaged; "" where they can."""
    ours, theirs = one.policy, other.policy
    if one.task != other.task:
        return f"the tasks differ: {one.task} and {other.task}"
    names, others = (_names(policy.labels) for policy in (ours, theirs))
    if names != others:
        lone = sorted({*names} ^ {*others})
        return f"the labels differ, in {', '.join(lone[:10]) or 'their order'}"
    facts = [_facts(labeller) for labeller in (one, other)]
    for name, value in facts[0].items():
        if value != facts[1][name]:
            return f"{name} differs: {value} and {facts[1][name]}"
    if not _same_rules(one, other):
        return "the rules of the labels differ: which may follow which, or how often"
    if not same_tokens(one.tokenizer, other.tokenizer):
        return "the tokenizers differ"
    fault = shape_fault(ours.state_dict(), theirs.state_dict())
    if fault:
        return fault
    kept = zip(ours.constant(), theirs.constant(), strict=True)
    if not all(torch.equal(a.cpu(), b.cpu()) for a, b in kept):
        return (
            "their bases, which neither has trained, differ: make whole models of them first "
            "(lingym merge), or average runs on one base"
        )
    return ""


def _names(labels: Any) -> tuple[str, ...]:
    return (*labels.names, *labels.roles)


def _facts(labeller: "Labeller") -> dict[str, Any]:
    """What must be the same beside labels and weights, by its name."""
    policy = labeller.policy
    config: Any = policy.encoder.config
    return {
        "the encoder's family": config.model_type,
        "the kind of policy": type(policy).__name__,
        "tune": f"{policy.tune} {policy.tuning.sizes()}",
        "pooling": policy.pooling,
        "history": policy.history,
        "constrained": policy.constrained,
        "max_tokens": labeller.max_tokens,
        "overflow": labeller.overflow,
        "the task's settings": dict(labeller.settings),
    }


def _same_rules(one: "Labeller", other: "Labeller") -> bool:
    ours, theirs = one.policy.labels, other.policy.labels
    for name in ("form", "stop", "span", "quota", "kinds", "mixed"):
        if getattr(ours, name) != getattr(theirs, name):
            return False
    for name in ("transitions", "kind_of_label"):
        a, b = getattr(ours, name), getattr(theirs, name)
        if (a is None) != (b is None) or (a is not None and not np.array_equal(a, b)):
            return False
    return True
