"""Many runs of `lingym train` in one folder: those that are done are not done again."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from lingym.scripts.train import Train
from lingym.scripts.training import say, train


def run_once(arguments: Train) -> dict[str, Any]:
    """Do a run, or read what came of it if it was done before with the same arguments.

    A run that was cut off is begun again: it has left a ``config.json`` and no ``metrics.json``.

    Returns:
        What stands in ``metrics.json``.

    Raises:
        ValueError: the folder holds a run with other arguments.
    """
    folder = arguments.out
    config, metrics = folder / "config.json", folder / "metrics.json"
    if config.exists():
        had = json.loads(config.read_text("utf-8"))["arguments"]
        now = json.loads(json.dumps(asdict(arguments), default=str))
        other = sorted(name for name in now if had.get(name) != now[name])
        if other:
            name = other[0]
            raise ValueError(
                f"{folder} holds a run with {name}={had.get(name)!r}, and {now[name]!r} is wanted "
                "now: give another --out, or remove it"
            )
        if metrics.exists():
            say(f"{folder}: done before")
            done: dict[str, Any] = json.loads(metrics.read_text("utf-8"))
            return done
        say(f"{folder}: was cut off, and is begun again")
        config.unlink()
    say(f"{folder}")
    return train(arguments)


def option(name: str, value: Any, where: str, known: Mapping[str, Any]) -> Any:
    """An option of `lingym train` as a file gives it.

    Args:
        name: of the option.
        value: as it was read.
        where: the file and the table, for errors.
        known: the options with their defaults.

    Raises:
        ValueError: there is no such option, or its value is of another type.
    """
    if name not in known:
        raise ValueError(f"{where}: lingym train has no option {name!r}")
    default = known[name]
    if isinstance(default, bool) != isinstance(value, bool):
        raise ValueError(f"{where}: {name} is {value!r}: wanted {type(default).__name__}")
    if isinstance(default, int | float) and not isinstance(value, int | float):
        raise ValueError(f"{where}: {name} is {value!r}: wanted a number")
    return value
