"""Examples as tokens: every passage cut into windows, every token with the group it belongs to."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from lingym.envs.episodes import Bounds, Encoding, Episodes, Overflow
from lingym.envs.tasks import Example, Passage, Task
from lingym.envs.tokenizer import Pieces, UnitTokenizer
from lingym.envs.windows import Window, cut, cut_text
from lingym.types import NO_UNIT, UNDECIDED, IntArray, LabelSpace

logger = logging.getLogger("lingym")


def encode(
    task: Task,
    examples: Sequence[Example],
    space: LabelSpace,
    tokenizer: Tokenizer | UnitTokenizer,
    max_tokens: int = 256,
    overflow: Overflow = "windows",
) -> Episodes:
    """Tokenize examples and cut them into windows.

    Args:
        task: what they are examples of.
        examples: the texts.
        space: the labels.
        tokenizer: a fast tokenizer, or one that was made ready for units already.
        max_tokens: as for `lingym.envs.build`.
        overflow: likewise.

    Raises:
        DataError: as `lingym.envs.build`.
    """
    units = UnitTokenizer(tokenizer) if isinstance(tokenizer, Tokenizer) else tokenizer
    flat, long = arrays(examples, space, units, max_tokens, overflow)
    say_long(long, len(examples), max_tokens)
    return Episodes(
        task=task,
        space=space,
        **flat,
        facts=task.facts(examples, space),
        pad=units.pad,
        vocab_size=units.tokenizer.get_vocab_size(with_added_tokens=True),
        examples=examples,
        encoding=Encoding(units, max_tokens, overflow),
    )


def arrays(
    examples: Sequence[Example],
    space: LabelSpace,
    units: UnitTokenizer,
    max_tokens: int,
    overflow: Overflow,
) -> tuple[dict[str, Any], int]:
    """The flat arrays of `Episodes` by name, and how many texts are longer than a window.

    Arguments and errors are those of `encode`.
    """
    if max_tokens <= len(units.prefix) + len(units.suffix):
        raise ValueError(f"max_tokens={max_tokens} leaves no room beside the special tokens")
    reader = Reader(units, max_tokens, overflow)
    tokens: list[int] = []
    owners: list[int] = []
    bounds, counts, long = [0], [], 0
    for example, passages in zip(examples, reader.pieces(examples, space.of_text), strict=True):
        windows = 0
        for passage, pieces, before in passages:
            cuts = 0
            for ids, groups in reader.windows(example, passage, pieces, before):
                tokens += ids
                owners += groups
                bounds.append(len(tokens))
                cuts += 1
            windows += cuts
        long += windows > len(passages)
        counts.append(windows)
    flat = {
        "tokens": np.array(tokens, np.int32),
        "units": np.array(owners, np.int32),
        "window_bounds": np.array(bounds, np.int64),
        "text_bounds": _bounds(counts),
        "gold": np.array([g for example in examples for g in _gold(example, space)], np.int32),
        "unit_bounds": _bounds(len(example.units) for example in examples),
        "groups": np.array([_groups(example, space) for example in examples], np.int32),
        "kinds": _kinds(examples, space),
        "costs": _costs(examples),
    }
    return flat, long


def say_long(long: int, texts: int, max_tokens: int) -> None:
    """Say how many texts are read in several windows, if some are."""
    if long:
        logger.warning(
            "%d of %d texts are longer than %d tokens: each is read in overlapping windows",
            *(long, texts, max_tokens),
        )


@dataclass(frozen=True)
class Reader:
    """Passages to windows of tokens."""

    units: UnitTokenizer
    max_tokens: int
    overflow: Overflow

    def pieces(
        self, examples: Sequence[Example], of_text: bool
    ) -> Iterator[list[tuple[Passage, Pieces, list[int]]]]:
        """The passages of each example with their tokens, and those of the text before."""
        read = [example.read(of_text) for example in examples]
        passages = [passage for each in read for passage in each]
        whole = iter(self.units.whole([" ".join(p.words) for p in passages if p.whole]))
        words = iter(self.units([p.words for p in passages if not p.whole]))
        texts = list(dict.fromkeys(p.before for p in passages if p.before))
        before = dict(zip(texts, (p.ids for p in self.units.whole(texts)), strict=True))
        for each in read:
            yield [
                (
                    p,
                    next(whole) if p.whole else self.marked(p, next(words)),
                    before.get(p.before, []),
                )
                for p in each
            ]

    def marked(self, passage: Passage, pieces: Pieces) -> Pieces:
        """Separators before the words, if the passage wants them."""
        mark = self.units.separator
        if not passage.marked or not mark:
            return pieces
        ids: list[int] = []
        owners: list[int] = []
        last = -1
        for token, word in zip(pieces.ids, pieces.units, strict=True):
            if word != last:
                ids += mark
                owners += [word] * len(mark)
                last = word
            ids.append(token)
            owners.append(word)
        return Pieces(ids, owners)

    def windows(
        self, example: Example, passage: Passage, pieces: Pieces, before: list[int]
    ) -> Iterator[tuple[list[int], list[int]]]:
        """The token ids of each window, and the group of each token."""
        prefix, suffix = self.units.prefix, self.units.suffix
        if before:
            before = [*before, *self.units.separator]
        left, right = self._cloze(example, passage)
        size = self.max_tokens - len(prefix) - len(before) - len(suffix) - len(left) - len(right)
        head = [passage.special, *[NO_UNIT] * (len(prefix) - 1)] if prefix else []
        tail = [NO_UNIT] * len(suffix)
        if passage.cloze is not None:  # the blank is all that its group owns
            head, tail = [NO_UNIT] * len(prefix), [NO_UNIT] * len(suffix)
        elif passage.whole:
            head, tail = [passage.special] * len(prefix), [passage.special] * len(suffix)
        elif passage.special != NO_UNIT and not prefix:
            raise ValueError("this task needs a tokenizer that puts a special token before a text")
        blank = self.units.mask
        sides = [[passage.special if i == blank else NO_UNIT for i in s] for s in (left, right)]
        around = len(before) + len(left) + len(right)
        for window in self._cut(example, passage, pieces, size, around):
            text = pieces.ids[window.start : window.end]
            ids = [*prefix, *before, *left, *text, *right, *suffix]
            owners = self._owners(passage, window)
            first = head
            if head and not passage.whole and not before and head[-1] == owners[0] != NO_UNIT:
                # The two would be one stretch, of which only the first token stands for the group:
                # the word is kept, and the special token given up.
                first = [NO_UNIT] * len(head)
            yield ids, [*first, *[NO_UNIT] * len(before), *sides[0], *owners, *sides[1], *tail]

    def _cloze(self, example: Example, passage: Passage) -> tuple[list[int], list[int]]:
        """The token ids of what stands around the text, before it and after it."""
        if passage.cloze is None:
            return [], []
        try:
            return self.units.filled(passage.cloze.before), self.units.filled(passage.cloze.after)
        except ValueError as error:
            raise example.record.error(str(error)) from None

    def _cut(
        self, example: Example, passage: Passage, pieces: Pieces, size: int, before: int
    ) -> list[Window]:
        record = example.record
        if before and size < self.max_tokens // 4:
            raise record.error(
                f"{_beside(passage)[:60]!r} stands beside the text and takes {before} of the "
                f"{self.max_tokens} tokens of a window, which leaves too few: raise max_tokens"
            )
        if self.overflow == "refuse" and len(pieces.ids) > size:
            raise record.error(
                f"the text takes {len(pieces.ids)} tokens and a window holds {size}; shorten it, "
                "raise max_tokens, or let it be read in windows (overflow='windows')"
            )
        if passage.whole:
            return cut_text(pieces, size)
        return cut(pieces, size)

    @staticmethod
    def _owners(passage: Passage, window: Window) -> list[int]:
        """The group of each token of a window."""
        if passage.cloze is not None:
            return [NO_UNIT] * (window.end - window.start)
        if passage.whole:
            return [passage.special] * (window.end - window.start)
        groups = passage.groups
        return [NO_UNIT if word < 0 else groups[word] for word in window.units]


def _beside(passage: Passage) -> str:
    """What every window begins or ends with, in words."""
    if passage.cloze is None:
        return passage.before
    return " ".join((*passage.cloze.before, *passage.cloze.after)).strip()


def _bounds(sizes: Iterable[int]) -> Bounds:
    return np.concatenate([[0], np.cumsum(np.fromiter(sizes, np.int64))]).astype(np.int64)


def _groups(example: Example, space: LabelSpace) -> int:
    """How many groups an episode has."""
    by_form = {"units": len(example.units), "text": 1, "candidates": len(example.candidates)}
    return by_form[space.form]


def _kinds(examples: Sequence[Example], space: LabelSpace) -> IntArray | None:
    if not space.kinds:
        return None
    place = {kind: number for number, kind in enumerate(space.kinds)}
    return np.array([place[k] for example in examples for k in example.kinds or ()], np.int32)


def _costs(examples: Sequence[Example]) -> IntArray | None:
    if all(example.costs is None for example in examples):
        return None
    return np.array([cost for example in examples for cost in example.costs or ()], np.int32)


def _gold(example: Example, space: LabelSpace) -> list[int]:
    """The ids of an example's gold labels, -1 where it has none."""
    units, gold, record = len(example.units), example.gold, example.record
    if not units:
        raise record.error("the text has no unit to label")
    if gold is None:
        return [UNDECIDED] * units
    if space.form == "candidates":
        places = [int(label) for label in gold]
        wrong = [place for place in places if not 0 <= place < len(example.candidates)]
        if wrong or len(places) != units:
            raise record.error(
                f"the gold labels {places} are not {units} of the {len(example.candidates)} "
                "candidates, counted from 0"
            )
        return places
    try:
        ids = [space.places[str(label)] for label in gold]
    except KeyError:
        unit, label = next((u, g) for u, g in enumerate(gold) if g not in space.places)
        raise record.error(
            f"unknown label {label!r}: the task's labels are {', '.join(space.names)}", unit
        ) from None
    if len(ids) == units or (ids and len(ids) < units and ids[-1] == space.stop):
        return [*ids, *[UNDECIDED] * (units - len(ids))]
    raise record.error(f"{units} units but {len(ids)} gold labels; every unit needs one")
