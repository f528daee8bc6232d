import json
import lzma

import numpy as np
import pytest

from lingym.envs.corpora import find_faults, from_iob2, to_iob2
from lingym.scripts.arguments import Reading
from lingym.scripts.cli import main
from lingym.scripts.compare.repeats import repeats
from lingym.scripts.hygiene.checked import Sought, check
from lingym.scripts.hygiene.contradictions import contradictions
from lingym.scripts.hygiene.odd import odd_texts
from lingym.scripts.hygiene.reading import UNKNOWN, UNREADABLE, WRONG, parts_of, read_files
from lingym.scripts.hygiene.same import near_pairs, same


def jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def classes(folder, **splits):
    """Files of texts and labels, read."""
    files = {
        split: jsonl(folder / f"{split}.jsonl", [{"text": t, "label": k} for t, k in rows])
        for split, rows in splits.items()
    }
    return read_files(parts_of((), **files), "classification", Reading())


def test_every_fault_is_listed_with_its_line(tmp_path):
    train = tmp_path / "train.conll"
    train.write_text("a O\nb I-X\n\nc B-X\nd I-Y\ne Q-X\n\nf O extra\ng O\n\nh O\n")
    files = read_files({"train": str(train)}, "tagging", Reading(scheme="iob2"))
    assert [(f.line, f.kind, f.repairable) for f in files.faults] == [
        (2, "I- after O", True),
        (5, "I- after another span", True),
        (6, UNKNOWN, False),
        (8, UNREADABLE, False),
    ]
    # The sentence with an unknown tag is no example; the others are, as conlleval reads them.
    assert [e.gold for e in files.parts["train"].examples] == [("O", "B-X"), ("O",), ("O",)]


def test_faults_of_json_lines_and_tables(tmp_path):
    train = tmp_path / "train.jsonl"
    train.write_text(
        '{"text": "a", "label": "x"}\n{"text"\n{"text": ""}\n{"text": "b", "label": 2}\n'
    )
    dev = tmp_path / "dev.csv"
    dev.write_text("text,label\none,x\ntwo\n\nthree,x,y\nfour,x\n")
    named = {"train": str(train), "dev": str(dev)}
    files = read_files(named, "classification", Reading())
    told = [(f.part, f.line, f.kind) for f in files.faults]
    assert told == [
        ("train", 2, UNREADABLE),
        ("train", 3, WRONG),
        ("dev", 3, UNREADABLE),
        ("dev", 5, UNREADABLE),
    ]
    assert [len(part.examples) for part in files.parts.values()] == [2, 2]


@pytest.mark.parametrize("scheme", ["iob2", "iob1", "bioes", "bilou", "bmes", "bmew"])
def test_tags_go_to_iob2_and_back(scheme):
    spans = [["B-X", "I-X", "O", "B-X", "B-X", "I-X", "I-X", "B-Y", "O", "B-Y"], ["O"]]
    written = [from_iob2(tags, scheme) for tags in spans]
    assert to_iob2(written, scheme).tags == spans
    assert find_faults(written, scheme) == []


def test_the_first_fault_is_the_one_that_is_raised():
    chance = np.random.default_rng(0)
    prefixes = ["O", "B-X", "I-X", "E-X", "S-X", "I-Y"]
    for _ in range(200):
        tags = [[prefixes[k] for k in chance.integers(0, 6, chance.integers(1, 6))]]
        every = find_faults(tags, "bioes")
        try:
            to_iob2(tags, "bioes")
            assert not every
        except ValueError as first:
            assert (str(first), first.position) == (str(every[0]), every[0].position)


