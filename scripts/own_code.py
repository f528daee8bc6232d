"""Whose code a run's reward is: only what this user began goes on with a reward file of its own."""

import json
from collections.abc import Mapping
from typing import Any

from lingym.cache import is_sealed, seal
from lingym.rewards import own

MARK = "own_code"
"""The entry of ``config.json``."""


def mark_of(reward: str | None, files: Mapping[str, str]) -> dict[str, str]:
    """What a run notes, so that it can go on: that this user named the code of its reward.

    Args:
        reward: as text; of one that is built in nothing is noted.
        files: the SHA-256 of each file that the run is made from.

    Returns:
        An entry of ``config.json``; none where there is no key to make it with.
    """
    if reward is None or not own.places(reward):
        return {}
    try:
        return {MARK: seal(_content(reward, files)).hex()}
    except OSError:
        return {}


def check_own(reward: str | None, config: Mapping[str, Any]) -> None:
    """Refuse to go on with a run whose reward is code that this user did not name.

    Args:
        reward: as text, of the run's options.
        config: the whole of its ``config.json``.

    Raises:
        ValueError: the run's mark is missing, or another's.
    """
    if reward is None or not own.places(reward):
        return
    try:
        mark = bytes.fromhex(str(config.get(MARK)))
    except ValueError:
        mark = b""
    if not is_sealed(_content(reward, config["files"]), mark):
        raise ValueError(
            f"the run's reward {reward} is code, and this user did not begin the run (its mark in "
            "config.json is missing, or of another key): read the code, and give the command that "
            "began the run, with another --out"
        )


def _content(reward: str, files: Mapping[str, str]) -> bytes:
    named = {str(file): files.get(str(file)) for file in own.files(reward)}
    return json.dumps(["reward", reward, named], sort_keys=True).encode()
