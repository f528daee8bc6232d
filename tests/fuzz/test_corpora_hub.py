"""Faulty folders of `save_to_disk`: records, or a `DataError` that begins with the name."""

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from lingym.envs.corpora import read_records
from lingym.types import DataError
from tests.fuzz.mutate import JSON_FAULTS, count, mutants, within

datasets = pytest.importorskip("datasets")

FILES = ("state.json", "dataset_info.json")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub") / "saved"
    features = datasets.Features(
        {
            "tokens": datasets.Sequence(datasets.Value("string")),
            "label": datasets.ClassLabel(names=["no", "yes"]),
        }
    )
    rows: dict[str, Any] = {"tokens": [["a", "b"], ["c"]], "label": [1, -1]}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(folder))
    return folder


def test_faulty_descriptions_are_read_or_refused(saved: Path, tmp_path: Path) -> None:
    """The data themselves are Arrow's, which its library reads."""
    chance = random.Random(0)
    files = {name: (saved / name).read_bytes() for name in FILES}
    turns = {name: mutants([data], count(), 3, JSON_FAULTS) for name, data in files.items()}
    folder = tmp_path / "faulty"
    shutil.copytree(saved, folder)
    name = f"hf:{folder}"
    assert len(read_records(name)) == 2
    read = refused = 0
    for _ in range(min(count() // 3, 1000)):
        changed = chance.choice(FILES)
        data = next(turns[changed])
        (folder / changed).write_bytes(data)
        with within(20, data):
            try:
                records = read_records(name)
            except DataError as error:
                assert str(error).startswith(f"{name}: ") or f"{name}:" in str(error)
                refused += 1
            else:
                assert all(type(record.fields) is dict for record in records)
                read += 1
        (folder / changed).write_bytes(files[changed])
    assert read and refused


def test_a_class_that_has_no_name_is_refused(saved: Path, tmp_path: Path) -> None:
    """-2 was read as the name before the last."""
    folder = tmp_path / "a"
    datasets.Dataset.from_dict({"label": [0, 1, -2]}).save_to_disk(str(folder))
    info = json.loads((folder / "dataset_info.json").read_text())
    info["features"]["label"] = {"names": ["no", "yes"], "_type": "ClassLabel"}
    (folder / "dataset_info.json").write_text(json.dumps(info))
    with pytest.raises(DataError, match=r"hf:.*/a:3: wanted a class of 0 \.\. 1, or -1 .* got -2"):
        read_records(f"hf:{folder}")


def test_torn_data_are_refused(saved: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    shutil.copytree(saved, folder)
    (arrow,) = folder.glob("*.arrow")
    whole = arrow.read_bytes()
    for size in (0, 8, 100, len(whole) // 2):
        arrow.write_bytes(whole[:size])
        with pytest.raises(DataError, match=r"hf:.*/a: cannot be loaded: "):
            read_records(f"hf:{folder}")
