"""What can be reached from an object: its attributes, items and closures, and theirs."""

import gc
import types
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

# What belongs to the program and not to the object.
ELSEWHERE = (types.ModuleType, type, types.FrameType, types.CodeType)


def reachable(start: Any, without: Sequence[Any] = ()) -> Iterator[Any]:
    """Every object that `start` leads to, once; not through those left out."""
    seen = {id(one) for one in without}
    waiting = [start]
    while waiting:
        found = waiting.pop()
        if id(found) in seen or isinstance(found, ELSEWHERE):
            continue
        seen.add(id(found))
        yield found
        if isinstance(found, types.FunctionType):  # its globals are the program's
            waiting += [*(found.__closure__ or ()), *(found.__defaults__ or ())]
        else:
            waiting += gc.get_referents(found)
            waiting += vars(found).values() if hasattr(found, "__dict__") else ()


def holding(
    numbers: Sequence[np.ndarray], names: set[tuple[str, ...]], start: Any, without: Sequence = ()
) -> list[Any]:
    """The arrays that have some of these numbers in a row, and the sequences of these names.

    Args:
        numbers: arrays that are looked for, in any whole or floating type, as part of larger ones.
        names: sequences of strings that are looked for.
        start: where to begin.
        without: what they are not to be reached through.
    """
    found: list[Any] = []
    for one in reachable(start, without):
        if isinstance(one, torch.Tensor):
            one = one.detach().cpu().numpy()
        if isinstance(one, np.ndarray) and one.dtype.kind in "iuf":
            inside = np.ascontiguousarray(one).tobytes()
            if any(own.astype(one.dtype).tobytes() in inside for own in numbers):
                found.append(one)
        elif isinstance(one, tuple | list) and tuple(map(str, one)) in names:
            found.append(one)
    return found