def test_repeats_within_and_between(tmp_path):
    long = "the quick brown fox jumps over the lazy dog near the river"
    files = classes(
        tmp_path,
        train=[(long, "x"), (long.upper(), "x"), ("other words here", "y"), ("short", "x")],
        dev=[(long.replace("quick", "quack"), "x")],
        test=[(long, "x"), ("Short ", "x"), ("short", "x"), ("new", "y")],
    )
    found = same(files.texts)
    assert found.within("train") == {"exact": 1, "near": 0}
    assert found.within("test") == {"exact": 1, "near": 0}
    assert found.between("train", "test") == {"exact": 3, "texts": 2, "near": 0}
    assert found.between("train", "dev") == {"exact": 0, "texts": 0, "near": 1}
    # The counts of `lingym bench compare` are the same ones.
    compared = repeats(*files.texts.values())
    for pair in (("train", "dev"), ("train", "test"), ("dev", "test")):
        counts = found.between(*pair)
        assert {name: counts[name] for name in ("exact", "near")} == compared.counts(*pair)


def variants():
    """Texts of 12 to 30 words, each with copies in which some words are others."""
    chance = np.random.default_rng(3)
    texts = []
    for _ in range(60):
        words = [f"w{k}" for k in chance.integers(0, 3000, chance.integers(12, 31))]
        for share in (0, 0.02, 0.05, 0.1):
            copy = [w if chance.random() >= share else f"v{chance.integers(99)}" for w in words]
            texts.append(" ".join(copy))
    return list(dict.fromkeys(texts))


def brute(texts, near, of):
    def parts(text):
        items, n = (text, 5) if of == "characters" else (tuple(text.split()), 3)
        return {items[i : i + n] for i in range(len(items) - n + 1)}

    sets = [parts(text) for text in texts]
    return {
        (a, b): len(sets[a] & sets[b]) / len(sets[a] | sets[b])
        for b in range(len(texts))
        for a in range(b)
        if len(sets[a] & sets[b]) >= near * len(sets[a] | sets[b])
    }


@pytest.mark.parametrize("of", ["characters", "words"])
@pytest.mark.parametrize("near", [0.5, 0.8])
def test_near_repeats_are_those_of_comparing_every_pair(of, near):
    texts = variants()
    wanted = brute(texts, near, of)
    assert len(wanted) > 10
    found = near_pairs(texts, near, of)
    columns = (column.tolist() for column in vars(found).values())
    assert {(a, b): s for a, b, s in zip(*columns, strict=True)} == wanted
    # MinHash proposes: what it keeps is right, and of pairs right at the bound (the worst case)
    # its bands find 87 of 100: 1 - (1 - 0.8**9)**14.
    proposed = near_pairs(texts, near, of, "minhash")
    columns = (column.tolist() for column in vars(proposed).values())
    kept = {(a, b): s for a, b, s in zip(*columns, strict=True)}
    assert kept.items() <= wanted.items()
    assert len(kept) >= 0.85 * len(wanted)


def test_contradictions(tmp_path):
    files = classes(
        tmp_path,
        train=[("one  two", "x"), ("one two", "y"), ("one two", "y"), ("May", "x"), ("may", "y")],
        test=[("may", "x"), ("else", "y")],
    )
    found = contradictions(files)
    assert [each.text for each in found] == ["one two", "may"]
    assert [len(rows) for rows in found[0].rows] == [2, 1]
    report = check(files, Sought(None))["contradictions"]
    assert (report["texts"], report["within"], report["between"]) == (2, {"train": 1, "test": 0}, 1)


