"""ROUGE equals the package rouge-score, for any choice of sentences."""

import json
import lzma
import warnings

import numpy as np
import pytest

from lingym.rewards import References, Rouge, lead, oracle, rouge_metrics, summary_metrics
from lingym.types import Labelings, LabelSpace

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from rouge_score.rouge_scorer import RougeScorer

TYPES = ["rouge1", "rouge2", "rougeL"]
SCORER = RougeScorer(TYPES)
SUMMARY = LabelSpace(("in", "out"))

DOCUMENTS = [
    ["The cat sat.", "On the mat!", "", "The cat, the CAT"],
    ["...", "one-two three", "—"],
    ["A lone sentence"],
    ["İstanbul's naïve x2", "y y y", "y"],
]
REFERENCES = [
    ["the cat sat on the mat", "the cat the cat"],
    ["One two, three four", "", "three"],
    ["?!"],
    ["i stanbul y y", "y"],
]


def theirs(sentences: list[list[str]], references: list[list[str]], chosen: np.ndarray):
    """Precision, recall and F by the package, [B, 3, 3]."""
    rows = []
    for document, targets, row in zip(sentences, references, chosen, strict=True):
        text = " ".join(s for s, taken in zip(document, row, strict=False) if taken)
        best = SCORER.score_multi(targets, text)
        rows.append([[best[t].precision, best[t].recall, best[t].fmeasure] for t in TYPES])
    return np.array(rows).reshape(-1, 3, 3)


def random_choice(rng: np.random.Generator, documents: list[list[str]], share: float):
    chosen = np.zeros((len(documents), max(map(len, documents))), np.bool_)
    for row, document in zip(chosen, documents, strict=True):
        row[: len(document)] = rng.random(len(document)) < share
    return chosen


def labelings(chosen: np.ndarray, references: References, lengths: list[int]) -> Labelings:
    """Complete episodes; label 0 is in, 1 is out."""
    units = np.array(lengths, np.int32)
    labels = np.where(chosen, 0, 1).astype(np.int32)
    labels[np.arange(labels.shape[1]) >= units[:, None]] = -1
    examples = np.arange(len(units), dtype=np.int32)
    facts = {"references": references}
    return Labelings(labels, labels.copy(), units, units, examples, facts=facts)


@pytest.mark.parametrize("seed", range(20))
def test_hard_texts_equal_rouge_score(seed):
    references = References.of(DOCUMENTS, REFERENCES)
    chosen = random_choice(np.random.default_rng(seed), DOCUMENTS, 0.6)
    examples = np.arange(len(DOCUMENTS))
    expected = theirs(DOCUMENTS, REFERENCES, chosen)
    np.testing.assert_array_equal(references.precision_recall_f1(chosen, examples), expected)
    np.testing.assert_array_equal(references.scores(chosen, examples), expected[..., 2])


def test_an_empty_summary_and_no_summary():
    references = References.of(DOCUMENTS, REFERENCES)
    none = np.zeros((4, 4), np.bool_)
    np.testing.assert_array_equal(references.scores(none, np.arange(4)), np.zeros((4, 3)))
    assert references.scores(none[:0], np.arange(0)).shape == (0, 3)
    assert references.scores(none[:, :0], np.arange(4)).shape == (4, 3)
    assert references.precision_recall_f1(none[:0], np.arange(0)).shape == (0, 3, 3)
    nothing = References.of([["..."]], [["!"]])
    np.testing.assert_array_equal(nothing.scores(np.ones((1, 1), bool), np.arange(1)), [[0, 0, 0]])


@pytest.mark.parametrize("seed", range(6))
def test_long_texts_of_few_words_equal_rouge_score(seed):
    """Few words match often, and long references take several words of bits."""
    rng = np.random.default_rng(seed)

    def text(length: int) -> str:
        return " ".join(rng.choice(list("abcdefg")[: 2 + seed], length))

    documents = [[text(rng.integers(0, 40)) for _ in range(6)] for _ in range(12)]
    lengths = [0, 1, 31, 32, 33, 63, 64, 65, 95, 96, 97, 200]
    targets = [[text(n), text(rng.integers(1, 20))] for n in lengths]
    references = References.of(documents, targets)
    chosen = random_choice(rng, documents, 0.5)
    np.testing.assert_array_equal(
        references.precision_recall_f1(chosen, np.arange(12)), theirs(documents, targets, chosen)
    )


