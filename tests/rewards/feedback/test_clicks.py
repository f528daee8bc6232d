"""Clicks fade with the place of a unit, and weighing takes that out."""

from functools import cache

import numpy as np
import pytest

from lingym.rewards import Bandit, Clicks, checked_score, from_spec
from tests.rewards.feedback.judged import PAIR, entrusted, units

TEXTS, ROUNDS, UNITS = 500, 12, 5
USERS = TEXTS * ROUNDS
RIGHT = np.array([[1, 1, 1, 1, 1], [0, 1, 0, 1, 1], [1, 0, 1, -1, -1]])
REAL = RIGHT >= 0
TRUE = (RIGHT == 1).sum(1) / REAL.sum(1)
PLACES = np.arange(1, UNITS + 1)


def judge_of(text):
    """A judge of as many texts of each sort, all labelled with yes."""
    labelings, gold = units(np.tile(np.where(REAL, 1, -1), (TEXTS, 1)), np.tile(RIGHT, (TEXTS, 1)))
    return entrusted(from_spec(text), PAIR, gold), labelings


@cache
def rounds(text):
    """The verdicts of many users, [USERS, 3, U]."""
    judge, labelings = judge_of(text)
    told = []
    for _ in range(ROUNDS):
        told.append(judge.verdicts(judge.reveal(labelings)).values.reshape(TEXTS, *RIGHT.shape))
        judge.observe(labelings)
    return np.concatenate(told)


@pytest.mark.parametrize(("eta", "trust"), [(1.0, 0.0), (0.5, 0.0), (1.0, 0.4)])
def test_clicks_fade_with_the_place(eta, trust):
    told = rounds(f"clicks(eta={eta}, trust={trust})")
    assert set(np.unique(told)) == {0.0, 1.0}
    rate = np.where(REAL, np.where(RIGHT == 1, 1.0, trust) / PLACES**eta, 0)
    np.testing.assert_allclose(told.mean(0), rate, atol=4 * 0.5 / np.sqrt(USERS))
    assert (told.mean(0)[(rate == 0) | (rate == 1)] == rate[(rate == 0) | (rate == 1)]).all()


@pytest.mark.parametrize("settings", ["", ", eta=0.5", ", trust=0.4", ", seed=5"])
def test_weighted_clicks_are_the_accuracy_on_average(settings):
    score = rounds(f"clicks(debias=True{settings})").sum(-1) / REAL.sum(1)
    error = score.std(0) / np.sqrt(USERS)
    assert (np.abs(score.mean(0) - TRUE) < 4 * error + 1e-12).all()
    # Without weights they are far from it, so that the test above means something.
    plain = rounds(f"clicks({settings.removeprefix(', ')})").sum(-1) / REAL.sum(1)
    assert (TRUE - plain.mean(0) > 20 * plain.std(0) / np.sqrt(USERS)).any()


def test_a_cap_leaves_a_known_bias():
    told = rounds("clicks(debias=True, cap=2.0)")
    assert told.max() == 2.0
    rate = np.where(RIGHT == 1, np.minimum(PLACES, 2) / PLACES, 0)
    np.testing.assert_allclose(told.mean(0), rate, atol=4 / np.sqrt(USERS))
    assert told.std() < rounds("clicks(debias=True)").std()


def test_whoever_looks_at_everything_is_a_bandit():
    judge, labelings = judge_of("clicks(eta=0.0)")
    bandit = entrusted(Bandit(), PAIR, judge.entrusted)
    np.testing.assert_array_equal(judge.steps(labelings), bandit.steps(labelings))
    np.testing.assert_array_equal(Clicks(eta=0.0, debias=True).propensities(4), np.ones(4))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("eta=-1.0", "eta is -1.0"),
        ("trust=1.0", "trust is 1.0: wanted a probability below 1"),
        ("cap=3.0", "wanted at least 1, beside debias=True"),
        ("debias=True, cap=0.5", "cap is 0.5: wanted at least 1"),
    ],
)
def test_settings_that_mean_nothing(settings, message):
    with pytest.raises(ValueError, match=message):
        from_spec(f"clicks({settings})")


def test_attention_that_fades_to_nothing_gives_finite_scores():
    labelings, gold = units([[1, 1, 1]], [[1, 1, 1]])
    judge = entrusted(from_spec("clicks(eta=1000, debias=True)"), PAIR, gold)
    with np.errstate(all="raise", under="ignore"):
        assert checked_score(judge, labelings).tolist() == [1 / 3]
