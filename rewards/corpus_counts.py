"""What a corpus measure counts: true positives, predictions and gold, by type and by episode.

Four kinds of things are counted. *entity*: the spans of strict IOB2 tags, by their type. *label*:
the labels of units, each a type. *candidate*: the roles of a multi-label task that got "yes".
*relation*: directed relations, both directions of one type, Other left out.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lingym.rewards.counting import correct
from lingym.rewards.multilabel import YES
from lingym.rewards.relations import is_relation, relations_of
from lingym.rewards.spans import SpanCodes, begins, partings
from lingym.types import BoolArray, FloatArray, IntArray, Labelings, LabelSpace

UNITS = ("entity", "label", "candidate", "relation")
Types = npt.NDArray[np.intp]


class Totals(NamedTuple):
    """Counts by type, or what is to be multiplied with them; float64 [..., T] each."""

    right: FloatArray  # true positives
    given: FloatArray  # predictions
    gold: FloatArray


class Changes(NamedTuple):
    """By how much each unit's label raises the counts; type T means that nothing is counted."""

    kind: Types  # [B, U] the type of the label given
    given: BoolArray  # [B, U] whether a prediction of that type begins here
    right: npt.NDArray[np.int8]  # [B, U] rise of its true positives, -1 .. 1
    gold: Types  # [B, U] the type of the gold thing that begins here

    def totals(self, number: int) -> Totals:
        """Summed over the units of each episode, float64 [B, number] each."""
        rows = len(self.kind)
        first = np.arange(rows)[:, None] * (number + 1)

        def total(kind: Types, weight: npt.NDArray[np.generic] | None) -> FloatArray:
            weights = None if weight is None else weight.reshape(-1)
            sums = np.bincount((first + kind).reshape(-1), weights, rows * (number + 1))
            return sums.reshape(rows, number + 1)[:, :number].astype(np.float64)

        return Totals(
            total(self.kind, self.right), total(self.kind, self.given), total(self.gold, None)
        )


class Units(ABC):
    """What is counted: the names of its types, and the counts of labelings."""

    types: tuple[str, ...]

    @abstractmethod
    def changes(self, labelings: Labelings) -> Changes:
        """By how much each label raises the counts of what was labelled before it."""

    def options(self, units: int) -> Types | None:
        """The type of every label of each unit, [units, K], if labels are counted apart."""
        return None


@dataclass(frozen=True, eq=False)
class Entities(Units):
    """Spans of IOB2 tags. Of a prefix, a span that is still open counts as though it ended."""

    types: tuple[str, ...]
    codes: SpanCodes

    def changes(self, labelings: Labelings) -> Changes:
        """A span is given where it begins, and right where it ends."""
        predicted, gold = (self.codes.encode(x) for x in (labelings.labels, labelings.gold))
        found = partings(predicted, gold)
        right = np.zeros(predicted.size, np.int8)
        right[found.end[found.equal] - 1] = 1
        # The gold span ends first: right for as long as the predicted one has not gone on.
        passing = found.end[found.predicted_goes_on]
        right[passing - 1] = 1
        right[passing] = -1
        none = len(self.types)
        kind, wanted = (np.where(code > 0, code // 2 - 1, none) for code in (predicted, gold))
        wanted = np.where(begins(gold), wanted, none)
        real = np.s_[:, :-1]  # the last column separates the rows
        rises = right.reshape(predicted.shape)
        return Changes(kind[real], begins(predicted)[real], rises[real], wanted[real])


@dataclass(frozen=True, eq=False)
class Apart(Units):
    """Units whose labels are counted one by one.

    Attributes:
        types: the T types.
        of: [R, K + 1] the type of each label of unit r, or of all units where R is 1; T where it
            counts for none, as label -1 does, the last.
    """

    types: tuple[str, ...]
    of: Types

    def changes(self, labelings: Labelings) -> Changes:
        """A unit's label is given, and right if it is the gold one."""
        row = self._rows(labelings.labels.shape[1])
        kind, gold = (self.of[row, labels] for labels in (labelings.labels, labelings.gold))
        given = kind < len(self.types)
        return Changes(kind, given, (correct(labelings) & given).astype(np.int8), gold)

    def options(self, units: int) -> Types:
        """The type of every label of each unit, [units, K]."""
        return self.of[self._rows(units), :-1]

    def _rows(self, units: int) -> Types:
        # Padding may stand after the last role.
        return np.minimum(np.arange(units), len(self.of) - 1)


def units_of(
    space: LabelSpace, unit: str | None = None, ignore: tuple[str, ...] | None = None
) -> Units:
    """What to count of a task's labels.

    Args:
        space: the labels.
        unit: one of `UNITS`; by default entities of IOB2 tags, relations where every label is a
            directed one or Other, candidates of a multi-label task, and else labels.
        ignore: labels that are not counted, where labels are; by default O, if there is one.

    Raises:
        ValueError: there is nothing of this kind in the labels, or nothing left to count.
    """
    unit = unit or default_unit(space)
    if ignore is not None and unit != "label":
        raise ValueError(f"ignore is {ignore!r}, but it is of no use where {unit} is counted")
    names = space.names
    match unit:
        case "entity":
            codes = SpanCodes.from_names(names)
            return Entities(codes.types, codes)
        case "candidate":
            if YES not in names or not space.roles:
                raise ValueError(
                    f"candidates are roles labelled {YES!r}; the labels are {', '.join(names)} "
                    f"and the roles {', '.join(space.roles) or 'none'}"
                )
            of = np.full((len(space.roles), len(names) + 1), len(space.roles))
            of[:, space.places[YES]] = np.arange(len(space.roles))
            return Apart(space.roles, of)
        case "relation":
            relations, relation = relations_of(names)
            return Apart(relations, _one_row(relation, len(relations)))
    left_out = ("O",) if ignore is None else ignore
    for name in ignore or ():
        if name not in names:
            raise ValueError(f"label {name!r} is none of the task's: {', '.join(names)}")
    counted = tuple(name for name in names if name not in left_out)
    if not counted:
        raise ValueError(f"no label is left to count: all of {', '.join(names)} are ignored")
    return Apart(counted, _one_row([_place(counted, name) for name in names], len(counted)))


def default_unit(space: LabelSpace) -> str:
    """What is counted where nobody said.

    Raises:
        ValueError: the units are of several kinds.
    """
    if space.kinds:
        one, two = space.kinds[:2] if len(space.kinds) > 1 else (*space.kinds, "...")
        raise ValueError(
            f"the units are of several kinds ({', '.join(space.kinds)}): give each its own "
            f"measure, as in by_kind({one}=corpus_f1, {two}=corpus_f1)"
        )
    names = space.names
    if any(name.partition("-")[0] == "B" for name in names) and all(map(_is_tag, names)):
        return "entity"
    if any(map(is_relation, names)) and all(is_relation(n) or n == "Other" for n in names):
        return "relation"
    return "candidate" if space.roles and YES in names else "label"


def _is_tag(name: str) -> bool:
    prefix, dash, kind = name.partition("-")
    return name == "O" or (prefix in ("B", "I") and bool(dash) == bool(kind))


def _place(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else -1


def _one_row(places: Sequence[int] | IntArray | Types, none: int) -> Types:
    """The same types for all units; -1 becomes `none`, which label -1 has too."""
    of = np.append(np.asarray(places, np.intp), -1)
    return np.where(of < 0, none, of)[None]
