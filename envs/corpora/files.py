"""Lines of a text file, plain or compressed, with their numbers.

A line ends at LF and nowhere else: U+0085, U+2028 and the like are characters of a text. A line
has at most `LONGEST` bytes: a file is read line by line, and one without line ends, or one of a few
MB that unpacks to many GB, would else take all memory.
"""

import gzip
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from lingym.envs.corpora.xz import open_xz
from lingym.types import DataError

COMPRESSED: dict[str, Callable[..., Any]] = {".xz": open_xz, ".gz": gzip.open}
"""Endings of compressed files, and what opens them."""

STDIN = "-"
"""The path that stands for standard input."""

LONGEST = 2**24
"""The most bytes of a line without its end (16 MiB), and of what else is read as one."""

_BOM = b"\xef\xbb\xbf"


def read_lines(path: str | Path, longest: int = LONGEST) -> Iterator[tuple[int, str]]:
    """Yields the lines of a UTF-8 text file, each with its number from 1, without its line end.

    A byte order mark at the start of the file and a CR before LF are removed.

    Args:
        path: a text file, compressed if its name ends in ``.xz`` or ``.gz``; ``-`` is standard
            input.
        longest: the most bytes that a line may have.

    Raises:
        DataError: the file is missing, unreadable, cut short or corrupt, a byte is not UTF-8, or
            a line is longer than it may be.
    """
    with _opened(path) as (file, place):
        for number, raw in enumerate(iter(partial(file.readline, longest + 1), b""), start=1):
            place.line = number + 1  # where an error in the next one is
            if len(raw) > longest and not raw.endswith(b"\n"):
                raise DataError(
                    f"{path}:{number}: wanted lines of at most {longest >> 20} MiB, got a "
                    "longer one; does the file lack line ends?"
                )
            if number == 1:
                raw = raw.removeprefix(_BOM)
            yield number, _decode(raw.removesuffix(b"\n").removesuffix(b"\r"), path, number)


def read_head(path: str | Path, size: int) -> str:
    """The beginning of a file, at most `size` bytes of it; what is no UTF-8 is replaced.

    Raises:
        DataError: the file is missing, unreadable, cut short or corrupt.
    """
    with _opened(path) as (file, _):
        return file.read(size).removeprefix(_BOM).decode("utf-8", "replace")


@dataclass
class _Place:
    """The line that is read."""

    line: int = 1


@contextmanager
def _opened(path: str | Path) -> Iterator[tuple[BinaryIO, _Place]]:
    """An open file; what is wrong with it is told with its name and the line."""
    place = _Place()
    try:
        with _open(path) as file:
            yield file, place
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise DataError(f"{path}: wanted a file, got a folder") from None
    except (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{path}:{place.line}: the compressed file is cut short or corrupt ({error})"
        ) from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error


def _open(path: str | Path) -> AbstractContextManager[BinaryIO]:
    if str(path) == STDIN:
        return nullcontext(sys.stdin.buffer)
    opener = COMPRESSED.get(Path(path).suffix.lower(), open)
    file: BinaryIO = opener(path, "rb")
    return file


def _decode(raw: bytes, path: str | Path, number: int) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}:{number}: wanted UTF-8 text, got the byte 0x{raw[error.start]:02x} "
            f"at byte {error.start + 1} of the line"
        ) from None
