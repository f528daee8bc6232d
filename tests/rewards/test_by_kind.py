"""Rewards of one kind of units each, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from lingym.rewards import (
    F1,
    Accuracy,
    ByKind,
    CrossEntropy,
    EntityF1,
    ExactMatch,
    RewardError,
    checked_score,
    checked_steps,
    corpus_metrics,
    split_kinds,
)
from lingym.types import Labelings, LabelSpace

SLOTS, INTENTS = LabelSpace(("B-x", "I-x", "O")), LabelSpace(("ask", "play"))
SPACE = LabelSpace.joined({"slot": SLOTS, "intent": INTENTS})
BX, IX, O, ASK, PLAY = range(5)  # noqa: E741 - the tag's name


def labelings(labels: list[list[int]], gold: list[list[int]]) -> Labelings:
    """Complete episodes; a unit has the kind of its gold label."""
    wanted = np.array(gold, np.int32)
    lengths = (wanted >= 0).sum(1).astype(np.int32)
    kinds = np.where(wanted < 0, -1, wanted >= ASK).astype(np.int32)
    examples = np.arange(len(gold), dtype=np.int32)
    return Labelings(np.array(labels, np.int32), wanted, lengths, lengths, examples, kinds)


THREE = labelings(
    [[BX, O, O, PLAY], [O, ASK, -1, -1], [BX, IX, -1, -1]],
    [[BX, O, BX, PLAY], [O, PLAY, -1, -1], [BX, O, -1, -1]],
)


def test_each_kind_is_paid_at_its_last_unit():
    reward = ByKind({"slot": 0.5 * EntityF1(), "intent": 0.25 * Accuracy()})
    reward.bind(SPACE)
    # Slots: one of two, none to find, one that is too long; intents: right, wrong, none.
    steps = [[0, 0, 0.5 * 2 / 3, 0.25], [0.5, 0, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(checked_steps(reward, THREE), steps)
    np.testing.assert_allclose(checked_score(reward, THREE), np.sum(steps, 1))
    parts = {name: part.tolist() for name, part in reward.parts(THREE).items()}
    assert parts == {"slot/entity_f1": [2 / 3, 1, 0], "intent/accuracy": [1, 0, 0]}
    assert not reward.sparse


def test_dense_rewards_of_both_kinds():
    reward = ByKind({"intent": Accuracy(), "slot": Accuracy()})
    reward.bind(SPACE)
    steps = [[1 / 3, 1 / 3, 0, 1], [1, 0, 0, 0], [0.5, 0, 0, 0]]
    np.testing.assert_allclose(reward.steps(THREE), steps)


def test_a_label_of_another_kind_is_wrong_whatever_the_gold_label():
    gold = [[BX, IX, O, ASK], [BX, IX, O, PLAY]]
    foreign = labelings([[ASK, PLAY, ASK, BX], [PLAY, ASK, PLAY, O]], gold)
    for part in (Accuracy(), ExactMatch(), EntityF1(), F1(), F1(average="macro")):
        reward = ByKind({"slot": part, "intent": Accuracy()})
        reward.bind(SPACE)
        np.testing.assert_array_equal(checked_score(reward, foreign), [0, 0], err_msg=repr(part))
    wrong = ByKind({"slot": CrossEntropy(smoothing=0.3), "intent": CrossEntropy(smoothing=0.3)})
    wrong.bind(SPACE)
    expected = 3 * np.log(0.1) + np.log(0.15)
    np.testing.assert_allclose(checked_score(wrong, foreign), [expected, expected])


def test_units_of_a_kind_need_not_stand_together():
    mixed = labelings([[BX, PLAY, O, ASK]], [[BX, ASK, IX, ASK]])
    reward = ByKind({"slot": EntityF1(dense=True), "intent": Accuracy(dense=False)})
    reward.bind(SPACE)
    np.testing.assert_allclose(reward.steps(mixed), [[0, 0, 0, 0.5]])


def test_one_kind_alone_is_as_sparse_as_its_reward():
    space = LabelSpace.joined({"slot": SLOTS})
    for part in (EntityF1(), EntityF1(dense=True)):
        reward = ByKind({"slot": part})
        reward.bind(space)
        assert reward.sparse == part.sparse


def test_where_an_episode_has_one_kind_sparse_rewards_make_a_sparse_one():
    parts = {"slot": SLOTS, "intent": INTENTS}
    for mixed in (False, True):
        for dense in (False, True):
            reward = ByKind({"slot": EntityF1(dense=dense), "intent": ExactMatch()})
            double = 2 * reward
            double.bind(LabelSpace.joined(parts, mixed=mixed))
            assert reward.sparse == double.sparse == (mixed and not dense)


def test_split_kinds():
    split = split_kinds(THREE, SPACE)
    assert list(split) == ["slot", "intent"]
    slots, space = split["slot"]
    assert space.names == SLOTS.names and slots.kinds is None
    assert slots.labels.tolist() == [[0, 2, 2], [2, -1, -1], [0, 1, -1]]
    assert slots.gold.tolist() == [[0, 2, 0], [2, -1, -1], [0, 2, -1]]
    assert slots.lengths.tolist() == slots.decided.tolist() == [3, 1, 2]
    intents, space = split["intent"]
    assert space.names == INTENTS.names
    assert intents.labels.tolist() == [[1], [0]] and intents.gold.tolist() == [[1], [1]]
    assert intents.examples.tolist() == [0, 1]  # the third has no intent
    metrics = corpus_metrics(slots.labels, slots.gold, SLOTS.names)
    assert metrics["entity_f1"] == 2 * 1 / (2 + 3)
    foreign = labelings([[PLAY, O, BX]], [[O, BX, IX]])
    split = split_kinds(foreign, SPACE)
    assert list(split) == ["slot"]
    assert split["slot"][0].labels.tolist() == [[0, 2, 0]]


@pytest.mark.parametrize(
    ("kinds", "space", "text"),
    [
        (["slot"], SPACE, "rewards for the kinds slot, and the task's kinds of units are slot, in"),
        (["slot", "intent", "x"], SPACE, "rewards for the kinds slot, intent, x, and the task's"),
        (["slot"], SLOTS, "the task's kinds of units are none: wanted one for each"),
        (
            ["slot", "y"],
            LabelSpace.joined({"slot": SLOTS, "y": LabelSpace(("a",))}),
            "kind 'y' has the label 'a' only, so that none of its labels could be wrong",
        ),
    ],
)
def test_spaces_refused(kinds, space, text):
    with pytest.raises(ValueError, match=text):
        ByKind({kind: Accuracy() for kind in kinds}).bind(space)


def test_refused():
    with pytest.raises(ValueError, match="by_kind needs a reward for each kind of units"):
        ByKind({})
    with pytest.raises(ValueError, match="label 'ask' is not an IOB2 tag"):
        ByKind({"slot": Accuracy(), "intent": EntityF1()}).bind(SPACE)
    reward = ByKind({"slot": Accuracy(), "intent": Accuracy()})
    with pytest.raises(RewardError, match="reward by_kind does not know its labels yet"):
        reward.score(THREE)
    reward.bind(SPACE)
    with pytest.raises(RewardError, match="units have no kinds: wanted some of kind 'slot'"):
        checked_score(reward, replace(THREE, kinds=None))
    turned = np.where(THREE.kinds < 0, -1, 1 - THREE.kinds).astype(np.int32)
    with pytest.raises(RewardError, match="kind 'slot' in example 0 has a gold label of another"):
        checked_score(reward, replace(THREE, kinds=turned))


def test_an_error_names_the_part_and_the_example(monkeypatch):
    part = Accuracy()
    reward = ByKind({"slot": part, "intent": Accuracy()})
    reward.bind(SPACE)
    monkeypatch.setattr(part, "score", lambda given: np.full(len(given.examples), np.nan))
    with pytest.raises(RewardError, match="reward accuracy: score of example 0 is nan"):
        checked_score(reward, THREE)
