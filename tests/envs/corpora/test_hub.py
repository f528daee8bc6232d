"""Hugging Face data sets: saved ones, names of classes, and what a name may mean."""

import sys
from pathlib import Path
from typing import Any

import pytest

from lingym.envs.corpora import hub, load_corpus, read_records
from lingym.types import DataError

datasets = pytest.importorskip("datasets")

ROWS = {"tokens": [["EU", "rejects"], ["x"]], "ner_tags": [[1, 0], [0]], "label": [1, -1]}


@pytest.fixture(scope="module")
def table() -> Any:
    features = datasets.Features(
        {
            "tokens": datasets.Sequence(datasets.Value("string")),
            "ner_tags": datasets.Sequence(datasets.ClassLabel(names=["O", "B-ORG"])),
            "label": datasets.ClassLabel(names=["no", "yes"]),
        }
    )
    return datasets.Dataset.from_dict(ROWS, features=features)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, table: Any) -> Path:
    folder = tmp_path_factory.mktemp("hub")
    table.save_to_disk(str(folder / "single"))
    parts = {"train": table, "validation": table.select([1]), "test": table.select([0])}
    datasets.DatasetDict(parts).save_to_disk(str(folder / "parts"))
    return folder


def test_class_numbers_become_names(saved: Path) -> None:
    first, second = read_records(f"hf:{saved}/single")
    assert first.fields == {"tokens": ["EU", "rejects"], "ner_tags": ["B-ORG", "O"], "label": "yes"}
    assert second["label"] is None
    assert second.where() == f"hf:{saved}/single:2"


def test_names_are_found_in_lists_and_objects(tmp_path: Path) -> None:
    kind = datasets.ClassLabel(names=["no", "yes"])
    text = datasets.Value("string")
    features = {
        "labels": [kind],  # as of a multi-label task
        "roles": datasets.Sequence(datasets.Sequence(kind)),
        "answers": datasets.Sequence(
            {"text": text, "start": datasets.Value("int32"), "kind": kind}
        ),
        "choices": datasets.Sequence(text),
        "turns": [{"text": text, "kind": kind}],
        "inner": {"kind": kind, "none": datasets.Sequence(kind)},
    }
    row = {
        "labels": [1, 0],
        "roles": [[1], []],
        "answers": {"text": ["a", "b"], "start": [3, 4], "kind": [0, -1]},
        "choices": ["a", "b"],
        "turns": [{"text": "a", "kind": 1}],
        "inner": {"kind": 1, "none": None},
    }
    table = datasets.Dataset.from_list([row], features=datasets.Features(features))
    table.save_to_disk(str(tmp_path / "nested"))
    (record,) = read_records(f"hf:{tmp_path}/nested")
    assert record.fields == {
        "labels": ["yes", "no"],
        "roles": [["yes"], []],
        "answers": {"text": ["a", "b"], "start": [3, 4], "kind": ["no", None]},
        "choices": ["a", "b"],
        "turns": [{"text": "a", "kind": "yes"}],
        "inner": {"kind": "yes", "none": None},
    }


class Sequence:
    """How datasets 3 says that a column holds lists, or objects by column."""

    def __init__(self, feature: Any) -> None:
        self.feature = feature


def test_features_of_datasets_3() -> None:
    kind = datasets.ClassLabel(names=["no", "yes"])
    answers = Sequence({"text": datasets.Value("string"), "kind": kind})
    value = {"text": ["a", "b"], "kind": [1, 0]}
    assert named(answers, value) == {"text": ["a", "b"], "kind": ["yes", "no"]}
    assert named([{"kind": kind}], [{"kind": 1}]) == [{"kind": "yes"}]
    assert named([Sequence(kind)], [[1], [-1]]) == [["yes"], [None]]


def named(feature: Any, value: Any) -> Any:
    return hub._named(feature, value, datasets.ClassLabel)


