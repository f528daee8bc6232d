"""Lines of a text file, plain or compressed, with their numbers.

A line ends at LF and nowhere else: U+0085, U+2028 and the like are characters of a text.
"""

import gzip
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

from lingym.types import DataError

COMPRESSED: dict[str, Callable[..., Any]] = {".xz": lzma.open, ".gz": gzip.open}
"""Endings of compressed files, and what opens them."""

STDIN = "-"
"""The path that stands for standard input."""

_BOM = b"\xef\xbb\xbf"


def read_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Yields the lines of a UTF-8 text file, each with its number from 1, without its line end.

    A byte order mark at the start of the file and a CR before LF are removed.

    Args:
        path: a text file, compressed if its name ends in ``.xz`` or ``.gz``; ``-`` is standard
            input.

    Raises:
        DataError: the file is missing, unreadable, cut short or corrupt, or a byte is not UTF-8.
    """
    number = 0
    try:
        with _open(path) as file:
            for number, raw in enumerate(file, start=1):
                if number == 1:
                    raw = raw.removeprefix(_BOM)
                yield number, _decode(raw.removesuffix(b"\n").removesuffix(b"\r"), path, number)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise DataError(f"{path}: wanted a file, got a folder") from None
    except (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{path}:{number + 1}: the compressed file is cut short or corrupt ({error})"
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
