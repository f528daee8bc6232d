"""Span tags in the records of a corpus, whatever their scheme, as IOB2."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from lingym.envs.corpora.iob import TagFault, to_iob2
from lingym.envs.corpora.record import Record

logger = logging.getLogger("lingym")


def with_iob2(
    records: Sequence[Record],
    field: str = "labels",
    *,
    scheme: str | None = None,
    on_fault: Literal["error", "repair"] = "error",
) -> list[Record]:
    """The records with the tags of a field turned into IOB2; labels that mark no spans stay.

    What was recognised is said through the logger ``lingym``: as a warning where a tag is changed,
    else as information.

    Args:
        records: the records of one split.
        field: the field that holds the tags, a list of strings in each record.
        scheme: the scheme of the tags; None recognises it from all of the records.
        on_fault: whether a tag that its scheme does not allow is an error, or is repaired.

    Raises:
        DataError: a tag is not allowed in its place; the message begins with its file and line.
    """
    try:
        converted = to_iob2([record[field] for record in records], scheme, on_fault)
    except TagFault as fault:
        record = records[fault.sequence]
        raise record.error(f"token {fault.position + 1}: {fault}", fault.position) from None
    if records:
        level = logging.WARNING if converted.changed else logging.INFO
        logger.log(level, "%s: %s", records[0].path, converted.message)
    return [
        replace(record, fields={**record.fields, field: tags})
        for record, tags in zip(records, converted.tags, strict=True)
    ]
