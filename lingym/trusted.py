"""Reading model folders that somebody else made: data only, and nothing outside the folder.

What a file says is not believed before it was looked at: its size, how deep it is, where a link
leads. Standard library alone, so that every room can use it.
"""

import json
import os
import stat
from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import Any

MOST_JSON = 256 << 20
"""Bytes of a JSON file; the largest tokenizers known have a tenth of it."""
MOST_NESTED = 64
MOST_HEADER = 100_000_000
"""Bytes of a safetensors header, as the format has it."""
MOST_FILES = 10_000
MOST_DEEP = 32
"""Folders within folders: a labeller that corrects a labeller that corrects ... holds them so."""

WIDTHS = {
    **dict.fromkeys(("BOOL", "U8", "I8"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "F64"), 8),
}
"""Bytes of a number of each type that weights and states are made of."""

Header = dict[str, tuple[str, tuple[int, ...]]]
"""The type and shape of each tensor, by its name."""


def read_json(file: Path) -> Any:
    """What a JSON file of a model folder holds.

    Raises:
        ValueError: it is no regular file, too large, too deep, no JSON or no UTF-8, or an object
            in it has a key twice, so that two readers may read two things.
    """
    _regular(file)
    if file.stat().st_size > MOST_JSON:
        raise ValueError(
            f"{file} has {file.stat().st_size:,} bytes; at most {MOST_JSON:,} are read"
        )
    try:
        text = file.read_text(encoding="utf-8")
        found = json.loads(text, object_pairs_hook=once)
        if "\\ud" in text or "\\uD" in text:  # half a surrogate pair, which nothing could print
            json.dumps(found, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise ValueError(f"{file} is not JSON that can be read: too deep") from None
    except (OSError, ValueError) as error:
        raise ValueError(f"{file} is not JSON that can be read: {error}") from None
    level: list[Any] = [found] if isinstance(found, dict | list) else []
    for _ in range(MOST_NESTED):  # so that whoever walks through it needs no stack to speak of
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return found
    raise ValueError(f"{file} is not JSON that can be read: more than {MOST_NESTED} deep")


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, for ``object_pairs_hook``.

    Raises:
        ValueError: it names a key twice.
    """
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the key {name[:80]!r} twice in one object")
        found[name] = value
    return found


def check_folder(folder: Path) -> None:
    """Refuse a folder in which something leads out of it, or is no ordinary file.

    A link within the folder is fine, and so is one into the ``blobs`` of a snapshot that the
    Hugging Face Hub's own cache made. The folder itself may be reached by any link: it is the user
    who names it.

    Raises:
        ValueError: a link leads out, there is a pipe or a device, or there is too much of it.
    """
    root = folder.resolve()
    homes = [root]
    if root.parent.name == "snapshots" and (root.parent.parent / "blobs").is_dir():
        homes.append(root.parent.parent / "blobs")
    seen, waiting = 0, [(root, 0)]
    while waiting:
        place, depth = waiting.pop()
        if depth > MOST_DEEP:
            raise ValueError(f"{folder} holds folders in folders, more than {MOST_DEEP} deep")
        with os.scandir(place) as entries:
            for entry in entries:
                seen += 1
                if seen > MOST_FILES:
                    raise ValueError(f"{folder} holds more than {MOST_FILES} files: no model does")
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((Path(entry.path), depth + 1))
                elif entry.is_symlink():
                    _leads_inside(Path(entry.path), homes, folder)
                elif not entry.is_file(follow_symlinks=False):
                    raise ValueError(f"{entry.path} is no ordinary file or folder")


def _leads_inside(link: Path, homes: Iterable[Path], folder: Path) -> None:
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a ring of links, before Python 3.13
        raise ValueError(f"{link} is a link that leads nowhere") from None
    if not any(target.is_relative_to(home) for home in homes):
        raise ValueError(
            f"{link} is a link that leads out of {folder}: a model is read from its own folder"
        )
    if target.is_dir():
        raise ValueError(f"{link} is a link to a folder: a model has its folders in place")
    _regular(target)


def _regular(file: Path) -> None:
    """Refuse what would never end, or is not there: a pipe, a device, a folder."""
    try:
        kind = file.stat().st_mode
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(kind):
        raise ValueError(f"{file} is no ordinary file")


def header_of(file: Path) -> Header:
    """The types and shapes that a safetensors file tells of, without its tensors.

    Raises:
        ValueError: the file is torn, or no safetensors file; a tensor's bytes are not those of its
            shape.
    """
    _regular(file)
    size = file.stat().st_size
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if size < 8 or length > min(size - 8, MOST_HEADER):
            raise ValueError(
                f"{file} cannot be read: its header has {length:,} bytes, of {size:,} that are "
                "there, so it is torn or no safetensors file"
            )
        text = opened.read(length)
    try:
        said = json.loads(text.decode("utf-8"), object_pairs_hook=once)
        told = {name: value for name, value in said.items() if name != "__metadata__"}
        found = {name: (str(v["dtype"]), tuple(v["shape"])) for name, v in told.items()}
        for name, (kind, shape) in found.items():
            begin, end = told[name]["data_offsets"]
            fair = all(type(n) is int and n >= 0 for n in (*shape, begin, end))
            if not fair or not begin <= end <= size - 8 - length:
                raise ValueError(f"{name[:80]} lies outside the file")
            if kind in WIDTHS and end - begin != WIDTHS[kind] * prod(shape):
                raise ValueError(f"{name[:80]} has not the bytes of its shape {list(shape)}")
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"{file} cannot be read: no safetensors header ({error})") from None
    return found
