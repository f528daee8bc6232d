"""Comparisons: by hand, by chance as often as they should, and never a score."""

from dataclasses import replace

import numpy as np
import pytest

from lingym.envs import LabelVectorEnv, Tagging
from lingym.rewards import Accuracy, Noisy, Preference, RewardError, from_spec
from lingym.types import Gold, Labelings
from tests.rewards.feedback.judged import PAIR, entrusted, units

GOLD = [[0, 1, 1], [1, 0, -1], [0, -1, -1]]


def labelings(*rows: list[int]) -> tuple[Labelings, Gold]:
    return units([row + [-1] * (3 - len(row)) for row in rows], GOLD)


def judge(spec: str) -> Preference:
    found = entrusted(from_spec(spec), PAIR, labelings([0, 1, 1], [1, 0], [0])[1])
    assert isinstance(found, Preference)
    return found


BEST, _ = labelings([0, 1, 1], [1, 0], [0])
WORSE, _ = labelings([0, 1, 0], [1, 1], [0])


def test_the_better_one_is_named_and_equals_are_no_preference():
    one = judge("preference(accuracy)")
    assert one.compare(BEST, WORSE).tolist() == [1, 1, 0.5]
    assert one.compare(WORSE, BEST).tolist() == [0, 0, 0.5]
    assert one.spent == 6 and one.readings() == {"feedback_spent": 6.0}
    one.compare(BEST, WORSE, observe=False)
    assert one.spent == 6
    assert judge("preference(exact_match)").compare(BEST, WORSE).tolist() == [1, 1, 0.5]


@pytest.mark.parametrize(
    ("spec", "chances"),
    [
        ("preference(accuracy, noise=0.2)", [0.8, 0.8, 0.5]),
        ("preference(accuracy, noise=1.0)", [0, 0, 0.5]),
        ("preference(accuracy, ties='coin')", [1, 1, 0.5]),
        (
            "preference(accuracy, temperature=0.5)",
            [1 / (1 + np.exp(-1 / 1.5)), 1 / (1 + np.exp(-1)), 0.5],
        ),
        ("preference(accuracy, temperature=0.5, noise=0.5)", [0.5, 0.5, 0.5]),
    ],
)
def test_chance_is_as_it_says_and_the_same_in_either_order(spec, chances):
    one = judge(spec)
    said = []
    for _ in range(800):
        now = one.compare(BEST, WORSE, observe=False)
        assert np.array_equal(one.compare(BEST, WORSE, observe=False), now)
        turned = one.compare(WORSE, BEST, observe=False)[:2]
        assert np.array_equal(1 - turned, now[:2])
        said.append(one.compare(BEST, WORSE))  # asked again, it draws anew
    np.testing.assert_allclose(np.mean(said, 0), chances, atol=0.06)
    wide = [
        replace(
            e,
            labels=np.pad(e.labels, ((0, 0), (0, 4)), constant_values=-1),
            gold=np.pad(e.gold, ((0, 0), (0, 4)), constant_values=-1),
        )
        for e in (BEST, WORSE)
    ]
    again = judge(spec)
    again.load_state(one.state())
    assert np.array_equal(again.compare(*wide), one.compare(BEST, WORSE))
    assert again.state() == one.state() and again.spent == 2403


def test_other_seeds_and_settings_draw_otherwise():
    drawn = [
        [judge(spec).compare(BEST, WORSE)[2] for _ in range(1)]
        for spec in (f"preference(accuracy, ties='coin', seed={seed})" for seed in range(40))
    ]
    assert {0.0, 1.0} == set(np.ravel(drawn))


def test_a_budget_is_kept():
    one = judge("preference(accuracy, budget=4)")
    one.compare(BEST, WORSE)
    assert one.left == 1 and not one.exhausted  # the run goes on with what was learned
    with pytest.raises(ValueError, match="asked for 3 comparisons, and of 4 it has 1 left"):
        one.compare(BEST, WORSE)
    assert one.spent == 3


def test_a_judge_inside_counts_too():
    one = entrusted(Preference(Noisy(Accuracy(), p=0.0)), PAIR, labelings([0] * 3, [0] * 2, [0])[1])
    assert one.compare(BEST, WORSE).tolist() == [1, 1, 0.5]
    assert one.state()["spent"] == 3 and one.reward.spent == 6


def test_it_has_no_score():
    one = judge("preference(accuracy)")
    for ask in (one.score, one.steps, one.verdicts, one.observe):
        with pytest.raises(RewardError, match="tells which of two labelings is better, not what"):
            ask(BEST)
    assert one.table(BEST, 2) is None
    env = LabelVectorEnv(
        Tagging(), corpus="synthetic:commands?train=4&dev=2&test=2", reward="preference(accuracy)"
    )
    assert not env.episodes.labelled and (env.episodes.gold == -1).all()
    env.reset()
    with pytest.raises(RewardError, match="train with --agent preference"):
        env.step(np.zeros(1, np.int64))


def test_labelings_of_two_texts_are_not_compared():
    other = replace(WORSE, examples=WORSE.examples[::-1].copy())
    with pytest.raises(RewardError, match="compares labelings of one text"):
        judge("preference(accuracy)").compare(BEST, other)
    with pytest.raises(RewardError, match="has no gold labels to judge by"):
        Preference(Accuracy()).compare(BEST, WORSE)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("preference(accuracy, noise=1.5)", "noise is 1.5: wanted a probability"),
        ("preference(accuracy, temperature=0)", "temperature is 0: wanted a number above 0"),
        ("preference(accuracy, ties='first')", "ties is 'first': wanted one of none, coin"),
        ("preference(accuracy, budget=0)", "budget is 0: wanted a whole number of comparisons"),
        ("preference", "preference stands around a reward"),
    ],
)
def test_settings_that_mean_nothing_are_refused(spec, words):
    with pytest.raises(ValueError, match=words):
        from_spec(spec)


def test_the_written_form_is_read_back():
    spec = "preference(entity_f1(dense=True), noise=0.1, temperature=0.5, budget=100, seed=3)"
    assert str(from_spec(spec)) == spec
