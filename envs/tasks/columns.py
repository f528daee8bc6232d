"""Which column of a record holds the text, and which the labels."""

from collections.abc import Sequence
from typing import Any

from lingym.envs.corpora import Record


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
    raise record.error(
        f"no column for the {what}: looked for {', '.join(usual)}; "
        f"the record has {', '.join(map(str, record.fields))}. Name it with {what}=COLUMN."
    )
