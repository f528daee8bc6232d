import json

import numpy as np
import pytest

from lingym.scripts.arguments import Reading
from lingym.scripts.hygiene.reading import read_files
from lingym.scripts.hygiene.suspects import Folds, find, judged, out_of_fold

LABELS = ("x", "y", "z")


def made(folder, task, count=300, flips=30, seed=0):
    """Generated texts, some of whose labels are wrong, read; and the lines of these."""
    chance = np.random.default_rng(seed)
    wrong = set(chance.choice(count, flips, replace=False).tolist())
    rows = []
    for row in range(count):
        words = [f"w{k}" for k in chance.integers(0, 8, 6)]
        place, kind = int(chance.integers(6)), int(chance.integers(3))
        words[place] = "abc"[kind]
        given = LABELS[(kind + 1 + int(chance.integers(2))) % 3] if row in wrong else LABELS[kind]
        if task == "tagging":
            labels = ["O"] * 6
            labels[place] = f"B-{given}"
            rows.append({"tokens": words, "labels": labels})
        elif task == "multilabel":
            rows.append({"text": " ".join(words), "labels": [given]})
        else:
            rows.append({"text": " ".join(words), "label": given})
    file = folder / "train.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_files({"train": str(file)}, task, Reading()), {row + 1 for row in wrong}


def chances(files, seed=1):
    """What a labeller that is right nine times of ten might say: noisy, but of the true label."""
    chance, found = np.random.default_rng(seed), []
    space = files.space
    for example, text in zip(files.parts["train"].examples, files.texts["train"], strict=True):
        true = LABELS["abc".index(next(w for w in text.split() if w in "abc"))]
        rows = []
        for unit in example.units:
            if space.roles:
                name = "yes" if unit == true else "no"
            elif files.task.name == "tagging":
                name = f"B-{true}" if unit in "abc" else "O"
            else:
                name = true
            row = chance.random(len(space)) * 0.2
            row[space.places[name]] += 1 if chance.random() < 0.9 else 0.1
            rows.append(row / row.sum())
        found.append(np.stack(rows))
    return found


@pytest.mark.parametrize("task", ["classification", "tagging", "multilabel"])
def test_flipped_labels_come_first(tmp_path, task):
    files, wrong = made(tmp_path, task)
    suspects = judged(files, chances(files))
    assert [s.quality for s in suspects] == sorted(s.quality for s in suspects)
    lines = [suspect.line for suspect in suspects]
    assert len(wrong & set(lines)) >= 0.75 * len(wrong)
    first = lines[: len(wrong)]  # by chance a tenth of them would be wrong
    assert len(wrong & set(first)) >= 0.6 * len(wrong)
    hit = next(suspect for suspect in suspects if suspect.line in wrong)
    assert "rather" in hit.what and hit.text == files.texts["train"][hit.line - 1]


def test_labellers_find_flipped_labels(tmp_path):
    """Trained ones: the tiny encoder learns which word decides, from the other fold."""
    files, wrong = made(tmp_path, "classification", count=200, flips=20)
    folds = Folds(2, passes=8, encoder="tiny", max_tokens=16, learning_rate=3e-3)
    suspects = find(files, folds)
    lines = [suspect.line for suspect in suspects]
    found = len(wrong & set(lines[: len(wrong)]))
    assert found >= 10  # by chance 2


@pytest.mark.parametrize("tune", ["full", "frozen"])
def test_the_same_seed_gives_the_same_probabilities(tmp_path, tune, monkeypatch):
    monkeypatch.setenv("LINGYM_CACHE", str(tmp_path / "kept"))
    files, _ = made(tmp_path, "tagging", count=12, flips=0)
    folds = Folds(2, passes=1, encoder="tiny", max_tokens=16, tune=tune)
    one, two = out_of_fold(files, folds), out_of_fold(files, folds)
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert all(np.allclose(each.sum(1), 1) and each.shape == (6, 4) for each in one)
    assert (tmp_path / "kept").exists() == (tune == "frozen")


def test_what_cannot_be_judged_is_refused(tmp_path):
    files, _ = made(tmp_path, "classification", count=10, flips=0)
    for folds, message in [
        (Folds(folds=1), "wanted 2 or more"),
        (Folds(folds=11), "as many texts"),
        (Folds(passes=0), "--passes"),
        (Folds(tune="sideways"), "sideways"),
        (Folds(encoder="none"), "--encoder NAME"),
    ]:
        with pytest.raises(ValueError, match=message):
            find(files, folds)
