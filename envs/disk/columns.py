"""The flat arrays of episodes as files: appended to, and opened as memory maps."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np

INTEGERS = ("tokens", "units", "gold", "groups", "kinds", "costs")
BOUNDS = ("window_bounds", "text_bounds", "unit_bounds", "examples")
KINDS = {**dict.fromkeys(INTEGERS, "<i4"), **dict.fromkeys(BOUNDS, "<i8")}
"""What the numbers of each file are. ``examples`` are the bounds of lines in the examples' file."""


class Columns:
    """Writes flat arrays chunk by chunk.

    Args:
        folder: of the files.
        split: what their names begin with.
    """

    def __init__(self, folder: Path, split: str) -> None:
        self.folder, self.split = folder, split
        self.written = dict.fromkeys(KINDS, 0)
        self._last = dict.fromkeys(BOUNDS, 0)
        self._files: dict[str, BinaryIO] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """The writer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the files; a split without texts has bounds, too."""
        if kind is None:
            for name in BOUNDS:
                self._begin(name)
        self._stack.close()

    def add(self, flat: dict[str, Any]) -> None:
        """Append arrays by name; bounds begin at 0 and are moved to where the last ones ended."""
        units = self.written["gold"]
        for name, values in flat.items():
            if name in BOUNDS:
                self._begin(name)
                self._write(name, values[1:] + self._last[name])
                self._last[name] += int(values[-1])
            elif values is not None:
                if name == "costs" and self.written[name] < units:
                    self._ones(units - self.written[name])  # texts before, without costs
                self._write(name, values)
        if flat.get("costs") is None and self.written["costs"]:
            self._ones(len(flat["gold"]))

    def _ones(self, count: int) -> None:
        self._write("costs", np.ones(count, np.int32))

    def _begin(self, name: str) -> None:
        if not self.written[name]:
            self._write(name, np.zeros(1, np.int64))

    def _write(self, name: str, values: Any) -> None:
        if name not in self._files:
            file = (self.folder / f"{self.split}.{name}").open("wb")
            self._files[name] = self._stack.enter_context(file)
        self._files[name].write(np.ascontiguousarray(values, KINDS[name]).tobytes())
        self.written[name] += len(values)


def mapped(folder: Path, split: str, name: str, count: int) -> Any:
    """An array of a file, read-only; None where it was never written.

    Args:
        folder: of the files.
        split: what the file's name begins with.
        name: of the array.
        count: how many numbers it has.
    """
    file = folder / f"{split}.{name}"
    if not file.exists():
        return None if name in ("kinds", "costs") else np.zeros(0, KINDS[name])
    if not count:
        return np.zeros(0, KINDS[name])
    # A plain array over the map: what is computed from it is then no map that lies nowhere.
    return np.asarray(np.memmap(file, KINDS[name], "r", shape=(count,)))
