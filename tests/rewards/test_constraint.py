"""One reward as high as it can be while another is kept."""

from dataclasses import replace

import numpy as np
import pytest

from lingym.rewards import (
    Accuracy,
    Constrained,
    CrossEntropy,
    EntityF1,
    Reward,
    RewardError,
    from_spec,
)
from lingym.types import Gold, Labelings, LabelSpace
from tests.rewards.worlds import WORLDS

WORLD = WORLDS["tags"]
NO_YES = LabelSpace(("no", "yes"))


class FalseAlarms(Reward):
    """-1 for a yes where gold says no."""

    name = "false_alarms"

    def score(self, labelings):
        return -((labelings.labels == 1) & (labelings.gold == 0)).sum(1).astype(float)


class Found(Reward):
    """1 for a yes where gold says yes, over the share of these."""

    name = "found"

    def score(self, labelings):
        return 2.0 * ((labelings.labels == 1) & (labelings.gold == 1)).sum(1)


class Recall(Found):
    """The same, measured over all that was observed."""

    name = "recall"

    def __init__(self) -> None:
        self.right = self.wanted = 0

    def observe(self, labelings):
        self.right += int(((labelings.labels == 1) & (labelings.gold == 1)).sum())
        self.wanted += int((labelings.gold == 1).sum())

    def measure(self):
        return self.right / self.wanted if self.wanted else None


def of_one_unit(labels, gold):
    ones = np.ones(len(gold), np.int32)
    return Labelings(*(a[:, None].astype(np.int32) for a in (labels, gold)), ones, ones, ones)


@pytest.fixture
def labelings():
    return WORLD.draw(3, episodes=40, units=6)


@pytest.mark.parametrize(("bound", "sign"), [("at_least", 1), ("at_most", -1)])
def test_the_score_is_the_lagrangian_in_the_scale_of_its_rewards(labelings, bound, sign):
    settings = {bound: 2.0 * sign, "rate": 0.1, "damping": 0, "half_life": 1e15}
    reward = Constrained(CrossEntropy(), Accuracy(), **settings)
    reward.bind(WORLD.space)
    objective, constraint = (part.score(labelings) for part in reward.inner)
    np.testing.assert_array_equal(reward.score(labelings), objective)
    reward.observe(labelings)
    multiplier = 0.1 * 40 * (2.0 - sign * constraint.mean())
    assert reward.multiplier == pytest.approx(multiplier, rel=1e-12)
    wanted = (objective + sign * multiplier * constraint) / (1 + multiplier)
    np.testing.assert_allclose(reward.score(labelings), wanted, rtol=1e-12)
    np.testing.assert_allclose(reward.steps(labelings).sum(1), wanted, rtol=1e-9)
    parts = reward.parts(labelings)
    assert list(parts) == ["cross_entropy", "accuracy"]
    np.testing.assert_array_equal(parts["accuracy"], constraint)
    readings = {"lagrange_multiplier": multiplier, "constraint": constraint.mean()}
    assert reward.readings() == pytest.approx(readings)


def test_a_constraint_that_is_kept_weighs_nothing(labelings):
    reward = Constrained(EntityF1(), Accuracy(), at_least=0.1)
    reward.bind(WORLD.space)
    for _ in range(3):
        reward.observe(labelings)
    assert reward.multiplier == 0.0
    np.testing.assert_array_equal(reward.score(labelings), reward.objective.score(labelings))


def test_one_that_cannot_be_kept_stops_at_the_limit(labelings):
    reward = Constrained(EntityF1(), Accuracy(), at_least=2.0, rate=1.0, limit=30.0)
    reward.bind(WORLD.space)
    for _ in range(3):
        reward.observe(labelings)
    assert reward.multiplier == 30.0


def test_a_measure_goes_before_the_mean_of_scores():
    gold, labels = np.array([1, 1, 1, 0]), np.array([1, 0, 0, 1])
    reward = Constrained(FalseAlarms(), Recall(), at_least=0.9, rate=0.5, damping=2.0)
    reward.bind(NO_YES)
    reward.observe(of_one_unit(labels, gold))
    assert reward.readings()["constraint"] == 1 / 3
    assert reward.multiplier == pytest.approx((0.9 - 1 / 3) * (0.5 * 4 + 2.0))


@pytest.mark.parametrize(
    "text", ["2*corpus_recall", "delayed(corpus_recall)", "named(corpus_recall, called='r')"]
)
def test_a_corpus_measure_is_held_through_what_only_scales_or_delays_it(labelings, text):
    reward = from_spec(f"constrained(accuracy, {text}, at_least=0.9)")
    reward.bind(WORLD.space)
    reward.observe(labelings)
    plain = from_spec("corpus_recall")
    plain.bind(WORLD.space)
    plain.observe(labelings)
    assert reward.readings()["constraint"] == (2 if "2" in text else 1) * plain.measure()


@pytest.mark.parametrize(
    "text", ["corpus_recall+accuracy", "by_kind(slot=corpus_f1, intent=accuracy)"]
)
def test_a_measure_that_a_constraint_would_hide_is_refused(text):
    world = WORLDS["kinds" if "kind" in text else "tags"]
    reward = from_spec(f"constrained(step_cost, {text}, at_least=0.9)")
    reward.bind(world.space)
    with pytest.raises(RewardError, match=r"only corpus_.* inside it measures a corpus"):
        reward.observe(world.draw(3, episodes=9, units=4))


