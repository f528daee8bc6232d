"""Corpus measures as rewards, against the public scorers with and without an episode."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from seqeval.metrics.v1 import precision_recall_fscore_support as seqeval_scores
from seqeval.scheme import IOB2
from sklearn.metrics import matthews_corrcoef, precision_recall_fscore_support

from lingym.rewards import (
    CorpusF1,
    CorpusMCC,
    CorpusPrecision,
    CorpusRecall,
    RelationF1,
    Reward,
    checked_score,
    checked_steps,
    semeval_metrics,
)
from lingym.rewards.base import take
from lingym.types import Labelings, LabelSpace
from tests.rewards.worlds import RELATIONS, SETS, TAGS, WORLDS

# seqeval and scikit-learn warn where a ratio is 0 / 0 although zero_division says what to give.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")


@dataclass(frozen=True)
class Case:
    """A reward, the world that it scores, and the public measure it stands for."""

    kind: type
    settings: dict
    world: str
    scorer: Callable[[Labelings], float]

    def reward(self, **more) -> Reward:
        """Bound; it forgets nothing, and its pseudo counts are next to nothing."""
        reward = self.kind(**{"half_life": None, "prior": 1e-9, **self.settings, **more})
        reward.bind(WORLDS[self.world].space)
        return reward


def named(labelings: Labelings, names) -> tuple[list[list[str]], list[list[str]]]:
    rows = [
        [[names[i] for i in row[:n]] for row, n in zip(ids, labelings.lengths, strict=True)]
        for ids in (labelings.gold, labelings.labels)
    ]
    return rows[0], rows[1]


def entities(which: int, average: str, beta: float = 1.0):
    def score(labelings: Labelings) -> float:
        options = {"average": average, "beta": beta, "scheme": IOB2, "zero_division": 0}
        return seqeval_scores(*named(labelings, TAGS.names), **options)[which]

    return score


def flat(labelings: Labelings) -> tuple[np.ndarray, np.ndarray]:
    real = labelings.gold >= 0
    return labelings.gold[real], labelings.labels[real]


def labels(which: int, average: str, counted: tuple[int, ...], beta: float = 1.0):
    def score(labelings: Labelings) -> float:
        options = {"average": average, "beta": beta, "labels": counted, "zero_division": 0}
        return precision_recall_fscore_support(*flat(labelings), **options)[which]

    return score


def candidates(which: int, average: str, beta: float = 1.0):
    def score(labelings: Labelings) -> float:
        options = {"average": average, "beta": beta, "zero_division": 0}
        tables = labelings.gold == 1, labelings.labels == 1
        return precision_recall_fscore_support(*tables, **options)[which]

    return score


def official(labelings: Labelings) -> float:
    return semeval_metrics(labelings.labels, labelings.gold, RELATIONS.names)["semeval_f1"]


P, R, F = range(3)
MACRO, WEIGHTED = {"average": "macro"}, {"average": "weighted"}
INNER = {"unit": "label", "ignore": ("O", "I-LOC")}
CASES = [
    Case(CorpusF1, {}, "tags", entities(F, "micro")),
    Case(CorpusF1, {"beta": 2.0}, "tags", entities(F, "micro", 2.0)),
    Case(CorpusF1, MACRO, "tags", entities(F, "macro")),
    Case(CorpusF1, WEIGHTED | {"beta": 0.5}, "tags", entities(F, "weighted", 0.5)),
    Case(CorpusPrecision, {}, "tags", entities(P, "micro")),
    Case(CorpusRecall, MACRO, "tags", entities(R, "macro")),
    Case(CorpusF1, {"unit": "label"}, "tags", labels(F, "micro", (0, 1, 2, 3))),
    Case(CorpusF1, INNER | MACRO, "tags", labels(F, "macro", (0, 1, 3))),
    Case(CorpusRecall, INNER | WEIGHTED, "tags", labels(R, "weighted", (0, 1, 3))),
    Case(CorpusF1, {}, "sets", candidates(F, "micro")),
    Case(CorpusF1, MACRO | {"beta": 0.5}, "sets", candidates(F, "macro", 0.5)),
    Case(CorpusPrecision, WEIGHTED, "sets", candidates(P, "weighted")),
    Case(CorpusF1, MACRO, "relations", official),
    Case(CorpusMCC, {}, "tags", lambda labelings: matthews_corrcoef(*flat(labelings))),
]
every_case = pytest.mark.parametrize(
    "case", CASES, ids=[f"{c.world}-{c.kind.name}-{c.settings}" for c in CASES]
)


def observed(reward: Reward, labelings: Labelings, parts: int = 1) -> Reward:
    for rows in np.array_split(np.arange(len(labelings.lengths)), parts):
        reward.observe(take(labelings, rows))
    return reward


@every_case
def test_the_running_measure_is_the_public_one(case):
    labelings = WORLDS[case.world].draw(0, episodes=60, units=6)
    reward = case.reward(prior=10.0)
    assert reward.measure() is None
    assert reward.readings() == {}
    assert observed(reward, labelings, 7).measure() == pytest.approx(case.scorer(labelings))
    assert reward.readings()[reward.name] == reward.measure()


@every_case
def test_the_exact_worth_is_what_leaving_an_episode_out_costs(case):
    labelings = WORLDS[case.world].draw(1, episodes=40, units=6)
    every, exact = case.scorer(labelings), []
    for row in range(6):
        others = take(labelings, np.delete(np.arange(40), row))
        reward = observed(case.reward(exact=True), others)
        worth = checked_score(reward, take(labelings, np.array([row])))
        exact.append(39 * (every - case.scorer(others)))
        assert worth == pytest.approx([exact[-1]], abs=1e-6)
    assert np.ptp(exact) > 0.1


@every_case
def test_the_linear_worth_comes_near_the_exact_one_as_the_corpus_grows(case):
    world = WORLDS[case.world]
    corpus, judged = world.draw(2, episodes=50, units=6), world.draw(3, episodes=80, units=6)
    errors = []
    for times in (16, 128):
        rewards = case.reward(), case.reward(exact=True)
        for reward in rewards:
            for _ in range(times):
                reward.observe(corpus)
        linear, exact = (checked_score(reward, judged) for reward in rewards)
        errors.append(np.abs(linear - exact).mean() / np.abs(exact).mean())
        clear = np.abs(exact) > 3 * np.abs(linear - exact).max()
        assert clear.sum() > 20
        np.testing.assert_array_equal(np.sign(linear[clear]), np.sign(exact[clear]))
    assert errors[1] < 0.01
    assert errors[0] / errors[1] == pytest.approx(8, rel=0.1)


@every_case
def test_the_episodes_that_were_counted_are_worth_0_on_average(case):
    labelings = WORLDS[case.world].draw(4, episodes=50, units=6)
    scores = observed(case.reward(), labelings).score(labelings)
    assert scores.std() > 0.1
    assert scores.mean() == pytest.approx(0, abs=1e-6)


@every_case
def test_saved_and_resumed_in_the_middle(case):
    labelings = WORLDS[case.world].draw(5, episodes=60, units=6)
    first, then = take(labelings, slice(0, 23)), take(labelings, slice(23, 60))
    reward, other = case.reward(half_life=11.0), case.reward(half_life=11.0)
    reward.observe(first)
    other.load_state(json.loads(json.dumps(reward.state())))
    for _ in range(2):
        np.testing.assert_array_equal(other.score(labelings), reward.score(labelings))
        assert other.readings() == reward.readings()
        reward.observe(then), other.observe(then)
    assert other.state() == reward.state()


@every_case
def test_dense_steps_sum_to_the_sparse_score(case):
    world = WORLDS[case.world]
    labelings = world.draw(6, episodes=60, units=6)
    counted = world.draw(7, episodes=60, units=6)
    for exact in (False, True):
        sparse = observed(case.reward(exact=exact), counted)
        dense = observed(case.reward(exact=exact, dense=True), counted)
        steps = checked_steps(dense, labelings)
        np.testing.assert_allclose(steps.sum(1), sparse.score(labelings), atol=1e-11)
        np.testing.assert_allclose(steps, Reward.steps(dense, labelings), atol=1e-11)
        assert np.count_nonzero(steps) > np.count_nonzero(sparse.steps(labelings)) or (
            case.world == "relations"  # of one unit
        )


@every_case
def test_the_table_sums_to_the_score(case):
    world, rng = WORLDS[case.world], np.random.default_rng(8)
    labelings = world.draw(8, episodes=60, units=6)
    reward = observed(case.reward(), world.draw(9, episodes=60, units=6))
    table = reward.table(labelings, len(world.space))
    assert case.reward(exact=True).table(labelings, len(world.space)) is None
    if case.world == "tags" and "unit" not in case.settings and case.kind is not CorpusMCC:
        assert table is None
        return
    real = labelings.gold >= 0
    for _ in range(3):
        given = np.where(real, rng.integers(0, len(world.space), real.shape), -1).astype(np.int32)
        drawn = Labelings(given, *(labelings.gold, *[labelings.lengths] * 2, labelings.examples))
        worth = np.take_along_axis(table, np.maximum(given, 0)[..., None], 2)[..., 0]
        np.testing.assert_allclose((worth * real).sum(1), reward.score(drawn), atol=1e-12)
    assert not table[~real].any()


def test_old_episodes_weigh_less():
    labelings = WORLDS["tags"].draw(10, episodes=30, units=6)
    reward = CorpusF1(half_life=7.0)
    reward.bind(TAGS)
    observed(reward, labelings, 30)
    weights = 0.5 ** (np.arange(29, -1, -1) / 7)
    state, counts = reward.state(), reward.counts(labelings)
    assert state["episodes"] == pytest.approx(weights.sum())
    for name in ("right", "given", "gold"):
        np.testing.assert_allclose(state[name], weights @ getattr(counts, name))
    whole = CorpusF1(half_life=7.0)
    whole.bind(TAGS)
    observed(whole, labelings, 4)
    np.testing.assert_allclose(whole.score(labelings), reward.score(labelings))


def one(reward: Reward, space: LabelSpace, given: list[str], gold: list[str]) -> float:
    """The score of one episode."""
    ids = (np.array([[space.names.index(n) for n in row]], np.int32) for row in (given, gold))
    units = np.array([len(gold)], np.int32)
    return float(reward.score(Labelings(*ids, units, units, np.zeros(1, np.int32)))[0])


def test_before_anything_was_observed():
    reward = CorpusF1()
    reward.bind(TAGS)
    # 10 episodes, predictions and gold entities, 5 of them right: F is a half, 10 / (10 + 10) too.
    assert one(reward, TAGS, ["B-PER"], ["B-PER"]) == pytest.approx(0.5 * (2 - 0.5 - 0.5))
    assert one(reward, TAGS, ["B-PER"], ["O"]) == pytest.approx(-0.25)
    assert one(reward, TAGS, ["O"], ["B-LOC"]) == pytest.approx(-0.25)
    assert one(reward, TAGS, ["B-PER"], ["B-LOC"]) == pytest.approx(-0.5)
    assert one(reward, TAGS, ["O", "I-LOC"], ["O", "O"]) == 0


def test_rare_types_are_worth_more_to_macro_f1():
    reward = CorpusF1(average="macro", half_life=None, prior=1e-9)
    reward.bind(TAGS)
    rows = [[0]] * 9 + [[1]]  # nine LOC, one PER; all right
    ids, ones = np.array(rows, np.int32), np.ones(10, np.int32)
    reward.observe(Labelings(ids, ids, ones, ones, np.arange(10, dtype=np.int32)))
    # A missed one of g: N / T * F / (P + G), which is 10 / 2 / (2 g).
    assert one(reward, TAGS, ["O"], ["B-LOC"]) == pytest.approx(-10 / 2 / 18)
    assert one(reward, TAGS, ["O"], ["B-PER"]) == pytest.approx(-10 / 2 / 2)


def test_weights_of_types():
    labelings = WORLDS["tags"].draw(11, episodes=50, units=6)
    settings = {"unit": "label", "half_life": None, "average": "macro"}
    chosen = CorpusF1(**settings, weights={"I-LOC": 0.0, "B-PER": 0.0, "I-PER": 3.0})
    chosen.bind(TAGS)
    observed(chosen, labelings)
    one_label = [labels(F, "macro", (k,))(labelings) for k in (0, 3)]
    assert chosen.measure() == pytest.approx((one_label[0] + 3 * one_label[1]) / 4)
    none = CorpusF1(unit="label", half_life=None, weights={"I-LOC": 0.0, "I-PER": 0.0})
    none.bind(TAGS)
    assert observed(none, labelings).measure() == pytest.approx(
        labels(F, "micro", (0, 1))(labelings)
    )
    assert one(none, TAGS, ["I-PER"], ["I-LOC"]) == 0
    assert one(none, TAGS, ["I-PER"], ["B-LOC"]) < 0 < one(none, TAGS, ["B-LOC"], ["B-LOC"])


@pytest.mark.parametrize("average", ["micro", "macro", "weighted"])
def test_precision_and_recall_are_the_limits(average):
    labelings = WORLDS["sets"].draw(12, episodes=50, units=5)
    scores = {}
    for name, reward in {
        "precision": CorpusPrecision(average=average),
        "recall": CorpusRecall(average=average),
        "0": CorpusF1(average=average, beta=0.0),
        "inf": CorpusF1(average=average, beta=1e8),
    }.items():
        reward.bind(SETS)
        observed(reward, labelings)
        scores[name] = reward.score(labelings)
    np.testing.assert_array_equal(scores["0"], scores["precision"])
    np.testing.assert_allclose(scores["inf"], scores["recall"], atol=1e-12)
    assert not np.allclose(scores["precision"], scores["recall"])


def test_greedy_labels_by_expected_worth_reach_the_best_f1():
    """Dinkelbach's method: what is worth giving at the running F1 raises it to the highest."""
    rng = np.random.default_rng(13)
    chance = rng.beta(0.3, 1.5, 4000)
    space = LabelSpace(("no", "yes"), form="text", of_text=True, roles=("joy",))
    gold = (rng.random(4000) < chance).astype(np.int32)[:, None]
    ones, examples = np.ones(4000, np.int32), np.arange(4000, dtype=np.int32)
    reward = CorpusF1(half_life=400.0)
    reward.bind(space)
    either = [np.full_like(gold, side) for side in (0, 1)]
    for _ in range(6):
        tables = [
            reward.table(Labelings(g, g, ones, ones, examples), 2)[:, 0] for g in either
        ]  # [B, K], were the gold label no, or yes
        expected = (1 - chance)[:, None] * tables[0] + chance[:, None] * tables[1]
        given = expected.argmax(1).astype(np.int32)[:, None]
        reward.observe(Labelings(given, gold, ones, ones, examples))

    def f1(given: np.ndarray) -> float:
        return 2 * (given & gold[:, 0]).sum() / (given.sum() + gold.sum())

    best = max(f1((chance > t).astype(int)) for t in np.linspace(0, 1, 201))
    assert f1((chance > 0.5).astype(int)) < best - 0.03
    assert f1(given[:, 0]) > best - 0.005


def test_relation_f1_on_running_counts():
    labelings = WORLDS["relations"].draw(14, episodes=50, units=1)
    reward, twin = RelationF1(operating_point=None), CorpusF1(average="macro")
    for each in (reward, twin):
        each.bind(RELATIONS)
        each.observe(labelings)
    np.testing.assert_array_equal(reward.score(labelings), twin.score(labelings))
    np.testing.assert_array_equal(reward.table(labelings, 5), twin.table(labelings, 5))
    assert reward.measure() == twin.measure()
    assert reward.readings() == twin.readings()
    again = RelationF1(operating_point=None)
    again.bind(RELATIONS)
    again.load_state(json.loads(json.dumps(reward.state())))
    np.testing.assert_array_equal(again.score(labelings), reward.score(labelings))
    fixed = RelationF1()
    assert (fixed.measure(), fixed.state(), fixed.needs_gold) == (None, {}, True)


def test_a_second_environment_goes_on_with_the_counts():
    reward = CorpusF1()
    reward.bind(TAGS)
    observed(reward, WORLDS["tags"].draw(15, episodes=9, units=5))
    before = reward.state()
    reward.bind(TAGS)
    assert reward.state() == before
