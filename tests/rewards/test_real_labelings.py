"""The metric rewards equal their scorers on real gold labels, of which some were changed."""

import json
import lzma
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from seqeval.metrics.v1 import precision_recall_fscore_support
from seqeval.scheme import IOB2
from sklearn.metrics import confusion_matrix, fbeta_score, matthews_corrcoef

from lingym.rewards import F1, MCC, Accuracy, CostMatrix, EntityF1, LengthCost, SampleF1
from lingym.types import Labelings, LabelSpace
from tests.rewards.plain_spans import averaged, spans_of

pytestmark = [
    pytest.mark.data,
    pytest.mark.filterwarnings("ignore:A single label was found"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning"),
]
Rows = list[list[str]]


def tagged(path: Path, most: int) -> Rows:
    """The tags of the first sentences of a file of columns."""
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as file:
        lines = file.read().split("\n")
    found = [
        [line.split("\t")[1] for line in group] for full, group in groupby(lines, bool) if full
    ]
    return found[:most]


def listed(path: Path, most: int) -> list[dict]:
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as file:
        return [json.loads(line) for line, _ in zip(file, range(most), strict=False)]


def mistaken(gold: Rows, seed: int) -> Rows:
    """Spans cut, grown, renamed, dropped and made up, and a few tags that fit nowhere."""
    rng = np.random.default_rng(seed)
    kinds = sorted({kind for row in gold for kind, *_ in spans_of(row)})
    tags = sorted({tag for row in gold for tag in row})
    wrong = []
    for row in gold:
        row, spans = list(row), spans_of(row)
        for kind, start, end in spans:
            match rng.integers(8):
                case 0:
                    row[start:end] = ["O"] * (end - start)
                case 1:
                    other = str(rng.choice(kinds))
                    row[start:end] = [f"{tag[0]}-{other}" for tag in row[start:end]]
                case 2 if end - start > 1:
                    row[end - 1] = "O"
                case 3 if end - start > 1:
                    row[start], row[start + 1] = "O", f"B-{kind}"
                case 4 if end < len(row):
                    row[end] = f"I-{kind}"
                case 5 if end - start > 1:
                    row[end - 1] = f"B-{kind}"
        at_random = rng.random(len(row)) < 0.04
        changed = zip(row, at_random, strict=True)
        wrong.append([str(rng.choice(tags)) if random else tag for tag, random in changed])
    return wrong


def arrays(given: Rows, gold: Rows, names: Sequence[str]) -> Labelings:
    places = {name: place for place, name in enumerate(names)}
    lengths = np.array([len(row) for row in gold], np.int32)

    def ids(rows: Rows) -> np.ndarray:
        table = np.full((len(rows), lengths.max()), -1, np.int32)
        for line, row in zip(table, rows, strict=True):
            line[: len(row)] = [places[name] for name in row]
        return table

    examples = np.arange(len(gold), dtype=np.int32)
    return Labelings(ids(given), ids(gold), lengths, lengths, examples)


def both(reward: type, labelings: Labelings, names: Sequence[str], **options) -> np.ndarray:
    """The score, once it is what the dense step rewards sum to."""
    sparse, dense = reward(**options, dense=False), reward(**options, dense=True)
    for one in (sparse, dense):
        one.bind(LabelSpace(tuple(names)))
    score = sparse.score(labelings)
    np.testing.assert_allclose(dense.steps(labelings).sum(1), score, rtol=0, atol=1e-12)
    return score


@pytest.fixture(scope="module", params=["conll2003", "snips"])
def spans(request, data_dir) -> tuple[Rows, Rows, Labelings, list[str]]:
    gold = tagged(data_dir / request.param / "test.conll.xz", 200)
    given = mistaken(gold, seed=1)
    names = sorted({tag for row in gold + given for tag in row} | {"O"})
    return given, gold, arrays(given, gold, names), names


@pytest.mark.parametrize("average", ["micro", "macro", "weighted"])
@pytest.mark.parametrize("beta", [1.0, 0.5])
def test_entities_are_seqevals(average, beta, spans):
    given, gold, labelings, names = spans
    score = both(EntityF1, labelings, names, average=average, beta=beta, empty=1.0)
    how = {"average": average, "beta": beta, "scheme": IOB2, "zero_division": 0}
    expected = [
        precision_recall_fscore_support([g], [p], **how)[2] if spans_of(g) or spans_of(p) else 1.0
        for p, g in zip(given, gold, strict=True)
    ]
    assert 0.3 < np.mean(expected) < 0.95
    np.testing.assert_allclose(score, expected, rtol=1e-13)


@pytest.mark.parametrize("match", ["strict", "exact", "partial", "type"])
@pytest.mark.parametrize("average", ["micro", "macro", "weighted"])
def test_entities_match_as_the_plain_way_says(match, average, spans):
    given, gold, labelings, names = spans
    how = {"match": match, "average": average, "beta": 2.0, "empty": 0.0}
    expected = [averaged(p, g, **how) for p, g in zip(given, gold, strict=True)]
    np.testing.assert_allclose(both(EntityF1, labelings, names, **how), expected, rtol=1e-12)


@pytest.mark.parametrize("average", ["micro", "macro", "weighted"])
def test_labels_are_scikit_learns(average, spans):
    given, gold, labelings, names = spans
    score = both(F1, labelings, names, average=average, beta=2.0, ignore=("O",), empty=0.0)
    expected = []
    for p, g in zip(given[:60], gold, strict=False):
        labels = sorted(set(p + g) - {"O"})
        how = {"labels": labels, "average": average, "beta": 2.0, "zero_division": 0}
        expected.append(fbeta_score(g, p, **how) if labels else 0.0)
    np.testing.assert_allclose(score[:60], expected, rtol=1e-13)


def test_correlation_is_scikit_learns(spans):
    given, gold, labelings, names = spans
    expected = [matthews_corrcoef(g, p) for p, g in zip(given[:60], gold, strict=False)]
    np.testing.assert_allclose(both(MCC, labelings, names)[:60], expected, rtol=0, atol=1e-13)


def test_costs_are_a_confusion_matrix_times_prices(spans):
    given, gold, labelings, names = spans
    prices = np.random.default_rng(0).integers(0, 50, (len(names), len(names))) / 8
    costs = {
        g: dict(zip(names, row.tolist(), strict=True)) for g, row in zip(names, prices, strict=True)
    }
    reward = CostMatrix(costs=costs)
    reward.bind(LabelSpace(tuple(names)))
    score = reward.score(labelings)
    for row in range(0, 200, 10):
        confusions = confusion_matrix(gold[row], given[row], labels=names)
        assert score[row] == -(confusions * prices).sum()
    words = LengthCost(price=1.0, free=("O",))
    words.bind(LabelSpace(tuple(names)))
    assert words.score(labelings).tolist() == [-sum(tag != "O" for tag in row) for row in given]


def test_emotions(data_dir):
    texts = [set(text["labels"]) for text in listed(data_dir / "goemotions" / "test.jsonl.xz", 100)]
    roles = sorted(set().union(*texts))
    rng = np.random.default_rng(2)
    gold = np.array([[role in text for role in roles] for text in texts])
    given = gold ^ (rng.random(gold.shape) < 0.03)
    names = ("no", "yes")
    rows = [[[names[int(yes)] for yes in row] for row in table] for table in (given, gold)]
    labelings = arrays(*rows, names)
    how = {"average": "samples", "zero_division": 1.0}
    sets = [
        fbeta_score(g[None], p[None], beta=2.0, **how) for p, g in zip(given, gold, strict=True)
    ]
    score = both(SampleF1, labelings, names, beta=2.0)
    np.testing.assert_allclose(score, sets, rtol=1e-13)
    alone = both(F1, labelings, names, label="yes", beta=2.0)
    np.testing.assert_allclose(alone, sets, rtol=1e-13)
    expected = [matthews_corrcoef(g, p) for p, g in zip(given, gold, strict=True)]
    np.testing.assert_allclose(both(MCC, labelings, names), expected, rtol=0, atol=1e-13)


def test_sentiment_has_no_correlation_text_by_text(data_dir):
    """One unit an episode: MCC is 0 for each; taken as one long episode they have one."""
    gold = [text["label"] for text in listed(data_dir / "sst2" / "test.jsonl.xz", 2000)]
    rng = np.random.default_rng(3)
    names = ("negative", "positive")
    given = [label if rng.random() < 0.8 else str(rng.choice(names)) for label in gold]
    apart = arrays([[label] for label in given], [[label] for label in gold], names)
    assert not both(MCC, apart, names).any()
    whole = both(MCC, arrays([given], [gold], names), names)
    assert whole == pytest.approx([matthews_corrcoef(gold, given)], rel=1e-13)
    assert 0.5 < whole[0] < 0.9
    price = CostMatrix(costs={"negative": {"positive": 5.0}})
    price.bind(LabelSpace(names))
    (_, false_positive), (false_negative, _) = confusion_matrix(gold, given, labels=names)
    assert price.score(apart).sum() == -5 * false_positive - false_negative


def test_sentence_roles(data_dir):
    gold = [text["labels"] for text in listed(data_dir / "csabstruct" / "test.jsonl.xz", 100)]
    names = sorted({label for row in gold for label in row})
    rng = np.random.default_rng(4)
    given = [[g if rng.random() < 0.7 else str(rng.choice(names)) for g in row] for row in gold]
    labelings = arrays(given, gold, names)
    for average in ("micro", "macro", "weighted"):
        score = both(F1, labelings, names, average=average, beta=0.5)
        how = {"average": average, "beta": 0.5, "zero_division": 0}
        expected = [
            fbeta_score(g, p, labels=sorted(set(g + p)), **how)
            for p, g in zip(given, gold, strict=True)
        ]
        np.testing.assert_allclose(score, expected, rtol=1e-13)
    accuracy = [
        np.mean([p == g for p, g in zip(*rows, strict=True)])
        for rows in zip(given, gold, strict=True)
    ]
    np.testing.assert_allclose(both(Accuracy, labelings, names), accuracy, rtol=1e-13)
