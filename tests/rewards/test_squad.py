"""SQuAD's scores, by hand and against the rules written out a second time."""

import json
import lzma
import re
import string
from collections import Counter

import numpy as np
import pytest

from lingym.rewards import Answers, SquadF1, answer_scores, checked_score, squad_metrics
from lingym.types import Labelings, LabelSpace

SPAN = LabelSpace((), form="candidates", roles=("start", "end"), span=30)


def answers_of(*examples: tuple[str, list[str]]) -> Answers:
    """Words are what stands between blanks."""
    words = [
        np.array([m.span() for m in re.finditer(r"\S+", text)], np.int32).reshape(-1, 2)
        for text, _ in examples
    ]
    return Answers([text for text, _ in examples], words, [gold for _, gold in examples])


def spans(answers: Answers, *chosen: tuple[int, int, int]) -> Labelings:
    """Complete labelings from (example, start, end)."""
    table = np.array(chosen, np.int32).reshape(-1, 3)
    two = np.full(len(table), 2, np.int32)
    gold = np.zeros((len(table), 2), np.int32)
    return Labelings(table[:, 1:], gold, two, two, table[:, 0], facts={"answers": answers})


# (predicted, gold answers, F1, exact match)
CASES = [
    ("The Denver Broncos", ["Denver Broncos"], 1, 1),
    ("Denver", ["Denver Broncos"], 2 / 3, 0),
    ("the Broncos of Denver, CO", ["Denver Broncos"], 2 * (2 / 4) * 1 / (2 / 4 + 1), 0),
    ("Denver", ["Carolina", "Denver Broncos", "Denver"], 1, 1),
    ("Carolina", ["Denver Broncos"], 0, 0),
    ("Denver-Broncos!", ["DenverBroncos"], 1, 1),  # punctuation goes without leaving a blank
    ("an  A-list\tactor", ["alist actor."], 1, 1),
    ("Theatre", ["atre"], 0, 0),  # articles are whole words
    ("a b b", ["b b b"], 2 * 1 * (2 / 3) / (1 + 2 / 3), 0),
    ("18\u201320", ["18 20"], 0, 0),  # only ASCII punctuation goes
    ("", [], 1, 1),
    ("Denver", [], 0, 0),
    ("the", [], 1, 1),  # nothing is left of it
    ("", ["Denver"], 0, 0),
    ("", ["the", "!"], 1, 1),  # no gold answer is left
    ("", ["the", "Denver"], 0, 0),
]


@pytest.mark.parametrize(("predicted", "gold", "f1", "exact"), CASES)
def test_answer_scores(predicted, gold, f1, exact):
    assert answer_scores(predicted, gold) == pytest.approx((f1, exact), rel=1e-14)


def test_text_and_score_of_spans():
    answers = answers_of(("In 2016, Denver  Broncos won.", ["Denver Broncos"]), ("No.", []))
    expected = {
        (0, 3, 4): ("Denver  Broncos", 1, 1),
        (0, 4, 5): ("Broncos won.", 1 / 2, 0),
        (0, 1, 5): ("In 2016, Denver  Broncos won.", 4 / 7, 0),
        (0, 0, 0): ("", 0, 0),
        (0, 4, 3): ("", 0, 0),
        (0, 3, 6): ("", 0, 0),
        (0, 0, 3): ("", 0, 0),
        (0, 3, 0): ("", 0, 0),
        (1, 0, 0): ("", 1, 1),
        (1, 1, 1): ("No.", 0, 0),
        # No span, so no answer: wrong even here.
        (1, 1, 0): ("", 0, 0),
        (1, 0, 1): ("", 0, 0),
        (1, 2, 2): ("", 0, 0),
        (1, 1, 2): ("", 0, 0),
    }
    labelings = spans(answers, *expected)
    for exact in (False, True):
        reward = SquadF1(exact=exact)
        reward.bind(SPAN)
        for _ in range(2):  # the second time from memory
            wanted = [case[1 + exact] for case in expected.values()]
            np.testing.assert_allclose(checked_score(reward, labelings), wanted, rtol=1e-14)
    for key, (text, *_) in expected.items():
        assert answers.text(*key) == text


