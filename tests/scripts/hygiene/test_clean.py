import gzip
import json
import lzma

import pytest

from lingym.scripts.arguments import Reading
from lingym.scripts.cli import main
from lingym.scripts.hygiene.reading import read_files

TRAIN = (
    "-DOCSTART- -X- O O\n\n"
    "Paris NNP I-NP I-LOC\nwon VBD I-VP O\n\n"
    "he PRP I-NP O  \r\nsaw VBD I-VP B-PER\r\nAnn NNP I-NP B-PER\r\nLee NNP I-NP I-ORG\r\n\r\n"
    "Paris NNP I-NP B-LOC\nwon VBD I-VP O\n\n\n"
    "last NN I-NP O"
)


def clean(folder, *words):
    main(["data", "clean", "--out", str(folder), *words])
    return [json.loads(line) for line in (folder / "changes.jsonl").read_text().splitlines()]


def rows(path, *given):
    text = "".join(
        json.dumps({"text": t, "label": k, "id": i}) + "\n" for i, (t, k) in enumerate(given)
    )
    path.write_text(text)
    return str(path)


def kept(path):
    return [json.loads(line)["id"] for line in path.read_text().splitlines()]


@pytest.mark.parametrize("ending", ["", ".xz", ".gz"])
def test_nothing_asked_nothing_changed(tmp_path, ending, capsys):
    opener = {"": open, ".xz": lzma.open, ".gz": gzip.open}[ending]
    train = tmp_path / f"train.conll{ending}"
    with opener(train, "wb") as file:
        file.write(TRAIN.encode())
    dev = tmp_path / f"dev.jsonl{ending}"
    raw = b'\xef\xbb\xbf{"tokens":["a\\u0301", "b"], "labels":["O","B-LOC"]}\r\n\n{"tokens": 1}\n'
    with opener(dev, "wb") as file:
        file.write(raw)
    out = tmp_path / "out"
    words = ["--train", str(train), "--dev", str(dev), "--alter", "train", "dev"]
    assert clean(out, *words, "--scheme", "iob2") == []
    assert "Nothing was asked for" in capsys.readouterr().out
    with opener(out / train.name, "rb") as file:
        assert file.read() == TRAIN.encode()
    with opener(out / dev.name, "rb") as file:
        assert file.read() == raw


def test_tags_are_repaired_and_nothing_else(tmp_path):
    train = tmp_path / "train.conll"
    train.write_bytes(TRAIN.encode())
    out = tmp_path / "out"
    changes = clean(out, "--train", str(train), "--faults", "repair", "--scheme", "iob2")
    assert [(c["line"], c["action"], c["was"], c["now"]) for c in changes] == [
        (3, "repair", "I-LOC", "B-LOC"),
        (9, "repair", "I-ORG", "B-ORG"),
    ]
    wanted = TRAIN.replace("I-NP I-LOC", "I-NP B-LOC").replace("I-NP I-ORG", "I-NP B-ORG")
    assert (out / "train.conll").read_bytes() == wanted.encode()
    assert not read_files({"train": str(out / "train.conll")}, "tagging", Reading()).faults


def test_sentences_with_faults_are_dropped_whole(tmp_path):
    train = tmp_path / "train.conll"
    train.write_bytes(TRAIN.encode())
    out = tmp_path / "out"
    changes = clean(out, "--train", str(train), "--faults", "drop", "--scheme", "iob2")
    assert [(c["line"], c["last"]) for c in changes] == [(3, 4), (6, 9)]
    wanted = "-DOCSTART- -X- O O\n\nParis NNP I-NP B-LOC\nwon VBD I-VP O\n\n\nlast NN I-NP O"
    assert (out / "train.conll").read_text() == wanted


def test_tags_in_json_lines_keep_scheme_and_style(tmp_path):
    train = tmp_path / "train.jsonl"
    line = '{"id":1,"tokens":["\\u00e9","b","c"],"tags":["B-X","E-X","I-X"],"more":[1, 2]}\n'
    line = line.replace("[1, 2]", "[1,2]")
    train.write_text(line)
    out = tmp_path / "out"
    clean(out, "--train", str(train), "--faults", "repair")
    wanted = line.replace('"I-X"]', '"S-X"]')
    assert (out / "train.jsonl").read_text() == wanted


def test_leaks_repeats_and_contradictions(tmp_path, capsys):
    train = rows(
        tmp_path / "train.jsonl",
        *[("in test", "x"), ("twice", "x"), ("Twice", "x"), ("twice", "y")],
        *[("often", "x"), ("often", "y"), ("often", "x"), ("alone", "y")],
    )
    test = rows(tmp_path / "test.jsonl", ("In  test", "x"), ("often", "y"))
    files = ["--task", "classification", "--train", train, "--test", test]

    def left(name, *words):
        changes = clean(tmp_path / name, *files, *words)
        rest = kept(tmp_path / name / "train.jsonl")
        assert len(rest) + len(changes) == 8
        assert not (tmp_path / name / "test.jsonl").exists()
        return rest

    assert left("leaks", "--leaks", "drop-from-train") == [1, 2, 3, 7]
    capsys.readouterr()
    assert left("repeats", "--repeats", "drop-later") == [0, 1, 3, 4, 5, 7]
    # One reason, whatever the places that repeat; no second line for it.
    assert "      2  drop: repeats an earlier text, with the same labels\n2 changes" in (
        capsys.readouterr().out
    )
    assert left("drop", "--contradictions", "drop") == [0, 2, 7]
    # "twice" has no majority: it stays, and that is told.
    assert left("most", "--contradictions", "majority") == [0, 1, 2, 3, 4, 6, 7]
    every = ["--leaks", "drop-from-train", "--contradictions", "drop", "--repeats", "drop-later"]
    assert left("all", *every) == [2, 7]
    table = (tmp_path / "all" / "changes.tsv").read_text().splitlines()
    assert len(table) == 7 and table[0].startswith("file\tline")


