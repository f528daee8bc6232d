"""The files that a run is made from, by their hashes: one that goes on finds them unchanged."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from lingym.files import sha256_of
from lingym.hub import TINY
from lingym.reading import read_toml
from lingym.rewards.own import files as reward_files
from lingym.scripts.mix import FILES, beside
from lingym.scripts.train import Train

NOT_READ = ("out", "resume", "feature_cache", "on_disk")
"""Options that name what a run writes, or could write anew."""
READ = ("train", "dev", "test", "corpus", "encoder", "base")
"""Options that may name a file or folder by a word that does not look like one."""
NAMES = (TINY, "minilm")
"""Words among them that never do."""


def files_of(arguments: Train) -> dict[str, str]:
    """The SHA-256 of every file that an option names, or that lies in a folder one names.

    Files of a reward and of a mix are among them. Names of corpora and encoders that are no paths
    (a generated corpus, the Hub) are not.
    """
    found: dict[str, str] = {}
    for named in _named(arguments):
        try:
            inside = [named] if named.is_file() else sorted(named.rglob("*"))
        except OSError:  # a text that is too long to be a path
            continue
        for file in inside:
            if file.is_file():
                found[str(file)] = sha256_of(file)
    return found


def changed(files: Mapping[str, str]) -> list[str]:
    """Which of these files are not what they were, in words."""
    told = []
    for name, sha256 in files.items():
        if not Path(name).is_file():
            told.append(f"{name} is gone")
        elif sha256_of(name) != sha256:
            told.append(f"{name} was changed")
    return told


def _named(options: Any) -> Iterator[Path]:
    for option in fields(options):
        value = getattr(options, option.name)
        if is_dataclass(value):
            yield from _named(value)
        elif option.name in ("reward", "metric") and value is not None:
            yield from reward_files(value)
        elif option.name not in NOT_READ and isinstance(value, str | Path) and str(value):
            path = Path(value).expanduser()
            told = option.name in READ and value not in NAMES
            if told or "/" in str(value) or path.suffix or isinstance(value, Path):
                yield path
        if option.name == "mix" and value is not None and Path(value).is_file():
            for table in read_toml(Path(value)).values():
                yield from (Path(beside(Path(value), table[key])) for key in FILES if key in table)
