"""What holds of every reward: dense or sparse, alone or in a sum."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lingym.rewards import (
    F1,
    Accuracy,
    CrossEntropy,
    EntityF1,
    Reward,
    checked_score,
    checked_steps,
    from_function,
    from_spec,
    prefix,
)
from lingym.types import Labelings, LabelSpace


def overlap(predicted: list[str], gold: list[str]) -> float:
    """Size of the intersection over the union, of the label sets."""
    return len(set(predicted) & set(gold)) / len(set(predicted) | set(gold))


REWARDS = [
    Accuracy(),
    Accuracy(dense=False),
    CrossEntropy(),
    CrossEntropy(smoothing=1.0),
    EntityF1(),
    EntityF1(empty=0.0),
    EntityF1(dense=True),
    EntityF1(dense=True, empty=0.0),
    EntityF1(dense=True, empty=-0.5),
    F1(),
    F1(dense=True),
    F1(ignore=("O",), dense=True),
    F1(label="B-PER"),
    F1(label="B-PER", dense=True, empty=0.5),
    F1(average="macro"),
    F1(average="macro", dense=True),
    F1(average="macro", ignore=("O", "I-LOC"), dense=True, empty=0.0),
    from_function(overlap),
    0.7 * EntityF1(dense=True) + 0.3 * Accuracy(),
    EntityF1() + from_function(overlap) * 2,
    -0.5 * CrossEntropy() + EntityF1() + 0.25 * EntityF1(dense=True),
]
every_reward = pytest.mark.parametrize("reward", REWARDS, ids=repr)
few = settings(max_examples=10, deadline=None)
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(autouse=True, scope="module")
def bound(tags):
    for reward in REWARDS:
        reward.bind(LabelSpace(tags))


def draw(random_labelings, tags, seed: int) -> Labelings:
    return random_labelings(seed, len(tags), episodes=1 + seed % 9, units=1 + seed % 7, outside=0.3)


def rows(labelings: Labelings, which: object) -> Labelings:
    return Labelings(
        labelings.labels[which],
        labelings.gold[which],
        labelings.decided[which],
        labelings.lengths[which],
        labelings.examples[which],
    )


@every_reward
@few
@given(seed=seeds)
def test_steps_are_rises_of_the_score_and_sum_to_it(reward, seed, random_labelings, tags):
    labelings = draw(random_labelings, tags, seed)
    steps, units = checked_steps(reward, labelings), labelings.labels.shape[1]
    scores = [checked_score(reward, prefix(labelings, n)) for n in range(units + 1)]
    assert not scores[0].any()
    np.testing.assert_allclose(steps, np.diff(scores, axis=0).T, rtol=0, atol=1e-12)
    np.testing.assert_allclose(steps, Reward.steps(reward, labelings), rtol=0, atol=1e-12)
    np.testing.assert_allclose(steps.sum(1), reward.score(labelings), rtol=0, atol=1e-12)
    assert not steps[np.arange(units) >= labelings.lengths[:, None]].any()


@every_reward
def test_sparse_says_whether_a_prefix_has_a_score(reward, random_labelings, tags):
    labelings = random_labelings(4, len(tags), episodes=50, units=6)
    before_last = replace(labelings, decided=labelings.lengths - 1)
    before_last.labels[np.arange(50), labelings.lengths - 1] = -1
    assert reward.score(before_last).any() != reward.sparse


@every_reward
@few
@given(seed=seeds, padding=st.integers(1, 3))
def test_padding_changes_nothing(reward, seed, padding, random_labelings, tags):
    labelings = draw(random_labelings, tags, seed)
    wide = [(0, 0), (0, padding)]
    padded = replace(
        labelings,
        labels=np.pad(labelings.labels, wide, constant_values=-1),
        gold=np.pad(labelings.gold, wide, constant_values=-1),
    )
    np.testing.assert_array_equal(reward.score(padded), reward.score(labelings))
    np.testing.assert_array_equal(reward.steps(padded)[:, :-padding], reward.steps(labelings))


@every_reward
@few
@given(seed=seeds)
def test_an_episode_is_scored_alike_alone_and_in_any_order(reward, seed, random_labelings, tags):
    labelings = draw(random_labelings, tags, seed)
    order = np.random.default_rng(seed).permutation(len(labelings.lengths))
    score, steps = reward.score(labelings), reward.steps(labelings)
    np.testing.assert_array_equal(reward.score(rows(labelings, order)), score[order])
    np.testing.assert_array_equal(reward.steps(rows(labelings, order)), steps[order])
    for row in order:
        alone = rows(labelings, [row])
        np.testing.assert_array_equal(reward.score(alone), score[[row]])
        np.testing.assert_array_equal(reward.steps(alone), steps[[row]])


@every_reward
def test_inputs_are_left_as_they_are(reward, random_labelings, tags):
    labelings = random_labelings(5, len(tags), episodes=9, units=6)
    before = copy.deepcopy(labelings)
    reward.score(labelings), reward.steps(labelings), reward.parts(labelings)
    for name, array in vars(before).items():
        np.testing.assert_array_equal(getattr(labelings, name), array)


@every_reward
def test_a_pickled_reward_scores_alike(reward, random_labelings, tags):
    labelings = random_labelings(6, len(tags), episodes=9, units=6)
    again = pickle.loads(pickle.dumps(reward))
    assert repr(again) == repr(reward)
    np.testing.assert_array_equal(again.steps(labelings), reward.steps(labelings))


@every_reward
def test_the_weighted_parts_make_the_score(reward, random_labelings, tags):
    labelings = random_labelings(7, len(tags), episodes=9, units=6)
    parts = reward.parts(labelings)
    weights = [weight for weight, _ in getattr(reward, "terms", ((1.0, reward),))]
    total = sum(w * part for w, part in zip(weights, parts.values(), strict=True))
    np.testing.assert_allclose(reward.score(labelings), total, rtol=1e-14, atol=1e-14)


@every_reward
def test_the_written_form_is_read_back(reward):
    if "overlap" in str(reward):
        with pytest.raises(ValueError, match="unknown reward 'overlap'"):
            from_spec(str(reward))
    else:
        assert repr(from_spec(str(reward))) == repr(reward)


@every_reward
@pytest.mark.parametrize("shape", [(0, 3), (0, 0), (2, 0)])
def test_no_episodes_or_no_units(reward, shape):
    none = np.zeros(shape[0], np.int32)
    nothing = Labelings(*[np.full(shape, -1, np.int32)] * 2, *[none] * 3)
    assert checked_score(reward, nothing).tolist() == [0.0] * shape[0]
    assert checked_steps(reward, nothing).shape == shape


def test_no_units_no_score(tags):
    none = np.zeros(2, np.int32)
    nothing = Labelings(np.full((2, 3), -1, np.int32), np.full((2, 3), -1, np.int32), *[none] * 3)
    for reward in REWARDS:
        np.testing.assert_array_equal(reward.score(nothing), np.zeros(2))
        np.testing.assert_array_equal(reward.steps(nothing), np.zeros((2, 3)))
