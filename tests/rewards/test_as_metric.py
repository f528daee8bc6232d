"""A reward as a metric: measures of the corpus exactly, means over texts, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from lingym.rewards import as_metric, corpus_metrics, from_spec, parts_of
from lingym.rewards.f_beta import AVERAGES
from lingym.scripts.compare.items import Items
from lingym.scripts.compare.task_items import reward_items
from lingym.types import Labelings, LabelSpace

TAGS = LabelSpace(("O", "B-PER", "I-PER", "B-LOC", "I-LOC"))


def guessed(seed: int = 0, texts: int = 40) -> Labelings:
    """Random tags beside random gold ones, of texts of 3 to 9 words."""
    random = np.random.default_rng(seed)
    lengths = random.integers(3, 10, texts).astype(np.int32)
    there = np.arange(9) < lengths[:, None]
    gold = np.where(there, random.choice(5, (texts, 9), p=[0.6, 0.1, 0.1, 0.1, 0.1]), -1)
    wrong = random.random((texts, 9)) < 0.3
    labels = np.where(there & wrong, random.integers(0, 5, (texts, 9)), gold)
    rows = np.arange(texts, dtype=np.int32)
    return Labelings(labels.astype(np.int32), gold.astype(np.int32), lengths, lengths, rows)


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_f_beta_of_the_corpus_is_that_of_its_precision_and_recall(beta: float) -> None:
    labelings = guessed()
    metrics = corpus_metrics(labelings.labels, labelings.gold, TAGS.names)
    p, r = metrics["precision"], metrics["recall"]
    wanted = (1 + beta**2) * p * r / (beta**2 * p + r)
    assert as_metric(f"corpus_f1(beta={beta})", labelings, TAGS) == pytest.approx(wanted, abs=1e-12)
    assert as_metric("corpus_precision", labelings, TAGS) == pytest.approx(p, abs=1e-12)
    assert as_metric("corpus_recall", labelings, TAGS) == pytest.approx(r, abs=1e-12)
    # and no mean over texts
    assert abs(as_metric(f"entity_f1(beta={beta})", labelings, TAGS) - wanted) > 1e-3


def test_it_is_what_the_reward_says_of_the_texts_that_it_saw() -> None:
    labelings = guessed(1)
    for name, settings in (("corpus_mcc", ""), ("corpus_f1", "average='macro', unit='label', ")):
        spec = f"{name}({settings}half_life=None)"
        reward = from_spec(spec)
        reward.bind(TAGS)
        reward.observe(labelings)
        assert as_metric(spec, labelings, TAGS) == pytest.approx(reward.readings()[reward.name])


def test_other_rewards_are_means_over_texts_and_sums_are_sums() -> None:
    labelings = guessed(2)
    right = (labelings.labels == labelings.gold) & (labelings.gold >= 0)
    accuracy = (right.sum(1) / labelings.lengths).mean()
    assert as_metric("accuracy", labelings, TAGS) == pytest.approx(accuracy, abs=1e-12)
    both = as_metric("0.25*accuracy + 0.75*corpus_f1(beta=2)", labelings, TAGS)
    f2 = as_metric("corpus_f1(beta=2)", labelings, TAGS)
    assert both == pytest.approx(0.25 * accuracy + 0.75 * f2, abs=1e-12)
    assert as_metric("accuracy + -1*accuracy", labelings, TAGS) == 0


def test_a_function_of_the_users_own_is_one(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("def kept(predicted, gold):\n    return float(predicted[0] == gold[0])\n")
    labelings = guessed(3)
    wanted = (labelings.labels[:, 0] == labelings.gold[:, 0]).mean()
    assert 0 < wanted < 1
    assert as_metric(f"{file}:kept", labelings, TAGS) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("linear(1, 0)*accuracy", "the weight .* changes in a run"),
        ("accuracy + noisy(bandit, p=0.1)", "depends on what it was asked before"),
        ("normalized(entity_f1)", "depends on what it was asked before"),
        ("bleu", "bleu"),
        ("relation_f1", "relation"),
    ],
)
def test_what_is_no_metric_is_refused(spec: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        as_metric(spec, guessed(), TAGS)


@pytest.mark.parametrize("average", AVERAGES)
def test_resamples_are_scored_as_their_texts_would_be(average: str, tmp_path: Path) -> None:
    labelings = guessed(4, 30)
    weights = "{'PER': 2.0}"
    spec = f"0.5*corpus_f1(beta=2, average='{average}', weights={weights}) + 2*accuracy"
    reward_items(spec, labelings, TAGS).to_npz(tmp_path / "items.npz")
    items = Items.from_npz(tmp_path / "items.npz")
    assert items.score()[0] == pytest.approx(as_metric(spec, labelings, TAGS), abs=1e-12)
    taken = np.random.default_rng(5).integers(0, 30, 30)
    again = Labelings(
        labelings.labels[taken],
        labelings.gold[taken],
        labelings.lengths[taken],
        labelings.lengths[taken],
        np.arange(30, dtype=np.int32),
    )
    counts = np.bincount(taken, minlength=30)[None]
    assert items.score(counts)[0] == pytest.approx(as_metric(spec, again, TAGS), abs=1e-12)


def test_a_measure_that_cannot_be_resampled_is_refused() -> None:
    assert len(parts_of("corpus_mcc", guessed(), TAGS)) == 1
    with pytest.raises(ValueError, match="'corpus_mcc' cannot be resampled"):
        reward_items("corpus_mcc", guessed(), TAGS)