def test_squad_metrics():
    answers = answers_of(("a big dog", ["dog"]), ("b c", []), ("x y", ["x"]))
    chosen = spans(answers, (0, 2, 3), (1, 0, 0), (2, 2, 2))
    assert squad_metrics(chosen) == pytest.approx(
        {
            "f1": (2 / 3 + 1 + 0) / 3,
            "exact_match": 1 / 3,
            "f1_answerable": 1 / 3,
            "exact_match_answerable": 0,
            "f1_unanswerable": 1,
            "exact_match_unanswerable": 1,
        }
    )
    assert squad_metrics(spans(answers, (1, 1, 1))) == {"f1": 0, "exact_match": 0}
    assert set(squad_metrics(spans(answers, (0, 3, 3), (2, 1, 1)))) == {"f1", "exact_match"}


def test_refused():
    answers = answers_of(("a b", ["b"]))
    with pytest.raises(ValueError, match="nothing to measure: no question"):
        squad_metrics(spans(answers))
    with pytest.raises(ValueError, match="example 0 has no answer yet"):
        squad_metrics(spans(answers, (0, 1, -1)))
    with pytest.raises(ValueError, match="found 1 contexts, words of 0 and gold answers of 1"):
        Answers(["a"], [], [["a"]])
    with pytest.raises(ValueError, match=r"word 1 of example 0 is at \[2, 4\]: wanted \[start, en"):
        Answers(["a b"], [np.array([[0, 1], [2, 4]], np.int32)], [["b"]])
    for space in (LabelSpace(("a",)), LabelSpace((), form="candidates", roles=("answer",))):
        with pytest.raises(ValueError, match="reward squad_f1 scores spans: wanted two units"):
            SquadF1().bind(space)


def reference(predicted: str, gold: list[str]) -> tuple[float, float]:
    """The published rules, one step after the other."""

    def tokens(text: str) -> list[str]:
        text = text.lower()
        for mark in string.punctuation:
            text = text.replace(mark, "")
        return [word for word in re.sub(r"\b(a|an|the)\b", " ", text).split() if word]

    best = [0.0, 0.0]
    golds = [tokens(answer) for answer in gold]
    for wanted in [answer for answer in golds if answer] or [[]]:
        found = tokens(predicted)
        common = sum((Counter(found) & Counter(wanted)).values())
        f1 = float(found == wanted)
        if found and wanted and common:
            p, r = common / len(found), common / len(wanted)
            f1 = 2 * p * r / (p + r)
        best = [max(best[0], f1), max(best[1], float(found == wanted))]
    return best[0], best[1]


@pytest.mark.data
def test_random_spans_of_real_questions(data_dir):
    with lzma.open(data_dir / "squad_v1_by_article" / "dev.jsonl.xz", "rt", newline="\n") as lines:
        records = [json.loads(line) for line in lines]
    golds = [[answer["text"] for answer in record["answers"]] for record in records]
    answers = answers_of(*zip([r["context"] for r in records], golds, strict=True))
    rng = np.random.default_rng(0)
    chosen = []
    for example, (words, record) in enumerate(zip(answers.words, records, strict=True)):
        first = record["answers"][0]["start"]
        near = 1 + int((words[:, 1] <= first).sum())  # the word in which the answer begins
        start = int(np.clip(near + rng.integers(-1, 2), 1, len(words)))
        chosen.append((example, start, min(start + int(rng.integers(0, 5)), len(words))))
    scores = answers.of(spans(answers, *chosen))
    expected = [reference(answers.text(*key), golds[key[0]]) for key in chosen]
    np.testing.assert_allclose(scores, expected, rtol=1e-14)
    assert 0.2 < scores[:, 0].mean() < 0.8 and 0.02 < scores[:, 1].mean() < 0.5
