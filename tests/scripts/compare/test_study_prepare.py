import gzip
import lzma
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lingym.envs.corpora import read_records
from lingym.scripts.compare.prepare import prepare, sources
from lingym.scripts.compare.study import Arm, Data, Study

RECORDS = [
    '{"text": "one\u2028two", "label": "a"}\r\n',
    '{"label":  "b", "text": "three\x85"}\n',
    "\n",
    '{"text": "four", "label": "a"}\n',
    '{"text": "\\u0041", "label": "b"}',  # no line end
]
OPENERS: dict[str, Callable[..., Any]] = {"": open, ".xz": lzma.open, ".gz": gzip.open}


def study_of(train: Path, dev: int, folder: Path | None = None, **more: Any) -> Study:
    test = (folder or train.parent) / "test.jsonl"
    test.write_text('{"text": "t", "label": "a"}\n', encoding="utf-8")
    given = {"task": "classification", "train": str(train), "test": str(test)} | more
    data = Data("My set", given, "accuracy", dev_from_train=dev, warm=1, more=1)
    return Study("s", "", (0,), (data,), (Arm("a", "warm", {"agent": "supervised"}),))


@pytest.mark.parametrize("ending", OPENERS)
def test_the_last_texts_are_dev_to_the_byte(ending: str, tmp_path: Path) -> None:
    train = tmp_path / f"train.jsonl{ending}"
    with OPENERS[ending](train, "wb") as file:
        file.write("".join(RECORDS).encode())
    study = study_of(train, 2)
    out = tmp_path / "out"
    prepare(study, out)
    files = sources(study.data[0], out)
    assert files["train"] == str(out / "data/my-set/split/train.jsonl")
    assert Path(files["train"]).read_bytes() == "".join(RECORDS[:3]).encode()
    assert Path(files["dev"]).read_bytes() == "".join(RECORDS[3:]).encode()
    assert files["test"] == str(tmp_path / "test.jsonl")
    assert [record["text"] for record in read_records(files["dev"])] == ["four", "A"]


def test_test_texts_are_behind_those_of_dev(tmp_path: Path) -> None:
    train = tmp_path / "train.csv"
    train.write_bytes(b'text,label\n"two\nlines",a\nx,b\n"more\nlines",a\ny,b\n')
    both = study_of(train, 2)
    data = replace(both.data[0], test_from_train=1)
    data = replace(data, options={key: data.options[key] for key in ("task", "train")})
    out = tmp_path / "out"
    prepare(replace(both, data=(data,)), out)
    files = {split: Path(file).read_bytes() for split, file in sources(data, out).items()}
    assert files == {
        "train": b'text,label\n"two\nlines",a\n',
        "dev": b'text,label\nx,b\n"more\nlines",a\n',
        "test": b"text,label\ny,b\n",
    }
    other, dev = tmp_path / "other", tmp_path / "dev.csv"
    dev.write_bytes(b"text,label\nz,a\n")
    alone = replace(data, dev_from_train=None, options={**data.options, "dev": str(dev)})
    prepare(replace(both, data=(alone,)), other)
    assert sources(alone, other)["dev"] == str(dev)
    assert [len(read_records(file)) for file in sources(alone, other).values()] == [3, 1, 1]
    many = replace(data, test_from_train=2)
    with pytest.raises(ValueError, match="dev_from_train 2 and test_from_train 2 leave nothing of"):
        prepare(replace(both, data=(many,)), tmp_path / "third")


def test_texts_may_be_drawn(tmp_path: Path) -> None:
    train = tmp_path / "train.csv"
    texts = [f'"{number}\n",{"ab"[number > 49]}\n' for number in range(100)]
    train.write_text("text,label\n" + "".join(texts), newline="")
    study = study_of(train, 20)
    data = replace(study.data[0], cut_seed=3)
    prepare(replace(study, data=(data,)), tmp_path / "out")
    files = {split: Path(file) for split, file in sources(data, tmp_path / "out").items()}
    parts = [files[split].read_text(encoding="utf-8") for split in ("train", "dev")]
    assert all(part.startswith("text,label\n") for part in parts)
    kept = [[text for text in texts if text in part] for part in parts]
    assert ["".join(part) for part in kept] == [part[11:] for part in parts]  # in order, no more
    assert [len(part) for part in kept] == [80, 20]
    assert sorted(kept[0] + kept[1]) == sorted(texts)
    assert 4 < sum(",a" in text for text in kept[1]) < 16
    other = replace(study, data=(replace(data, cut_seed=4),))
    with pytest.raises(ValueError, match="holds another split"):
        prepare(other, tmp_path / "out")
    prepare(other, tmp_path / "other")
    assert sources(other.data[0], tmp_path / "other")["dev"] != str(files["dev"])
    assert Path(sources(other.data[0], tmp_path / "other")["dev"]).read_text() != parts[1]


