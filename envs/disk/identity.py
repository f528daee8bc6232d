"""What an index was made from: all that could make its arrays others."""

import hashlib
import inspect
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import lingym.envs
from lingym.envs.corpora.streams import Stream
from lingym.envs.disk.stored import written
from lingym.envs.tasks import Example, Task

FORMAT = 1
"""Of the files; another number is another index."""
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def identity(task: Task, splits: Mapping[str, Any], **settings: Any) -> dict[str, Any]:
    """What tells one index from another, as JSON.

    Args:
        task: with all its settings; of a task that is no part of lingym also the file it is in.
        splits: the records of each split, as a `Stream` or held.
        settings: JSON values.

    Raises:
        DataError: a file cannot be read.
        ValueError: something of the task has no description that is the same in every process.
    """
    return {
        "format": FORMAT,
        "code": _code(),
        "tokenizers": metadata.version("tokenizers"),
        "task": described(task),
        "splits": {name: _of_records(records) for name, records in splits.items()},
        **settings,
    }


def key(told: Mapping[str, Any]) -> str:
    """A name for a folder."""
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]


def described(value: Any) -> Any:
    """A value as JSON that is the same in every process.

    Raises:
        ValueError: its text has an address of memory in it.
    """
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Mapping):
        return {str(name): described(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [described(each) for each in value]
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if isinstance(value, Task):
        kept = {n: each for n, each in vars(value).items() if n not in value.volatile}
        return [kind, _own_file(type(value)), described(kept)]
    text = repr(value)
    if not _ADDRESS.search(text):
        return [kind, text]
    if hasattr(value, "__dict__") and vars(value):
        return [kind, described(vars(value))]
    raise ValueError(
        f"{text} cannot be told from others of its kind, so an index of it could not be found "
        "again: give the task plain values (strings, numbers, lists)"
    )


def _of_records(records: Any) -> Any:
    if isinstance(records, Stream):
        return records.identity()
    digest = hashlib.sha256()
    for record in records:
        digest.update(written(Example((), None, record)))
    return digest.hexdigest()


@cache
def _code() -> str:
    """A hash of what reads and encodes texts."""
    digest = hashlib.sha256()
    root = Path(lingym.envs.__file__).parent
    for file in sorted(root.rglob("*.py")):
        digest.update(file.relative_to(root).as_posix().encode() + b"\0")
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _own_file(kind: type) -> str:
    """A hash of the file of a task that is not of lingym."""
    if kind.__module__.startswith("lingym."):
        return ""
    try:
        file = inspect.getsourcefile(kind)
        return hashlib.sha256(Path(file or "").read_bytes()).hexdigest()
    except (OSError, TypeError):
        raise ValueError(
            f"the class {kind.__qualname__} is in no file, so it could not be told whether it has "
            "changed since its texts were read: write it to a file"
        ) from None
