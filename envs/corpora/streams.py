"""A corpus whose records are read anew each time they are walked, and never held."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lingym.envs.corpora import hub, synthetic
from lingym.envs.corpora.files import STDIN
from lingym.envs.corpora.load import SPLITS, Corpus, sources_of
from lingym.envs.corpora.record import Record
from lingym.envs.corpora.sources import Options, iter_records
from lingym.files import sha256_of
from lingym.types import DataError


@dataclass(frozen=True)
class Part:
    """One source of a stream.

    Attributes:
        source: a file or a name, as for `lingym.envs.corpora.read_records`.
        split: the split of a source that holds several.
        options: how to read a file.
        added: fields that each record gets.
    """

    source: str
    split: str
    options: Options
    added: tuple[tuple[str, Any], ...] = ()

    def __iter__(self) -> Iterator[Record]:
        """The records; there is one at least."""
        empty, added = True, dict(self.added)
        for record in iter_records(self.source, self.split, self.options):
            empty = False
            yield replace(record, fields={**record.fields, **added}) if added else record
        if empty:
            raise DataError(
                f"{self.source}: holds no records (wanted at least one for the {self.split} split)"
            )

    def identity(self) -> list[Any]:
        """JSON that differs where the records may: a file's hash, or what names a generated one.

        Raises:
            DataError: there is no such file.
        """
        told: dict[str, Any] = {k: v for k, v in vars(self.options).items() if k != "on_error"}
        if self.source.startswith(synthetic.PREFIX):
            content = ""
        elif self.source.startswith(hub.PREFIX):
            content = hub.fingerprint(self.source, self.split)
        else:
            try:
                content = sha256_of(self.source)
            except OSError as error:
                raise DataError(
                    f"{self.source}: cannot be read ({error.strerror or error})"
                ) from error
        return [self.source, self.split, told, [list(pair) for pair in self.added], content]


@dataclass(frozen=True)
class Stream:
    """The records of a split: those of its parts, one after another."""

    parts: tuple[Part, ...] = ()

    def __iter__(self) -> Iterator[Record]:
        """All records, read anew."""
        for part in self.parts:
            yield from part

    def __bool__(self) -> bool:
        """Whether there is a part."""
        return bool(self.parts)

    def identity(self) -> list[Any]:
        """JSON that differs where the records may."""
        return [part.identity() for part in self.parts]


def stream_corpus(
    corpus: str | None = None,
    *,
    train: str | Path | None = None,
    dev: str | Path | None = None,
    test: str | Path | None = None,
    options: Options | None = None,
) -> Corpus:
    """`load_corpus` without loading: splits are read when they are walked, each time anew.

    For `lingym.envs.build` with ``on_disk=``. Arguments are those of `load_corpus`.

    Raises:
        ValueError: nothing was asked for, or standard input, which cannot be read twice.
    """
    given = sources_of(corpus, train, dev, test)
    if STDIN in given.values():
        raise ValueError("standard input cannot be read twice: save it as a file first")
    options = options or Options()
    splits: dict[str, Any] = {
        name: Stream((Part(given[name], name, options),) if name in given else ())
        for name in SPLITS
    }
    return Corpus(**splits, source=given)
