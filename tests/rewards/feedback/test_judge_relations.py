"""What holds of every judge and of every reward around one."""

import copy
import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lingym.rewards import (
    F1,
    Accuracy,
    Bandit,
    Budget,
    ByKind,
    Clicks,
    Counts,
    Delayed,
    EntityF1,
    ExactMatch,
    Judge,
    Noisy,
    OneScore,
    Rouge,
    SquadF1,
    checked_score,
    checked_steps,
    from_spec,
    prefix,
)
from lingym.rewards.base import take
from lingym.types import Gold, Labelings
from tests.rewards.feedback.judged import draw, entrusted, gold_of, hidden
from tests.rewards.worlds import EXAMPLES, WORLDS

JUDGES = {
    "tags": [
        Bandit(),
        OneScore(EntityF1()),
        OneScore(F1(average="macro"), levels=3),
        OneScore(0.5 * Bandit() + 0.5 * Noisy(Bandit())),
        Counts(),
        Counts(ignore=("B-PER",), score_by="l1"),
        Clicks(),
        Clicks(eta=0.5, debias=True, cap=2.0, trust=0.2, seed=3),
        Noisy(Bandit(), p=0.3),
        Noisy(EntityF1(dense=True), p=0.4, correct=True),
        Noisy(Clicks(), p=0.2, seed=1),
        Noisy(Noisy(Bandit(), p=0.5), p=0.5),
        Budget(Noisy(EntityF1(), p=0.2), judgements=500),
        Delayed(Bandit(), units=2),
        Delayed(EntityF1(dense=True), units=1),
        Delayed(Delayed(Noisy(Bandit(), p=0.5), units=1), units=0),
        Delayed(EntityF1(), units=3),
        0.5 * Bandit() + 0.5 * Noisy(Counts()) + Delayed(Clicks(debias=True), units=9),
    ],
    "sets": [Bandit(), Counts(ignore=("no",)), Clicks(eta=0.0)],
    "choices": [Bandit(), OneScore(ExactMatch())],
    "spans": [OneScore(SquadF1()), Noisy(SquadF1(exact=True)), Bandit()],
    "sentences": [
        Bandit(),
        Counts(score_by="l1"),
        Noisy(Clicks(), p=0.5),
        OneScore(Rouge()),
        Delayed(Noisy(Bandit(), p=0.5), units=2),
        Delayed(Rouge(dense=True), units=1),
    ],
    "kinds": [
        Bandit(),
        Counts(),
        OneScore(ByKind({"slot": EntityF1(), "intent": Accuracy()})),
        Budget(Bandit(), judgements=3),
    ],
}
CASES = [(reward, WORLDS[name]) for name, rewards in JUDGES.items() for reward in rewards]
every_judge = pytest.mark.parametrize(
    ("reward", "world"),
    CASES,
    ids=[f"{name}-{reward}" for name, rewards in JUDGES.items() for reward in rewards],
)
few = settings(max_examples=8, deadline=None)
seeds = st.integers(0, 2**32 - 1)


def judged(reward, world, seed):
    """The reward with its gold labels, and labelings of these texts without."""
    labelings = draw(world, seed)
    return entrusted(reward, world.space, gold_of(labelings)), seen(reward, labelings)


def seen(reward, labelings):
    """What an environment would show to the reward."""
    return hidden(labelings) if reward.hides_gold else labelings


@every_judge
@few
@given(seed=seeds)
def test_steps_are_rises_of_the_score_and_sum_to_it(reward, world, seed):
    own, labelings = judged(reward, world, seed)
    steps, units = checked_steps(own, labelings), labelings.labels.shape[1]
    scores = [checked_score(own, prefix(labelings, n)) for n in range(units + 1)]
    assert not scores[0].any()
    np.testing.assert_allclose(steps, np.diff(scores, axis=0).T, rtol=0, atol=1e-12)
    np.testing.assert_allclose(steps.sum(1), own.score(labelings), rtol=0, atol=1e-12)


@every_judge
def test_sparse_says_whether_a_prefix_has_a_score(reward, world):
    found = []
    for seed in range(6, 60, 9):  # texts of up to 7 units
        own, labelings = judged(reward, world, seed)
        before = replace(labelings, decided=np.maximum(labelings.lengths - 1, 0))
        before.labels[np.arange(len(before.labels)), labelings.lengths - 1] = -1
        found.append(own.score(before).any())
    if world.units != 1 and "units=9" not in str(own):
        assert any(found) != own.sparse


@every_judge
@few
@given(seed=seeds, padding=st.integers(1, 3))
def test_padding_changes_nothing(reward, world, seed, padding):
    own, labelings = judged(reward, world, seed)
    wide = [(0, 0), (0, padding)]
    arrays = {
        name: np.pad(getattr(labelings, name), wide, constant_values=-1)
        for name in ("labels", "gold", "kinds")
        if getattr(labelings, name) is not None
    }
    padded = replace(labelings, **arrays)
    np.testing.assert_array_equal(own.score(padded), own.score(labelings))
    np.testing.assert_array_equal(own.steps(padded)[:, :-padding], own.steps(labelings))


