"""Faulty files of model folders, of learners that go on, and of checkpoints: read, or refused.

12 files of each kind, or as many as LINGYM_FUZZ says.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lingym.agents import Labeller
from lingym.agents.checkpoint import CheckpointError, read_checkpoint, write_checkpoint
from lingym.agents.online import OnlineLearner
from lingym.envs.corpora import Record
from lingym.files import sha256_of
from lingym.scripts.cli import main
from lingym.scripts.explain import Explain
from tests.fuzz.mutate import FAULTS, JSON_FAULTS, count, mutants, within

LIMIT = 30.0
TEXT = b'{"text": "fine", "label": "x"}\n{"text": "bad one", "label": "y"}\n'


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a labeller of texts that also learns as they come."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "a.jsonl").write_bytes(TEXT)
    options = "--task classification --encoder tiny --agent supervised --episodes 2 --device cpu"
    main(["train", "--out", f"{folder}/run", "--train", f"{folder}/a.jsonl", *options.split()])
    learner = OnlineLearner(Labeller.load(folder / "run", "cpu"))
    for text in ("fine", "bad one", "fine again"):
        learner.label([Record({"text": text}, "a.jsonl", (1,))])
    learner.save(folder / "online")
    return folder


def refused(folder: Path, file: Path, load: Callable[[], Any]) -> int:
    """How many mutants of a file were refused, each by a ValueError that names its folder."""
    content, number = file.read_bytes(), 0
    faults = JSON_FAULTS if file.suffix == ".json" else FAULTS
    for data in mutants([content], count(12), 0, faults):
        file.write_bytes(data)
        with within(LIMIT, data[:3000]):
            try:
                load()
            except ValueError as error:
                assert not isinstance(error, UnicodeError), error
                assert str(folder) in str(error) or file.name in str(error), error
                str(error).encode()
                number += 1
    file.write_bytes(content)
    load()
    return number


@pytest.mark.parametrize(
    "name", ["lingym.json", "config.json", "tokenizer.json", "policy.safetensors"]
)
def test_faulty_models_are_read_or_refused(model: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model / "run" / "model", folder)
    assert refused(folder, folder / name, lambda: Labeller.load(folder, "cpu")) > 0


@pytest.mark.parametrize("name", ["state.json", "state.safetensors"])
def test_faulty_learners_are_read_or_refused(model: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "online"
    shutil.copytree(model / "online", folder)
    file = folder / "online" / name
    assert refused(folder, file, lambda: OnlineLearner.load(folder, "cpu")) > 0


@pytest.mark.parametrize("name", ["state.json", "state.safetensors", "manifest.json"])
def test_faulty_checkpoints_are_refused_or_read(tmp_path: Path, name: str) -> None:
    """Also where the manifest is right about what stands there."""
    state = {"weights": {"a": torch.ones(3)}, "order": [1, (2, 3)], "curve": [0.5, float("nan")]}
    folder = write_checkpoint(tmp_path, 16, state, "run", 2)

    def load() -> None:
        if name != "manifest.json":
            manifest = json.loads((folder / "manifest.json").read_text())
            about = {"sha256": sha256_of(folder / name), "bytes": (folder / name).stat().st_size}
            manifest["files"][name] = about
            (folder / "manifest.json").write_text(json.dumps(manifest))
        try:
            read_checkpoint(folder, "run")
        except ValueError as error:
            assert isinstance(error, CheckpointError)
            raise

    assert refused(folder, folder / name, load) > 0


def test_texts_of_the_command_line_are_read_or_refused(model: Path) -> None:
    labeller = Labeller.load(model / "run", "cpu")
    texts = [b'{"text": "fine"}', b'["fine", "bad"]', b"fine"]
    read = 0
    for data in mutants(texts, count(40), 0, JSON_FAULTS):
        text = data.decode("utf-8", "surrogateescape").replace("\0", "")
        with within(LIMIT, data):
            try:
                Explain(model / "run", text).read(labeller)
                read += 1
            except ValueError as error:
                assert not isinstance(error, UnicodeError), error
    assert 0 < read < count(40)
