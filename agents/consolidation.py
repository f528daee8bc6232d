"""Elastic weight consolidation: weights that earlier texts need are held near where they are.

Kirkpatrick et al., 2017, https://arxiv.org/abs/1612.00796; the online variant, one penalty for all
that came before, is that of Schwarz et al., 2018, https://arxiv.org/abs/1805.06370.
"""

from collections.abc import Mapping
from math import inf
from typing import Any

import torch
from torch import Tensor

from lingym.envs import Episodes
from lingym.policies import LabelPolicy
from lingym.types import Rows

Fisher = dict[str, Tensor]
"""The diagonal of the Fisher information, by the name of the weight, of the weight's shape."""


def fisher_information(
    policy: LabelPolicy,
    episodes: Episodes,
    examples: Rows,
    generator: torch.Generator,
    samples: int = 1,
) -> Fisher:
    """How much what a policy says of texts depends on each of its weights.

        F_i = 1/N sum_n E_{y ~ p(. | x_n)} [ (d log p(y | x_n) / d w_i)^2 ]

    with y a labelling of the whole text n, drawn from the policy: the true Fisher information, not
    the empirical one of gold labels, which is another matrix (Kunstner et al., 2019,
    https://arxiv.org/abs/1905.12558). No gold label is looked at, and dropout is off. A text is a
    backward pass a sample.

    Args:
        policy: its mode is restored afterwards.
        episodes: the texts.
        examples: [N] which of them, one or more.
        generator: draws the labels, on the policy's device.
        samples: labelings drawn of each text.

    Returns:
        Of each weight that is trained and that labels depend on; the value head's are not.

    Raises:
        ValueError: no texts, or no samples.
    """
    if len(examples) < 1 or samples < 1:
        raise ValueError(f"wanted 1 or more texts and samples, got {len(examples)} and {samples}")
    trained = {name: w for name, w in policy.named_parameters() if w.requires_grad}
    found: Fisher = {}
    training = policy.training
    policy.train(False)
    try:
        with policy.work.paused():
            for place in examples:
                batch = episodes.batch([int(place)])
                distribution = policy.distribution(policy.features(policy.texts(batch)), batch)
                with torch.no_grad():
                    drawn = distribution.sample(samples, generator)
                for number, labels in enumerate(drawn):
                    each = distribution.log_probs(labels)
                    taken = each.gather(-1, labels.clamp(min=0)[..., None]).squeeze(-1)
                    said = (taken * (labels >= 0)).sum()
                    gradients = torch.autograd.grad(
                        *(said, list(trained.values())),
                        retain_graph=number + 1 < samples,
                        allow_unused=True,
                    )
                    for name, gradient in zip(trained, gradients, strict=True):
                        if gradient is not None:
                            whole = found.setdefault(name, torch.zeros_like(gradient))
                            whole.addcmul_(gradient, gradient)
    finally:
        policy.train(training)
    return {name: whole / (len(examples) * samples) for name, whole in found.items()}


def accumulated(before: Mapping[str, Tensor], now: Mapping[str, Tensor], decay: float) -> Fisher:
    """The information of all that came before: decay F_before + F_now, a missing weight being 0.

    Raises:
        ValueError: the decay is not in [0, 1].
    """
    if not 0 <= decay <= 1:
        raise ValueError(f"the decay must be in [0, 1], got {decay}")
    names = [*before, *(name for name in now if name not in before)]
    return {
        name: now[name].clone()
        if name not in before
        else decay * before[name].to(now[name]) + now[name]
        if name in now
        else decay * before[name]
        for name in names
    }


class Consolidation:
    """Adds the gradient of strength / 2 sum_i F_i (w_i - w*_i)^2 in every update of an agent.

    w* is what the weights are when this is made. Set it as an agent's `consolidation` before
    `learn`; the gradient joins that of the loss before it is cut to its norm.

    Args:
        policy: the agent's.
        fisher: F, as `fisher_information` or `accumulated` gives it.
        strength: lambda.

    Raises:
        ValueError: a strength below 0, or information of a weight that the policy does not train.
    """

    def __init__(self, policy: Any, fisher: Mapping[str, Tensor], strength: float) -> None:
        if not 0 <= strength < inf:
            raise ValueError(f"the strength must be 0 or more, got {strength}")
        trained = {name: w for name, w in policy.named_parameters() if w.requires_grad}
        for name, known in fisher.items():
            if name not in trained or trained[name].shape != known.shape:
                have = tuple(trained[name].shape) if name in trained else "no such trained weight"
                raise ValueError(
                    f"the information is of {name} {tuple(known.shape)}, and the policy has {have}"
                )
        self.policy, self.strength = policy, strength
        self.held = [
            (trained[name], known.to(trained[name]), trained[name].detach().clone())
            for name, known in fisher.items()
        ]

    def run_state(self) -> dict[str, Any]:
        """What holds the weights: how strongly, which, and where."""
        held = [[known, start] for _, known, start in self.held]
        return {"strength": self.strength, "held": held}

    def load_run_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `run_state` gave.

        Raises:
            ValueError: it is of other weights.
        """
        if len(state["held"]) != len(self.held):
            raise ValueError("the consolidation is of other weights than in the run that was saved")
        self.strength = state["strength"]
        for (_, known, start), saved in zip(self.held, state["held"], strict=True):
            known.copy_(saved[0])
            start.copy_(saved[1])

    @torch.no_grad()
    def pull(self) -> dict[str, float]:
        """Add the gradient strength F (w - w*) to that of the weights; the penalty, to log.

        Weights that the loss has no gradient for stay without.
        """
        total = torch.zeros((), device=self.policy.device)
        for weight, known, start in self.held:
            if weight.grad is not None:
                apart = weight - start
                weight.grad.addcmul_(known, apart, value=self.strength)
                total += (known * apart.square()).sum()
        return {"consolidation": self.strength / 2 * float(total)}
