"""Feedback that people write: JSON lines in a file that grows, or in a named pipe."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lingym.reading import parse_json
from lingym.types import DataError

FORMS = 'wanted {"id": n, "score": x} or {"id": n, "scores": [x, ...]}'
LONGEST = 1 << 24
TOO_LONG = f"wanted lines of at most {LONGEST >> 20} MiB, got a longer one: {FORMS}"


@dataclass(frozen=True)
class Given:
    """One line of feedback."""

    id: int
    rewards: float | list[float]  # for the whole text, or one for each unit
    file: Path
    line: int

    @property
    def score(self) -> float:
        """What the text's labels were worth together."""
        return float(sum(self.rewards) if isinstance(self.rewards, list) else self.rewards)

    def error(self, message: str) -> DataError:
        """An error that names file and line."""
        return DataError(f"{self.file}:{self.line}: {message}")


class FeedbackFile:
    """Reads the lines that were completed since it last looked, and waits for none.

    Args:
        path: a file or a named pipe.

    Raises:
        DataError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.lines, self._rest = path, 0, b""
        try:
            # Without O_NONBLOCK a named pipe that nobody writes to yet would hold up the texts.
            self._file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror})") from None

    def __del__(self) -> None:
        """Close the file."""
        if hasattr(self, "_file"):
            os.close(self._file)

    def read(self) -> Iterator[Given]:
        """The feedback of new lines; a last line without its end waits for the rest.

        Raises:
            DataError: a line is no feedback; the message names file and line.
        """
        while chunk := self._chunk():
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            if len(self._rest) > LONGEST:
                raise DataError(f"{self.path}:{self.lines + len(lines) + 1}: {TOO_LONG}")
            for line in lines:
                self.lines += 1
                if line.strip():
                    yield self._given(line)

    def finish(self) -> Iterator[Given]:
        """The feedback of new lines, and of a last one that was left without its end.

        Raises:
            DataError: a line is no feedback; the message names file and line.
        """
        yield from self.read()
        line, self._rest = self._rest, b""
        if line.strip():
            self.lines += 1
            yield self._given(line)

    def _chunk(self) -> bytes:
        try:
            return os.read(self._file, 1 << 16)
        except BlockingIOError:  # a pipe whose writer says nothing now
            return b""

    def _given(self, line: bytes) -> Given:
        where = f"{self.path}:{self.lines}"
        try:
            value: Any = parse_json(line.decode("utf-8"), where)
        except UnicodeDecodeError as error:
            raise DataError(f"{where}: not UTF-8 ({error.reason}): {FORMS}") from None
        keys = set(value) if isinstance(value, dict) else set()
        if keys not in ({"id", "score"}, {"id", "scores"}):
            raise DataError(f"{where}: got {line.decode()[:80]!r}: {FORMS}")
        rewards = value.get("score", value.get("scores"))
        each = rewards if "scores" in keys else [rewards]
        sound = isinstance(each, list) and all(type(score) in (int, float) for score in each)
        if type(value["id"]) is not int or not sound:
            raise DataError(f"{where}: got {line.decode()[:80]!r}: {FORMS}")
        return Given(value["id"], rewards, self.path, self.lines)
