"""The arrays that every room shares, and the one error for bad data.

Sizes: B episodes, N windows, L tokens to a window, U units, K labels, C candidates.
Integers are int32.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.integer[Any]]
"""Indices of any integer type."""

Facts = Mapping[str, Any]
"""By name, what a metric must know of a split beside gold labels; it is indexed by example."""

Form = Literal["units", "text", "candidates"]

UNDECIDED = -1
"""A unit that has no label yet, and padding after an episode's last unit."""

NO_UNIT = -1
"""The unit of a token that belongs to none: special tokens and padding."""


class DataError(ValueError):
    """Text or labels that are not what was wanted; the message starts with ``file:line:``."""


@dataclass(frozen=True)
class Quota:
    """How often a label may be given in an episode, and whether it must be.

    Attributes:
        label: the id of the label.
        limit: the most that the units which get it may cost together (`Batch.costs`); None sets no
            limit.
        required: whether at least one unit must get it: while none has, the episode cannot be
            stopped by another label, and the last unit gets it if it fits the limit.
    """

    label: int
    limit: int | None = None
    required: bool = False


@dataclass(frozen=True)
class LabelSpace:
    """What the actions of a task mean, and which are allowed when.

    Labels are of two sorts. Names are the same in every episode. Candidates are an episode's own:
    positions in its text, or the choices of its question; their ids are 0 .. C - 1, and C differs.

    Attributes:
        names: the K labels; a label's id is its place here. Empty where labels are candidates.
        transitions: bool [K + 1, K], ``transitions[p, k]`` says whether label k may follow label p;
            row K is the start of the episode. None where every label may follow every other.
        of_text: whether a group of tokens (the one unit, or the one feature) is the whole text.
        form: what a unit's label is told from. ``units``: the unit's own tokens. ``text``: the
            whole text; the units are `roles`. ``candidates``: the tokens of each candidate; the
            units are `roles`.
        roles: the units by name, where they are the same in every episode (the candidate labels of
            a multi-label task; start and end). Unit u has role u.
        kinds: the kinds of units by name, where each kind has labels of its own (`joined`).
        kind_of_label: int [K] the kind that a label belongs to; None without kinds.
        mixed: whether all units of an episode are of one kind, its task's.
        stop: the label that ends the episode; the units after it stay without a label.
        quota: how often a label may and must be given.
        span: candidates only, two units: candidate 0 means "nothing", and is the second label
            exactly if it is the first; another second label lies within ``span`` candidates from
            the first on.
    """

    names: tuple[str, ...]
    transitions: BoolArray | None = None
    of_text: bool = False
    form: Form = "units"
    roles: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    kind_of_label: IntArray | None = None
    mixed: bool = False
    stop: int | None = None
    quota: Quota | None = None
    span: int | None = None

    def __len__(self) -> int:
        """K, the number of labels that have a name."""
        return len(self.names)

    @cached_property
    def places(self) -> dict[str, int]:
        """The id of each label name."""
        return {name: place for place, name in enumerate(self.names)}

    @property
    def ruled(self) -> bool:
        """Whether some labels mean nothing for some units, which no policy may then choose."""
        ordered = self.stop is not None or self.quota is not None
        return ordered or self.form == "candidates" or bool(self.kinds)

    @classmethod
    def joined(cls, spaces: Mapping[str, "LabelSpace"], mixed: bool = False) -> "LabelSpace":
        """One space for units of several kinds, each with the labels of its own space.

        A label is named ``kind/label``. Within a kind its transitions hold; between kinds, whatever
        may begin an episode may follow.

        Raises:
            ValueError: a space has labels that are no names, or ends or counts episodes.
        """
        for kind, space in spaces.items():
            if space.form != "units" or space.ruled:
                raise ValueError(
                    f"{kind} cannot share a policy with others: only tasks whose units have named "
                    "labels of one kind, without a quota, can"
                )
        names = [f"{kind}/{name}" for kind, space in spaces.items() for name in space.names]
        owner = np.repeat(np.arange(len(spaces)), [len(s) for s in spaces.values()])
        transitions = None
        if any(space.transitions is not None for space in spaces.values()):
            transitions = np.ones((len(names) + 1, len(names)), np.bool_)
            for place, space in enumerate(spaces.values()):
                if space.transitions is not None:
                    own = np.flatnonzero(owner == place)
                    transitions[:, own] = space.transitions[-1]
                    transitions[np.ix_(own, own)] = space.transitions[:-1]
        return cls(
            tuple(names),
            transitions,
            kinds=tuple(spaces),
            kind_of_label=owner.astype(np.int32),
            mixed=mixed,
        )

    def of_kind(self, kind: int | str) -> tuple["LabelSpace", Rows]:
        """The space of one kind's labels, named without the kind, and their ids in this space."""
        place = self.kinds.index(kind) if isinstance(kind, str) else kind
        own = np.flatnonzero(self.kind_of_label == place)
        names = tuple(self.names[k].removeprefix(f"{self.kinds[place]}/") for k in own)
        transitions = None
        if self.transitions is not None:
            transitions = self.transitions[np.append(own, len(self))][:, own]
            if transitions.all():
                transitions = None
        return LabelSpace(names, transitions), own


