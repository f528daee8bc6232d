"""Steps of algorithms whose loop is not lingym's: none is taken by a number that is not finite."""

import torch
from torch import Tensor, nn

LARGEST = 1e15
"""Of a value: losses, and norms of their gradients, square it in float32, which ends at 3e38."""
NAMED = 3


class NonFiniteError(FloatingPointError):
    """A loss, gradient, advantage or weight is NaN or infinite; the message says where."""


def guard_steps(policy: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Let an optimiser take no step by a gradient that is NaN or infinite, whoever asks for it.

    Stable-Baselines3's own algorithms cut the gradient and step, whatever it is. A NaN loss has a
    NaN gradient, and cutting an infinite one makes it NaN. A second call changes nothing.

    Args:
        policy: whose weights a message names.
        optimizer: of these weights. Its copies and pickles are not guarded.
    """
    if not hasattr(optimizer, "steps_guarded"):
        setattr(optimizer, "steps_guarded", True)  # noqa: B010  (no attribute that torch knows)
        optimizer.register_step_pre_hook(lambda *_: _check(policy, optimizer))


def _check(policy: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Refuse a step by the gradient that is there, and drop it.

    Raises:
        NonFiniteError: some of it is NaN or infinite.
    """
    trained = [weight for group in optimizer.param_groups for weight in group["params"]]
    gradients = [weight.grad for weight in trained if weight.grad is not None]
    norms = [torch.linalg.vector_norm(gradient).to(trained[0].device) for gradient in gradients]
    if not norms or torch.stack(norms).sum().isfinite():  # one number is fetched
        return
    wrong = {id(w) for w in trained if w.grad is not None and not w.grad.isfinite().all()}
    names = [name for name, weight in policy.named_parameters() if id(weight) in wrong]
    broken = [name for name, weight in policy.named_parameters() if not weight.isfinite().all()]
    rate = optimizer.param_groups[0]["lr"]
    for weight in trained:
        weight.grad = None
    said = f"the gradient is not finite ({_some(names) or 'its norm'})"
    if broken:
        said += f", and neither are the weights ({_some(broken)})"
    raise NonFiniteError(
        f"{said}: no step was taken, at the learning rate {rate:.3g}; lower it, or look at the "
        "reward"
    )


def check_values(values: Tensor, what: str) -> None:
    """Refuse what a policy gives as the worth of something, where no loss can be made of it.

    Args:
        values: any shape.
        what: they are, in the plural.

    Raises:
        NonFiniteError: one is NaN, infinite, or above `LARGEST`.
    """
    if values.numel() and not values.detach().abs().amax() < LARGEST:  # no NaN is less
        worst = values.detach().abs().amax().item()
        raise NonFiniteError(
            f"{what} are not finite, or of no use (up to {worst:.3g}): nothing is learned from "
            "them. Lower the learning rate, or look at the reward, and begin again from weights "
            "that are whole"
        )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
