"""Whose a run is: what goes on with one that somebody else made runs no code, and stays inside."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from lingym.cache import is_sealed, seal
from lingym.rewards import own
from lingym.scripts.train import Train
from lingym.trusted import check_folder

MARK = "own_code"
"""The entry of ``config.json``."""
MARKED = ("arguments", "folder", "files")
"""What the mark is of: options, the folder that paths are from, the hashes of files."""
WRITTEN = ("feature_cache", "on_disk")
"""Options that name what a run writes beside its own folder."""
OFF = "off"


def mark_of(config: Mapping[str, Any]) -> dict[str, str]:
    """What a run notes, so that it can go on: that this user began it.

    Args:
        config: what its ``config.json`` is to hold.

    Returns:
        A further entry; none where there is no key to make it with.
    """
    try:
        return {MARK: seal(_content(config)).hex()}
    except OSError:
        return {}


def check_own(arguments: Train, config: Mapping[str, Any]) -> None:
    """Refuse to go on with a run that this user did not begin, where that could do harm.

    A run whose mark is missing or another's runs no reward file, and writes nowhere but in its own
    folder. One that is not where it began, or has no mark, has no link that leads out of it: what
    goes on removes old checkpoints, and the end of a log.

    Args:
        arguments: the run's options, with the folder where it is now as `out`.
        config: the whole of its ``config.json``.

    Raises:
        ValueError: something of it cannot be trusted.
    """
    folder = arguments.out
    told = "this user did not begin the run (its mark in config.json is missing, or of another key)"
    if _is_own(config):
        begun = Path(config["folder"]) / str(config["arguments"].get("out"))
        if begun.resolve() == folder.resolve():
            return
    else:
        for what, text in (("reward", arguments.reward), ("metric", arguments.metric)):
            if text is not None and own.places(text):
                raise ValueError(
                    f"the run's {what} {text} is code, and {told}: read the code, and give "
                    "the command that began the run, with another --out"
                )
        for name, place in _written(arguments):
            if not place.resolve().is_relative_to(folder.resolve()):
                raise ValueError(
                    f"the run writes to {place} (--{name.replace('_', '-')}), and {told}: give the "
                    "command that began it, with another --out"
                )
    check_folder(folder)


def _is_own(config: Mapping[str, Any]) -> bool:
    try:
        mark = bytes.fromhex(str(config.get(MARK)))
    except ValueError:
        return False
    return is_sealed(_content(config), mark)


def _content(config: Mapping[str, Any]) -> bytes:
    read = json.loads(json.dumps({name: config[name] for name in MARKED}, default=str))
    return b"run " + json.dumps(read, sort_keys=True).encode()


def _written(options: Any) -> Iterator[tuple[str, Path]]:
    for option in fields(options):
        value = getattr(options, option.name)
        if is_dataclass(value):
            yield from _written(value)
        elif option.name in WRITTEN and value is not None and value != OFF:
            yield option.name, Path(value).expanduser()
