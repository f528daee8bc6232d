"""What judges tell of labelings worked out by hand, and of random ones by another way."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from lingym.rewards import (
    Abstain,
    Accuracy,
    Budget,
    Clicks,
    Counts,
    Delayed,
    EntityF1,
    Noisy,
    Normalized,
    OneScore,
    Preference,
    from_spec,
)
from lingym.rewards.base import prefix
from lingym.types import LabelSpace
from tests.rewards.feedback.judged import PAIR, entrusted, gold_of, hidden, units
from tests.rewards.worlds import KINDS, TAGS, WORLDS

GIVEN = [["B-LOC", "I-LOC", "O", "B-LOC"], ["O", "I-PER"], ["B-PER", "B-LOC", "O"]]
GOLD = [["O", "B-LOC", "I-LOC", "B-PER"], ["O", "O"], ["O", "O", "B-PER"]]


@pytest.fixture
def score(labelings):
    """What a judge tells of tags."""

    def score(text):
        beside = labelings(GIVEN, GOLD, TAGS.names)
        return entrusted(from_spec(text), TAGS, gold_of(beside)).score(hidden(beside)).tolist()

    return score


def test_bandit(score):
    assert score("bandit") == pytest.approx([0, 1 / 2, 0])


def test_one_score_and_its_levels(score):
    # Micro F1 of labels: 2 of 4 and so on are coarse; five stars tell fifths of it.
    assert score("one_score(entity_f1)") == [0, 1, 0]
    assert score("one_score(accuracy, levels=3)") == [0, 0.5, 0]
    assert score("one_score(0.7*accuracy, levels=5)") == [0, 0.25, 0]
    assert score("one_score(3*accuracy, levels=2)") == [0, 1, 0]  # cut to 1 first


def test_counts_of_entity_types(score):
    # LOC 2 of 1, PER 0 of 1: 2 * 1 / (2 + 2); nothing of nothing; LOC 1 of 0, PER 1 of 1.
    assert score("counts") == pytest.approx([1 / 2, 1, 2 / 3])
    assert score("counts(score_by='l1')") == pytest.approx([1 - 2 / 8, 1, 1 - 1 / 6])
    assert score("counts(ignore=('B-LOC',))") == pytest.approx([0, 1, 1])


def test_counts_against_counting_by_hand():
    world, names = WORLDS["relations"], WORLDS["relations"].space.names
    beside = world.draw(3, episodes=12, units=7)
    beside = replace(beside, examples=np.arange(12, dtype=np.int32))
    for ignore in ((), names[:1], names[1:3]):
        found = {}
        for by in ("f1", "l1"):
            judge = entrusted(Counts(ignore, by), world.space, gold_of(beside))
            found[by] = judge.score(hidden(beside))
        for row, length in enumerate(beside.lengths):
            ids = beside.labels[row, :length], beside.gold[row, :length]
            given, gold = (Counter(names[k] for k in own if names[k] not in ignore) for own in ids)
            whole = given.total() + gold.total()
            f1 = 2 * (given & gold).total() / whole if whole else 1.0
            apart = ((given - gold) + (gold - given)).total()
            assert found["f1"][row] == pytest.approx(f1, abs=1e-12)
            assert found["l1"][row] == pytest.approx(1 - apart / (2 * length), abs=1e-12)


def test_counts_of_units_of_several_kinds():
    counts = Counts()
    counts.bind(KINDS)
    types = [KINDS.names[k] for k in counts._types]
    assert types == ["slot/B-LOC", "slot/B-PER", "intent/ask", "intent/play", "intent/stop"]


def test_counts_refuse_what_they_cannot_count():
    with pytest.raises(ValueError, match=r"ignore names 'maybe', and the labels are no, yes"):
        Counts(("maybe",)).bind(PAIR)
    with pytest.raises(ValueError, match="leaves no label to count"):
        Counts(("no", "yes")).bind(PAIR)
    with pytest.raises(ValueError, match="score_by is 'l2': wanted f1 or l1"):
        Counts(score_by="l2")
    with pytest.raises(ValueError, match="labels are candidates"):
        Counts().bind(LabelSpace((), form="candidates", roles=("answer",)))


@pytest.mark.parametrize(
    ("late", "paid"),
    [
        (0, [[1, 0, 1, 1, 1], [1, 1, 0, 0, 0]]),
        (1, [[0, 1, 0, 1, 2], [0, 2, 0, 0, 0]]),
        (3, [[0, 0, 0, 1, 3], [0, 2, 0, 0, 0]]),
        (9, [[0, 0, 0, 0, 4], [0, 2, 0, 0, 0]]),
    ],
)
@pytest.mark.parametrize("inner", ["bandit", "accuracy"])
def test_a_reward_is_paid_later(late, paid, inner):
    labels = [[1, 1, 1, 1, 1], [0, 1, -1, -1, -1]]
    labelings, gold = units(labels, [[1, 0, 1, 1, 1], [0, 1, -1, -1, -1]])
    reward = entrusted(Delayed(from_spec(inner), late), PAIR, gold)
    if inner == "accuracy":
        labelings = gold.reveal(labelings)
    expected = np.array(paid) / np.array([[5], [2]])
    np.testing.assert_allclose(reward.steps(labelings), expected, rtol=0, atol=1e-15)
    so_far = [reward.score(prefix(labelings, n)) for n in range(6)]
    np.testing.assert_allclose(np.diff(so_far, axis=0).T, expected, rtol=0, atol=1e-15)


def test_a_delay_that_is_none_is_refused():
    for wrong in (-1, 1.5, True):
        with pytest.raises(ValueError, match="wanted a whole number from 0 on"):
            Delayed(Accuracy(), units=wrong)


def test_a_budget_is_spent():
    labelings, gold = units([[1, 1, 1], [0, 1, -1]], [[1, 0, 1], [0, 1, -1]])
    budget = entrusted(Budget(from_spec("bandit"), judgements=12), PAIR, gold)
    told, left = [], []
    while not budget.exhausted:
        budget.observe(labelings)
        told.append(budget.readings()["feedback_spent"])
        left.append(budget.readings()["feedback_left"])
    assert (told, left) == ([5, 10, 15], [7, 2, 0])
    either = 0.5 * budget + EntityF1()
    assert either.exhausted and either.readings()["feedback_left"] == 0
    for wrong in (0, -1, 2.5, True):
        with pytest.raises(ValueError, match=r"judgements is .*: wanted a whole number from 1 on"):
            Budget(Accuracy(), judgements=wrong)


def test_the_state_of_another_reward_is_refused():
    for text, state in (
        ("bandit", {}),
        ("clicks", {"spent": 3}),
        ("bandit", {"spent": 3, "x": 1}),
        ("abstain(accuracy)", {}),
        ("normalized(accuracy)", {}),
        ("constrained(accuracy, f1, at_least=1)", {"price": 1.0}),
        ("linear(1, 0)*accuracy", {}),
    ):
        with pytest.raises(ValueError, match="another's"):
            from_spec(text).load_state(state)


def test_a_judge_of_other_texts_is_refused():
    gold = units([[1, 1], [0, 1]], [[1, 0], [0, 1]])[1]
    judge = entrusted(OneScore(Accuracy()), PAIR, gold)
    judge.entrust(gold)  # the same again
    more = units([[1, 1], [0, 1], [1, 1]], [[1, 0], [0, 1], [1, 1]])[1]
    judge.entrust(more)
    for other in ([[1, 1], [0, 1]], [[1], [0]], [[1], [0, 0]]):
        wide = [row + [-1] * (2 - len(row)) for row in other]
        with pytest.raises(ValueError, match="judges the texts of another environment already"):
            judge.entrust(units(wide, wide)[1])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: OneScore(Accuracy(), levels=2.5), "levels is 2.5: wanted a whole number"),
        (lambda: Abstain(Accuracy(), answers=1.5), "answers is 1.5: wanted a whole number"),
        (lambda: Preference(Accuracy(), budget=1.5), "budget is 1.5: wanted a whole number"),
        (lambda: Normalized(Accuracy(), after=2.5), "after is 2.5: wanted a whole number"),
        (lambda: Noisy(Accuracy(), seed=0.5), "seed is 0.5: wanted a whole number"),
        (lambda: Clicks(seed=2**63), "seed is 9223372036854775808: wanted a whole number"),
        (lambda: Preference(Accuracy(), seed=True), "seed is True: wanted a whole number"),
        (lambda: Counts(ignore="O"), "ignore is 'O': wanted a tuple"),
    ],
)
def test_what_would_be_cut_or_taken_apart_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
