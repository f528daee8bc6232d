"""Scores, measures and parameters: equal to independent computations, and what they refuse."""

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import f1_score as seqeval_f1
from seqeval.scheme import IOB2
from sklearn.metrics import accuracy_score, f1_score

from lingym.envs.tuning import Parameters, Scores, default_metric, generated_scores, measure
from lingym.envs.tuning.generated import Form
from lingym.rewards import corpus_metrics

FORMS: list[Form] = ["labels", "tags", "sets"]


def random_labels(scores: Scores, seed: int) -> Any:
    """Gold labels with some replaced by chance."""
    random = np.random.default_rng(seed)
    other = random.integers(len(scores.names), size=len(scores.gold)).astype(np.int32)
    return np.where(random.random(len(other)) < 0.3, other, scores.gold)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 30))
def test_measures_equal_corpus_metrics(seed: int, texts: int) -> None:
    for form in ("labels", "tags"):
        scores = generated_scores(form, texts, seed)
        labels = random_labels(scores, seed)
        wanted = corpus_metrics(scores.padded(labels), scores.padded_gold, scores.names)
        names = ["accuracy", "macro_f1", *(["entity_f1"] if form == "tags" else [])]
        for name in names:
            assert measure(scores, name)(labels) == pytest.approx(wanted[name], abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_entity_f1_equals_seqeval(seed: int) -> None:
    scores = generated_scores("tags", 30, seed)
    labels = random_labels(scores, seed)
    cuts = scores.bounds[1:-1]
    gold, given = (
        [[scores.names[k] for k in row] for row in np.split(tags, cuts)]
        for tags in (scores.gold, labels)
    )
    wanted = seqeval_f1(gold, given, mode="strict", scheme=IOB2)
    assert measure(scores, "entity_f1")(labels) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("texts", [1, 3, 40])
def test_set_measures_equal_scikit_learn(seed: int, texts: int) -> None:
    scores = generated_scores("sets", texts, seed)
    labels = random_labels(scores, seed)
    gold, given = scores.gold.reshape(texts, 8), labels.reshape(texts, 8)
    averages = {"sample_f1": "samples", "macro_f1": "macro", "micro_f1": "micro"}
    for name, average in averages.items():
        wanted = f1_score(gold, given, average=average, zero_division=0)
        assert measure(scores, name)(labels) == pytest.approx(wanted, abs=1e-12)
    wanted = accuracy_score(scores.gold, labels)
    assert measure(scores, "accuracy")(labels) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_gold_labels_score_1(form: Form) -> None:
    scores = generated_scores(form, 200)
    assert measure(scores)(scores.gold) == pytest.approx(1.0, abs=1e-12)
    wanted = {"labels": "macro_f1", "tags": "entity_f1", "sets": "sample_f1"}
    assert default_metric(scores) == wanted[form]


def test_no_entity_anywhere_scores_0() -> None:
    scores = generated_scores("tags", 5)
    nothing = np.full_like(scores.gold, 4)
    assert measure(replace(scores, gold=nothing), "entity_f1")(nothing) == 0.0


@pytest.mark.parametrize("form", FORMS)
def test_take_and_halves(form: Form) -> None:
    scores = generated_scores(form, 30)
    taken = scores.take([4, 4, 29, 0])
    for place, text in enumerate([4, 4, 29, 0]):
        mine, theirs = (
            [array[s.bounds[t] : s.bounds[t + 1]] for array in (s.logits, s.gold, s.features)]
            if s.features is not None
            else [array[s.bounds[t] : s.bounds[t + 1]] for array in (s.logits, s.gold)]
            for s, t in ((taken, place), (scores, text))
        )
        assert all(np.array_equal(a, b) for a, b in zip(mine, theirs, strict=True))
    first, second = scores.halves(np.random.default_rng(0))
    assert (len(first), len(second)) == (15, 15)
    both = np.concatenate([first.logits, second.logits])
    assert np.array_equal(np.sort(both, 0), np.sort(scores.logits, 0))
    with pytest.raises(ValueError, match="cannot be halved"):
        scores.take([0]).halves(np.random.default_rng(0))


@pytest.mark.parametrize(
    ("form", "spec"),
    [
        *[("labels", "bias+temperature"), ("labels", "subspace"), ("tags", "bias+subspace")],
        *[("sets", "threshold+temperature"), ("sets", "thresholds"), ("sets", "bias")],
    ],
)
def test_zero_changes_nothing(form: Form, spec: str) -> None:
    scores = generated_scores(form, 50)
    parameters = Parameters.of(scores, spec)
    before = scores.logits.copy()
    untouched = parameters.labels(scores, np.zeros(len(parameters)))
    assert np.array_equal(untouched, scores.logits.argmax(1))
    moved = parameters.labels(
        scores, np.full(len(parameters), 1.5) * (-1) ** np.arange(len(parameters))
    )
    assert not np.array_equal(moved, untouched)
    assert np.array_equal(scores.logits, before)


def test_biases_of_tags_go_by_type() -> None:
    scores = generated_scores("tags", 20)
    parameters = Parameters.of(scores, "bias")
    assert parameters.names == ("bias ORG", "bias PER", "bias O")
    moved = parameters.logits(scores, [1.0, -2.0, 0.5]) - scores.logits
    assert moved.mean(0) == pytest.approx([1.0, -2.0, 1.0, -2.0, 0.5], abs=1e-5)
    labels = Parameters.of(generated_scores("labels", 20), "bias")
    assert labels.names[0] == "bias complaint"
    assert len(labels) == 5


def test_a_threshold_is_one_of_probability() -> None:
    scores = generated_scores("sets", 50)
    yes = 1 / (1 + np.exp(scores.logits[:, 0] - scores.logits[:, 1]))
    shared = Parameters.of(scores, "threshold")
    for threshold in (0.1, 0.5, 0.8):
        labels = shared.labels(scores, [np.log(threshold / (1 - threshold))])
        assert np.array_equal(labels, yes > threshold)
    each = np.linspace(0.1, 0.9, 8)
    labels = Parameters.of(scores, "thresholds").labels(scores, np.log(each / (1 - each)))
    assert np.array_equal(labels.reshape(-1, 8), yes.reshape(-1, 8) > each)


def test_a_temperature_divides_before_the_rest_is_added() -> None:
    scores = generated_scores("labels", 50)
    values = [0.3, -1, 0.2, 0, 1]
    both = Parameters.of(scores, "bias+temperature")
    assert both.names[0] == "log temperature"
    logits = both.logits(scores, [np.log(2.0), *values])
    assert logits == pytest.approx(scores.logits / 2 + np.array(values), abs=1e-4)
    assert [k.names for k in both.kinds] == [
        k.names for k in Parameters.of(scores, "temperature+bias").kinds
    ]


def test_a_subspace_moves_the_head() -> None:
    scores = generated_scores("labels", 50)
    assert scores.features is not None
    assert scores.weight is not None
    assert scores.bias is not None
    parameters = Parameters.of(scores, "subspace", subspace_size=3, subspace_seed=5)
    (kind,) = parameters.kinds
    directions = vars(kind)["directions"]
    values = [0.5, -1.0, 2.0]
    head = scores.weight + np.tensordot(values, directions, 1)
    wanted = scores.features @ head.T + scores.bias
    assert parameters.logits(scores, values) == pytest.approx(wanted, abs=1e-3)
    flat = directions.reshape(3, -1)
    length = (scores.weight**2).sum(1).mean()
    assert flat @ flat.T == pytest.approx(length * np.eye(3), abs=1e-3)
    for size, seed, same in ((3, 5, True), (3, 6, False)):
        again = Parameters.of(scores, "subspace", size, seed)
        assert np.array_equal(vars(again.kinds[0])["directions"], directions) == same


@pytest.mark.parametrize(
    ("form", "spec", "words"),
    [
        ("labels", "biases", "no parameters 'biases'"),
        ("labels", "bias+bias", "name a kind twice"),
        ("sets", "threshold+thresholds", "name a kind twice"),
        ("labels", "temperature", "alone changes no label"),
        ("labels", "subspace+temperature", "alone changes no label"),
        ("labels", "threshold", "there are 5: tune a bias"),
        ("sets", "subspace", "the scores came without"),
    ],
)
def test_no_such_parameters(form: Form, spec: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Parameters.of(generated_scores(form, 10), spec)


def test_a_binary_task_has_one_threshold_only() -> None:
    scores = generated_scores("sets", 10)
    plain = replace(scores, roles=())
    assert len(Parameters.of(plain, "threshold")) == 1
    with pytest.raises(ValueError, match="thresholds need several labels to a text"):
        Parameters.of(plain, "thresholds")


@pytest.mark.parametrize("size", [0, 5 * 16 + 1])
def test_no_such_subspace(size: int) -> None:
    with pytest.raises(ValueError, match=r"wanted 1 \.\. 80"):
        Parameters.of(generated_scores("labels", 10), "subspace", size)


@pytest.mark.parametrize("values", [[0.0] * 4, [np.nan] * 5, 0.0])
def test_bad_values(values: Any) -> None:
    scores = generated_scores("labels", 10)
    with pytest.raises(ValueError, match="wanted 5 finite numbers"):
        Parameters.of(scores, "bias").labels(scores, values)


GOOD: Any = generated_scores("labels", 6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"logits": GOOD.logits[:5]}, r"wanted \[units, labels\]"),
        ({"names": GOOD.names[:4]}, r"wanted \[units, labels\]"),
        ({"lengths": np.array([1, 1, 1, 1, 1], np.int32)}, "5 texts with 5 units for 6 gold"),
        ({"lengths": np.array([0, 2, 1, 1, 1, 1], np.int32)}, "texts of one unit or more"),
        ({"gold": GOOD.gold - 1}, r"wanted 0 \.\. 4"),
        ({"gold": GOOD.gold + 5}, r"wanted 0 \.\. 4"),
        ({"logits": np.where(np.arange(6)[:, None] == 2, np.nan, GOOD.logits)}, "of unit 2 are"),
        ({"roles": ("a",)}, "wanted a unit with two labels for each of 1 roles"),
        ({"weight": None}, "come together or not at all"),
        ({"weight": GOOD.weight[:, :3]}, "features, weight and bias are"),
        ({"weight": -GOOD.weight}, "the head gives other logits"),
    ],
)
def test_scores_that_do_not_belong_together(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(GOOD, **change)


def test_log_probabilities_serve_as_logits() -> None:
    odds = np.exp(GOOD.logits - GOOD.logits.max(1, keepdims=True))
    replace(GOOD, logits=np.log(odds / odds.sum(1, keepdims=True) + 1e-30).astype(np.float32))


def test_generated_splits_are_of_one_labeller() -> None:
    first, second = cast(Any, [generated_scores("labels", 50, seed) for seed in (0, 1)])
    assert np.array_equal(first.weight, second.weight)
    assert not np.array_equal(first.logits, second.logits)
    assert np.array_equal(first.logits, generated_scores("labels", 50, 0).logits)
    with pytest.raises(ValueError, match="no form 'words'"):
        generated_scores("words")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="texts is 0"):
        generated_scores("labels", 0)
