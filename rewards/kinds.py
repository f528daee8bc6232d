"""The units of one kind alone, as labelings of their own."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lingym.types import UNDECIDED, IntArray, Labelings, LabelSpace

Places = npt.NDArray[np.intp]
_FOREIGN = -2


@dataclass(frozen=True, eq=False)
class Kind:
    """One kind of units, and how its labels are numbered among its own.

    A label of another kind counts as a wrong one: as the first label of the unit's own kind that is
    not its gold label. Every reward and metric can take that, while a label of its own for "of
    another kind" would be no IOB2 tag and no class that scikit-learn's averages leave out.

    Attributes:
        name: what the kind is called.
        place: which kind of the space it is.
        space: its own labels, named without the kind.
    """

    name: str
    place: int
    space: LabelSpace
    ids: IntArray  # [K + 1] ids within the kind; the last is for label -1

    @classmethod
    def of(cls, space: LabelSpace, name: str) -> "Kind":
        """A kind of a space that has it."""
        own_space, labels = space.of_kind(name)
        own = np.full(len(space) + 1, _FOREIGN, np.int32)
        own[labels] = np.arange(len(labels))
        own[-1] = UNDECIDED
        return cls(name, space.kinds.index(name), own_space, own)

    def part(self, labelings: Labelings) -> "Part":
        """The episodes that have units of this kind, with those units alone.

        Raises:
            ValueError: the units have no kinds, or one has a gold label of another kind.
        """
        if labelings.kinds is None:
            raise ValueError(f"units have no kinds: wanted some of kind {self.name!r}")
        units = np.arange(labelings.labels.shape[1])
        mine = (labelings.kinds == self.place) & (units < labelings.lengths[:, None])
        number = mine.sum(1, dtype=np.int32)
        rows = np.flatnonzero(number)
        row, unit = np.nonzero(mine[rows])
        place = mine[rows].cumsum(1)[row, unit] - 1  # gathered to the left
        shape = (len(rows), number.max(initial=0))
        gold = np.full(shape, UNDECIDED, np.int32)
        gold[row, place] = self.ids.take(labelings.gold[rows][row, unit])
        if (gold == _FOREIGN).any():
            example = labelings.examples[rows[(gold == _FOREIGN).any(1).argmax()]]
            raise ValueError(
                f"a unit of kind {self.name!r} in example {example} has a gold label of another"
            )
        labels = np.full(shape, UNDECIDED, np.int32)
        labels[row, place] = self.ids.take(labelings.labels[rows][row, unit])
        labels = np.where(labels == _FOREIGN, (gold == 0).astype(np.int32), labels)
        decided = (mine & (units < labelings.decided[:, None])).sum(1, dtype=np.int32)
        part = replace(
            labelings,
            labels=labels,
            gold=gold,
            decided=decided[rows],
            lengths=number[rows],
            examples=labelings.examples[rows],
            kinds=None,
        )
        return Part(part, rows, rows[row], unit, row, place)


@dataclass(frozen=True, eq=False)
class Part:
    """Units of one kind of n episodes, and where all M of them stand in the whole labelings."""

    labelings: Labelings
    rows: Places  # [n] the episodes among all
    row: Places  # [M] the episode of each unit among all
    unit: Places  # [M] its place among all units of the episode
    own_row: Places  # [M] its episode here
    own_unit: Places  # [M] its place here


def split_kinds(labelings: Labelings, space: LabelSpace) -> dict[str, tuple[Labelings, LabelSpace]]:
    """The labelings of each kind of units, with the space of its labels.

    Only episodes with units of the kind are in them, and kinds without an episode are left out.
    A label of another kind counts as the first label of the unit's own kind that is wrong.

    Args:
        labelings: with ``kinds``.
        space: with ``kinds``, as ``LabelSpace.joined`` makes it.

    Raises:
        ValueError: the units have no kinds, or one has a gold label of another kind.
    """
    split = {}
    for name in space.kinds:
        kind = Kind.of(space, name)
        part = kind.part(labelings)
        if len(part.rows):
            split[name] = (part.labelings, kind.space)
    return split
