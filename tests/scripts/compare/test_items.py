"""The items of every task and metric against the task itself, on resamples that are really made."""

import time
from dataclasses import replace

import numpy as np
import pytest

from lingym.envs import Abstaining, MultiTask, build, load_corpus, mixed
from lingym.envs.tasks import TASKS
from lingym.envs.tasks.task import Task
from lingym.rewards import split_kinds
from lingym.scripts.compare.items import CHUNK, Items
from lingym.scripts.compare.task_items import items_of
from lingym.scripts.compare.terms import Counts, Ratio

SIZE = "?train=40&dev=1&test=1"


def dataset(name):
    """The built-in corpus of a task, or a small one where that says more."""
    if name == "abstaining":
        return build(
            Abstaining(TASKS["tagging"](), price=0.25), load_corpus("synthetic:commands" + SIZE)
        )
    if name == "relation":
        return build(TASKS["relation"](), load_corpus("synthetic:relations" + SIZE))
    if name == "multitask":
        tasks = {kind: TASKS[kind]() for kind in ("tagging", "classification")}
        return build(
            MultiTask(tasks),
            mixed({kind: load_corpus(f"{task.corpus}{SIZE}") for kind, task in tasks.items()}),
        )
    task = TASKS[name]()
    return build(task, load_corpus(f"{task.corpus}{SIZE}"))


def guessed(episodes, seed, right=0.6):
    """Labelings that are right here and there, and otherwise drawn from what may be."""
    rng = np.random.default_rng(seed)
    gold = episodes.gold_of(np.arange(len(episodes)), episodes.max_units)
    space = episodes.space
    count = np.broadcast_to(len(space) or episodes.groups[:, None], gold.shape)
    drawn = rng.integers(0, count)
    if space.kinds:
        kinds = episodes.of_units(episodes.kinds, np.arange(len(episodes)), gold.shape[1])
        own = [np.flatnonzero(space.kind_of_label == kind) for kind in range(len(space.kinds))]
        drawn = np.array([[rng.choice(own[k]) for k in row] for row in np.maximum(kinds, 0)])
    if space.span is not None:  # an answer: the start, then an end that is not before it
        drawn[:, 1] = np.minimum(drawn[:, 0] + drawn[:, 1] % space.span, episodes.groups - 1)
        drawn[drawn[:, 0] == 0] = 0
        keep = np.broadcast_to(rng.random((len(gold), 1)) < right, gold.shape)
    else:
        keep = rng.random(gold.shape) < right
    labels = np.where(keep & (gold >= 0), gold, drawn).astype(np.int32)
    within = np.arange(gold.shape[1]) < episodes.lengths[:, None]
    return episodes.complete(np.where(within, labels, np.int32(-1)))


def taken(labelings, rows):
    """The corpus in which the texts are those."""
    names = ("labels", "gold", "decided", "lengths", "examples")
    kinds = None if labelings.kinds is None else labelings.kinds[rows]
    return replace(
        labelings, kinds=kinds, **{name: getattr(labelings, name)[rows] for name in names}
    )


@pytest.mark.parametrize("name", [*TASKS, "abstaining"])
def test_items_give_every_metric_of_every_resample(name, tmp_path):
    data = dataset(name)
    task, space, episodes = data.task, data.space, data["train"]
    labelings = guessed(episodes, 0)
    rng = np.random.default_rng(1)
    count = len(episodes)
    weights = rng.multinomial(count, np.full(count, 1 / count), size=5)
    metrics = task.metrics(labelings, space)
    resampled = [
        task.metrics(taken(labelings, np.repeat(np.arange(count), row)), space) for row in weights
    ]
    assert len(metrics) >= 1
    for metric, value in metrics.items():
        items = items_of(labelings, task, space, metric)
        assert len(items) == count
        assert items.score().shape == (1,)
        assert items.score()[0] == pytest.approx(value, abs=1e-12), metric
        wanted = [found[metric] for found in resampled]
        assert items.score(weights) == pytest.approx(wanted, abs=1e-12), metric
        items.to_npz(tmp_path / "items.npz")
        again = Items.from_npz(tmp_path / "items.npz")
        assert np.array_equal(again.score(weights), items.score(weights)), metric
        some = rng.random(count) < 0.7
        wanted = task.metrics(taken(labelings, np.flatnonzero(some)), space)[metric]
        assert items.keep(some).score()[0] == pytest.approx(wanted, abs=1e-12), metric


