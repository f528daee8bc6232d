"""Too little memory for a minibatch: it is cut into halves, whose gradients are added up."""

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lingym.types import Rows

WORDS = ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED")
"""What allocators say whose error has no class of its own: the CPU's, cuBLAS, Metal."""


class TextTooLarge(torch.OutOfMemoryError):
    """One text alone does not fit into memory; the message names it."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory could not be had."""
    if isinstance(error, TextTooLarge):  # nothing is left to halve
        return False
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return type(error) is RuntimeError and any(words in str(error) for words in WORDS)


@dataclass(frozen=True, eq=False)
class Part:
    """Some texts of a minibatch, and what was decided about them before memory ran out.

    Attributes:
        rows: [n] their places in the minibatch.
        decided: by name, what a loss makes once (`lingym.agents.passes.Passes.once`): labels that
            were drawn and judged are not drawn and judged again.
    """

    rows: Rows
    decided: dict[str, Any] = field(default_factory=dict)

    def halves(self, lengths: Rows) -> "tuple[Part, Part]":
        """The two halves of two texts or more.

        Args:
            lengths: units of each text of the whole minibatch.
        """
        middle = len(self.rows) // 2
        places = np.arange(len(self.rows))
        first, second = (
            Part(
                self.rows[own],
                {
                    name: _of(value, own, int(lengths[self.rows[own]].max()))
                    for name, value in self.decided.items()
                },
            )
            for own in (places[:middle], places[middle:])
        )
        return first, second


def _of(value: Any, rows: Rows, width: int) -> Any:
    """What a decision says of some texts: tensors are [S, B] or [S, B, U], all else is of all."""
    if isinstance(value, tuple):
        return tuple(_of(each, rows, width) for each in value)
    if not isinstance(value, Tensor):
        return value
    own = value[:, torch.from_numpy(rows).to(value.device)]
    return own[..., :width] if own.dim() > 2 else own


@dataclass(frozen=True)
class Begun:
    """The forward pass of one part: how to come by its gradient, and what it weighs.

    Attributes:
        backward: adds the gradient to that of the parameters; what to log of it.
        mass: what the loss is a mean over, such as how many units.
        log: what to log of the loss.
    """

    backward: Callable[[], Mapping[str, float]]
    mass: Callable[[], float]
    log: Mapping[str, float]


def accumulated(
    begin: Callable[[Part], Begun],
    weights: Sequence[nn.Parameter],
    lengths: Rows,
    cut: Callable[[Part, BaseException], None],
    enough: Callable[[Mapping[str, float]], bool] = lambda log: False,
) -> tuple[dict[str, float], dict[str, float]]:
    """The gradient of a minibatch's mean, in as many parts as memory makes needed.

    With m_i what the loss L_i of part i is a mean over,

        gradient = sum_i m_i grad L_i / sum_i m_i,

    which is the gradient over the whole minibatch, to rounding. Where one part is enough it is
    that, to the last bit. When memory runs out, the gradient that is half there is dropped.

    Args:
        begin: the forward pass of a part.
        weights: whose gradients are left, and are dropped first.
        lengths: [B] units of each text.
        cut: told each time which part did not fit, and the error; raises if it is one text.
        enough: told the log of a minibatch that is one part, whether its gradient is not wanted.

    Returns:
        The logs of the forward passes and of the backward ones, means by mass.
    """
    parts = [Part(np.arange(len(lengths)))]
    while True:
        failed: Part | None = None
        total, logs, told = 0.0, dict[str, float](), dict[str, float]()
        for weight in weights:
            weight.grad = None
        for part in parts:
            try:
                mass = _add(begin, weights, part, total, len(parts) > 1, logs, told, enough)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                cut(part, error)
                failed = part
                break  # out of the handler, which holds the frames and so their tensors
            total += mass
        if failed is None:
            return logs, told
        release()
        place = next(i for i, part in enumerate(parts) if part is failed)
        parts[place : place + 1] = failed.halves(lengths)


def _add(
    begin: Callable[[Part], Begun],
    weights: Sequence[nn.Parameter],
    part: Part,
    total: float,
    several: bool,
    logs: dict[str, float],
    told: dict[str, float],
    enough: Callable[[Mapping[str, float]], bool],
) -> float:
    """Take a part's gradient and logs into the means over what came before; the part's mass."""
    begun = begin(part)
    if not several and enough(begun.log):
        logs.update(begun.log)
        return 1.0
    mass = begun.mass() if several else 1.0
    _scale(weights, total / mass)
    after = begun.backward()
    _scale(weights, mass / (total + mass))
    for into, values in ((logs, begun.log), (told, after)):
        for name, value in values.items():
            before = into.get(name, 0.0)
            into[name] = before + (value - before) * mass / (total + mass)
    return mass


def _scale(weights: Sequence[nn.Parameter], factor: float) -> None:
    """Multiply gradients; 1, and 0 where nothing is there yet, leave them alone."""
    if factor in (0.0, 1.0):
        return
    for weight in weights:
        if weight.grad is not None:
            weight.grad.mul_(factor)


def halving(
    rows: Rows, do: Callable[[Rows], None], cut: Callable[[Rows, BaseException], None]
) -> None:
    """Do something with texts, and where memory does not suffice with halves of them.

    Args:
        rows: which texts.
        do: works on some of them; may be called again on texts where it ran out of memory.
        cut: told which did not fit, and the error; raises if it is one text.
    """
    waiting = [rows]
    while waiting:
        own = waiting.pop(0)
        short = False
        try:
            do(own)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            cut(own, error)
            short = True
        if short:
            release()
            waiting[:0] = [own[: len(own) // 2], own[len(own) // 2 :]]


def release() -> None:
    """Give back what nothing holds any more."""
    if torch.cuda.is_available():
        gc.collect()
        torch.cuda.empty_cache()