def test_mentions_with_several_types_and_labels_that_train_lacks(tmp_path):
    rows = [{"tokens": ["New", "York", "won"], "labels": ["B-LOC", "I-LOC", "O"]}]
    train = jsonl(tmp_path / "a.jsonl", rows)
    rows = [{"tokens": ["New", "York", "won"], "labels": ["B-ORG", "I-ORG", "O"]}]
    test = jsonl(tmp_path / "b.jsonl", rows)
    files = read_files({"train": train, "test": test}, "tagging", Reading())
    report = check(files, Sought(None))
    assert report["mentions"]["most_frequent"] == [
        {"mention": "New York", "types": {"LOC": {"train": 1}, "ORG": {"test": 1}}}
    ]
    assert report["labels"]["counts"] == {
        "LOC": {"train": 1, "test": 0},
        "ORG": {"train": 0, "test": 1},
    }
    assert report["labels"]["unseen"] == {"test": ["ORG"]}
    assert report["labels"]["rare"] == ["LOC"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("a\x07b", "control character"),
        ("a\ufffdb", "replacement character U+FFFD"),
        ("\ufeffab", "byte order mark"),
        ("a\u200bb", "invisible character"),
        ("CafÃ© bar", "UTF-8 read as another coding"),
        ("donâ€™t", "UTF-8 read as another coding"),
        ("cafe\u0301", "not in Unicode's form NFC"),
        ("w" * 100, "word of 100 characters or more"),
        ("one<br />two", "HTML tag or entity"),
        ("this &amp; that", "HTML tag or entity"),
        ("...!", "no letter and no digit"),
        ("Café für 2 < 3 & 4 > 1 Ünïcode \u4e2d\u6587" + "\u4e2d" * 200, None),
        ("family \U0001f468\u200d\U0001f469", None),
    ],
)
def test_odd_texts(tmp_path, text, kind):
    files = classes(tmp_path, train=[(text, "x"), ("plain", "y")])
    assert [each.kind for each in odd_texts(files)] == ([kind] if kind else [])


def test_lengths_and_windows(tmp_path):
    files = classes(tmp_path, train=[("a " * 40, "x"), ("a b", "y"), ("a b c", "y")])
    told = check(files, Sought(None, encoder="tiny", max_tokens=16))["lengths"]["of"]["train"]
    assert told["words"] == {"50": 3, "90": 40, "95": 40, "99": 40, "100": 40}
    assert told["windowed"] == 1
    assert told["tokens"]["50"] == 5  # and the two special tokens


def test_the_command_and_its_status(tmp_path, capsys):
    rows = [{"tokens": ["a", "b"], "labels": ["O", "B-X"]}, {"tokens": ["c"], "labels": ["O"]}]
    train = jsonl(tmp_path / "train.jsonl", rows)
    test = tmp_path / "test.jsonl.xz"
    test.write_bytes(lzma.compress(json.dumps(rows[0]).encode()))
    words = ["data", "check", "--train", train, "--test", str(test), "--encoder", "none"]
    main([*words, "--out", str(tmp_path / "report.json")])
    assert "of test in train      1" in capsys.readouterr().out
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["repeats"]["between"]["train test"]["exact"] == 1
    with pytest.raises(SystemExit) as status:
        main([*words, "--strict"])
    assert status.value.code == 1
    assert "Exit status 1: 1 text of test also in train" in capsys.readouterr().err
    (tmp_path / "train.jsonl").write_text('{"tokens": ["a"], "labels": ["I-X"]}\n' * 2)
    bad = ["data", "check", train, "--reading.scheme", "iob2", "--encoder", "none"]
    bad = [word.replace("--reading.", "--") for word in bad]
    with pytest.raises(SystemExit) as status:
        main(bad)
    assert status.value.code == 1
    assert f"{train}:2: 'I-X' goes on" in capsys.readouterr().out
    main([*bad, "--on-fault", "repair"])


def test_wrong_words(tmp_path):
    for words, message in [
        ((), "wanted files"),
        (("--train", "x", "--near", "2"), "wanted 0"),
        (("--train", "x", "--task", "multitask"), "each of its tasks"),
        (("--train", "nowhere.jsonl"), "no such file"),
        (("x.jsonl", "--suspects", "y"), "give --train"),
        (("x.jsonl", "--tune", "frozen"), "--tune is of --suspects"),
    ]:
        with pytest.raises(SystemExit, match=message):
            main(["data", "check", *words])


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "task", "ending", "count"),
    [("conll2003", "tagging", "conll", 78), ("snips", "slots_intent", "jsonl", 25)],
)
def test_known_leaks_of_public_data(data_dir, name, task, ending, count):
    named = {s: str(data_dir / name / f"{s}.{ending}.xz") for s in ("train", "test")}
    files = read_files(named, task, Reading())
    assert same(files.texts, None).between("train", "test")["texts"] == count
    assert files.faults == []
