"""Noise is as frequent as it says, independent of what is asked, and can be taken out."""

from dataclasses import replace

import numpy as np
import pytest

from lingym.rewards import Bandit, Clicks, CrossEntropy, Noisy, OneScore, RewardError, from_spec
from lingym.rewards.base import take
from tests.rewards.feedback.judged import PAIR, entrusted, units

RIGHT = np.array([[1, 1, 0, 1], [0, 1, -1, -1], [0, 0, 0, -1]])
TEXTS, ROUNDS = 100, 20
USERS = TEXTS * ROUNDS


@pytest.fixture
def asked():
    """A judge after its texts were given, and labelings of them."""

    def ask(judge):
        yes = np.where(RIGHT >= 0, 1, -1)
        labelings, gold = units(np.tile(yes, (TEXTS, 1)), np.tile(RIGHT, (TEXTS, 1)))
        return entrusted(judge, PAIR, gold), labelings

    return ask


def rounds(judge, labelings):
    """The verdicts of many users, [USERS, 3, U]: a text's rounds stand one after another."""
    told = []
    for _ in range(ROUNDS):
        told.append(judge.verdicts(judge.reveal(labelings)).values.reshape(TEXTS, *RIGHT.shape))
        judge.observe(labelings)
    return np.stack(told, 1).reshape(USERS, *RIGHT.shape)


@pytest.mark.parametrize("p", [0.1, 0.35, 0.8])
def test_so_many_judgements_are_wrong(asked, p):
    told = rounds(*asked(Noisy(Bandit(), p=p)))
    real, right = RIGHT >= 0, RIGHT == 1
    wrong = (told != right)[:, real]
    assert set(np.unique(told)) == {0.0, 1.0} and not told[:, ~real].any()
    assert abs(wrong.mean() - p) < 4 * np.sqrt(p * (1 - p) / wrong.size)
    apart = np.corrcoef(wrong.T) - np.eye(real.sum())  # one unit says nothing of another
    assert np.abs(apart).max() < 0.1
    assert abs(np.corrcoef(wrong[:-1].ravel(), wrong[1:].ravel())[0, 1]) < 0.05  # nor a round


def test_without_noise_and_with_nothing_else(asked):
    judge, labelings = asked(Noisy(Bandit(), p=0.0))
    bandit, _ = asked(Bandit())
    np.testing.assert_array_equal(judge.steps(labelings), bandit.steps(labelings))
    judge, _ = asked(Noisy(Bandit(), p=1.0))
    opposite = np.where(RIGHT >= 0, RIGHT == 0, 0) / (RIGHT >= 0).sum(1)[:, None]
    np.testing.assert_allclose(judge.steps(labelings)[:3], opposite, rtol=1e-15)


def test_the_correction_is_right_on_average(asked):
    judge, labelings = asked(Noisy(OneScore(Bandit()), p=0.3, correct=True))
    told = rounds(judge, labelings).sum(-1)
    true = (RIGHT == 1).sum(1) / (RIGHT >= 0).sum(1)
    for row, score in enumerate(true):
        assert set(told[:, row].round(9)) == {
            round((value - 0.3) / 0.4, 9) for value in (score, 1 - score)
        }
    error = 4 * np.sqrt(0.3 * 0.7) / 0.4 / np.sqrt(USERS)
    np.testing.assert_allclose(told.mean(0), true, atol=error)
    uncorrected = rounds(asked(Noisy(OneScore(Bandit()), p=0.3))[0], labelings).sum(-1)
    np.testing.assert_allclose(uncorrected.mean(0), 0.3 + 0.4 * true, atol=error)


def test_equal_labelings_get_one_answer_and_others_their_own(asked):
    judge, labelings = asked(Noisy(Bandit(), p=0.5))
    first = take(labelings, np.zeros(400, np.int64))
    assert (np.ptp(judge.steps(first), axis=0) == 0).all()
    random = np.random.default_rng(0).integers(0, 2, (400, 4)).astype(np.int32)
    told = judge.verdicts(judge.reveal(replace(first, labels=random))).values
    wrong = told != (random == RIGHT[0])
    alike = (random == random[0]).cumprod(1).astype(bool)  # the same labels up to here
    for unit in range(4):
        assert len(set(wrong[alike[:, unit], unit])) == 1
    assert 0.3 < wrong[:, 3].mean() < 0.7  # eight answers at least, to sixteen questions


def test_seeds_and_places_draw_apart(asked):
    told = [
        rounds(*asked(from_spec(text)))[:, RIGHT >= 0]
        for text in (
            "noisy(bandit, p=0.5)",
            "noisy(bandit, p=0.5, seed=1)",
            "noisy(noisy(bandit, p=0.5), p=0.5)",  # would undo itself if both drew alike
            "noisy(bandit, p=0.5)",
        )
    ]
    np.testing.assert_array_equal(told[0], told[3])
    for one, other in [(0, 1), (0, 2), (1, 2)]:
        assert abs((told[one] == told[other]).mean() - 0.5) < 0.03
    assert abs(told[2].mean() - 0.5) < 0.03


def test_what_has_no_opposite_is_refused(asked):
    judge, labelings = asked(Noisy(CrossEntropy(), p=0.0))
    with pytest.raises(RewardError, match=r"noisy: one_score\(cross_entropy\) says -.* example 1"):
        judge.score(take(labelings, np.array([1, 2])))
    judge, labelings = asked(Noisy(Clicks(debias=True), p=0.1))
    with pytest.raises(RewardError, match="which has no opposite: wanted 0 to 1"):
        for _ in range(20):
            judge.score(labelings), judge.observe(labelings)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("noisy(bandit, p=1.5)", "p is 1.5: wanted a probability, 0 to 1"),
        ("noisy(bandit, p=0.5, correct=True)", "corrected below 0.5 only"),
        ("noisy(p=0.1)", "stands around a reward"),
        ("noisy(delayed(bandit))", r"and delayed\(bandit\) is no judge: put noisy inside it"),
        ("noisy(0.5*bandit+0.5*counts)", "is no judge: put noisy inside it"),
        ("one_score(accuracy, levels=1)", "levels is 1: wanted a whole number from 2 on"),
    ],
)
def test_settings_that_mean_nothing(text, message):
    with pytest.raises(ValueError, match=message):
        from_spec(text)
