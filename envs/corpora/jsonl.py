"""JSON Lines: one JSON object a line, whose keys become the fields of a record."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lingym.envs.corpora.files import read_lines
from lingym.envs.corpora.record import OnError, Record, refuse
from lingym.envs.corpora.strict_json import DECODER, check_depth, check_pairs, kind, reason
from lingym.types import DataError


def read_jsonl(path: str | Path, *, on_error: OnError = refuse) -> Iterator[Record]:
    """Yields a record for each line; empty lines hold none.

    Args:
        path: a file as `read_lines` takes it.
        on_error: called with what is wrong with a line, which is then left out.

    Raises:
        DataError: a line is no JSON object, names a key twice, or holds what `strict_json`
            refuses.
    """
    for number, line in read_lines(path):
        if line.strip():
            try:
                fields = _parse(line)
            except (ValueError, RecursionError) as error:
                message = f"wanted one JSON object a line, {reason(error)}"
                on_error(DataError(f"{path}:{number}: {message}"))
                continue
            yield Record(fields, str(path), (number,))


def _parse(line: str) -> dict[str, Any]:
    value = DECODER.decode(line)
    if not isinstance(value, dict):
        raise ValueError(f"got {kind(value)}")
    check_depth(value, line)
    check_pairs(value, line)
    return value
