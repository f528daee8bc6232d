"""Small files that a person or a run wrote, read so that every fault is told with its place.

A file is read whole, so it may not be larger than `MOST`. What is read holds no number of more than
`DIGITS` digits (which neither a float nor Python's own printing could hold), no half surrogate
pair, and nothing nested deeper than `DEEPEST`: who works on it needs to think of none of these.
"""

import json
import math
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from lingym.trusted import once
from lingym.types import DataError

MOST = 1 << 28
"""The most bytes of a file that is read whole."""
DIGITS = 100
DEEPEST = 64


def read_text(file: str | Path, most: int = MOST) -> str:
    """The text of a UTF-8 file, without a byte order mark.

    Raises:
        DataError: it cannot be read, is larger than `most` bytes, or is not UTF-8; the message
            begins with ``file:`` or ``file:line:``.
    """
    try:
        with Path(file).open("rb") as opened:
            content = opened.read(most + 1)  # no more: a device may never end
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        why = getattr(error, "strerror", None) or error
        raise DataError(f"{file}: cannot be read ({why})") from None
    if len(content) > most:
        raise DataError(f"{file}: wanted at most {most / 2**20:g} MiB, and it has more")
    try:
        return content.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{file}:{line}: wanted UTF-8 text, got the byte 0x{error.object[error.start]:02x}"
        ) from None


def read_toml(file: str | Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        DataError: it cannot be read, or is no TOML; the message names the file, and the line of
            what is no TOML.
    """
    text = read_text(file)
    try:
        found = tomllib.loads(text)
        _check(found)
    except RecursionError:
        raise DataError(f"{file}: nested too deeply") from None
    except ValueError as error:  # tomllib's own, which names the line, or of a number too large
        raise DataError(f"{file}: no TOML that can be read: {error}") from None
    return found


def read_json(file: str | Path, nan: bool = False) -> Any:
    """What a JSON file holds.

    Args:
        file: it.
        nan: let NaN and infinity pass, as a run writes what it could not measure.

    Raises:
        DataError: it cannot be read, or `parse_json` refuses it; the message names the file, and
            the line of what is no JSON.
    """
    return parse_json(read_text(file), str(file), nan)


def parse_json(text: str, where: str, nan: bool = False) -> Any:
    """The value of a JSON text.

    Args:
        text: it.
        where: the message begins with this: a file, or with its line.
        nan: let NaN and infinity pass.

    Raises:
        DataError: it is no JSON, names a key twice, or holds what no file of ours does.
    """
    try:
        read = json.loads if nan else _strict
        value = read(text, object_pairs_hook=once)
        _check(value, nan)
    except RecursionError:
        raise DataError(f"{where}: not JSON that can be read: nested too deeply") from None
    except json.JSONDecodeError as error:
        line = f":{error.lineno}" if "\n" in text.rstrip("\n") else ""
        raise DataError(f"{where}{line}: not JSON ({error.msg})") from None
    except ValueError as error:
        raise DataError(f"{where}: not JSON that can be read: {error}") from None
    return value


@contextmanager
def wanted(where: str | Path, what: str) -> Iterator[None]:
    """Refuse, in words, a file whose values are of another form than the one who reads it expects.

    For files that lingym itself wrote, where each value is used as it is: whatever Python raises on
    one that is missing or of another type becomes one error that names the file.

    Args:
        where: the file.
        what: it should be, such as ``the row of a cell``.

    Raises:
        DataError: anything was raised that speaks of values.
    """
    try:
        yield
    except DataError as error:
        raise error if str(where) in str(error) else DataError(f"{where}: {error}") from None
    except KeyError as error:
        raise DataError(f"{where}: wanted {what}; it has no {error}") from error
    except (
        *(ArithmeticError, AssertionError, AttributeError, EOFError, IndexError),
        *(RecursionError, StopIteration, TypeError, ValueError),
    ) as error:
        told = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(f"{where}: wanted {what}; {told}") from error


def _strict(text: str, **more: Any) -> Any:
    return json.loads(text, parse_constant=_no_constant, **more)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name}, which is not JSON")


def _check(value: Any, nan: bool = True) -> None:
    """Refuse numbers that are too large, half surrogate pairs, and what is too deep."""
    level: list[Any] = [value]
    for _ in range(DEEPEST + 1):
        inner: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                inner += each
                inner += each.values()
            elif isinstance(each, list):
                inner += each
            elif isinstance(each, str):
                if not each.isascii():
                    _check_pairs(each)
            elif type(each) is int:
                if abs(each) >= 10**DIGITS:
                    raise ValueError(f"a number of more than {DIGITS} digits")
            elif not nan and type(each) is float and not math.isfinite(each):
                raise ValueError("a number that is too large")
        if not inner:
            return
        level = inner
    raise RecursionError


def _check_pairs(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        found = ord(error.object[error.start])
        raise ValueError(f"half a surrogate pair, \\u{found:04x}") from None