def test_a_macro_average_leaves_out_the_labels_that_a_resample_has_not():
    right = np.array([[1.0, 0, 0], [0, 0, 0]])
    given = np.array([[1.0, 0, 0], [0, 1, 0]])
    gold = np.array([[1.0, 0, 0], [0, 0, 1]])
    weights = np.array([[1, 0], [0, 1], [1, 1], [0, 0]])

    def scores(over):
        return Items.of(Counts(right, given, gold, "macro", over)).score(weights).tolist()

    assert scores("all") == [1 / 3, 0, 1 / 3, 0]
    assert scores("seen")[:3] == [1, 0, 1 / 3]
    assert scores("gold")[:3] == [1, 0, 1 / 2]
    assert np.isnan([scores("seen")[3], scores("gold")[3]]).all()


def test_measures_of_counts_by_hand():
    counts = {"right": [[2.0, 1.0]], "given": [[4.0, 1.0]], "gold": [[2.0, 4.0]]}
    arrays = {name: np.array(value) for name, value in counts.items()}

    def score(average, measure):
        return Items.of(Counts(**arrays, average=average, measure=measure)).score()[0]

    assert score("micro", "precision") == 3 / 5
    assert score("micro", "recall") == 3 / 6
    assert score("micro", "f1") == 6 / 11
    assert score("macro", "precision") == (2 / 4 + 1) / 2
    assert score("macro", "recall") == (1 + 1 / 4) / 2
    assert score("macro", "f1") == pytest.approx((4 / 6 + 2 / 5) / 2)


def test_a_resample_with_nothing_to_measure_is_not_a_number():
    items = Items.of(Ratio(np.array([1.0, 0.0]), np.array([2.0, 0.0])))
    assert items.score(np.array([[1, 0]])) == 0.5
    assert np.isnan(items.score(np.array([[0, 1]]))).all()


@pytest.mark.parametrize("shape", [(3,), (2, 2), (1, 4)])
def test_weights_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"wanted \[R, 3\]"):
        Items.mean(np.ones(3)).score(np.ones(shape))


@pytest.mark.parametrize("mask", [np.ones(2, np.bool_), np.ones(3), np.arange(3)])
def test_a_mask_of_another_shape_is_refused(mask):
    with pytest.raises(ValueError, match=r"wanted bool \[3\]"):
        Items.mean(np.ones(3)).keep(mask)


def test_chunks_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    counts = [rng.integers(0, 5, (30, 4)).astype(float) for _ in range(3)]
    items = Items.of(Counts(*counts, "macro", "seen"))
    weights = rng.multinomial(30, np.full(30, 1 / 30), size=50)
    whole = items.score(weights)
    monkeypatch.setattr("lingym.scripts.compare.items.CHUNK", 70)
    assert CHUNK != 70
    assert np.array_equal(items.score(weights), whole)


class Own(Task):
    """A task whose accuracy is another than everybody's, and that has a measure of its own."""

    def metrics(self, labelings, space):
        return {"accuracy": 0.123, "liking": 1.0}


def test_a_metric_that_is_no_sum_over_texts_is_refused():
    data = dataset("tagging")
    labelings = guessed(data["train"], 0)
    with pytest.raises(ValueError, match=r"no metric 'f9': choose accuracy, macro_f1"):
        items_of(labelings, data.task, data.space, "f9")
    with pytest.raises(ValueError, match=r"'liking' of Own cannot be resampled: it is not known"):
        items_of(labelings, Own(), data.space, "liking")
    with pytest.raises(ValueError, match=r"'accuracy' of Own cannot be resampled: its texts add"):
        items_of(labelings, Own(), data.space, "accuracy")


def test_a_mix_without_a_task_of_it_is_not_a_number():
    data = dataset("multitask")
    labelings = guessed(data["train"], 0)
    items = items_of(labelings, data.task, data.space, "mean")
    first, *rest = split_kinds(labelings, data.space).values()
    weights = np.zeros((1, len(data["train"])))
    weights[0, first[0].examples] = 1
    assert rest
    assert np.isnan(items.score(weights)).all()


def test_two_thousand_resamples_of_five_thousand_texts_take_a_moment():
    rng = np.random.default_rng(0)
    counts = [rng.integers(0, 3, (5000, 28)).astype(float) for _ in range(3)]
    items = Items.of(Counts(*counts, "macro", "seen"))
    weights = rng.integers(0, 3, (2000, 5000), dtype=np.int32)
    began = time.perf_counter()
    scores = items.score(weights)
    assert time.perf_counter() - began < 20  # about half a second alone; this machine is shared
    assert np.isfinite(scores).all()
