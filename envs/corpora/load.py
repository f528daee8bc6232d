"""A corpus: the records of up to three splits, from files or from one named data set."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lingym.envs.corpora import hub, synthetic
from lingym.envs.corpora.record import Record
from lingym.envs.corpora.sources import Options, read_records

SPLITS = ("train", "dev", "test")
"""The parts of a corpus."""


@dataclass(frozen=True)
class Corpus:
    """The records of each split; a split that was not given is empty.

    Attributes:
        train: what an agent learns from.
        dev: what a run is tuned and stopped by.
        test: what is reported.
        source: where each split was read from, as it was given.
    """

    train: tuple[Record, ...]
    dev: tuple[Record, ...]
    test: tuple[Record, ...]
    source: Mapping[str, str]


def load_corpus(
    corpus: str | None = None,
    *,
    train: str | Path | None = None,
    dev: str | Path | None = None,
    test: str | Path | None = None,
    options: Options | None = None,
) -> Corpus:
    """Reads a corpus of up to three splits.

    Args:
        corpus: ``synthetic:NAME`` or ``hf:NAME``, which hold splits of their own.
        train: a file, or a name of `read_records`; here and below, in place of the corpus's own.
        dev: likewise.
        test: likewise.
        options: how to read the files.

    Raises:
        DataError: something cannot be read, or holds no record.
        ValueError: nothing was asked for, or an option has no meaning for the format.
    """
    given = sources_of(corpus, train, dev, test)
    read = {
        name: tuple(read_records(given[name], name, options)) for name in SPLITS if name in given
    }
    return Corpus(
        read.get("train", ()), read.get("dev", ()), read.get("test", ()), source=dict(given)
    )


def sources_of(
    corpus: str | None, train: str | Path | None, dev: str | Path | None, test: str | Path | None
) -> dict[str, str]:
    """The source of each split that there is; arguments as for `load_corpus`.

    Raises:
        ValueError: nothing was asked for.
    """
    given = {name: str(path) for name, path in zip(SPLITS, (train, dev, test), strict=True) if path}
    if corpus is not None:
        for name in _splits_of(corpus):
            given.setdefault(name, corpus)
    if not given:
        raise ValueError("wanted a corpus, or a file for train, dev or test; got none of them")
    return given


def _splits_of(corpus: str) -> tuple[str, ...]:
    if corpus.startswith(synthetic.PREFIX):
        return synthetic.splits(corpus)
    if corpus.startswith(hub.PREFIX):
        return hub.splits(corpus)
    raise ValueError(
        f"wanted a corpus {synthetic.PREFIX}NAME or {hub.PREFIX}NAME, got {corpus!r}; "
        "give files as train, dev and test"
    )