@dataclass(frozen=True)
class Labelings:
    """Labels given to the units of B episodes, complete or not, beside the gold ones."""

    labels: IntArray  # [B, U] label ids; -1 where undecided and after the last unit
    gold: IntArray  # [B, U] gold label ids; -1 after the last unit
    decided: IntArray  # [B] units labelled so far: units 0 .. decided - 1 have a label
    lengths: IntArray  # [B] units of the episode; where a label stopped it, units up to that one
    examples: IntArray  # [B] index of the episode's example in its corpus split
    kinds: IntArray | None = None  # [B, U] kind of each unit, -1 after the last; None without kinds
    facts: Facts = field(default_factory=dict)  # what else is known of the examples of the split


@dataclass(frozen=True)
class Gold:
    """The gold labels and facts of a split, kept apart from its texts.

    Attributes:
        labels: int32 [S] gold label ids of all texts, one after another; -1 where a unit has none.
        bounds: int64 [E + 1] where each text's units begin in `labels`.
        facts: what else is known of the texts.
    """

    labels: IntArray
    bounds: npt.NDArray[np.int64]
    facts: Facts = field(default_factory=dict)

    def reveal(self, labelings: Labelings) -> Labelings:
        """The same labelings [B, U] beside their gold labels and facts."""
        width = labelings.labels.shape[1]
        start = self.bounds[labelings.examples]
        inside = np.arange(width) < (self.bounds[labelings.examples + 1] - start)[:, None]
        gold = np.full(labelings.labels.shape, UNDECIDED, np.int32)
        gold[inside] = self.labels[(start[:, None] + np.arange(width))[inside]]
        return replace(labelings, gold=gold, facts=self.facts)

    def joined(self, other: "Gold", facts: Facts) -> "Gold":
        """The gold labels of these texts and of others after them, with the facts of both."""
        bounds = np.concatenate([self.bounds, self.bounds[-1] + other.bounds[1:]])
        return Gold(np.concatenate([self.labels, other.labels]), bounds, facts)


@dataclass(frozen=True)
class Batch:
    """The texts of B episodes, ready for an encoder: only real windows, cut to the longest.

    A group is what a feature is pooled for: a unit, the one text, or a candidate, as the label
    space's `form` says.
    """

    input_ids: IntArray  # [N, L] token ids, padded with the tokenizer's padding id
    attention_mask: IntArray  # [N, L] 1 for a token, 0 for padding
    unit_of_token: IntArray  # [N, L] group (within its episode) of a token, -1 for none
    episode_of_window: IntArray  # [N] row in 0 .. B - 1, ascending
    lengths: IntArray  # [B] units of each episode
    gold: IntArray  # [B, U] gold label ids, -1 after the last unit and where there is no gold
    examples: IntArray  # [B] index of each episode's example in its corpus split
    groups: IntArray  # [B] groups of each episode
    kinds: IntArray | None = None  # [B, U] kind of each unit, -1 after the last; None without kinds
    costs: IntArray | None = None  # [B, U] what a unit takes of the quota; None: 1 each
    facts: Facts = field(default_factory=dict)  # what else is known of the examples of the split
    stop: int | None = None  # the label that ends an episode

    def __len__(self) -> int:
        """B, the number of episodes."""
        return len(self.lengths)

    def complete(self, labels: IntArray) -> Labelings:
        """The finished labelings of these episodes; labels [B, U], -1 after the last unit."""
        lengths = stopped(labels, self.lengths, self.stop)
        return Labelings(
            *(labels, self.gold, lengths, lengths, self.examples), self.kinds, self.facts
        )


def stopped(labels: IntArray, lengths: IntArray, stop: int | None) -> IntArray:
    """The units [B] up to the first that has the stop label, or all where none has it."""
    if stop is None:
        return lengths
    ended = (labels == stop) & (np.arange(labels.shape[1]) < lengths[:, None])
    units = np.where(ended.any(1), ended.argmax(1) + 1, lengths)
    return units.astype(np.int32)
