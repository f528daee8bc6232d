"""Adversarial training on embeddings: learn where the loss is high, near what the text says.

To the embeddings x of a text's tokens (what ``encoder.get_input_embeddings()`` gives: no positions,
no norm) a perturbation d is added, ||d|| <= eps over all of a text's real tokens and dimensions. An
update's gradient is that of a mean over its passes, so that eps = 0 is training as ever:

- ``fgm`` (Miyato et al., 2017, https://arxiv.org/abs/1605.07725): [L(0) + L(eps g / ||g||)] / 2,
  with g the gradient of L at 0 by d.
- ``pgd`` (Madry et al., 2018, https://arxiv.org/abs/1706.06083, from d_0 = 0, as is usual for
  text): [L(0) + L(d_K)] / 2; of the K steps only the last one's gradient is learned from.
- ``freelb`` (Zhu et al., 2020, https://arxiv.org/abs/1909.11764): sum_t L(d_t) / K over t < K, with
  d_0 uniform in [-eps, eps] / sqrt(n), n the numbers that a text's embeddings have.

A step is d <- P(d + rate g / ||g||), with P the projection to the ball of radius eps. A text that
is read in several windows has a perturbation in each, with a norm of its own. Of a policy that
corrects a frozen labeller the correction's reading is perturbed, and the labeller's is not.

Sizes: N windows, L tokens to a window, D dimensions of an embedding.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor


class Perturbation:
    """What is added to the embeddings of a batch in the passes of one update.

    Args:
        eps: the radius of the ball.
        rate: the length of a step.
        generator: of a random start; None starts at 0.

    Attributes:
        delta: [N, L, D], 0 at padding, which gradients go to; None before the first pass.
    """

    def __init__(self, eps: float, rate: float, generator: torch.Generator | None = None) -> None:
        self.eps, self.rate, self.generator = eps, rate, generator
        self.delta: Tensor | None = None
        self._mask: Tensor | None = None

    @contextmanager
    def added(self, encoder: Any) -> Iterator[None]:
        """Add the perturbation to all that the encoder embeds within, where gradients are on.

        What is read without gradients, such as by a reference policy that shares the encoder, is
        read as it stands.

        Args:
            encoder: a transformers model, bare or within peft's.
        """

        def note_mask(_: Any, args: Any, kwargs: Any) -> None:
            self._mask = kwargs["attention_mask"]

        def add(_: Any, args: Any, embedded: Tensor) -> Tensor | None:
            if not torch.is_grad_enabled():
                return None
            assert self._mask is not None
            if self.delta is None:
                self.delta = self._start(embedded, self._mask)
            return embedded + self.delta.to(embedded.dtype)

        hooks = [
            encoder.register_forward_pre_hook(note_mask, prepend=True, with_kwargs=True),
            encoder.get_input_embeddings().register_forward_hook(add),
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def backward(self, loss: Tensor, weight: float) -> Tensor:
        """Add `weight` times the gradient of a loss to that of the parameters.

        Returns:
            The gradient by the perturbation, [N, L, D], up to a positive factor.

        Raises:
            RuntimeError: the loss does not depend on the embeddings.
        """
        delta = self.delta
        if delta is None:
            raise RuntimeError("the loss read no embeddings with a gradient: nothing to perturb")
        if weight:
            delta.grad = None
            (weight * loss).backward()
            found = delta.grad
        else:
            (found,) = torch.autograd.grad(loss, delta, allow_unused=True)
        if found is None:
            raise RuntimeError("no gradient came back to the embeddings: nothing to perturb")
        return found

    def ascend(self, gradient: Tensor) -> None:
        """One step of length `rate` up the gradient [N, L, D], and back into the ball."""
        assert self.delta is not None
        gradient = self._real(gradient)
        smallest = torch.finfo(gradient.dtype).tiny
        step = self.rate * gradient / norms(gradient).clamp(min=smallest)
        moved = self.delta.detach() + step
        long = norms(moved)
        self.delta = torch.where(
            long > self.eps, moved * (self.eps / long.clamp(min=smallest)), moved
        ).requires_grad_()

    def _start(self, embedded: Tensor, mask: Tensor) -> Tensor:
        start = torch.zeros_like(embedded, dtype=torch.float32).detach()
        if self.generator is not None:
            start.uniform_(-self.eps, self.eps, generator=self.generator)
            count = mask.sum(1)[:, None, None] * embedded.shape[-1]
            start = self._real(start) / count.clamp(min=1).sqrt()
        return start.requires_grad_()

    def _real(self, values: Tensor) -> Tensor:
        """The values with 0 at padding."""
        assert self._mask is not None
        return torch.where(self._mask[..., None] > 0, values, 0.0)


def norms(values: Tensor) -> Tensor:
    """The L2 norm of each window, [N, 1, 1] of [N, L, D]."""
    return values.flatten(1).norm(dim=1)[:, None, None]
