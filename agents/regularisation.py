"""Regularisation that moves with the run: rates of dropout and decay, and a pull to the start."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lingym.agents.robustness import Robustness

PROJECTIONS = ("query", "query_proj", "q_lin", "q_proj", "q", "Wqkv", "in_proj")
"""What modules that weigh tokens have, by families of encoders."""


class Regularisation:
    """Sets a policy's rates for the place in the run, and adds the penalty's gradient.

    Args:
        settings: what is asked for.
        policy: whose.

    Raises:
        ValueError: the encoder has no hidden dropout, or the optimiser no decay of the policy's, to
            be set.
    """

    def __init__(self, settings: Robustness, policy: Any) -> None:
        self.settings, self.policy = settings, policy
        self.dropouts: list[nn.Dropout] = []
        self.start: list[tuple[nn.Parameter, Tensor]] | None = None
        self._decayed: list[int] = []  # the groups' places: loading an optimiser makes them anew
        if settings.dropout_rates is not None:
            if not hidden_dropouts(policy.encoder):
                raise ValueError(
                    f"encoder {policy.encoder_name!r} has no hidden dropout among its modules: "
                    "leave out dropout_rate"
                )
            self.dropouts = hidden_dropouts(policy)
        if settings.weight_decay_end is not None:
            groups = policy.optimizer.param_groups
            self._decayed = [n for n, group in enumerate(groups) if group.get("weight_decay")]
            if not self._decayed:
                raise ValueError("the optimiser decays nothing: leave out weight_decay_end")

    def begin(self) -> None:
        """Take the encoder's trained weights as the start, where none was taken before."""
        if self.settings.l2_start and self.start is None:
            trained = [each for each in self.policy.encoder.parameters() if each.requires_grad]
            self.start = [(each, each.detach().clone()) for each in trained]

    def run_state(self) -> dict[str, Any]:
        """The weights that the run began with, if they are pulled to; rates are set anew."""
        return {"start": None if self.start is None else [start for _, start in self.start]}

    def load_run_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `run_state` gave.

        Raises:
            ValueError: it is of other weights.
        """
        starts = state["start"] or []
        if len(starts) != len(self.start or []):
            raise ValueError("l2_start pulls to other weights than in the run that was saved")
        for (_, start), saved in zip(self.start or [], starts, strict=True):
            start.copy_(saved)

    def at(self, progress: float) -> dict[str, float]:
        """Set the rates for a place in the run, 0 to 1; what they are, to log."""
        told = {}
        if self.settings.dropout_rates is not None:
            first, last = self.settings.dropout_rates
            told["dropout_rate"] = first + progress * (last - first)
            for dropout in self.dropouts:
                dropout.p = told["dropout_rate"]
        if self.settings.weight_decay_end is not None:
            first, last = self.policy.weight_decay, self.settings.weight_decay_end
            told["weight_decay"] = first + progress * (last - first)
            for place in self._decayed:
                self.policy.optimizer.param_groups[place]["weight_decay"] = told["weight_decay"]
        return told

    @torch.no_grad()
    def pull(self) -> dict[str, float]:
        """Add the gradient C (w - w0) of the penalty to that of the weights; the penalty, to log.

        Weights that the loss has no gradient for stay without.
        """
        if self.start is None:
            return {}
        strength, total = self.settings.l2_start, torch.zeros((), device=self.policy.device)
        for weight, start in self.start:
            if weight.grad is not None:
                apart = weight - start
                weight.grad.add_(apart, alpha=strength)
                total += apart.square().sum()
        return {"l2_start": strength / 2 * float(total)}


def hidden_dropouts(module: nn.Module) -> list[nn.Dropout]:
    """The dropout of features: all but that of attention's weights and of adapters."""
    found = []
    for place, parent in module.named_modules():
        if "lora_dropout" in place:
            continue
        attends = any(hasattr(parent, name) for name in PROJECTIONS)
        for name, child in parent.named_children():
            if isinstance(child, nn.Dropout) and (not attends or name.startswith("out")):
                found.append(child)
    return found
