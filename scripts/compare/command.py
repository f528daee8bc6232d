"""A run of `lingym train` as the line that repeats it."""

import shlex
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from lingym.scripts.train import Train


def command_of(run: Train) -> str:
    """The command line of a run: only what differs from the defaults.

    ``lingym.scripts.cli.parse`` makes the same `Train` of it.
    """
    return shlex.join(["lingym", "train", *_words(run)])


def _words(part: Any) -> Iterator[str]:
    for field in fields(part):
        value = getattr(part, field.name)
        if is_dataclass(value):
            yield from _words(value)
        elif value != field.default:
            yield from _option(field.name, value, field.default)


def _option(name: str, value: Any, default: Any) -> Iterator[str]:
    written = name.replace("_", "-")
    if isinstance(default, bool):
        yield f"--{written}" if value else f"--no-{written}"
    elif isinstance(value, tuple | list):
        yield f"--{written}"
        yield from map(str, value)
    else:
        yield f"--{written}"
        yield str(value)
