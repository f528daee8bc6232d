"""Checkpoints on disk: whole or not at all, told apart, and the one before is used."""

import errno
import json
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from safetensors import SafetensorError

from lingym.agents import checkpoint
from lingym.agents.checkpoint import (
    FILES,
    CheckpointError,
    checkpoints,
    last_checkpoint,
    read_checkpoint,
    remove_leftovers,
    write_checkpoint,
)
from lingym.agents.run_state import flat, tree_of
from lingym.files import NotWritten

STATE: dict[str, Any] = {
    "weights": {"a": torch.arange(6.0).view(2, 3), "b": torch.zeros(0), "c": torch.tensor(2.5)},
    "array": np.arange(4, dtype=np.int32)[::2],
    "scalar": np.float32(0.1),
    "deque": deque([{"r": 0.1}, (1, "x", None)], maxlen=7),
    "big": 2**120,
    "odd": [float("inf"), -0.0, True],
}


def same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor | np.ndarray | np.generic):
        return type(one) is type(other) and one.dtype == other.dtype and bool((one == other).all())
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple | deque):
        pairs = zip(one, other, strict=True)
        return type(one) is type(other) and all(same(*pair) for pair in pairs)
    return type(one) is type(other) and repr(one) == repr(other)


def write(folder: Path, episodes: int, run: str = "mine", keep: int = 2) -> Path:
    return write_checkpoint(folder, episodes, {**STATE, "n": episodes}, run, keep)


def test_a_state_comes_back_to_the_bit(tmp_path: Path) -> None:
    tied = torch.ones(3)
    state = {**STATE, "tied": [tied, tied]}
    write_checkpoint(tmp_path / "kept", 5, state, "mine", 2)
    found = last_checkpoint(tmp_path / "kept", "mine")
    assert found is not None and found.episodes == 5
    assert same(found.state, state)
    assert found.state["deque"].maxlen == 7


def test_what_is_no_data_is_refused_by_its_place() -> None:
    for odd in ({1: 2}, {"~": "tensor"}, {1, 2}, object(), np.array(["a"]), lambda: 0):
        with pytest.raises(TypeError, match=r"agent/odd is a .*which a checkpoint cannot keep"):
            flat({"agent": {"odd": odd}})
    with pytest.raises(ValueError, match="unknown kind 'pickle'"):
        tree_of({}, {"~": "pickle", "of": []})


def test_the_last_ones_stay(tmp_path: Path) -> None:
    for episodes in (8, 16, 100):
        write(tmp_path, episodes)
    assert [each.name for each in checkpoints(tmp_path)] == ["100", "16"]
    (tmp_path / ".7.new-123").mkdir()
    (tmp_path / ".100.old-9").mkdir()
    remove_leftovers(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["100", "16"]
    assert last_checkpoint(tmp_path / "none", "mine") is None


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) * 2 // 3] ^= 4
    file.write_bytes(content)


@pytest.mark.parametrize("spoil", [truncate, flip, Path.unlink])
@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_a_torn_one_is_told_and_the_one_before_used(
    tmp_path: Path, name: str, spoil: Callable[[Path], None]
) -> None:
    write(tmp_path, 8)
    spoil(write(tmp_path, 16) / name)
    told: list[str] = []
    found = last_checkpoint(tmp_path, "mine", told.append)
    if found is not None and found.episodes == 16:  # a flip in a word that nobody reads
        assert name == "manifest.json" and spoil is flip and not told
        return
    assert found is not None and found.state["n"] == 8
    assert len(told) == 1 and str(tmp_path / "16") in told[0] and "one before" in told[0]
    spoil(tmp_path / "8" / FILES[0])
    with pytest.raises(CheckpointError, match=r"no checkpoint of .* can be used: .*16.*;.*8"):
        last_checkpoint(tmp_path, "mine")


def test_a_later_one_that_is_torn_takes_no_place(tmp_path: Path) -> None:
    write(tmp_path, 8, keep=1)
    truncate(write(tmp_path, 24) / FILES[0])
    write(tmp_path, 16, keep=1)  # the run went on from 8
    assert [each.name for each in checkpoints(tmp_path)] == ["24", "16"]
    found = last_checkpoint(tmp_path, "mine")
    assert found is not None and found.state["n"] == 16
    write(tmp_path, 24, keep=1)
    assert [each.name for each in checkpoints(tmp_path)] == ["24"]


def test_foreign_ones_are_refused(tmp_path: Path) -> None:
    own = write(tmp_path, 8)
    with pytest.raises(CheckpointError, match="is of another run"):
        read_checkpoint(own, "other")
    manifest = json.loads((own / "manifest.json").read_text())
    (own / "manifest.json").write_text(json.dumps({**manifest, "format": 99}))
    with pytest.raises(CheckpointError, match="is of format 99, and this lingym reads 1"):
        read_checkpoint(own, "mine")
    (own / "manifest.json").write_text("[]")
    with pytest.raises(CheckpointError, match="no manifest"):
        read_checkpoint(own, "mine")


def no_space(*_: Any, **__: Any) -> None:
    raise SafetensorError("I/O error: No space left on device (os error 28)")


def test_a_full_disk_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, 8)
    monkeypatch.setattr(checkpoint, "save_file", no_space)
    with pytest.raises(NotWritten, match="No space left") as failed:
        write(tmp_path, 16)
    assert failed.value.errno == errno.ENOSPC
    assert os.listdir(tmp_path) == ["8"]
    with pytest.raises(NotWritten):
        write(tmp_path / "new", 16)
    assert not (tmp_path / "new").exists()
    monkeypatch.setattr(checkpoint, "save_file", safetensors.torch.save_file)
    found = last_checkpoint(tmp_path, "mine")
    assert found is not None and found.episodes == 8
