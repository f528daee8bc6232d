"""Finds the right reader for a file or a named data set, and reads a corpus of three splits."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from lingym.envs.corpora import hub, synthetic
from lingym.envs.corpora.conll import read_conll, read_conllu
from lingym.envs.corpora.delimited import read_delimited
from lingym.envs.corpora.files import COMPRESSED, STDIN
from lingym.envs.corpora.jsonl import read_jsonl
from lingym.envs.corpora.plain import read_plain
from lingym.envs.corpora.record import Record
from lingym.types import DataError

SPLITS = ("train", "dev", "test")
"""The parts of a corpus."""

FORMATS = {
    ".conll": "conll",
    ".bio": "conll",
    ".iob": "conll",
    ".iob2": "conll",
    ".txt": "conll",
    ".conllu": "conllu",
    ".jsonl": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
}
"""The format of a file by the end of its name. A ``.tsv`` file is a table with a header."""


@dataclass(frozen=True)
class Options:
    """How to read; what is left at None follows from the file.

    Attributes:
        format: ``conll``, ``conllu``, ``jsonl``, ``csv``, ``tsv`` or ``text`` (one text a line),
            for a file whose name does not tell.
        columns: CoNLL: the columns of tokens and labels, from 0, or from the end if negative;
            (0, -1) by default, (1, 3) in CoNLL-U. No labels are read where the second is None.
        separator: CoNLL: ``tab`` or ``blank``; tables: the one character between two values.
        comments: CoNLL: whether every line that begins with ``#`` is a comment.
        quoted: tables: whether values may stand in double quotes.
    """

    format: str | None = None
    columns: tuple[int, int | None] | None = None
    separator: str | None = None
    comments: bool | None = None
    quoted: bool | None = None


_USED_BY = {
    "conll": {"columns", "separator", "comments"},
    "conllu": {"columns"},
    "jsonl": set[str](),
    "csv": {"separator", "quoted"},
    "tsv": {"separator", "quoted"},
    "text": set[str](),
}


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
    source: dict[str, str]


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
        corpus: ``synthetic:commands`` or ``hf:NAME``, which hold splits of their own.
        train: a file, or a name of `read_records`; here and below, in place of the corpus's own.
        dev: likewise.
        test: likewise.
        options: how to read the files.

    Raises:
        DataError: something cannot be read, or holds no record.
        ValueError: nothing was asked for, or an option has no meaning for the format.
    """
    given = {name: str(path) for name, path in zip(SPLITS, (train, dev, test), strict=True) if path}
    if corpus is not None:
        for name in _splits_of(corpus):
            given.setdefault(name, corpus)
    if not given:
        raise ValueError("wanted a corpus, or a file for train, dev or test; got none of them")
    read = {
        name: tuple(read_records(given[name], name, options)) for name in SPLITS if name in given
    }
    return Corpus(
        read.get("train", ()), read.get("dev", ()), read.get("test", ()), source=dict(given)
    )


def read_records(
    source: str | Path, split: str = "train", options: Options | None = None
) -> list[Record]:
    """Reads one split.

    Args:
        source: a file, plain or compressed with ``.xz`` or ``.gz``; ``-`` for standard input;
            ``synthetic:commands[?...]`` (see `synthetic`); ``hf:NAME[/CONFIG]`` (see `hub`).
        split: the split of a source that holds several: ``train``, ``dev`` or ``test``.
        options: how to read a file.

    Raises:
        DataError: the source cannot be read, or holds no record.
        ValueError: an option has no meaning for the format.
    """
    options = options or Options()
    name = str(source)
    if name.startswith((synthetic.PREFIX, hub.PREFIX)):
        _refuse(options, set(), name)
        module = synthetic if name.startswith(synthetic.PREFIX) else hub
        records = list(module.read(name, split))
    else:
        records = list(_read_file(name, options))
    if not records:
        raise DataError(f"{name}: holds no records (wanted at least one for the {split} split)")
    return records


def _splits_of(corpus: str) -> tuple[str, ...]:
    if corpus.startswith(synthetic.PREFIX):
        return synthetic.splits(corpus)
    if corpus.startswith(hub.PREFIX):
        return hub.splits(corpus)
    raise ValueError(
        f"wanted a corpus {synthetic.PREFIX}NAME or {hub.PREFIX}NAME, got {corpus!r}; "
        "give files as train, dev and test"
    )


def _read_file(path: str, options: Options) -> Iterator[Record]:
    name = options.format or _format_of(path)
    if name not in _USED_BY:
        raise ValueError(f"format must be one of {', '.join(_USED_BY)}, got {name!r}")
    _refuse(options, _USED_BY[name] | {"format"}, f"the format {name}")
    if name == "conll":
        tokens, labels = options.columns or (0, -1)
        return read_conll(
            path,
            tokens=tokens,
            labels=labels,
            separator=options.separator,
            comments=options.comments,
        )
    if name == "conllu":
        tokens, labels = options.columns or (1, 3)
        return read_conllu(path, tokens=tokens, labels=labels)
    if name == "jsonl":
        return read_jsonl(path)
    if name == "text":
        return read_plain(path)
    return read_delimited(
        path,
        delimiter=options.separator or {"csv": ",", "tsv": "\t"}[name],
        quoted=options.quoted is not False,
    )


def _format_of(path: str) -> str:
    if path == STDIN:
        raise ValueError("standard input has no name to tell its format: give one")
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    ending = suffixes[-1] if suffixes else ""
    if ending not in FORMATS:
        raise DataError(
            f"{path}: the format is not known by the ending {ending!r}; known are "
            f"{', '.join(FORMATS)}, each also with {' or '.join(COMPRESSED)}; "
            "or say the format"
        )
    return FORMATS[ending]


def _refuse(options: Options, used: set[str], what: str) -> None:
    """An option that would be ignored is a mistake."""
    values = {
        each.name: value
        for each in fields(options)
        if (value := vars(options)[each.name]) is not None
    }
    unused = values.keys() - used
    if unused:
        raise ValueError(f"{what} has no use for the option {', '.join(sorted(unused))}")