def test_sentences_of_columns_stay_whole(tmp_path: Path) -> None:
    train = tmp_path / "train.conll"
    train.write_bytes(b"a\tO\nb\tB-X\n\n\nc\tO\n\nd\tO\ne\tO\n")
    study = study_of(train, 1)
    (tmp_path / "data/my-set").mkdir(parents=True)  # others write there as well
    prepare(study, tmp_path)
    files = sources(study.data[0], tmp_path)
    assert [record["tokens"] for record in read_records(files["train"])] == [["a", "b"], ["c"]]
    assert [record["tokens"] for record in read_records(files["dev"])] == [["d", "e"]]


def test_both_parts_of_a_table_have_its_header(tmp_path: Path) -> None:
    train = tmp_path / "train.csv"
    train.write_bytes(b'text,label\n"two\nlines",a\nx,b\n"more\nlines",a\n')
    study = study_of(train, 2)
    prepare(study, tmp_path)
    files = sources(study.data[0], tmp_path)
    assert Path(files["train"]).read_bytes() == b'text,label\n"two\nlines",a\n'
    assert Path(files["dev"]).read_bytes() == b'text,label\nx,b\n"more\nlines",a\n'


def test_a_split_is_made_once_and_never_mistaken_for_another(tmp_path: Path) -> None:
    train = tmp_path / "train.jsonl"
    train.write_text("".join(RECORDS), encoding="utf-8", newline="")
    study, out = study_of(train, 2), tmp_path / "out"
    prepare(study, out)
    dev = Path(sources(study.data[0], out)["dev"])
    made = dev.stat().st_mtime_ns
    prepare(study, out)
    assert dev.stat().st_mtime_ns == made
    assert [path.name for path in (out / "data/my-set").iterdir()] == ["split"]
    with pytest.raises(ValueError, match="holds another split"):
        prepare(study_of(train, 1), out)
    train.write_text("".join(RECORDS) + "\n" + RECORDS[1], encoding="utf-8", newline="")
    with pytest.raises(ValueError, match="holds another split"):
        prepare(study, out)


def test_training_does_not_see_dev_texts(tmp_path: Path) -> None:
    from lingym.scripts.compare.cells import plan
    from lingym.scripts.training import read

    train = tmp_path / "train.jsonl"
    train.write_text("".join(RECORDS), encoding="utf-8", newline="")
    study = replace(study_of(train, 1), defaults={"encoder": "tiny"})
    prepare(study, tmp_path)
    dataset = read(plan(study)[0].train_options(study, tmp_path))
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 3, "dev": 1}


def test_what_cannot_be_cut_is_told(tmp_path: Path) -> None:
    train = tmp_path / "train.jsonl"
    with pytest.raises(ValueError, match=r"'My set': there is no train file .*train.jsonl"):
        prepare(study_of(train, 2), tmp_path)
    train.write_text("".join(RECORDS), encoding="utf-8", newline="")
    with pytest.raises(ValueError, match="dev_from_train 4 leaves nothing of 4 texts"):
        prepare(study_of(train, 4), tmp_path)
    with pytest.raises(ValueError, match="cannot cut a file of SQuAD's"):
        prepare(study_of(train, 1, format="squad"), tmp_path)
    assert not (tmp_path / "data").exists()


@pytest.mark.data
def test_a_real_file_loses_no_byte(data_dir: Path, tmp_path: Path) -> None:
    source = data_dir / "semeval2010_task8/train.jsonl.xz"
    study = study_of(source, 800, tmp_path)
    prepare(study, tmp_path)
    files = sources(study.data[0], tmp_path)
    train, dev = (Path(files[split]).read_bytes() for split in ("train", "dev"))
    assert train + dev == lzma.decompress(source.read_bytes())
    assert len(read_records(files["dev"])) == dev.count(b"\n") == 800