def test_the_constraint_is_measured_by_what_was_paid():
    """Not by answers of chance that are drawn anew once the labelings were observed."""
    draws = WORLD.draw(3, episodes=40, units=6)
    draws = replace(draws, examples=np.arange(40, dtype=np.int32))
    gold = Gold(draws.gold[draws.gold >= 0], np.append(0, (draws.gold >= 0).sum(1).cumsum()))
    reward = from_spec("constrained(step_cost, noisy(bandit, p=0.4), at_least=0.9, half_life=1e15)")
    reward.bind(WORLD.space)
    reward.entrust(gold)
    paid = reward.constraint.score(draws)
    reward.observe(draws)
    assert reward.constraint.score(draws).mean() != paid.mean()
    assert reward.readings()["constraint"] == pytest.approx(paid.mean(), rel=1e-12)


def test_episodes_at_once_or_one_by_one_move_the_price_alike():
    """Up to the mean, which the later of them know better."""
    rng = np.random.default_rng(1)
    gold = rng.integers(0, 2, 64)
    labels = np.where(rng.random(64) < 0.5, gold, 0)
    moved = []
    for size in (1, 16, 64):
        reward = Constrained(FalseAlarms(), Found(), at_least=0.9)
        reward.bind(NO_YES)
        for first in range(0, 64, size):
            part = slice(first, first + size)
            reward.observe(of_one_unit(labels[part], gold[part]))
        moved.append(reward.multiplier)
    assert np.ptp(moved) < 0.05 * max(moved)


def test_a_state_goes_on_bit_for_bit(labelings):
    text = "constrained(entity_f1, normalized(accuracy, after=50), at_least=0.95)"
    one, other = from_spec(text), from_spec(text)
    for reward in (one, other):
        reward.bind(WORLD.space)
    one.observe(labelings)
    other.load_state(one.state())
    for reward in (one, other):
        reward.observe(WORLD.draw(8, episodes=30, units=5))
    assert one.state() == other.state()
    assert one.readings() == other.readings()
    np.testing.assert_array_equal(one.score(labelings), other.score(labelings))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_bound_is_met_and_the_multiplier_settles_where_the_mathematics_has_it(seed):
    """Ten sorts of units; a unit of sort k is a yes with chance x = (k + 1/2) / 10.

    Saying yes to the sorts from x on has a recall of 1 - (the sum of x before) / 5: .91 from .35
    on, and .84 from .45 on. Yes is worth it where 2 m x > 1 - x, so the multiplier that holds the
    recall at .9 makes .35 or .25 break even: .65 / .70 = .93 to .75 / .50 = 1.5. Without the
    constraint the best answer is always no.
    """
    chances = (np.arange(10) + 0.5) / 10
    reward = Constrained(FalseAlarms(), Found(), at_least=0.9)
    reward.bind(NO_YES)
    rng, logits = np.random.default_rng(seed), np.zeros(10)
    multipliers, recalls = [], []
    for _ in range(400):
        policy = 1 / (1 + np.exp(-logits))
        sorts = rng.integers(0, 10, 64)
        gold = rng.random(64) < chances[sorts]
        said = rng.random(64) < policy[sorts]
        gain = reward.score(of_one_unit(np.ones(64), gold))
        gain -= reward.score(of_one_unit(np.zeros(64), gold))
        reward.observe(of_one_unit(said, gold))
        logits += np.bincount(sorts, gain, 10) / 6.4 * policy * (1 - policy)
        multipliers.append(reward.multiplier)
        recalls.append((policy * chances).sum() / 5)
    assert min(recalls[:100]) < 0.8  # it was not kept from the first
    last = slice(300, None)
    assert 0.89 < min(recalls[last]) <= max(recalls[last]) < 0.93
    assert 0.7 < np.mean(multipliers[last]) < 1.7
    assert np.std(multipliers[last]) < 0.25
    assert (policy[:2] < 0.05).all() and (policy[4:] > 0.95).all()


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("constrained(f1)", "constrained holds 2 rewards (objective, constraint): give each"),
        ("constrained(f1, accuracy)", "at_least is None and at_most None: wanted one finite bound"),
        ("constrained(f1, accuracy, at_least=1, at_most=1)", "wanted one finite bound"),
        ("constrained(f1, accuracy, at_least=1e999)", "wanted one finite bound"),
        ("constrained(f1, accuracy, at_least=1, rate=0)", "rate is 0: wanted a number above 0"),
        ("constrained(f1, accuracy, at_least=1, limit=0)", "limit is 0: wanted a number above 0"),
        ("constrained(f1, accuracy, at_least=1, damping=-1)", "damping is -1: wanted a finite"),
        ("constrained(f1, accuracy, at_least=1, half_life=0)", "half_life is 0: wanted more"),
        ("constrained(f1, 2, at_least=1)", "constrained: constraint is 2, not a reward"),
    ],
)
def test_refused(text, cause):
    with pytest.raises(ValueError) as caught:
        from_spec(text)
    assert cause in str(caught.value)
    with pytest.raises(ValueError, match="objective is None: wanted a reward"):
        Constrained(None, Accuracy(), at_least=1)