def test_splits_are_found_and_dev_is_also_validation(saved: Path, table: Any) -> None:
    corpus = load_corpus(f"hf:{saved}/parts")
    assert [len(corpus.train), len(corpus.dev), len(corpus.test)] == [2, 1, 1]
    assert corpus.dev[0].path == f"hf:{saved}/parts[validation]"
    assert corpus.dev[0]["tokens"] == ["x"]
    odd = saved / "odd"
    datasets.DatasetDict({"extra": table}).save_to_disk(str(odd))
    with pytest.raises(DataError, match=r"has no split train, dev or test, only extra"):
        load_corpus(f"hf:{odd}")
    (test,) = read_records(f"hf:{saved}/parts?split=test")
    assert test["tokens"] == ["EU", "rejects"]


def test_a_folder_may_be_relative(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(saved)
    assert len(read_records("hf:single")) == len(read_records("hf:./single")) == 2


def test_wrong_names(saved: Path) -> None:
    with pytest.raises(DataError, match=r"has no split extra, only train, validation, test"):
        read_records(f"hf:{saved}/parts?split=extra")
    with pytest.raises(DataError, match=r"has no splits, so no train"):
        read_records(f"hf:{saved}/single?split=train")
    with pytest.raises(DataError, match=r"there is no such folder"):
        read_records(f"hf:{saved}/none")
    with pytest.raises(DataError, match=r"wanted a folder that save_to_disk wrote"):
        read_records(f"hf:{saved}")
    for name in ("hf:", "hf:a?part=test", "hf:a?split", "hf:a/b/c/d"):
        with pytest.raises(ValueError, match=r"wanted hf:NAME"):
            read_records(name)
    with pytest.raises(ValueError, match=r"a corpus is all splits"):
        load_corpus("hf:a?split=train")


class Hub:
    """Stands in for the Hub: knows some data sets, and notes what it was asked for."""

    def __init__(self, table: Any, *known: tuple[str, str | None]) -> None:
        self.table, self.known, self.asked = (
            table,
            known,
            list[tuple[str, str | None, str | None]](),
        )

    def load_dataset(self, path: str, name: str | None, split: str | None) -> Any:
        self.asked.append((path, name, split))
        if (path, name) not in self.known:
            raise FileNotFoundError(f"no {path}")
        return self.table if split else datasets.DatasetDict({"train": self.table})


@pytest.mark.parametrize(
    ("written", "known", "tried"),
    [
        ("imdb", ("imdb", None), 1),
        ("org/name", ("org/name", None), 1),
        ("conll2003/cfg", ("conll2003", "cfg"), 2),
        ("org/name/cfg", ("org/name", "cfg"), 1),
    ],
)
def test_what_a_name_means(
    monkeypatch: pytest.MonkeyPatch, table: Any, written: str, known: Any, tried: int
) -> None:
    hub = Hub(table, known)
    monkeypatch.setattr(datasets, "load_dataset", hub.load_dataset)
    first = read_records(f"hf:{written}")[0]
    assert len(hub.asked) == tried
    assert hub.asked[-1] == (*known, None)
    assert first.where() == f"hf:{written}[train]:1"
    assert read_records(f"hf:{written}?split=train[:5%]+test")[0].where() == (
        f"hf:{written}[train[:5%]+test]:1"
    )
    assert hub.asked[-1] == (*known, "train[:5%]+test")


def test_a_folder_with_nothing_saved_hides_no_data_set(
    monkeypatch: pytest.MonkeyPatch, table: Any, tmp_path: Path
) -> None:
    (tmp_path / "imdb").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets, "load_dataset", Hub(table, ("imdb", None)).load_dataset)
    assert len(read_records("hf:imdb")) == 2


def test_an_unknown_name(monkeypatch: pytest.MonkeyPatch, table: Any) -> None:
    monkeypatch.setattr(datasets, "load_dataset", Hub(table).load_dataset)
    with pytest.raises(DataError) as error:
        read_records("hf:org/name")
    assert str(error.value) == "hf:org/name: cannot be loaded: no org/name; no org"


def test_the_library_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"pip install 'lingym\[datasets\]'"):
        read_records("hf:imdb")