@every_judge
@few
@given(seed=seeds)
def test_an_episode_is_judged_alike_alone_and_in_any_order(reward, world, seed):
    own, labelings = judged(reward, world, seed)
    score, steps = own.score(labelings), own.steps(labelings)
    order = np.random.default_rng(seed).permutation(len(score))
    np.testing.assert_array_equal(own.score(take(labelings, order)), score[order])
    np.testing.assert_array_equal(own.steps(take(labelings, order)), steps[order])
    for row in order:
        alone = take(labelings, np.array([row]))
        np.testing.assert_array_equal(own.score(alone), score[[row]])
        np.testing.assert_array_equal(own.steps(alone), steps[[row]])


@every_judge
@few
@given(seed=seeds)
def test_a_score_does_not_know_where_a_label_will_stop_the_episode(reward, world, seed):
    labelings = draw(world, seed)
    planned = (labelings.gold >= 0).sum(1).astype(np.int32)
    own = entrusted(reward, world.space, gold_of(labelings))
    labelings = seen(reward, labelings)
    for n in range(labelings.labels.shape[1] + 1):
        known = prefix(labelings, n)
        before = replace(known, lengths=np.where(n < labelings.lengths, planned, known.lengths))
        np.testing.assert_array_equal(own.score(before), own.score(known))


@every_judge
def test_only_entrusted_gold_labels_count(reward, world):
    if not reward.hides_gold:
        pytest.skip("no judge")
    labelings = draw(world, 8)
    own = entrusted(reward, world.space, gold_of(labelings))
    wrong = replace(labelings, gold=np.where(labelings.gold >= 0, 0, -1).astype(np.int32), facts={})
    np.testing.assert_array_equal(own.steps(wrong), own.steps(hidden(labelings)))
    assert not own.needs_gold and own.table(hidden(labelings), 5) is None


@every_judge
def test_a_score_changes_by_observing_only(reward, world):
    own, labelings = judged(reward, world, 17)
    before = copy.deepcopy(labelings)
    score = own.score(labelings)
    own.steps(labelings), own.parts(labelings), own.score(prefix(labelings, 1))
    np.testing.assert_array_equal(own.score(labelings), score)
    scores = [score]
    for _ in range(20):
        own.observe(labelings)
        scores.append(own.score(labelings))
    by_chance = "noisy" in str(own) or ("clicks" in str(own) and "eta=0.0" not in str(own))
    assert (np.ptp(scores, axis=0) > 0).any() == by_chance
    for name in ("labels", "gold", "decided", "lengths", "examples", "kinds"):
        np.testing.assert_array_equal(getattr(labelings, name), getattr(before, name))


def judges(reward):
    """The judges within a reward."""
    own = [reward] if isinstance(reward, Judge) else []
    return own + [judge for part in reward.inner for judge in judges(part)]


def by_unit(judge):
    """Whether a judge says something of every unit."""
    while isinstance(judge, Noisy | Budget):
        judge = judge.reward
    return isinstance(judge, Bandit | Clicks)


@every_judge
def test_every_verdict_is_counted(reward, world):
    own, labelings = judged(reward, world, 26)
    for _ in range(3):
        own.observe(labelings)
    for judge in judges(own):
        told = labelings.lengths.sum() if by_unit(judge) else len(labelings.labels)
        assert judge.spent == 3 * told
    spent = [own.readings().get("feedback_spent")]  # of the outermost judge
    assert spent == ([judge.spent for judge in judges(own)][:1] or [None])


@every_judge
def test_a_saved_state_is_gone_on_from(reward, world):
    labelings = draw(world, 35)
    gold = gold_of(labelings)
    own, again = (entrusted(reward, world.space, gold) for _ in range(2))
    labelings = seen(reward, labelings)
    for rows in ([0], slice(1, None), slice(None)):
        own.observe(take(labelings, rows if isinstance(rows, slice) else np.array(rows)))
    again.load_state(json.loads(json.dumps(own.state())))
    for _ in range(3):
        np.testing.assert_array_equal(again.steps(labelings), own.steps(labelings))
        assert again.state() == own.state() and again.readings() == own.readings()
        assert again.exhausted == own.exhausted
        own.observe(labelings), again.observe(labelings)


@every_judge
def test_a_pickled_judge_judges_alike(reward, world):
    own, labelings = judged(reward, world, 44)
    own.observe(labelings)
    again = pickle.loads(pickle.dumps(own))
    assert repr(again) == repr(own)
    np.testing.assert_array_equal(again.steps(labelings), own.steps(labelings))


@every_judge
def test_the_written_form_is_read_back(reward, world):
    assert repr(from_spec(str(reward))) == repr(reward)


@every_judge
@pytest.mark.parametrize("shape", [(0, 3), (0, 0), (2, 0), (2, 3)])
def test_no_episodes_or_no_units(reward, world, shape):
    none, empty = np.zeros(shape[0], np.int32), np.full(shape, -1, np.int32)
    kinds = empty if world.space.kinds else None
    nothing = Labelings(empty, empty, none, none, none, kinds, world.facts)
    gold = Gold(np.zeros(0, np.int32), np.zeros(EXAMPLES + 1, np.int64), world.facts)
    own = entrusted(reward, world.space, gold)
    assert checked_score(own, nothing).tolist() == [0.0] * shape[0]
    np.testing.assert_array_equal(checked_steps(own, nothing), np.zeros(shape))
    own.observe(nothing)
    assert all(judge.spent == 0 for judge in judges(own))
