"""Ways to say what each word did for a label: scores [T, W] of words, for T labels of one text."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import torch
from torch import Tensor, nn

from lingym.agents.explain.rollout import rollout
from lingym.agents.explain.scene import Scene, embeddings
from lingym.types import FloatArray

Method = Literal["integrated-gradients", "gradient-x-input", "leave-one-out", "rollout", "random"]
METHODS: tuple[Method, ...] = get_args(Method)
SMALL = 0.1
"""A change of a log-probability that nobody would call one: errors are not measured against less"""


class Found(NamedTuple):
    """What a method found."""

    scores: FloatArray  # [T, W]
    error: FloatArray | None = None  # [T] how far the scores are from summing as they must
    steps: int | None = None  # of the integral, the most that a label took


def integrated_gradients(
    scene: Scene, steps: int = 32, most: int = 512, tolerance: float = 0.01
) -> Found:
    r"""Integrated gradients of the word embeddings, by captum (Sundararajan, Taly and Yan, 2017).

    With e the embeddings of the text, b those of the text whose words are blank and f what the
    policy says of the label,

    .. math:: a_i = \sum_d (e_{id} - b_{id}) \int_0^1
        \frac{\partial f(b + t (e - b))}{\partial e_{id}} dt, \qquad \sum_i a_i = f(e) - f(b).

    The integral is a Gauss-Legendre sum, whose steps are doubled until the scores sum to their
    f(e) - f(b) within the tolerance. The error is relative to that, or to `SMALL` where it is less.
    https://arxiv.org/abs/1703.01365

    Args:
        scene: the text and the labels.
        steps: of the first try.
        most: steps of the last one.
        tolerance: the error that is let pass.

    Raises:
        ImportError: captum is not installed.
    """
    try:
        from captum.attr import LayerIntegratedGradients
    except ImportError:
        raise ImportError(
            "integrated gradients need captum: pip install 'lingym[explain]', or take another "
            f"method ({', '.join(METHODS[1:])})"
        ) from None
    if not 1 <= steps <= most:
        raise ValueError(f"steps must be between 1 and {most}, got {steps}")
    count, windows = len(scene.units), scene.batch.input_ids.shape[0]
    layers = embeddings(scene.policy)
    device = scene.policy.device
    scores = np.zeros((count, len(scene.layout.words)))
    whole, rows = np.ones_like(scores, np.bool_), np.arange(count)
    wanted = scene.values(whole, rows) - scene.values(~whole, rows)
    error, used, pending = np.full(count, np.inf), steps, rows
    blank = scene.blanked(~whole[:1])
    with torch.enable_grad():
        while len(pending):
            used = steps
            for start in range(0, len(pending), scene.most):
                own = pending[start : start + scene.most]

                def forward(ids: Tensor, own: Any = own) -> Tensor:
                    times = len(ids) // (len(own) * windows)
                    return scene.say(ids.cpu().numpy().astype(np.int32), np.tile(own, times))

                size = len(own) * windows
                with warnings.catch_warnings():
                    # Encoders side by side, none of which reads another: what it warns of.
                    warnings.filterwarnings("ignore", "Multiple layers provided")
                    integral = LayerIntegratedGradients(
                        forward, layers if len(layers) > 1 else layers[0]
                    )
                found = integral.attribute(
                    torch.from_numpy(np.tile(scene.batch.input_ids, (len(own), 1))).to(device),
                    torch.from_numpy(np.tile(blank, (len(own), 1))).to(device),
                    n_steps=steps,
                    internal_batch_size=size * max(1, scene.most // len(own)),
                )
                parts = found if isinstance(found, list) else [found]
                tokens = sum(part.detach().double().sum(-1) for part in parts)
                assert isinstance(tokens, Tensor)
                shape = (len(own), *scene.batch.input_ids.shape)
                scores[own] = scene.of_words(tokens.cpu().numpy().reshape(shape))
            gap = np.abs(scores.sum(1) - wanted)
            error = gap / np.maximum(np.abs(wanted), SMALL)
            pending = np.flatnonzero(error > tolerance)
            steps *= 2
            if steps > most:
                break
    return Found(scores, error, used)


def gradient_x_input(scene: Scene) -> Found:
    """The gradient of each word's embeddings times the embeddings: the first step of a line.

    Shrikumar et al. (2016), https://arxiv.org/abs/1605.01713.
    """
    tokens = []
    with torch.enable_grad():
        for start in range(0, len(scene.units), scene.most):
            own = np.arange(start, min(start + scene.most, len(scene.units)))
            read: list[Tensor] = []

            def keep(layer: nn.Module, asked: Any, out: Tensor, read: Any = read) -> Tensor:
                read.append(out.detach().requires_grad_())
                return read[-1]

            hooks = [layer.register_forward_hook(keep) for layer in embeddings(scene.policy)]
            try:
                said = scene.say(np.tile(scene.batch.input_ids, (len(own), 1)), own).sum()
            finally:
                for hook in hooks:
                    hook.remove()
            gradients = torch.autograd.grad(said, read)
            product = sum((g * e).double().sum(-1) for g, e in zip(gradients, read, strict=True))
            assert isinstance(product, Tensor)
            tokens.append(product.detach().cpu().numpy().reshape(len(own), *scene.words.shape))
    return Found(scene.of_words(np.concatenate(tokens)))


def leave_one_out(scene: Scene) -> Found:
    """How much less the policy says so when the word is blank: no look into the model is needed.

    Zeiler and Fergus (2014), https://arxiv.org/abs/1311.2901; Li et al. (2016) for words,
    https://arxiv.org/abs/1612.08220.
    """
    count, words = len(scene.units), len(scene.layout.words)
    kept = np.concatenate([np.ones((1, words), np.bool_), ~np.eye(words, dtype=np.bool_)])
    which = np.repeat(np.arange(count), words + 1)
    said = scene.values(np.tile(kept, (count, 1)), which).reshape(count, words + 1)
    return Found(said[:, :1] - said[:, 1:])


def by_chance(scene: Scene, seed: int = 0) -> Found:
    """Scores that mean nothing: what another method must beat."""
    shape = (len(scene.units), len(scene.layout.words))
    return Found(np.random.default_rng(seed).standard_normal(shape))


def method(name: Method, seed: int = 0, tolerance: float = 0.01) -> Callable[[Scene], Found]:
    """A method by its name.

    Args:
        name: one of `METHODS`.
        seed: of ``random``.
        tolerance: of ``integrated-gradients``.

    Raises:
        ValueError: there is none of that name.
    """
    known: dict[str, Callable[[Scene], Found]] = {
        "integrated-gradients": partial(integrated_gradients, tolerance=tolerance),
        "gradient-x-input": gradient_x_input,
        "leave-one-out": leave_one_out,
        "rollout": lambda scene: Found(rollout(scene)),
        "random": partial(by_chance, seed=seed),
    }
    if name not in known:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {name!r}")
    return known[name]
