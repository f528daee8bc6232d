"""Files compressed by xz: every member of a file is read, with bounded memory, or none is."""

import io
import lzma
from pathlib import Path
from typing import Any, BinaryIO

MEMORY = 2**28
"""The most that unpacking may take (256 MiB; ``xz -9`` needs 65), whatever a file asks for."""

_CHUNK = 2**16


def open_xz(path: str | Path, mode: str = "rb") -> BinaryIO:
    """Opens a compressed file as `lzma.open` does, which passes over what follows a member.

    Args:
        path: the file.
        mode: ``rb`` or ``wb``.
    """
    if mode == "rb":
        return io.BufferedReader(_Members(path))
    opened: Any = lzma.LZMAFile(path, mode)  # noqa: SIM115  # for the caller
    return opened


class _Members(io.RawIOBase):
    """The bytes of all members, one after another; zeros may stand between them.

    Raises:
        EOFError: the file ends within a member.
        lzma.LZMAError: what follows a member is no other, or one is corrupt or asks for too much.
    """

    def __init__(self, path: str | Path) -> None:
        self._file = open(path, "rb")  # noqa: SIM115  # `close` closes it
        self._member = _member()

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        """Fills a buffer; 0 bytes mean the end."""
        while True:
            raw = b""
            if self._member.eof:
                raw = self._next()
                if not raw:
                    return 0
                self._member = _member()
            elif self._member.needs_input:
                raw = self._file.read(_CHUNK)
                if not raw:
                    raise EOFError("it ends before its last member does")
            data = self._unpacked(raw, len(buffer))
            if data:
                buffer[: len(data)] = data
                return len(data)

    def _next(self) -> bytes:
        """What follows a member and the zeros after it; nothing at the end of the file."""
        raw = self._member.unused_data
        while not (rest := raw.lstrip(b"\0")):
            raw = self._file.read(_CHUNK)
            if not raw:
                return b""
        return rest

    def _unpacked(self, raw: bytes, most: int) -> bytes:
        try:
            return self._member.decompress(raw, most)
        except lzma.LZMAError as error:
            if "Memory usage limit" in str(error):
                raise lzma.LZMAError(f"it asks for more than {MEMORY >> 20} MiB") from None
            raise


def _member() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(memlimit=MEMORY)
