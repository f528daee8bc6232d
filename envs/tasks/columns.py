"""Which column of a record holds the text, which the labels, and whether they are as wanted."""

from collections.abc import Sequence
from typing import Any

from lingym.envs.corpora import Record

GOLD = {"answer", "answers", "label", "labels", "tags"}
"""What the command line calls ``--labels``, whatever a task calls it."""


def pick(record: Record, wanted: str | None, usual: Sequence[str], what: str) -> tuple[str, Any]:
    """The name and the value of a record's column.

    Args:
        record: a row of a corpus.
        wanted: the column's name, or None to take the first of the usual names that is there.
        usual: names that the column commonly has, in order of preference.
        what: what the column holds, for the error.

    Raises:
        DataError: the column is not there; the message lists the columns that are.
    """
    if wanted is not None:
        return wanted, record[wanted]
    for name in usual:
        if name in record.fields:
            return name, record.fields[name]
    option = "labels" if what in GOLD else what
    raise record.error(
        f"no column for the {what}: looked for {', '.join(usual)}; "
        f"the record has {', '.join(map(str, record.fields))}. Name it (--{option} COLUMN, in "
        "Python the task's argument), or take the task that these are for"
    )


def strings(record: Record, name: str, value: Any) -> tuple[str, ...]:
    """A list of strings, neither of which is empty.

    Raises:
        DataError: it is something else.
    """
    if not isinstance(value, list | tuple) or not value:
        raise record.error(f"{name!r} must be a list of strings that is not empty, got {value!r}")
    for place, item in enumerate(value):
        if not isinstance(item, str) or not item.strip():
            raise record.error(
                f"{name!r}[{place}] must be a string, not empty; got {item!r}", place
            )
    return tuple(value)


def text(record: Record, name: str, value: Any) -> str:
    """A text that is not empty; a list of words is joined by blanks.

    Raises:
        DataError: it is something else.
    """
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        value = " ".join(value)
    if not isinstance(value, str) or not value.strip():
        raise record.error(f"{name!r} must be a text that is not empty, got {value!r}")
    return value


def label(record: Record, name: str, value: Any) -> str:
    """The name of a label: a string or a whole number.

    Raises:
        DataError: it is something else.
    """
    empty = isinstance(value, str) and not value.strip()
    if isinstance(value, bool) or not isinstance(value, str | int) or empty:
        raise record.error(f"{name!r} must be a label (a string or a whole number), got {value!r}")
    return str(value)
