"""One labelled text as it was read, with the place it came from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lingym.types import DataError

OnError = Callable[[DataError], None]
"""What a reader calls with a row that it cannot read, and then goes on without."""


def refuse(error: DataError) -> None:
    """The usual `OnError`: nothing is read of a file that has a faulty row."""
    raise error from None


_LONG = 2000


@dataclass(frozen=True)
class Record:
    """The named values of one text, and the file and lines that hold them.

    Attributes:
        fields: the values by name, as the reader found them; what they must be, a task knows.
        path: the file, or the name of the data set and its split.
        lines: the line of each token (CoNLL), or the one line on which the record begins.
        name: what errors call the record beside its line, where many records share one.
    """

    fields: Mapping[str, Any]
    path: str
    lines: tuple[int, ...]
    name: str = ""

    def __getitem__(self, key: str) -> Any:
        """The value of a field.

        Raises:
            DataError: the record has no such field; the message lists those it has.
        """
        if key not in self.fields:
            present = ", ".join(repr(name) for name in self.fields) or "none"
            raise self.error(f"wanted a field {key!r}, but the fields here are {present}")
        return self.fields[key]

    def __contains__(self, key: str) -> bool:
        """Whether the record has this field."""
        return key in self.fields

    def where(self, i: int | None = None) -> str:
        """The place as ``file:line``: of token i if its own line is known, else of the record."""
        line = self.lines[i] if i is not None and i < len(self.lines) else self.lines[0]
        return f"{self.path}:{line}"

    def error(self, message: str, i: int | None = None) -> DataError:
        """An error, to be raised by the caller, whose message begins with the place.

        A message that quotes much of the record keeps its beginning and its end.
        """
        if len(message) > _LONG:
            message = f"{message[: _LONG // 2]} ... {message[-_LONG // 4 :]}"
        return DataError(f"{self.where(i)}: {self.name and f'{self.name}: '}{message}")
