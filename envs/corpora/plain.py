"""Plain text: one text a line, split at white space into tokens. For text to be labelled."""

from collections.abc import Iterator
from pathlib import Path

from lingym.envs.corpora.files import read_lines
from lingym.envs.corpora.record import Record


def read_plain(path: str | Path) -> Iterator[Record]:
    """Yields a record ``{"text": ..., "tokens": [...]}`` for each line that is not blank.

    Args:
        path: a file as `read_lines` takes it.
    """
    for number, line in read_lines(path):
        if line.strip():
            yield Record({"text": line, "tokens": line.split()}, str(path), (number,))
