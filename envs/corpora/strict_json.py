"""JSON without what Python lets pass: keys given twice, infinite numbers, half surrogate pairs.

Nor may values be nested deeper than data ever are.
"""

import json
import math
from typing import Any, NoReturn


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"got the key {key!r} twice")
        found[key] = value
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"got {name}, which is not JSON")


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"got {number[:20]}, which is too large a number")
    return value


DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite
)
"""Reads JSON; `reason` puts what it raises, a ValueError or a RecursionError, into words."""


def check_pairs(value: Any, text: str) -> None:
    """Refuses half a surrogate pair in a value that was read from a text.

    Raises:
        UnicodeEncodeError: there is one.
    """
    if "\\ud" in text.lower():  # only an escape can smuggle in half a pair: raw ones are bad UTF-8
        json.dumps(value, ensure_ascii=False).encode("utf-8")


def check_depth(value: Any, text: str) -> None:
    """Refuses a value that was read from a text and is nested deeper than `DEEPEST`.

    Raises:
        RecursionError: it is.
    """
    if text.count("[") + text.count("{") <= DEEPEST:
        return
    level = [value]
    for _ in range(DEEPEST):
        inner = (v for v in level if isinstance(v, dict | list))
        level = [i for v in inner for i in (v.values() if isinstance(v, dict) else v)]
    if any(isinstance(v, dict | list) for v in level):
        raise RecursionError


DEEPEST = 100
"""How many arrays and objects may stand in each other."""


def reason(error: ValueError | RecursionError) -> str:
    """What was wrong, in words that go on after what was wanted."""
    if isinstance(error, json.JSONDecodeError):
        return f"got invalid JSON at column {error.colno} ({error.msg})"
    if isinstance(error, UnicodeEncodeError):
        return f"got half a surrogate pair, \\u{ord(error.object[error.start]):04x}"
    if isinstance(error, RecursionError):
        return "got one that is nested too deeply"
    return str(error)


_KINDS: dict[type, str] = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "true or false",  # before int, which it is as well
    int: "a number",
    float: "a decimal number",
}


def kind(value: Any) -> str:
    """What a value is, in JSON's words."""
    return next((name for known, name in _KINDS.items() if isinstance(value, known)), "null")
