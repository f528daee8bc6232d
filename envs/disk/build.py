"""A corpus as episodes that lie on disk: read once, and then opened."""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from lingym.envs.corpora import Corpus, Record
from lingym.envs.corpora.streams import Stream
from lingym.envs.dataset import Dataset, check_space, texts_of
from lingym.envs.disk.columns import BOUNDS, KINDS, Columns, mapped
from lingym.envs.disk.identity import identity, key
from lingym.envs.disk.index import (
    SECONDS,
    find_or_write,
    kept,
    space_as_json,
    space_of_json,
)
from lingym.envs.disk.stored import StoredExamples
from lingym.envs.encode import arrays, say_long
from lingym.envs.episodes import Encoding, Episodes, Overflow
from lingym.envs.tasks import Example, MultiTask, Task
from lingym.envs.tasks.task import in_parts_of
from lingym.envs.tokenizer import UnitTokenizer, load_tokenizer
from lingym.hub import TINY
from lingym.types import DataError, LabelSpace

logger = logging.getLogger("lingym")
CHUNK = 2048
"""Texts in memory at a time."""
TOKENIZER = "tokenizer.json"


def build_on_disk(
    task: Task,
    corpus: Corpus,
    folder: str | Path,
    tokenizer: str | Tokenizer = TINY,
    max_tokens: int = 256,
    overflow: Overflow = "windows",
    limits: Mapping[str, int | None] | None = None,
) -> Dataset:
    """As `lingym.envs.build`, with the texts on disk: memory holds what is being read or learned.

    The first time, the texts are read, encoded in chunks, and written to an index in the folder.
    After that the index is opened, as long as files, task, tokenizer and settings are the same.

    Args:
        task: what the units and labels are.
        corpus: the records; `lingym.envs.stream_corpus` gives some that are never held.
        folder: of indices; each gets a folder of its own in it.
        tokenizer: as for `lingym.envs.build`; here and below.
        max_tokens: likewise.
        overflow: likewise.
        limits: the first so many texts of a split alone, by its name; labels (and a tokenizer that
            is made here) are those of all texts.

    Raises:
        DataError: as `lingym.envs.build`, or a record holds what cannot be written, or a file was
            changed while it was read.
        NotImplementedError: the task reads whole splits in a way of its own.
        OSError: the folder cannot be written.
    """
    every = {"train": corpus.train, "dev": corpus.dev, "test": corpus.test}
    splits: dict[str, Iterable[Record]] = {name: rows for name, rows in every.items() if rows}
    kept_few = {name: limit for name, limit in (limits or {}).items() if limit is not None}
    if isinstance(tokenizer, str) and tokenizer != TINY:
        tokenizer = load_tokenizer(tokenizer)
    made = tokenizer if isinstance(tokenizer, Tokenizer) else None
    told = identity(
        *(task, splits),
        tokenizer=TINY if made is None else made.to_str(),
        max_tokens=max_tokens,
        overflow=overflow,
        limits=kept_few,
    )
    write = partial(_written, told["splits"], task, splits, made, max_tokens, overflow, kept_few)
    place, contents = find_or_write(Path(folder), told, key(told), write)
    return _opened(place, contents, task, made, max_tokens, overflow)


def _written(
    told: Mapping[str, Any], task: Task, splits: Mapping[str, Iterable[Record]], *more: Any
) -> dict[str, Any]:
    """What `_write` gives, of files that are still those by whose hashes it will be found."""
    noted = _write(task, splits, *more)
    for split, records in splits.items():
        if isinstance(records, Stream):
            for before, now in zip(told[split], records.identity(), strict=True):
                if before != now:
                    raise DataError(f"{now[0]}: it was changed while it was read: begin again")
    return noted


