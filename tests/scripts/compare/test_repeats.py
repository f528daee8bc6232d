import json

import numpy as np
import pytest

from lingym.scripts.compare.near import shingles, similar
from lingym.scripts.compare.plain_texts import run_with_test, texts_of
from lingym.scripts.compare.repeats import normalised, of_data, repeats
from lingym.scripts.compare.study import Arm, Data, Study

SENTENCE = "the quick brown fox jumps over the lazy dog near the river"
OTHER = "a text about nothing of the kind, which is like no other one"


def jaccard(one, other):
    a, b = ({text[i : i + 5] for i in range(len(text) - 4)} for text in (one, other))
    return len(a & b) / len(a | b) if min(len(a), len(b)) >= 3 else 0.0


@pytest.mark.parametrize("near", [0.2, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("letters", [3, 40_000])  # the codes of the latter do not fit 63 bits
def test_the_join_finds_what_comparing_every_pair_finds(near, letters):
    chance = np.random.default_rng(0)

    def changed(text):
        return "".join(c if chance.random() > 0.04 else "z" for c in text)

    made = (chance.integers(0, letters, chance.integers(0, 70)) for _ in range(50))
    base = ["".join(chr(300 + c) for c in each) for each in made]
    texts = base + [changed(text) for text in base] + base[:5]
    pairs = similar(shingles(texts, 5), np.arange(50), np.arange(50, 105), near, least=3)
    found = list(zip(*(x.tolist() for x in vars(pairs).values()), strict=True))
    every = ((a, b, jaccard(texts[a], texts[b])) for a in range(50) for b in range(50, 105))
    assert found == [pair for pair in every if pair[2] >= near]
    assert len(found) > 5


def test_blocks_change_nothing(monkeypatch):
    texts = [SENTENCE[:cut] for cut in range(20, len(SENTENCE))]
    rows = np.arange(len(texts))
    whole = similar(shingles(texts, 5), rows[:20], rows[20:], 0.6)
    monkeypatch.setattr("lingym.scripts.compare.near.BLOCK", 10)
    cut = similar(shingles(texts, 5), rows[:20], rows[20:], 0.6)
    assert len(whole.left) > 50
    assert all(np.array_equal(x, vars(cut)[name]) for name, x in vars(whole).items())


def test_exact_near_and_neither():
    near = SENTENCE.replace("quick", "quack")
    found = repeats(
        train=[OTHER, SENTENCE, SENTENCE],
        dev=[near, "Thank you"],
        test=["THE  Quick brown \ufb01x", SENTENCE.upper(), "thank\u00a0you ", near, "no"],
    )
    assert [(r.row, r.of, r.exact) for r in found.found["train", "test"]] == [
        (1, 1, True),
        (3, 1, False),
    ]
    assert found.counts("train", "dev") == {"exact": 0, "near": 1}
    assert found.counts("train", "test") == {"exact": 1, "near": 1}
    assert found.counts("dev", "test") == {"exact": 2, "near": 1}
    nearest = [(r.row, r.split, r.of, r.exact) for r in found.test()]
    assert nearest == [(1, "train", 1, True), (2, "dev", 1, True), (3, "dev", 0, True)]
    similarity = found.found["train", "test"][1].similarity
    assert similarity == jaccard(SENTENCE, near)


def test_short_texts_repeat_exactly_or_not():
    assert not repeats(["aaaaaa"], [], ["aaaaaaa"]).test()  # one shingle each, the same one
    assert repeats(["ok ."], [], ["OK  ."]).test()[0].exact
    assert not repeats([""], [], ["abc"]).test()


def test_normalised():
    assert normalised(" Stra\u00dfe\tof \uff21\n") == "strasse of a"


def test_of_two_equally_near_texts_the_first():
    found = repeats([OTHER, SENTENCE + "!", SENTENCE + "?"], [], [SENTENCE])
    assert found.test()[0].of == 1


@pytest.mark.parametrize("near", [0, 1.2, float("nan")])
def test_no_such_similarity(near):
    with pytest.raises(ValueError, match="near must be above 0 and at most 1"):
        repeats([], [], [], near)


def study_of(folder, **more):
    def write(name, texts):
        lines = [json.dumps({"text": text, "label": "ab"[i % 2]}) for i, text in enumerate(texts)]
        file = folder / name
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return str(file)

    files = {
        "train": write("train.jsonl", ["first text of all", OTHER, "unused in training", SENTENCE]),
        "dev": write("dev.jsonl", ["something else"]),
        "test": write("test.jsonl", ["UNUSED in training", "new", OTHER, SENTENCE + "."]),
    }
    data = Data("My set", {"task": "classification", **files, **more}, "accuracy", warm=1, more=1)
    return Study("s", "", (0,), (data,), (Arm("a", "warm", {"agent": "supervised"}),))


def test_of_a_study_only_texts_that_runs_see(tmp_path):
    study = study_of(tmp_path, train_limit=2)
    found = of_data(study, study.data[0], tmp_path)
    assert found["train_test"] == {"exact": 1, "near": 0}
    assert found["test_rows_repeated"] == [2]
    assert found["test_repeats"] == [
        {"row": 2, "split": "train", "of": 1, "similarity": 1.0, "exact": True}
    ]
    assert found["examples"][0]["repeats"] == OTHER
    file = tmp_path / "data/my-set/repeats.json"
    assert json.loads(file.read_text(encoding="utf-8")) == found
    assert of_data(study, study.data[0], tmp_path) == found  # its seconds, too: it was read
    study = study_of(tmp_path)
    assert of_data(study, study.data[0], tmp_path)["test_rows_repeated"] == [0, 2, 3]
    study = study_of(tmp_path, test_limit=1)
    assert of_data(study, study.data[0], tmp_path)["test_rows_repeated"] == [0]


@pytest.mark.parametrize(
    ("task", "piece"),
    [("tagging", " "), ("multilabel", " "), ("spanqa", "\n"), ("choice", "\n"), ("relation", "@")],
)
def test_every_task_has_texts(task, piece, tmp_path):
    corpus = {
        "tagging": "commands",
        "multilabel": "emotions",
        "spanqa": "questions",
        "choice": "dialogues",
        "relation": "relations",
    }[task]
    options = {"task": task, "corpus": f"synthetic:{corpus}?train=20&dev=5&test=5"}
    data = Data("made", options, "accuracy", warm=1, more=1)
    study = Study("s", "", (0,), (data,), (Arm("a", "warm", {"agent": "supervised"}),))
    texts = texts_of(run_with_test(study, data, tmp_path))
    assert {split: len(each) for split, each in texts.items()} == {"train": 20, "dev": 5, "test": 5}
    assert all(piece in text for each in texts.values() for text in each)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "ending", "options", "distinct", "exact", "near"),
    [
        ("snips", "jsonl", {"labels": "slots"}, 25, 26, 9),  # one test text stands there twice
        ("sst2", "jsonl", {"task": "classification"}, 2, 2, 0),
        ("ud_english_ewt", "conll", {}, 47, 105, 9),  # "Thank you" and "thank you" are one
        ("resume_ner", "conll", {}, 4, 5, 2),
    ],
)
def test_as_many_as_are_known(data_dir, tmp_path, name, ending, options, distinct, exact, near):
    files = {
        split: str(data_dir / name / f"{split}.{ending}.xz") for split in ("train", "dev", "test")
    }
    data = Data(name, {"task": "tagging", **files, **options}, "accuracy", warm=1, more=1)
    study = Study("s", "", (0,), (data,), (Arm("a", "warm", {"agent": "supervised"}),))
    texts = texts_of(run_with_test(study, data, tmp_path))
    assert len(set(texts["train"]) & set(texts["test"])) == distinct
    assert repeats(**texts).counts("train", "test") == {"exact": exact, "near": near}
