"""JSON Lines: one JSON object a line, whose keys become the fields of a record."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from lingym.envs.corpora.files import read_lines
from lingym.envs.corpora.record import Record
from lingym.types import DataError


def read_jsonl(path: str | Path) -> Iterator[Record]:
    """Yields a record for each line; empty lines hold none.

    Args:
        path: a file as `read_lines` takes it.

    Raises:
        DataError: a line is no JSON object, names a key twice, or holds half a surrogate pair.
    """
    for number, line in read_lines(path):
        if line.strip():
            try:
                fields = _parse(line)
            except (ValueError, RecursionError) as error:
                raise DataError(
                    f"{path}:{number}: wanted one JSON object a line, {_reason(error)}"
                ) from None
            yield Record(fields, str(path), (number,))


def _parse(line: str) -> dict[str, Any]:
    value = json.loads(line, object_pairs_hook=_unique, parse_constant=_no_constant)
    if not isinstance(value, dict):
        raise ValueError(f"got {_NAMES.get(type(value), 'null')}")
    if "\\ud" in line.lower():  # only an escape can smuggle in half a pair: raw ones are bad UTF-8
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"got the key {key!r} twice")
        found[key] = value
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"got {name}, which is not JSON")


def _reason(error: ValueError | RecursionError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"got invalid JSON at column {error.colno} ({error.msg})"
    if isinstance(error, UnicodeEncodeError):
        return f"got half a surrogate pair, \\u{ord(error.object[error.start]):04x}"
    if isinstance(error, RecursionError):
        return "got one that is nested too deeply"
    return str(error)


_NAMES: dict[type, str] = {
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "true or false",
}
