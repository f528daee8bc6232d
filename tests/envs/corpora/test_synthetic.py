"""The generated corpus: the same everywhere, clean where it must be, and no mere word list."""

import hashlib
import os
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from lingym.envs.corpora import Corpus, load_corpus, to_iob2
from lingym.envs.corpora.synthetic import parse

DIGEST = """
import hashlib
from lingym.envs.corpora import load_corpus
corpus = load_corpus("synthetic:commands?seed=3&train=60&dev=20&test=20&noise=0.3")
rows = [sorted(r.fields.items()) for r in corpus.train + corpus.dev + corpus.test]
print(hashlib.sha256(repr(rows).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load_corpus("synthetic:commands")


def spans(tokens: list[str], labels: list[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, list[str]]] = []
    for token, label in zip(tokens, labels, strict=True):
        if label.startswith("B-"):
            found.append((label[2:], [token]))
        elif label.startswith("I-"):
            found[-1][1].append(token)
    return [(slot, " ".join(words)) for slot, words in found]


def test_it_is_the_same_in_every_process(root: Path) -> None:
    made = load_corpus("synthetic:commands?seed=3&train=60&dev=20&test=20&noise=0.3")
    rows = [sorted(r.fields.items()) for r in made.train + made.dev + made.test]
    env = {**os.environ, "PYTHONHASHSEED": "12345", "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-c", DIGEST], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == hashlib.sha256(repr(rows).encode()).hexdigest()


def test_the_first_sentences_are_these(corpus: Corpus) -> None:
    firsts = [split[0] for split in (corpus.train, corpus.dev, corpus.test)]
    assert [(r["text"], " ".join(r["labels"]), r["intent"]) for r in firsts] == [
        (
            "set an alarm called mirror for seven pm",
            "O O O O B-alarm O B-time I-time",
            "set_alarm",
        ),
        (
            "darken the bedroom in two minutes",
            "O O B-room O B-duration I-duration",
            "control_lights",
        ),
        ("play river georgia baker", "O B-song B-artist I-artist", "play_music"),
    ]


def test_another_seed_gives_another_corpus(corpus: Corpus) -> None:
    other = load_corpus("synthetic:commands?seed=1")
    texts = [{r["text"] for r in each.test} for each in (corpus, other)]
    assert len(texts[0] & texts[1]) < 40


def test_records_are_well_formed(corpus: Corpus) -> None:
    assert [len(corpus.train), len(corpus.dev), len(corpus.test)] == [2000, 400, 400]
    records = corpus.train + corpus.dev + corpus.test
    for record in records:
        assert record["text"].split(" ") == record["tokens"]
        assert all(word and not set(word) & set("<>{}()|") for word in record["tokens"])
    assert to_iob2([r["labels"] for r in records]).scheme == "iob2"
    assert to_iob2([r["labels"] for r in records]).changed == 0
    assert corpus.test[6].where(2) == "synthetic:commands[test]:7"


def test_train_shares_no_sentence_with_dev_or_test(corpus: Corpus) -> None:
    train, dev, test = (
        {r["text"] for r in each} for each in (corpus.train, corpus.dev, corpus.test)
    )
    assert not train & dev and not train & test and not dev & test


def test_a_larger_train_continues_a_smaller_and_leaves_the_rest(corpus: Corpus) -> None:
    more = load_corpus("synthetic:commands?train=2500")
    assert more.train[:2000] == corpus.train
    assert (more.dev, more.test) == (corpus.dev, corpus.test)


def test_test_has_names_that_train_never_shows(corpus: Corpus) -> None:
    shown = {word for r in corpus.train for word in r["tokens"]}
    unseen = {name for r in corpus.test for name in r["tokens"] if name not in shown}
    assert len(unseen) >= 20
    train = {span for r in corpus.train for span in spans(r["tokens"], r["labels"])}
    for name in ("person", "artist", "song", "city", "restaurant"):
        test = [s for r in corpus.test for s in spans(r["tokens"], r["labels"]) if s[0] == name]
        assert sum(span not in train for span in test) / len(test) > 0.2, name


def test_words_alone_do_not_tell_the_label(corpus: Corpus) -> None:
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for record in corpus.train:
        for word, label in zip(record["tokens"], record["labels"], strict=True):
            votes[word][label] += 1
    for word in ("may", "jordan", "chicago", "one", "light"):
        assert len(votes[word]) >= 4, word
    usual = {word: counts.most_common(1)[0][0] for word, counts in votes.items()}
    hits = said = real = 0
    for record in corpus.test:
        guess = [usual.get(word, "O") for word in record["tokens"]]
        guessed = set(marked(to_iob2([guess], "iob2", "repair").tags[0]))
        gold = set(marked(record["labels"]))
        hits, said, real = hits + len(guessed & gold), said + len(guessed), real + len(gold)
    assert 0.2 < 2 * hits / (said + real) < 0.5


def marked(labels: list[str]) -> list[tuple[str, str]]:
    """The spans of a sentence: slot, and the places it covers."""
    return spans([str(i) for i in range(len(labels))], labels)


def test_intents_are_imbalanced_and_slots_lie_side_by_side(corpus: Corpus) -> None:
    intents = [count for _, count in Counter(r["intent"] for r in corpus.train).most_common()]
    assert len(intents) == 9 and intents[0] > 5 * intents[-1] and intents[-1] > 50
    slots = Counter(s for r in corpus.train for s, _ in spans(r["tokens"], r["labels"]))
    assert len(slots) >= 18 and slots.most_common()[-1][1] < 20
    pairs = [pair for r in corpus.train for pair in zip(r["labels"], r["labels"][1:], strict=False)]
    assert sum(a != "O" and b.startswith("B-") for a, b in pairs) > 200


def test_noise_is_in_train_alone_and_changes_no_word(corpus: Corpus) -> None:
    noisy = load_corpus("synthetic:commands?noise=0.25")
    assert (noisy.dev, noisy.test) == (corpus.dev, corpus.test)
    pairs = list(zip(corpus.train, noisy.train, strict=True))
    assert all(clean["tokens"] == other["tokens"] for clean, other in pairs)
    for field in ("labels", "intent"):
        assert 0.2 < sum(clean[field] != other[field] for clean, other in pairs) / 2000 < 0.3
    assert to_iob2([r["labels"] for r in noisy.train]).changed == 0  # strict IOB2 all the same


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("orders", "no such generated corpus; known are synthetic:commands, synthetic:emotions"),
        ("commands?sead=1", "wanted seed, train, dev, test or noise"),
        ("commands?seed=x", "wanted seed, train, dev, test or noise"),
        ("commands?seed", "wanted seed, train, dev, test or noise"),
        ("commands?noise=1.5", "noise in \\[0, 1\\]"),
        ("commands?train=-1", "wanted counts"),
    ],
)
def test_a_wrong_name(query: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(f"synthetic:{query}")
