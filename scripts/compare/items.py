"""What each test item adds to a metric: enough to score any resample of the items exactly.

A metric of a corpus is a function of sums over its items (texts). With w_i how often item i is
taken, it is a sum over terms of a factor times one of

- a ratio, sum(w_i right_i) / sum(w_i total_i): accuracy of units, and, with every total 1, a mean
  over texts such as ROUGE or SQuAD's F1;
- a measure of counts by type, sum(w_i counts_i): F1, precision or recall, micro or macro.

So a bootstrap over items (Efron and Tibshirani, 1993, chapter 6) needs no labels, only sums: for
many resamples at once they are matrix products.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lingym.agents.npz import load_npz
from lingym.reading import parse_json, wanted
from lingym.scripts.compare.terms import Counts, Ratio, Term, Weighted
from lingym.types import BoolArray, FloatArray

CHUNK = 1 << 22
"""Weights made into floating point numbers at a time: 32 MiB."""

_UNSAFE = re.compile(r"[^\w.()=,+*-]")
_KINDS: dict[str, type[Term]] = {"ratio": Ratio, "counts": Counts, "weighted": Weighted}


@dataclass(frozen=True, eq=False)
class Items:
    """What N items add to a metric, which is ``constant + sum of factor * term``.

    Attributes:
        terms: each with its factor.
        constant: what no item changes.
    """

    terms: tuple[tuple[float, Term], ...]
    constant: float = 0.0

    @classmethod
    def mean(cls, values: npt.NDArray[Any]) -> "Items":
        """Of a mean over items of values [N]."""
        return cls.of(Ratio(values.astype(np.float64), np.ones(len(values))))

    @classmethod
    def of(cls, term: Term) -> "Items":
        """Of one term alone."""
        return cls(((1.0, term),))

    def __len__(self) -> int:
        """N, the number of items."""
        return len(self.terms[0][1].right)

    def score(self, weights: npt.NDArray[Any] | None = None) -> FloatArray:
        """The metric of resamples.

        Args:
            weights: [R, N] how often each item is taken; any number of 0 or more will do. None
                takes every item once.

        Returns:
            float64 [R] (None: [1]); NaN where a resample has nothing to measure, such as units of
            a kind that the metric is of.

        Raises:
            ValueError: weights of another shape.
        """
        if weights is None:
            weights = np.ones((1, len(self)))
        if weights.ndim != 2 or weights.shape[1] != len(self):
            raise ValueError(f"weights are {list(weights.shape)}: wanted [R, {len(self)}]")
        columns = [term.columns() for _, term in self.terms]
        scores = np.full(len(weights), self.constant)
        rows = max(1, CHUNK // max(1, len(self)))
        for start in range(0, len(weights), rows):
            some = weights[start : start + rows].astype(np.float64)
            for (factor, term), column in zip(self.terms, columns, strict=True):
                scores[start : start + rows] += factor * term.value(some @ column)
        return scores

    def keep(self, mask: BoolArray) -> "Items":
        """The items where a mask [N] is true, such as those that repeat no training text.

        Raises:
            ValueError: a mask of another shape or type.
        """
        if mask.shape != (len(self),) or mask.dtype != np.bool_:
            raise ValueError(f"mask is {mask.dtype} {list(mask.shape)}: wanted bool [{len(self)}]")
        return self.rows(lambda values: values[mask])

    def rows(self, change: Callable[[FloatArray], FloatArray]) -> "Items":
        """Other items, made of these by a function of arrays [N] and [N, T]."""

        def changed(term: Term) -> Term:
            arrays: dict[str, Any] = {name: change(v) for name, v in _arrays(term).items()}
            return replace(term, **arrays)

        return replace(self, terms=tuple((factor, changed(term)) for factor, term in self.terms))

    def to_npz(self, file: str | Path) -> None:
        """Write a file that `from_npz` reads."""
        arrays: dict[str, Any] = {}
        plain = []
        for place, (factor, term) in enumerate(self.terms):
            own = _arrays(term)
            arrays |= {f"{place}_{name}": value for name, value in own.items()}
            rest = {name: value for name, value in vars(term).items() if name not in own}
            plain.append({"factor": factor, "kind": type(term).__name__.lower(), **rest})
        form = json.dumps({"constant": self.constant, "terms": plain})
        with Path(file).open("wb") as out:  # by name, savez would append .npz to it
            np.savez_compressed(out, form=np.array(form), **arrays)

    @classmethod
    def from_npz(cls, file: str | Path) -> "Items":
        """Read what `to_npz` wrote."""
        with wanted(file, "the items of a metric"):
            stored = load_npz(file)
            form = parse_json(str(stored["form"]), str(file), nan=True)
            terms = []
            for place, own in enumerate(form["terms"]):
                arrays: dict[str, Any] = {
                    name.partition("_")[2]: stored[name]
                    for name in stored
                    if name.startswith(f"{place}_")
                }
                factor, kind = own.pop("factor"), _KINDS[own.pop("kind")]
                terms.append((factor, kind(**arrays, **own)))
            constant = form["constant"]
            if not terms or type(constant) not in (int, float):
                raise ValueError(f"the constant is {constant!r}, and {len(terms)} terms are there")
            items = cls(tuple(terms), constant)
            items.score()
        return items


def items_file(metric: str) -> str:
    """The name of the file of a metric's items, which a reward may be, too long for a name."""
    return f"items-{_UNSAFE.sub('-', metric)[:100]}.npz"


def _arrays(term: Term) -> dict[str, Any]:
    """The arrays of a term, by name."""
    return {name: value for name, value in vars(term).items() if isinstance(value, np.ndarray)}
