"""Label sets: equal to scikit-learn's measures, on tables of which some rows are empty."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, fbeta_score, hamming_loss

from lingym.rewards import F1, SampleF1, multilabel_metrics
from lingym.types import Labelings, LabelSpace

ROLES = ("anger", "fear", "joy", "love", "pride")
SPACE = LabelSpace(("no", "yes"), form="text", of_text=True, roles=ROLES)


def draw(seed: int, texts: int = 40) -> Labelings:
    """Sets of about one label, many of them empty; the last candidate is in none."""
    rng = np.random.default_rng(seed)
    labels, gold = ((rng.random((texts, 5)) < 0.25).astype(np.int32) for _ in range(2))
    labels[:, 4] = gold[:, 4] = 0
    units = np.full(texts, 5, np.int32)
    return Labelings(labels, gold, units, units, np.arange(texts, dtype=np.int32))


@pytest.mark.parametrize("empty", [0.0, 1.0])
@pytest.mark.parametrize("beta", [1.0, 0.5, 2])
def test_sample_f1_is_scikit_learns(beta, empty):
    done = draw(0)
    reward = SampleF1(beta=beta, empty=empty)
    reward.bind(SPACE)
    settings = {"average": "samples", "beta": beta, "zero_division": empty}
    each = [
        fbeta_score(done.gold[[row]], done.labels[[row]], **settings)
        for row in range(len(done.labels))
    ]
    np.testing.assert_allclose(reward.score(done), each, rtol=1e-14)
    whole = fbeta_score(done.gold, done.labels, **settings)
    assert reward.score(done).mean() == pytest.approx(whole, rel=1e-14)


def test_sample_f1_is_the_f1_of_yes():
    done = draw(1)
    for dense in (False, True):
        ours, other = SampleF1(dense=dense), F1(label="yes", dense=dense)
        ours.bind(SPACE)
        other.bind(SPACE)
        np.testing.assert_allclose(ours.steps(done), other.steps(done), rtol=0, atol=1e-15)


def test_dense_sample_f1():
    reward = SampleF1(beta=2, dense=True)
    reward.bind(SPACE)
    labels = np.array([[1, 1, 0, 0, 1]], np.int32)
    gold = np.array([[0, 1, 1, 0, 1]], np.int32)
    five = np.array([5], np.int32)
    one = Labelings(labels, gold, five, five, np.zeros(1, np.int32))
    # (1 + 4) matches / (given + 4 * 3): 0 of 1 given, 1 of 2, 1 of 2, 1 of 2, 2 of 3
    after = np.array([0, 5 / 14, 5 / 14, 5 / 14, 10 / 15])
    np.testing.assert_allclose(reward.steps(one)[0], np.diff(after, prepend=0), atol=1e-15)


@pytest.mark.parametrize("empty", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(10))
def test_corpus_metrics_equal_scikit_learns(seed, empty):
    done = draw(seed, texts=1 + 3 * seed)
    metrics = multilabel_metrics(done, ROLES, empty=empty)
    expected = {
        f"{name}_f1": f1_score(done.gold, done.labels, average=average, zero_division=empty)
        for name, average in (("sample", "samples"), ("micro", "micro"), ("macro", "macro"))
    }
    expected["exact_match"] = accuracy_score(done.gold, done.labels)
    expected["hamming"] = hamming_loss(done.gold, done.labels)
    assert metrics == pytest.approx(expected, rel=1e-14)


def test_by_default_0_over_0_is_0_as_in_scikit_learn():
    done = draw(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = f1_score(done.gold, done.labels, average="samples")
    assert multilabel_metrics(done, ROLES)["sample_f1"] == pytest.approx(expected, rel=1e-14)


def test_refused():
    done = draw(3, texts=2)
    labels = done.labels.copy()
    labels[1, 2] = -1
    with pytest.raises(
        ValueError, match=r"the label 0 \(no\) or 1 .* got -1 for 'joy' in example 1"
    ):
        multilabel_metrics(replace(done, labels=labels), ROLES)
    with pytest.raises(ValueError, match="the gold label 0"):
        multilabel_metrics(replace(done, gold=labels), ROLES)
    with pytest.raises(ValueError, match="got 5 units for 6 candidates"):
        multilabel_metrics(done, (*ROLES, "shame"))
    nothing = replace(done, labels=done.labels[:0], gold=done.gold[:0])
    with pytest.raises(ValueError, match="nothing to measure: no text"):
        multilabel_metrics(nothing, ROLES)
    with pytest.raises(
        ValueError, match="scores the units labelled 'yes', and the labels are a, b"
    ):
        SampleF1().bind(LabelSpace(("a", "b")))
    for beta in (0, -1, np.inf, np.nan):
        with pytest.raises(ValueError, match=r"beta is .*: wanted a finite number over 0"):
            SampleF1(beta=beta)
    with pytest.raises(ValueError, match="empty is nan"):
        SampleF1(empty=np.nan)
