"""Spans written as IOB2 tags, compared for many sentences at once.

Strict IOB2 (Tjong Kim Sang and Veenstra, 1999, https://aclanthology.org/E99-1023/): ``B-x`` begins
a span of type x, the ``I-x`` that follow without a gap go on with it, and an ``I-x`` that follows
neither ``B-x`` nor ``I-x`` begins nothing. A bare ``B`` or ``I`` is of the type "". Two spans are
equal when type, start and end are.

Every tag becomes a small integer, its code, in which the arithmetic is cheap: 0 is outside,
``2 t`` is ``B-`` and ``2 t + 1`` is ``I-`` of the t-th type, t = 1, 2, ...
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lingym.types import BoolArray, IntArray

Codes = npt.NDArray[np.int16]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class SpanCodes:
    """The codes of a task's labels.

    Attributes:
        of_label: int16 [K + 1], the code of each label; the last one is for label -1 (no label).
        types: the span types; type t has the name ``types[t - 1]``.
    """

    of_label: Codes
    types: tuple[str, ...]

    @classmethod
    def from_names(cls, names: Sequence[str]) -> "SpanCodes":
        """Read the label names of a task.

        Raises:
            ValueError: a name is not O, B-x or I-x, or no name begins a span.
        """
        places: dict[str, int] = {}
        codes = []
        for name in names:
            prefix, dash, kind = name.partition("-")
            if name == "O":
                codes.append(0)
            elif prefix in ("B", "I") and bool(dash) == bool(kind):
                codes.append(2 * places.setdefault(kind, len(places) + 1) + (prefix == "I"))
            else:
                raise ValueError(
                    f"label {name!r} is not an IOB2 tag: spans need labels O, B-x and I-x"
                )
        if not any(name.partition("-")[0] == "B" for name in names):
            raise ValueError(f"no label begins a span: none of {list(names)} is B-x")
        return cls(np.array([*codes, 0], np.int16), tuple(places))

    def encode(self, labels: IntArray) -> Codes:
        """Codes of labels [B, U], int16 [B, U + 1].

        Label -1 counts as outside. The last column is always outside, so that rows laid end to end
        share no span and position ``b (U + 1) + u`` of the flat array is unit u of sentence b.
        """
        rows, units = labels.shape
        codes = np.zeros((rows, units + 1), np.int16)
        codes[:, :units] = self.of_label.take(labels)
        return codes


class Partings(NamedTuple):
    """Where N pairs of spans that start together, with one type, part; flat positions [N]."""

    start: Places  # the first unit of both
    end: Places  # the first unit that is not inside both: neither goes on here, or only one
    predicted_goes_on: BoolArray
    gold_goes_on: BoolArray

    @property
    def equal(self) -> BoolArray:
        """Whether both spans end here, bool [N]."""
        return ~(self.predicted_goes_on | self.gold_goes_on)


def begins(codes: Codes) -> BoolArray:
    """Whether a span begins at a unit; same shape as the codes."""
    beginning: BoolArray = (codes > 0) & ((codes & 1) == 0)
    return beginning


def goes_on(codes: Codes) -> BoolArray:
    """Whether a unit goes on with the type of the unit before it, flat bool [B (U + 1)].

    A stray ``I-x I-x`` goes on too, but no span is open there for it to go on with.
    """
    flat = codes.reshape(-1)
    inside = np.zeros(len(flat), np.bool_)
    # Codes of one type differ in the last bit only; an I- code is odd, and outside (0) is even.
    inside[1:] = ((flat[1:] ^ flat[:-1]) <= 1) & ((flat[1:] & 1) == 1)
    return inside


def partings(predicted: Codes, gold: Codes) -> Partings:
    """Follow every pair of spans that start together to where it parts.

    Args:
        predicted: int16 [B, U + 1] from ``SpanCodes.encode``.
        gold: int16 [B, U + 1], likewise.
    """
    in_predicted, in_gold = goes_on(predicted), goes_on(gold)
    together = (begins(gold) & (predicted == gold)).reshape(-1)
    # Between two neighbours in this list every unit is inside both. The last position, outside by
    # construction, is in it, so that every start has a neighbour to its right.
    not_in_both = np.flatnonzero(~(in_predicted & in_gold))
    found = np.flatnonzero(together[not_in_both])
    end = not_in_both[found + 1]
    return Partings(not_in_both[found], end, in_predicted[end], in_gold[end])
