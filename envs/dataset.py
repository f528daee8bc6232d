"""From a corpus and a task to episodes: one label space and one tokenizer for all splits."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from tokenizers import Tokenizer

from lingym.envs.corpora import Corpus, Record
from lingym.envs.episodes import Episodes
from lingym.envs.tasks import Example, Task
from lingym.envs.tokenizer import Pieces, UnitTokenizer, load_tokenizer
from lingym.envs.windows import Window, cut, cut_text
from lingym.types import NO_UNIT, UNDECIDED, LabelSpace

Overflow = Literal["windows", "refuse"]
logger = logging.getLogger("lingym")


@dataclass(frozen=True)
class Dataset:
    """The splits of a corpus as episodes of one task."""

    task: Task
    space: LabelSpace
    tokenizer: Tokenizer
    splits: Mapping[str, Episodes]

    def __getitem__(self, split: str) -> Episodes:
        """The episodes of a split.

        Raises:
            KeyError: the corpus has no such split; the message lists those it has.
        """
        if split not in self.splits:
            raise KeyError(f"no split {split!r}: the corpus has {', '.join(self.splits)}")
        return self.splits[split]


def build(
    task: Task,
    corpus: Corpus,
    tokenizer: str | Tokenizer = "tiny",
    max_tokens: int = 256,
    overflow: Overflow = "windows",
) -> Dataset:
    """Read every split of a corpus as a task's episodes.

    Args:
        task: what the units and labels are.
        corpus: the records of each split; a split without records is left out.
        tokenizer: an encoder's name (see `load_tokenizer`) or a fast tokenizer.
        max_tokens: tokens to a window, special tokens among them: what the encoder takes.
        overflow: what happens to a longer text: cut into overlapping ``windows`` whose labels
            are stitched back, or ``refuse`` it with an error.

    Raises:
        DataError: a record is not what the task needs, a text is longer than a window and
            refused, or a label stands outside the task's fixed label set.
    """
    records = {"train": corpus.train, "dev": corpus.dev, "test": corpus.test}
    splits = task.read({name: rows for name, rows in records.items() if rows})
    space = task.label_space(example for examples in splits.values() for example in examples)
    if len(space) < 2:
        raise ValueError(f"a task needs at least two labels, the corpus has {space.names}")
    if isinstance(tokenizer, str):
        fit = splits.get("train") or next(iter(splits.values()))
        tokenizer = load_tokenizer(tokenizer, (" ".join(example.units) for example in fit))
    return Dataset(
        task,
        space,
        tokenizer,
        {
            name: encode(examples, space, tokenizer, max_tokens, overflow)
            for name, examples in splits.items()
        },
    )


def encode(
    examples: Sequence[Example],
    space: LabelSpace,
    tokenizer: Tokenizer,
    max_tokens: int = 256,
    overflow: Overflow = "windows",
) -> Episodes:
    """Tokenize examples and cut them into windows.

    Raises:
        DataError: as `build`.
    """
    units = UnitTokenizer(tokenizer)
    size = max_tokens - len(units.prefix) - len(units.suffix)
    if size < 1:
        raise ValueError(f"max_tokens={max_tokens} leaves no room beside the special tokens")
    if space.of_text:
        pieces = units.whole([example.units[0] for example in examples])
    else:
        pieces = units([example.units for example in examples])
    windows = [
        _windows(example.record, text, size, space.of_text, overflow)
        for example, text in zip(examples, pieces, strict=True)
    ]
    long = sum(len(cuts) > 1 for cuts in windows)
    if long:
        logger.warning(
            "%d of %d texts are longer than %d tokens: each is read in overlapping windows",
            *(long, len(examples), max_tokens),
        )
    edge = 0 if space.of_text else NO_UNIT
    before, after = [edge] * len(units.prefix), [edge] * len(units.suffix)
    tokens: list[int] = []
    owners: list[int] = []
    bounds = [0]
    for text, cuts in zip(pieces, windows, strict=True):
        for window in cuts:
            tokens += [*units.prefix, *text.ids[window.start : window.end], *units.suffix]
            owners += [*before, *window.units, *after]
            bounds.append(len(tokens))
    return Episodes(
        space=space,
        tokens=np.array(tokens, np.int32),
        units=np.array(owners, np.int32),
        window_bounds=np.array(bounds, np.int64),
        text_bounds=_bounds(len(cuts) for cuts in windows),
        gold=np.array([g for example in examples for g in _gold(example, space)], np.int32),
        unit_bounds=_bounds(len(example.units) for example in examples),
        pad=units.pad,
        vocab_size=tokenizer.get_vocab_size(with_added_tokens=True),
        words=[example.units for example in examples],
        names=[example.record.where() for example in examples],
    )


def _bounds(sizes: Iterable[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(np.fromiter(sizes, np.int64))]).astype(np.int64)


def _windows(
    record: Record, pieces: Pieces, size: int, of_text: bool, overflow: Overflow
) -> list[Window]:
    if overflow == "refuse" and len(pieces.ids) > size:
        raise record.error(
            f"the text takes {len(pieces.ids)} tokens and a window holds {size}; shorten it, raise "
            "max_tokens, or let it be read in windows (overflow='windows')"
        )
    if of_text:
        return cut_text(pieces, size)
    try:
        return cut(pieces, size)
    except ValueError as error:
        message, unit = error.args
        raise record.error(f"unit {unit} {message}: raise max_tokens", unit) from None


def _gold(example: Example, space: LabelSpace) -> list[int]:
    if example.gold is None:
        return [UNDECIDED] * len(example.units)
    if len(example.gold) != len(example.units):
        raise example.record.error(
            f"{len(example.units)} units but {len(example.gold)} gold labels; every unit needs one"
        )
    if not example.units:
        raise example.record.error("the text has no unit to label")
    places = space.places
    try:
        return [places[label] for label in example.gold]
    except KeyError:
        unit, label = next((u, g) for u, g in enumerate(example.gold) if g not in places)
        raise example.record.error(
            f"unknown label {label!r}: the task's labels are {', '.join(space.names)}", unit
        ) from None
