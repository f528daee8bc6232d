"""A checkpoint on disk: tensors, JSON and their hashes, written whole or not at all.

``<episodes>/`` holds ``state.safetensors``, ``state.json``, and ``manifest.json``: the format, the
version, the run, and the SHA-256 and size of the other two. Nothing is pickled.
"""

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from lingym.agents.run_state import flat, tree_of
from lingym.files import replace_file, replace_folder, sha256_of, sync_folder

FORMAT = 1
FILES = ("state.safetensors", "state.json")


class CheckpointError(ValueError):
    """A checkpoint is torn, or of another run or format; the message names it."""


@dataclass(frozen=True)
class Checkpoint:
    """What was read."""

    folder: Path
    episodes: int
    state: dict[str, Any]


def write_checkpoint(
    folder: Path, episodes: int, state: Mapping[str, Any], run: str, keep: int
) -> Path:
    """Write a checkpoint, and remove old ones.

    Args:
        folder: of the run's checkpoints.
        episodes: texts that were learned from.
        state: what `EpisodicAlgorithm.run_state` gave.
        run: whose it is: any words that another run has not.
        keep: how many stay, this one among them.

    Returns:
        The checkpoint's folder.

    Raises:
        NotWritten: the disk is full, or nothing may be written there; those before still stand.
        TypeError: the state holds what is no data.
    """
    tensors, values = flat(state)
    own = folder / str(episodes)

    def write(new: Path) -> None:
        _save(tensors, new / FILES[0])
        (new / FILES[1]).write_text(json.dumps(values), encoding="utf-8")
        held = {
            name: {"sha256": sha256_of(new / name), "bytes": (new / name).stat().st_size}
            for name in FILES
        }
        about = {"format": FORMAT, "lingym": version("lingym"), "run": run, "episodes": episodes}
        text = json.dumps({**about, "files": held}, indent=2)
        replace_file(new / "manifest.json", text + "\n")

    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    if made:
        sync_folder(folder.parent)
    try:
        replace_folder(own, write)
    except BaseException:
        if made:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    before = [each for each in checkpoints(folder) if int(each.name) <= episodes]
    for old in before[keep:]:  # one that is later cannot be used, else the run were there
        shutil.rmtree(old, ignore_errors=True)
    return own


def checkpoints(folder: Path) -> list[Path]:
    """The folders of checkpoints, the latest first; whole or torn."""
    if not folder.is_dir():
        return []
    found = [each for each in folder.iterdir() if each.is_dir() and each.name.isdecimal()]
    return sorted(found, key=lambda each: -int(each.name))


def read_checkpoint(folder: Path, run: str) -> Checkpoint:
    """Read one checkpoint.

    Raises:
        CheckpointError: it is torn, or of another run or format.
    """
    manifest = _manifest(folder)
    if manifest.get("format") != FORMAT:
        raise CheckpointError(
            f"{folder} is of format {manifest.get('format')}, and this lingym reads {FORMAT}"
        )
    if manifest.get("run") != run:
        raise CheckpointError(f"{folder} is of another run, or the run's config.json was changed")
    held = manifest.get("files")
    for name in FILES:
        file, told = folder / name, held.get(name) if isinstance(held, dict) else None
        if not isinstance(told, dict) or not file.is_file():
            raise CheckpointError(f"{folder} is torn: it has no {name}")
        if file.stat().st_size != told.get("bytes") or sha256_of(file) != told.get("sha256"):
            raise CheckpointError(f"{folder} is torn: {name} is not what was written")
    try:
        values = json.loads((folder / FILES[1]).read_text(encoding="utf-8"))
        state = tree_of(load_file(folder / FILES[0]), values)
    except (
        *(OSError, ValueError, LookupError, SafetensorError),
        *(AttributeError, RecursionError, TypeError),  # values of another form
    ) as error:
        raise CheckpointError(f"{folder} cannot be read: {error}") from error
    return Checkpoint(folder, int(folder.name), state)


def last_checkpoint(
    folder: Path, run: str, tell: Callable[[str], None] = lambda _: None
) -> Checkpoint | None:
    """The latest checkpoint that is whole; None where none was written.

    Args:
        folder: of the run's checkpoints.
        run: whose they must be.
        tell: is told of each that is refused.

    Raises:
        CheckpointError: there are some, and none can be used.
    """
    faults = []
    for each in checkpoints(folder):
        try:
            return read_checkpoint(each, run)
        except CheckpointError as error:
            faults.append(str(error))
            tell(f"{error}: the one before it is looked at")
    if faults:
        raise CheckpointError(f"no checkpoint of {folder} can be used: {'; '.join(faults)}")
    return None


def remove_leftovers(folder: Path) -> None:
    """Remove what a process that was killed had begun to write or to remove."""
    if folder.is_dir():
        for each in folder.iterdir():
            if re.fullmatch(r"\.\d+\.(new|old)-\d+", each.name):
                shutil.rmtree(each, ignore_errors=True)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, RecursionError, ValueError) as error:
        raise CheckpointError(f"{folder} is torn: its manifest.json cannot be read") from error
    if not isinstance(manifest, dict):
        raise CheckpointError(f"{folder} is torn: its manifest.json is no manifest")
    return manifest


def _save(tensors: Mapping[str, Tensor], file: Path) -> None:
    """Write tensors; weights that are tied are written each for itself."""
    seen: set[int] = set()
    own: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        place = tensor.untyped_storage().data_ptr()
        own[name] = tensor.clone() if place in seen else tensor
        seen.add(place)
    save_file(own, file)
