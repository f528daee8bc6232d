"""The command line of a `lingym train` run, from its options."""

import shlex
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_type_hints

from lingym.scripts.train import Train


def command_of(arguments: Train) -> str:
    """The line to type for a run: what is as by default is left out.

    Reads back as it was: ``parse(shlex.split(line)[1:]) == arguments``.
    """
    return shlex.join(["lingym", "train", *_words(arguments)])


def _words(given: Any) -> list[str]:
    hints = get_type_hints(type(given))
    words: list[str] = []
    for field in fields(given):
        value = getattr(given, field.name)
        if is_dataclass(value):  # its options are written without a prefix
            words += _words(value)
            continue
        if field.default is not MISSING and value == field.default:
            continue
        name = field.name.replace("_", "-")
        if hints[field.name] is bool:
            words.append(f"--{name}" if value else f"--no-{name}")
        elif isinstance(value, tuple):
            words += [f"--{name}", *map(str, value)]
        else:
            words += [f"--{name}", str(value)]
    return words
