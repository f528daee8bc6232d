"""Finds the reader for a file by its name, or for a named data set by its prefix."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lingym.envs.corpora import hub, synthetic
from lingym.envs.corpora.conll import read_conll, read_conllu
from lingym.envs.corpora.delimited import read_delimited
from lingym.envs.corpora.files import COMPRESSED, STDIN
from lingym.envs.corpora.jsonl import read_jsonl
from lingym.envs.corpora.plain import read_plain
from lingym.envs.corpora.record import OnError, Record, refuse
from lingym.envs.corpora.squad import is_squad, read_squad
from lingym.types import DataError

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
"""The format of a file by the end of its name. A ``.tsv`` file is a table with a header;
a ``.json`` file is JSON lines unless it begins as SQuAD's do (`squad.is_squad`)."""


@dataclass(frozen=True)
class Options:
    """How to read; what is left at None follows from the file.

    Attributes:
        format: ``conll``, ``conllu``, ``jsonl``, ``squad``, ``csv``, ``tsv`` or ``text`` (one text
            a line), for a file whose name does not tell.
        columns: CoNLL: the columns of tokens and labels, from 0, or from the end if negative;
            (0, -1) by default, (1, 3) in CoNLL-U. No labels are read where the second is None.
        separator: CoNLL: ``tab`` or ``blank``; tables: the one character between two values.
        comments: CoNLL: whether every line that begins with ``#`` is a comment.
        quoted: tables: whether values may stand in double quotes.
        on_error: called with what is wrong with a row, which is then left out; by default it is
            raised. SQuAD's files have no rows, and a plain text has no wrong ones.
    """

    format: str | None = None
    columns: tuple[int, int | None] | None = None
    separator: str | None = None
    comments: bool | None = None
    quoted: bool | None = None
    on_error: OnError = refuse


_USED_BY = {
    "conll": {"columns", "separator", "comments"},
    "conllu": {"columns"},
    "jsonl": set[str](),
    "squad": set[str](),
    "csv": {"separator", "quoted"},
    "tsv": {"separator", "quoted"},
    "text": set[str](),
}


def read_records(
    source: str | Path, split: str = "train", options: Options | None = None
) -> list[Record]:
    """Reads one split.

    Args:
        source: a file, plain or compressed with ``.xz`` or ``.gz``; ``-`` for standard input;
            ``synthetic:NAME[?...]`` (see `synthetic`); ``hf:NAME[/CONFIG]`` (see `hub`).
        split: the split of a source that holds several: ``train``, ``dev`` or ``test``.
        options: how to read a file.

    Raises:
        DataError: the source cannot be read, or holds no record.
        ValueError: an option has no meaning for the format.
    """
    records = list(iter_records(source, split, options))
    if not records:
        raise DataError(f"{source}: holds no records (wanted at least one for the {split} split)")
    return records


def iter_records(
    source: str | Path, split: str = "train", options: Options | None = None
) -> Iterator[Record]:
    """One split's records as they come, such as lines typed one by one; arguments as above."""
    options = options or Options()
    name = str(source)
    if name.startswith((synthetic.PREFIX, hub.PREFIX)):
        _refuse(options, set(), name)
        module = synthetic if name.startswith(synthetic.PREFIX) else hub
        return iter(module.read(name, split))
    return _read_file(name, options)


def _read_file(path: str, options: Options) -> Iterator[Record]:
    name = options.format or format_of(path)
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
            on_error=options.on_error,
        )
    if name == "conllu":
        tokens, labels = options.columns or (1, 3)
        return read_conllu(path, tokens=tokens, labels=labels, on_error=options.on_error)
    if name == "jsonl":
        return read_jsonl(path, on_error=options.on_error)
    if name == "squad":
        return read_squad(path)
    if name == "text":
        return read_plain(path)
    return read_delimited(
        path,
        delimiter=options.separator or {"csv": ",", "tsv": "\t"}[name],
        quoted=options.quoted is not False,
        on_error=options.on_error,
    )


def format_of(path: str) -> str:
    """The format of a file by the end of its name; ``.json`` is looked into (`is_squad`).

    Raises:
        DataError: the ending is not known, or a ``.json`` file cannot be read.
        ValueError: standard input, which has no name.
    """
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
    return "squad" if ending == ".json" and is_squad(path) else FORMATS[ending]


def _refuse(options: Options, used: set[str], what: str) -> None:
    """An option that would be ignored is a mistake."""
    given = {name for name, value in vars(options).items() if value is not None}
    if unused := sorted(given - used - {"on_error"}):
        raise ValueError(f"{what} has no use for the option {', '.join(unused)}")
