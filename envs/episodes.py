"""A split as flat arrays, from which batches of episodes are gathered without a Python loop."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from typing import Literal

import numpy as np
import numpy.typing as npt

from lingym.envs.corpora import Record
from lingym.envs.lazy import Mapped
from lingym.envs.tasks import Example, Task
from lingym.envs.tokenizer import UnitTokenizer
from lingym.types import (
    NO_UNIT,
    UNDECIDED,
    Batch,
    Facts,
    Gold,
    IntArray,
    Labelings,
    LabelSpace,
    Rows,
    stopped,
)

Bounds = npt.NDArray[np.int64]
Overflow = Literal["windows", "refuse"]


def gather(flat: IntArray, bounds: Bounds, rows: Rows, width: int, fill: int) -> IntArray:
    """Rows of different lengths out of one flat array, padded to a matrix.

    Args:
        flat: [T] the rows, one after another.
        bounds: [R + 1] row r is ``flat[bounds[r] : bounds[r + 1]]``.
        rows: [n] the rows wanted.
        width: columns of the result; no wanted row may be longer.
        fill: the padding.

    Returns:
        int32 [n, width].
    """
    start = bounds[rows]
    inside = np.arange(width) < (bounds[rows + 1] - start)[:, None]
    out = np.full((len(rows), width), fill, np.int32)
    place = (start[:, None] + np.arange(width))[inside]
    out[inside] = flat[place]
    return out


def _kept(sizes: Bounds) -> IntArray:
    """Sizes that are kept beside a split, and so must not be written to."""
    kept = sizes.astype(np.int32)
    kept.flags.writeable = False
    return kept


def _stripped(example: Example) -> Example:
    """A text without gold labels, or the record that holds them."""
    record = Record({}, example.record.path, example.record.lines, example.record.name)
    return replace(example, gold=None, record=record)


@dataclass(frozen=True)
class Encoding:
    """How texts were made into tokens, so that further ones can be.

    Attributes:
        units: the tokenizer.
        max_tokens: tokens to a window at the most.
        overflow: what happens to a longer text.
    """

    units: UnitTokenizer
    max_tokens: int
    overflow: Overflow = "windows"


@dataclass(frozen=True)
class Episodes:
    """Every text of a split, tokenized and cut into windows; E texts, N windows, S units.

    Attributes:
        task: what the units and labels are.
        space: the labels.
        tokens: [T] token ids of all windows, one after another, special tokens among them.
        units: [T] the group (unit, text or candidate) of each token, -1 for none.
        window_bounds: [N + 1] where each window begins in `tokens`.
        text_bounds: [E + 1] where each text's windows begin.
        gold: [S] gold label ids of all texts, -1 where a unit has none.
        unit_bounds: [E + 1] where each text's units begin in `gold`.
        groups: [E] groups of each text.
        kinds: [S] the kind of each unit, where there are several.
        costs: [S] what each unit takes of the quota; None: 1 each.
        facts: what rewards must know of the texts beside gold labels.
        pad: the padding token id.
        vocab_size: token ids are below this.
        examples: the texts as they were read.
        encoding: how further texts are made into tokens.
    """

    task: Task
    space: LabelSpace
    tokens: IntArray
    units: IntArray
    window_bounds: Bounds
    text_bounds: Bounds
    gold: IntArray
    unit_bounds: Bounds
    groups: IntArray
    kinds: IntArray | None
    costs: IntArray | None
    facts: Facts
    pad: int
    vocab_size: int
    examples: Sequence[Example]
    encoding: Encoding

    def __len__(self) -> int:
        """E, the number of texts."""
        return len(self.unit_bounds) - 1

    @cached_property
    def lengths(self) -> IntArray:
        """Units of each text, [E]; not to be written to."""
        return _kept(np.diff(self.unit_bounds))

    @cached_property
    def max_units(self) -> int:
        """The most units that a text has."""
        return int(np.diff(self.unit_bounds).max(initial=0))

    @cached_property
    def max_windows(self) -> int:
        """The most windows that a text has."""
        return int(np.diff(self.text_bounds).max(initial=0))

    @cached_property
    def max_tokens(self) -> int:
        """The most tokens that a window has, special tokens among them."""
        return int(np.diff(self.window_bounds).max(initial=0))

    @cached_property
    def token_counts(self) -> IntArray:
        """Tokens of each text over all its windows, [E]: what an encoder pays for."""
        return _kept(np.diff(self.window_bounds[self.text_bounds]))

    @cached_property
    def max_groups(self) -> int:
        """The most groups that a text has."""
        return int(self.groups.max(initial=0))

    @property
    def label_count(self) -> int:
        """K: the labels that have a name, or the most candidates that a text has."""
        return len(self.space) or self.max_groups

    @cached_property
    def labelled(self) -> bool:
        """Whether every text has gold labels."""
        return bool((self.gold[self.unit_bounds[:-1]] >= 0).all())

    @property
    def words(self) -> list[tuple[str, ...]]:
        """The text of every unit, by text."""
        return [example.units for example in self.examples]

    @property
    def names(self) -> list[str]:
        """Where each text was read, ``file:line``."""
        return [example.record.where() for example in self.examples]

    @cached_property
    def parts(self) -> IntArray | None:
        """Where a split mixes tasks: the kind of each text's units, [E]."""
        if self.kinds is None or not self.space.mixed:
            return None
        return self.kinds[self.unit_bounds[:-1]]

    def sealed(self) -> Gold:
        """The gold labels and facts alone."""
        return Gold(self.gold, self.unit_bounds, self.facts)

    def without_gold(self) -> "Episodes":
        """The same texts without gold labels, facts, or the records that hold them."""
        stripped: Sequence[Example] = Mapped(self.examples, _stripped)
        if isinstance(self.examples, list | tuple):  # they are in memory, and must not stay there
            stripped = [_stripped(example) for example in self.examples]
        nothing = np.broadcast_to(np.int32(UNDECIDED), self.gold.shape)
        return replace(self, gold=nothing, facts={}, examples=stripped)

    def joined(self, *others: "Episodes") -> "Episodes":
        """These texts, and others of the same labels and tokens after them."""
        every = (self, *others)

        def flat(name: str) -> IntArray:
            return np.concatenate([vars(episodes)[name] for episodes in every])

        def bounds(name: str) -> Bounds:
            sizes = [np.diff(vars(episodes)[name]) for episodes in every]
            return np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int64)

        costs = None
        if any(episodes.costs is not None for episodes in every):  # a unit without costs 1
            known = ((e.costs, len(e.gold)) for e in every)
            costs = np.concatenate([np.ones(n, np.int32) if c is None else c for c, n in known])
        facts = [episodes.facts for episodes in every]
        return replace(
            self,
            tokens=flat("tokens"),
            units=flat("units"),
            window_bounds=bounds("window_bounds"),
            text_bounds=bounds("text_bounds"),
            gold=flat("gold"),
            unit_bounds=bounds("unit_bounds"),
            groups=flat("groups"),
            kinds=None if self.kinds is None else flat("kinds"),
            costs=costs,
            facts=reduce(self.task.joined_facts, facts) if any(facts) else {},
            examples=[example for episodes in every for example in episodes.examples],
        )

    def batch(self, examples: Sequence[int] | Rows) -> Batch:
        """The texts at these indices, in this order, padded to the longest of them only.

        Args:
            examples: [B] indices in 0 .. E - 1; repeats are allowed.
        """
        rows = np.array(examples, np.int32)  # a copy: the caller may go on with its own
        # Bounds of the wanted rows only: np.diff over a whole split would cost more than the rest.
        first = self.text_bounds[rows]
        counts = self.text_bounds[rows + 1] - first
        episode = np.repeat(np.arange(len(rows), dtype=np.int32), counts)
        before = np.repeat(np.cumsum(counts) - counts, counts)
        windows = np.repeat(first, counts) + np.arange(counts.sum()) - before
        sizes = self.window_bounds[windows + 1] - self.window_bounds[windows]
        width = int(sizes.max(initial=0))
        lengths = (self.unit_bounds[rows + 1] - self.unit_bounds[rows]).astype(np.int32)
        units = int(lengths.max(initial=0))
        return Batch(
            input_ids=gather(self.tokens, self.window_bounds, windows, width, self.pad),
            attention_mask=(np.arange(width) < sizes[:, None]).astype(np.int32),
            unit_of_token=gather(self.units, self.window_bounds, windows, width, NO_UNIT),
            episode_of_window=episode,
            lengths=lengths,
            gold=self.gold_of(rows, units),
            examples=rows,
            groups=self.groups[rows],
            kinds=None if self.kinds is None else self.of_units(self.kinds, rows, units),
            costs=None if self.costs is None else self.of_units(self.costs, rows, units),
            facts=self.facts,
            stop=self.space.stop,
        )

    def gold_of(self, examples: Rows, width: int) -> IntArray:
        """Gold label ids [B, width], -1 after the last unit."""
        return self.of_units(self.gold, examples, width)

    def of_units(self, flat: IntArray, examples: Rows, width: int) -> IntArray:
        """What `gold`, `kinds` or `costs` says of texts, [B, width], -1 after the last unit."""
        return gather(flat, self.unit_bounds, examples, width, UNDECIDED)

    def complete(self, labels: IntArray) -> Labelings:
        """The finished labelings of every text; labels [E, U], -1 after the last unit."""
        rows = np.arange(len(self), dtype=np.int32)
        width = labels.shape[1]
        lengths = stopped(labels, self.lengths, self.space.stop)
        return Labelings(
            *(labels, self.gold_of(rows, width), lengths, lengths, rows),
            None if self.kinds is None else self.of_units(self.kinds, rows, width),
            self.facts,
        )

    def texts(self, examples: Rows, windows: int, tokens: int) -> tuple[IntArray, ...]:
        """Token ids, attention masks and units of texts, each [B, windows * tokens]."""
        first = self.text_bounds[examples]
        real = np.arange(windows) < (self.text_bounds[examples + 1] - first)[:, None]  # [B, W]
        window = np.where(real, first[:, None] + np.arange(windows), 0).ravel()
        start = self.window_bounds[window]
        sizes = np.where(real.ravel(), self.window_bounds[window + 1] - start, 0)
        inside = np.arange(tokens) < sizes[:, None]  # [B * W, L]
        place = (start[:, None] + np.arange(tokens))[inside]
        ids = np.full(inside.shape, self.pad, np.int32)
        units = np.full(inside.shape, NO_UNIT, np.int32)
        ids[inside], units[inside] = self.tokens[place], self.units[place]
        shape = (len(examples), windows * tokens)
        return ids.reshape(shape), inside.astype(np.int32).reshape(shape), units.reshape(shape)