def _write(
    task: Task,
    splits: Mapping[str, Iterable[Record]],
    tokenizer: Tokenizer | None,
    max_tokens: int,
    overflow: Overflow,
    limits: Mapping[str, int],
    folder: Path,
) -> dict[str, Any]:
    """Fill the folder of an index; what is to be noted of it."""
    readers = in_parts_of(task, splits)
    counts: dict[str, int] = {}

    def chunks(split: str) -> Iterator[list[Example]]:
        records = iter(splits[split])
        while rows := list(islice(records, CHUNK)):
            yield readers[split].read({split: rows})[split]

    walk = (example for split in splits for example in kept(folder, split, chunks(split), counts))
    space = task.label_space(walk)
    for _ in walk:  # a task whose labels are known looks at none, or at the first
        pass
    check_space(space)
    stored = {
        split: StoredExamples(folder / f"{split}.lines", _bounds(folder, split, counts[split]))
        for split in splits
    }
    if tokenizer is None:
        fit = stored.get("train") or next(iter(stored.values()))
        tokenizer = load_tokenizer(TINY, _Texts(fit, space.of_text))
    (folder / TOKENIZER).write_text(tokenizer.to_str(), encoding="utf-8")
    units, noted = UnitTokenizer(tokenizer), {}
    for split, examples in stored.items():
        limit = min(limits.get(split, len(examples)), len(examples))
        noted[split] = _encoded(folder, split, examples, limit, space, units, max_tokens, overflow)
    return {"space": space_as_json(space), "splits": noted}


def _encoded(
    folder: Path,
    split: str,
    examples: StoredExamples,
    count: int,
    space: LabelSpace,
    units: UnitTokenizer,
    max_tokens: int,
    overflow: Overflow,
) -> dict[str, int]:
    """Encode the first examples of a split in chunks; the sizes of its arrays."""
    long = done = 0
    begun = told = time.monotonic()
    with Columns(folder, split) as columns:
        columns.written["examples"] = count + 1  # written already, and not to be begun again
        walk = islice(examples, count)
        while some := list(islice(walk, CHUNK)):
            flat, more = arrays(some, space, units, max_tokens, overflow)
            columns.add(flat)
            long, done = long + more, done + len(some)
            now = time.monotonic()
            if now - told > SECONDS:
                told = now
                logger.info("%s: %d texts encoded, %d a second", split, done, done / (now - begun))
    say_long(long, count, max_tokens)
    return columns.written


def _opened(
    place: Path,
    contents: Mapping[str, Any],
    task: Task,
    tokenizer: Tokenizer | None,
    max_tokens: int,
    overflow: Overflow,
) -> Dataset:
    """The data set of an index."""
    space = space_of_json(contents["space"])
    if tokenizer is None:
        tokenizer = Tokenizer.from_file(str(place / TOKENIZER))
    if isinstance(task, MultiTask) and not task.spaces:
        task.spaces = {kind: space.of_kind(kind)[0] for kind in task.tasks}
    units = UnitTokenizer(tokenizer)
    splits = {}
    for split, sizes in contents["splits"].items():
        flat = {name: mapped(place, split, name, sizes[name]) for name in KINDS}
        examples = StoredExamples(place / f"{split}.lines", flat.pop("examples"))
        splits[split] = Episodes(
            task=task,
            space=space,
            **flat,
            facts=task.stored_facts(examples, flat["gold"], space),
            pad=units.pad,
            vocab_size=units.tokenizer.get_vocab_size(with_added_tokens=True),
            examples=examples,
            encoding=Encoding(units, max_tokens, overflow),
        )
    return Dataset(task, space, tokenizer, splits)


def _bounds(folder: Path, split: str, count: int) -> Any:
    return mapped(folder, split, BOUNDS[-1], count + 1)


class _Texts:
    """What an encoder reads of examples, walked anew each time."""

    def __init__(self, examples: Iterable[Example], of_text: bool) -> None:
        self.examples, self.of_text = examples, of_text

    def __iter__(self) -> Iterator[str]:
        return (text for example in self.examples for text in texts_of(example, self.of_text))
