"""The reader that a name gets, and a corpus of several splits."""

import gzip
import lzma
from pathlib import Path

import pytest

from lingym.envs.corpora import Options, load_corpus, read_records
from lingym.types import DataError

CONLL = "EU\tB-ORG\nrejects\tO\n"
CONLLU = "# text = EU\n1\tEU\tEU\tPROPN" + "\t_" * 6 + "\n"
CONTENT = {
    **dict.fromkeys((".conll", ".bio", ".iob", ".iob2", ".txt", ".CONLL"), (CONLL, "tokens")),
    ".conllu": (CONLLU, "tokens"),
    **dict.fromkeys((".jsonl", ".json"), ('{"text": "a"}\n', "text")),
    ".csv": ("text,label\na,b\n", "text"),
    ".tsv": ("text\tlabel\na\tb\n", "text"),
}


@pytest.mark.parametrize("ending", CONTENT)
def test_the_name_tells_the_format_and_packing_changes_nothing(tmp_path: Path, ending: str) -> None:
    text, field = CONTENT[ending]
    plain = tmp_path / f"a.b{ending}"
    plain.write_text(text, "utf-8")
    (record,) = read_records(plain)
    assert field in record
    for packed, compress in ((".xz", lzma.compress), (".gz", gzip.compress)):
        path = tmp_path / f"a.b{ending}{packed}"
        path.write_bytes(compress(text.encode()))
        (same,) = read_records(path)
        assert (same.fields, same.lines, same.path) == (record.fields, record.lines, str(path))


def test_the_format_can_be_said(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(CONLL, "utf-8")
    (record,) = read_records(path, options=Options(format="conll"))
    assert record["labels"] == ["B-ORG", "O"]
    (record,) = read_records(path, options=Options(format="conll", columns=(0, None)))
    assert record.fields == {"tokens": ["EU", "rejects"]}
    rows = read_records(path, options=Options(format="text"))
    assert [r["tokens"] for r in rows] == [["EU", "B-ORG"], ["rejects", "O"]]


def test_an_option_without_use_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a"}\n', "utf-8")
    with pytest.raises(
        ValueError, match="the format jsonl has no use for the option columns, quoted"
    ):
        read_records(path, options=Options(columns=(0, 1), quoted=False))
    with pytest.raises(ValueError, match="synthetic:commands has no use for the option format"):
        read_records("synthetic:commands", options=Options(format="conll"))
    with pytest.raises(ValueError, match="format must be one of conll, conllu, jsonl"):
        read_records(path, options=Options(format="xml"))


def test_an_unknown_ending_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        read_records("corpus.xml.gz")
    assert str(error.value) == (
        "corpus.xml.gz: the format is not known by the ending '.xml'; known are .conll, .bio, "
        ".iob, .iob2, .txt, .conllu, .jsonl, .json, .csv, .tsv, each also with .xz or .gz; "
        "or say the format"
    )
    with pytest.raises(ValueError, match="standard input has no name"):
        read_records("-")


def test_a_file_without_records_is_an_error(tmp_path: Path) -> None:
    for name, text in (("a.conll", "\n\n"), ("a.jsonl", ""), ("a.csv", "text,label\n")):
        (tmp_path / name).write_text(text, "utf-8")
        with pytest.raises(DataError) as error:
            load_corpus(dev=tmp_path / name)
        assert str(error.value) == (
            f"{tmp_path / name}: holds no records (wanted at least one for the dev split)"
        )
    with pytest.raises(DataError, match="holds no records"):
        read_records("synthetic:commands?train=0")


def test_splits_come_from_files_or_a_corpus(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text(CONLL, "utf-8")
    corpus = load_corpus(train=path, test=str(path))
    assert (len(corpus.train), corpus.dev, len(corpus.test)) == (1, (), 1)
    assert corpus.source == {"train": str(path), "test": str(path)}
    name = "synthetic:commands?train=5&dev=0&test=3"
    mixed = load_corpus(name, test=path)
    assert (len(mixed.train), mixed.dev, mixed.test) == (5, (), corpus.test)
    assert mixed.source == {"train": name, "test": str(path)}


def test_nothing_or_a_file_for_a_corpus() -> None:
    with pytest.raises(ValueError, match="wanted a corpus, or a file for train, dev or test"):
        load_corpus()
    with pytest.raises(ValueError, match="give files as train, dev and test"):
        load_corpus("train.conll")
