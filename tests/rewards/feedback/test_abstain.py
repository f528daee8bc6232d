"""Answers for a price, and what becomes of an abstention when nobody is left to answer."""

from dataclasses import replace

import numpy as np
import pytest

from lingym.rewards import (
    Abstain,
    Accuracy,
    CrossEntropy,
    EntityF1,
    OneScore,
    Reward,
    RewardError,
    from_spec,
    prefix,
    without_abstain,
)
from lingym.types import Gold, Labelings, LabelSpace, Quota
from tests.rewards.worlds import TAGS, WORLDS

WORLD = WORLDS["abstaining"]
ASK = 5
TWO = LabelSpace(("a", "b", "ABSTAIN"))


def labelings(labels: list[list[int]], gold: list[list[int]]) -> Labelings:
    given = np.array(labels, np.int32)
    lengths = (np.array(gold) >= 0).sum(1).astype(np.int32)
    rows = np.arange(len(labels), dtype=np.int32)
    return Labelings(given, np.array(gold, np.int32), lengths, lengths, rows)


def bound(reward: Reward, space: LabelSpace = TWO) -> Reward:
    reward.bind(space)
    return reward


def test_by_hand():
    played = labelings(
        [[0, 2, 1, 2], [2, 2, -1, -1], [1, 0, 0, -1]], [[0, 0, 0, 1], [1, 0, -1, -1], [0, 0, 0, -1]]
    )
    reward = bound(Abstain(Accuracy(), price=0.4))
    # 3 of 4 right with two answers; all right with two answers; 2 of 3 right with none.
    np.testing.assert_allclose(reward.score(played), [0.75 - 0.2, 1 - 0.4, 2 / 3])
    steps = [[0.25, 0.15, 0, 0.15], [0.3, 0.3, 0, 0], [0, 1 / 3, 1 / 3, 0]]
    np.testing.assert_allclose(reward.steps(played), steps)
    np.testing.assert_allclose(reward.score(prefix(played, 2)), [0.4, 0.6, 1 / 3])


def test_entities_are_made_whole_by_answers():
    loc, per, inside, o = 0, 1, 3, 4
    gold = [[per, inside, o, loc]]
    reward = bound(Abstain(EntityF1(), price=0.1), WORLD.space)
    asked = labelings([[per, ASK, o, ASK]], gold)
    np.testing.assert_allclose(reward.score(asked), [1 - 0.05])
    alone = labelings([[per, o, o, ASK]], gold)
    np.testing.assert_allclose(reward.score(alone), [0.5 - 0.025])


def test_without_an_answer_left_a_unit_is_wrong_and_paid_for():
    played = labelings([[2, 2, 2, 0]], [[0, 1, 0, 0]])
    reward = bound(Abstain(Accuracy(), price=0.4, answers=4))
    np.testing.assert_allclose(reward.score(played), [1 - 0.3])
    reward.observe(played)
    assert (reward.spent, reward.left, reward.readings()) == (3, 1, {"answers_spent": 3.0})
    # One answer is left, for the first that asks; a prefix is scored alike.
    np.testing.assert_allclose(reward.steps(played), [[0.15, -0.1, -0.1, 0.25]])
    np.testing.assert_allclose(reward.score(prefix(played, 2)), [0.05])
    again = bound(from_spec(str(reward)))
    again.load_state(reward.state())
    reward.observe(played)
    assert (reward.spent, reward.left) == (4, 0)
    np.testing.assert_allclose(reward.score(played), [0.25 - 0.3])
    np.testing.assert_allclose(again.steps(played), [[0.15, -0.1, -0.1, 0.25]])
    reward.observe(played)
    assert reward.spent == 4 and not reward.exhausted


def test_each_text_of_a_batch_may_use_what_was_left_when_it_began():
    played = labelings([[2, 2], [2, 2]], [[0, 1], [1, 0]])
    reward = bound(Abstain(Accuracy(), price=0.0, answers=3))
    np.testing.assert_allclose(reward.score(played), [1, 1])
    reward.observe(played)
    assert (reward.spent, reward.left) == (4, 0)  # over by what one batch asks, and said so
    np.testing.assert_allclose(reward.score(played), [0, 0])


@pytest.mark.parametrize("answers", [None, 0, 100])
@pytest.mark.parametrize("inside", [Accuracy(), 0.5 * Accuracy() + CrossEntropy(), EntityF1()])
def test_the_table_says_what_each_label_adds(inside, answers):
    reward = bound(Abstain(inside, price=0.2, answers=answers), WORLD.space)
    played = WORLD.draw(3, episodes=40, units=5)
    table = reward.table(played, 6)
    if isinstance(inside, EntityF1):
        assert table is None
        return
    assert table.shape == (*played.labels.shape, 6)
    at = np.take_along_axis(table, played.labels.clip(min=0)[..., None], 2)[..., 0]
    total = np.where(played.labels >= 0, at, 0).sum(1)
    np.testing.assert_allclose(total, reward.score(played), atol=1e-12)
    assert not table[played.gold < 0].any()
    reward.spent = 98  # two left: what an answer is worth depends on the others
    assert (reward.table(played, 6) is None) == (answers == 100)


def test_inside_feedback_the_judge_answers():
    gold = Gold(np.array([0, 1, 1, 0], np.int32), np.array([0, 2, 4]))
    judge = OneScore(Abstain(Accuracy(), price=0.5, answers=3))
    bound(judge)
    judge.entrust(gold)
    hidden = replace(
        labelings([[2, 1], [2, 2]], [[0, 1], [1, 0]]), gold=np.full((2, 2), -1, np.int32)
    )
    assert not judge.needs_gold and judge.hides_gold
    np.testing.assert_allclose(judge.score(hidden), [0.75, 0.5])
    judge.observe(hidden)
    assert judge.readings() == {"answers_spent": 3.0, "feedback_spent": 2.0}
    np.testing.assert_allclose(judge.score(hidden), [0.5 - 0.25, 0 - 0.5])
    again = OneScore(Abstain(Accuracy(), price=0.5, answers=3))
    bound(again)
    again.entrust(gold)
    again.load_state(judge.state())
    assert again.state() == judge.state()
    np.testing.assert_allclose(again.score(hidden), judge.score(hidden))


def test_the_labels_without_abstain():
    rows = np.ones((6, 5), np.bool_)
    rows[4, 3] = False
    wide = np.insert(np.insert(rows, 5, True, 0), 5, True, 1)
    space = LabelSpace((*TAGS.names, "ABSTAIN"), wide, quota=Quota(5, 3))
    own = without_abstain(space)
    assert (own.names, own.quota) == (TAGS.names, None)
    np.testing.assert_array_equal(own.transitions, rows)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("abstain(accuracy, price=-1)", "price is -1: wanted a number, 0 or more"),
        ("abstain(accuracy, answers=-1)", "answers is -1: wanted a whole number from 0 on"),
        ("abstain(bandit)", r"put abstain inside the feedback, as in one_score\(abstain"),
        ("abstain", "abstain stands around a reward"),
    ],
)
def test_what_means_nothing_is_refused(spec, words):
    with pytest.raises(ValueError, match=words):
        from_spec(spec)


def test_a_task_that_cannot_abstain_is_refused():
    with pytest.raises(ValueError, match=r"reward abstain: the labels have no ABSTAIN: put Abst"):
        Abstain(Accuracy()).bind(TAGS)
    with pytest.raises(RewardError, match="does not know its labels yet"):
        Abstain(Accuracy()).score(labelings([[0]], [[0]]))
