"""Rows of different lengths, laid end to end so that many are read without a loop."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from lingym.types import Rows

Values = npt.NDArray[Any]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Ragged:
    """N rows.

    Attributes:
        values: [total, ...] the rows, one after the other.
        starts: int64 [N], where each row begins.
        lengths: int64 [N].
    """

    values: Values
    starts: Places
    lengths: Places

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]], dtype: npt.DTypeLike = np.int32) -> "Ragged":
        """Lay lists of numbers end to end."""
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        values: Iterable[int] = chain.from_iterable(rows)
        return cls(np.fromiter(values, dtype, lengths.sum()), starts(lengths), lengths)

    def joined(self, other: "Ragged") -> "Ragged":
        """These rows, and others after them."""
        return Ragged(
            np.concatenate([self.values, other.values]),
            np.concatenate([self.starts, len(self.values) + other.starts]),
            np.concatenate([self.lengths, other.lengths]),
        )

    def take(self, rows: Rows) -> tuple[Values, Places]:
        """The values of some rows end to end, and of each the place of its row in ``rows``."""
        places, owners = spread(self.starts[rows], self.lengths[rows])
        return self.values.take(places, 0), owners

    def padded(self, rows: Rows) -> Values:
        """Some rows as a table [n, longest], with 0 after the end of each."""
        lengths = self.lengths[rows]
        columns = np.arange(lengths.max(initial=0))
        within = columns < lengths[:, None]
        places = np.where(within, self.starts[rows][:, None] + columns, 0)
        return self.values.take(places) * within if len(self.values) else within.astype(np.int32)


def starts(lengths: Places) -> Places:
    """Where rows of these lengths begin when laid end to end, int64 [N]."""
    return np.cumsum(lengths) - lengths


def spread(starts_: Places, lengths: Places) -> tuple[Places, Places]:
    """The places ``start .. start + length - 1`` of all rows, and of each place its row."""
    owners = np.repeat(np.arange(len(lengths)), lengths)
    places = np.repeat(starts_ - starts(lengths), lengths)
    places += np.arange(len(places))
    return places, owners
