"""The base of a part-trained encoder: the model that it was trained on, known by its hash."""

import hashlib
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from re import fullmatch
from typing import Any

from transformers.utils.hub import cached_file

from lingym.cache import note_base, noted_bases
from lingym.hub import TINY, encoder_path

WEIGHTS, TUNED = "model.safetensors", "tuned.safetensors"
HUB_NAME = r"\w[\w.-]*(/\w[\w.-]*)?"
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
    if found is None:
        return None
    local = Path(model_in(name)).is_dir()
    note_base(found, str(Path(name).resolve()) if local else name)
    return Base(name, found)


def find_base(base: Base, folder: Path, elsewhere: str | None = None) -> str:
    """Where a base lies now.

    What a model says of its base's name is not followed: by itself it leads to no other folder,
    and fetches nothing. It is looked for where the user says, where this user's own lingym last
    saw a base of that hash (`lingym.cache`), and among what is on this machine of the Hub.

    Args:
        base: what is wanted.
        folder: of the model that stands on it, for the error.
        elsewhere: a further place to look, before those of ``LINGYM_BASE`` and those noted;
            several are parted as in PATH.

    Raises:
        ValueError: it is in none of the places; the message says what is.
    """
    told = []
    named = joined(elsewhere, os.environ.get(VARIABLE))
    places = [] if named is None else named.split(os.pathsep)
    for place in dict.fromkeys([*places, *noted_bases(base.sha256)]):
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
    if fullmatch(HUB_NAME, base.name) and not Path(base.name).exists():
        where, held = _of_hub(base.name)
        if held == base.sha256:
            return where
        told.append(f"{base.name} has {held}" if held else f"{base.name} is not on this machine")
    elif base.name in (str(folder), str(folder.parent)):
        told.append(f"{base.name} is that model itself")
    else:
        told.append(f"{base.name} is the model's word for it, and not followed")
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


def _of_hub(name: str) -> tuple[str, str | None]:
    """Where a model of the Hub lies, if it was fetched before, and its SHA-256; asks no network."""
    path = encoder_path(name)
    if Path(path).is_dir():  # minilm, installed as a package
        return name, fingerprint(name)
    optional: Any = {
        "_raise_exceptions_for_missing_entries": False,
        "_raise_exceptions_for_connection_errors": False,
    }
    file = cached_file(path, WEIGHTS, local_files_only=True, **optional)
    return (name, None) if file is None else (str(Path(file).parent), _sha256(Path(file)))


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