def test_examples_may_repeat_and_stand_in_any_order():
    references = References.of(DOCUMENTS, REFERENCES)
    examples = np.array([3, 0, 0, 1, 3], np.int32)
    documents = [DOCUMENTS[e] for e in examples]
    chosen = random_choice(np.random.default_rng(1), documents, 0.7)
    expected = theirs(documents, [REFERENCES[e] for e in examples], chosen)
    np.testing.assert_array_equal(references.precision_recall_f1(chosen, examples), expected)


@pytest.mark.parametrize("examples", [range(4), [3, 3, 0, 1, 0, 2]])
def test_summaries_of_one_sentence_are_remembered(examples):
    references, examples = References.of(DOCUMENTS, REFERENCES), np.array(examples)
    for unit in (0, 1, 0, 2, 0):
        chosen = np.arange(3) == unit
        chosen = np.tile(chosen, (len(examples), 1))
        there = [unit < len(DOCUMENTS[e]) for e in examples]
        chosen &= np.array(there)[:, None]
        documents, targets = ([texts[e] for e in examples] for texts in (DOCUMENTS, REFERENCES))
        expected = theirs(documents, targets, chosen)[..., 2]
        np.testing.assert_array_equal(references.scores(chosen, examples), expected)


def test_many_summaries_at_once():
    references = References.of(DOCUMENTS, REFERENCES)
    examples = np.arange(700) % 4
    documents, targets = ([texts[e] for e in examples] for texts in (DOCUMENTS, REFERENCES))
    chosen = random_choice(np.random.default_rng(5), documents, 0.5)
    expected = theirs(documents, targets, chosen)[..., 2]
    np.testing.assert_array_equal(references.scores(chosen, examples), expected)