def test_near_leaks(tmp_path):
    long = "the quick brown fox jumps over the lazy dog near the river"
    train = rows(tmp_path / "train.jsonl", (long.replace("quick", "quack"), "x"), ("other", "y"))
    test = rows(tmp_path / "test.jsonl", (long, "x"))
    files = ["--task", "classification", "--train", train, "--test", test]
    assert not clean(tmp_path / "a", *files, "--leaks", "drop-from-train")
    (change,) = clean(tmp_path / "b", *files, "--leaks", "drop-near-from-train")
    assert change["why"].startswith("the text is like (0.8")
    assert kept(tmp_path / "b" / "train.jsonl") == [1]


def test_rows_of_a_table_with_line_ends_in_them(tmp_path):
    train = tmp_path / "train.csv"
    train.write_text('text,label\n"one\ntwo",x\nshort\n"one two",x\nlast,y\n')
    out = tmp_path / "out"
    words = ["--task", "classification", "--train", str(train)]
    clean(out, *words, "--repeats", "drop-later", "--faults", "drop")
    assert (out / "train.csv").read_text() == 'text,label\n"one\ntwo",x\nlast,y\n'


def test_nfc(tmp_path):
    train = tmp_path / "train.jsonl"
    train.write_text('{"text": "cafe\\u0301", "label": "e\\u0301"}\n{"text": "b", "label": "x"}\n')
    out = tmp_path / "out"
    (change,) = clean(out, "--task", "classification", "--train", str(train), "--nfc")
    assert change["action"] == "nfc"
    first = json.loads((out / "train.jsonl").read_text().splitlines()[0])
    assert first == {"text": "caf\u00e9", "label": "e\u0301"}
    conll = tmp_path / "train.conll"
    conll.write_text("cafe\u0301\tB-X\nb\tO\n")
    clean(tmp_path / "two", "--train", str(conll), "--nfc")
    assert (tmp_path / "two" / "train.conll").read_text() == "caf\u00e9\tB-X\nb\tO\n"


def test_suspects_are_taken_out(tmp_path):
    train = rows(tmp_path / "train.jsonl", ("one", "x"), ("two", "y"), ("three", "x"))
    listed = tmp_path / "suspects.jsonl"
    suspect = {"file": train, "line": 2, "quality": 0.1, "what": "y, rather x", "text": "two"}
    listed.write_text(json.dumps(suspect) + "\n")
    words = ["--task", "classification", "--train", train, "--suspects", str(listed)]
    clean(tmp_path / "out", *words)
    assert kept(tmp_path / "out" / "train.jsonl") == [0, 2]
    listed.write_text(json.dumps({**suspect, "line": 3}) + "\n")
    with pytest.raises(SystemExit, match="holds another text"):
        main(["data", "clean", "--out", str(tmp_path / "two"), *words])
    assert not (tmp_path / "two").exists()


def test_nothing_is_overwritten(tmp_path):
    train = rows(tmp_path / "train.jsonl", ("one", "x"), ("two", "y"))
    words = ["data", "clean", "--task", "classification", "--train", train]
    for more, message in [
        (["--out", str(tmp_path)], "is there already"),
        (["--out", "x", "--alter", "dev"], "no file is named"),
    ]:
        with pytest.raises(SystemExit, match=message):
            main([*words, *more])
    with pytest.raises(SystemExit, match="can be cleaned"):
        main(["data", "clean", "--train", "synthetic:commands", "--out", str(tmp_path / "o")])


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "task", "ending", "splits"),
    [
        ("financial_phrasebank", "classification", "jsonl", ("train", "dev", "test")),
        ("wnut17", "tagging", "conll", ("train", "dev", "test")),
    ],
)
def test_public_data_are_kept_to_the_byte_and_clean_when_cleaned(
    name, task, ending, splits, data_dir, tmp_path
):
    source = {split: data_dir / name / f"{split}.{ending}.xz" for split in splits}
    files = [word for split in splits for word in (f"--{split}", str(source[split]))]
    assert clean(tmp_path / "same", "--task", task, *files, "--alter", *splits) == []
    for file in source.values():
        same = (tmp_path / "same" / file.name).read_bytes()
        assert lzma.decompress(same) == lzma.decompress(file.read_bytes())
    asked = ["--repeats", "drop-later", "--leaks", "drop-from-train", "--contradictions", "drop"]
    words = ["--task", task, *files, "--alter", *splits, *asked, "--nfc"]
    assert clean(tmp_path / "new", *words)
    files = [w for s in splits for w in (f"--{s}", str(tmp_path / "new" / source[s].name))]
    report = tmp_path / "report.json"
    words = ["--task", task, *files, "--near", "0", "--encoder", "none", "--strict"]
    main(["data", "check", *words, "--out", str(report)])  # status 0
    found = json.loads(report.read_text())["repeats"]
    assert not any(counts["exact"] for counts in found["within"].values())
    assert not any(counts["exact"] for counts in found["between"].values())
