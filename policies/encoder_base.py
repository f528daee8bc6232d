"""The base of a part-trained encoder: the model that it was trained on, known by its hash."""

import hashlib
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from transformers.utils.hub import cached_file

from lingym.hub import TINY, encoder_path

WEIGHTS, TUNED = "model.safetensors", "tuned.safetensors"
VARIABLE = "LINGYM_BASE"
"""Environment variable: where bases lie that have moved; several are parted as in PATH."""


@dataclass(frozen=True)
class Base:
    """Which model a part-trained encoder stands on.

    Attributes:
        name: as it was given: ``minilm``, a folder, a Hub name.
        sha256: of its weights file; of a model folder of two weights files, of both.
    """

    name: str
    sha256: str


def base_of(name: str) -> Base | None:
    """An encoder as a base; None where it has no safetensors file that would tell it again."""
    found = None if name == TINY else fingerprint(name)
    return None if found is None else Base(name, found)


def find_base(base: Base, folder: Path, elsewhere: str | None = None) -> str:
    """Where a base lies now.

    Args:
        base: what is wanted.
        folder: of the model that stands on it, for the error.
        elsewhere: a further place to look, before those of ``LINGYM_BASE`` and its own name;
            several are parted as in PATH.

    Raises:
        ValueError: it is in none of the places; the message says what is.
    """
    places = joined(elsewhere, os.environ.get(VARIABLE), base.name) or ""
    told = []
    for place in dict.fromkeys(places.split(os.pathsep)):
        if Path(model_in(place)).resolve() == folder.resolve():
            told.append(f"{place} is that model itself")
            continue
        try:
            found = fingerprint(place)
        except (OSError, ValueError) as error:
            told.append(f"{place} cannot be read ({str(error).splitlines()[0]})")
            continue
        if found == base.sha256:
            return model_in(place)
        told.append(f"{place} has {found or 'no ' + WEIGHTS}")
    raise ValueError(
        f"{folder} holds only what was trained, on the base {base.name} whose weights have SHA-256 "
        f"{base.sha256}; found: {'; '.join(told)}. Say where the base is, by base= (--base), or in "
        f"the environment variable {VARIABLE}"
    )


def joined(*places: str | None) -> str | None:
    """Places where bases may lie, as one text; None where there are none."""
    return os.pathsep.join(place for place in places if place) or None


def model_in(place: str) -> str:
    """An encoder's name; for the folder of a run that of the model in it."""
    inner = Path(place) / "model"
    return str(inner) if (inner / "lingym.json").is_file() else place


def fingerprint(name: str) -> str | None:
    """The SHA-256 of an encoder's weights file; None where it has no single safetensors file."""
    path = encoder_path(model_in(name))
    if Path(path).is_dir():
        files = [Path(path) / file for file in (WEIGHTS, TUNED)]
        digests = [_sha256(file) for file in files if file.is_file()]
    else:
        optional: Any = {
            "_raise_exceptions_for_missing_entries": False,
            "_raise_exceptions_for_connection_errors": False,
        }
        file = cached_file(path, WEIGHTS, **optional)
        digests = [] if file is None else [_sha256(Path(file))]
    if len(digests) < 2:
        return digests[0] if digests else None
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()


def _sha256(file: Path) -> str:
    stat = file.stat()
    return _digest(file, stat.st_mtime_ns, stat.st_size)


@cache
def _digest(file: Path, changed: int, size: int) -> str:
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