@pytest.mark.data
@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_every_document_of_scitldr(split, data_dir):
    with lzma.open(data_dir / "scitldr" / f"{split}.jsonl.xz", "rt", newline="\n") as lines:
        records = [json.loads(line) for line in lines]
    documents, targets = [r["sentences"] for r in records], [r["references"] for r in records]
    references, examples = References.of(documents, targets), np.arange(len(records))
    rng = np.random.default_rng(0)
    for share in (0.15, 0.5):
        chosen = random_choice(rng, documents, share)
        expected = theirs(documents, targets, chosen)
        for batch in np.array_split(examples, len(examples) // 100):
            np.testing.assert_array_equal(
                references.precision_recall_f1(chosen[batch], batch), expected[batch]
            )
    best, first = (summary_metrics(references, take(references)) for take in (oracle, lead))
    assert best["rouge"] > first["rouge"] + 0.1 > 0.2
    assert best["sentences"] == first["sentences"] == 1


@pytest.mark.parametrize("types", [("1", "2", "l"), ("l",), ("2", "1")])
@pytest.mark.parametrize("dense", [False, True])
def test_the_reward_is_the_mean_of_its_types(types, dense):
    references = References.of(DOCUMENTS, REFERENCES)
    reward = Rouge(types=types, dense=dense)
    reward.bind(SUMMARY)
    chosen = random_choice(np.random.default_rng(2), DOCUMENTS, 0.6)
    done = labelings(chosen, references, [len(d) for d in DOCUMENTS])
    columns = [{"1": 0, "2": 1, "l": 2}[kind] for kind in types]
    expected = theirs(DOCUMENTS, REFERENCES, chosen)[:, columns, 2].mean(1)
    np.testing.assert_allclose(reward.score(done), expected, rtol=1e-14)


def test_rouge_metrics():
    references = References.of([["a b", "c"], ["x"]], [["a c"], ["y", "x x"]])
    done = labelings(np.array([[True, True], [True, False]]), references, [2, 1])
    # a b c against a c: 2 of 3 and of 2, no bigram, a c in common. x against x x: 1 of 1 and of 2.
    assert rouge_metrics(done, 0) == pytest.approx(
        {
            "rouge1": (0.8 + 2 / 3) / 2,
            "rouge2": 0,
            "rougeL": (0.8 + 2 / 3) / 2,
            "rouge": (0.8 + 2 / 3) / 3,
            "sentences": 1.5,
            "words": 2,
        }
    )
    with pytest.raises(ValueError, match="nothing to measure: no document"):
        summary_metrics(references, np.zeros((0, 2), np.bool_))


def test_oracle_and_lead():
    documents = [["a b c d", "e f", "g", "h"], ["x", "y"], ["p", "q"]]
    references = References.of(documents, [["a b e f g"], ["z"], ["q"]])
    words = np.array([[4, 2, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0]], np.int32)

    def chosen(rows) -> list[list[int]]:
        return [np.flatnonzero(row).tolist() for row in rows]

    assert chosen(lead(references)) == [[0], [0], [0]]
    assert chosen(lead(references, limit=None)) == [[0, 1, 2, 3], [0, 1], [0, 1]]
    assert chosen(lead(references, limit=3)) == [[0, 1, 2], [0, 1], [0, 1]]
    assert chosen(lead(references, limit=6, costs=words)) == [[0, 1], [0, 1], [0, 1]]
    # "e f" has F 4/7 of single words, "a b c d" 4/9; h would only add words.
    assert chosen(oracle(references)) == [[1], [0], [1]]
    assert chosen(oracle(references, limit=None)) == [[0, 1, 2], [0], [1]]
    assert chosen(oracle(references, limit=3, costs=words)) == [[1, 2], [0], [1]]
    assert chosen(oracle(references, limit=0)) == [[], [], []]
    with pytest.raises(ValueError, match=r"costs are \[1, 2\]: wanted \[3, 4\]"):
        oracle(references, costs=np.ones((1, 2), np.int32))


@pytest.mark.parametrize("seed", range(5))
def test_no_single_sentence_beats_the_oracle(seed):
    rng = np.random.default_rng(seed)
    documents = [[" ".join(rng.choice(list("abcdefgh"), 5)) for _ in range(4)] for _ in range(9)]
    references = References.of(documents, [[" ".join(rng.choice(list("abcdefgh"), 6))] * 2] * 9)
    examples = np.arange(9)
    best = references.scores(oracle(references), examples).mean(1)
    single = [references.scores(np.eye(4, dtype=bool)[[s] * 9], examples).mean(1) for s in range(4)]
    np.testing.assert_array_equal(best, np.max(single, 0))


@pytest.mark.parametrize(
    ("sentences", "references", "text"),
    [
        ([["a"]], [], "found sentences of 1 examples and references of 0"),
        ([["a"], []], [["b"], ["b"]], r"example 1 has \[\] for its sentences"),
        ([["a"]], [[]], r"example 0 has \[\] for its references: wanted one or more texts"),
        ([["a"]], ["b"], "example 0 has 'b' for its references"),
    ],
)
def test_texts_refused(sentences, references, text):
    with pytest.raises(ValueError, match=text):
        References.of(sentences, references)


def test_choices_and_settings_refused():
    references = References.of(DOCUMENTS, REFERENCES)
    with pytest.raises(ValueError, match="sentence 3 of example 1 is chosen, which has 3"):
        references.scores(np.ones((1, 4), np.bool_), np.array([1]))
    for types in ((), ("3",), "12", ("1", "1")):
        with pytest.raises(ValueError, match="wanted a tuple out of"):
            Rouge(types=types)
    with pytest.raises(ValueError, match="reward rouge: label 'in' is none of the task's: no, yes"):
        Rouge().bind(LabelSpace(("no", "yes")))
