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
    MCC,
    Abstain,
    Accuracy,
    ByKind,
    Constrained,
    CorpusF1,
    CorpusMCC,
    CorpusPrecision,
    CorpusRecall,
    Cosine,
    CostMatrix,
    CrossEntropy,
    EntityF1,
    ExactMatch,
    LengthCost,
    Linear,
    Named,
    Normalized,
    RelationF1,
    Reward,
    Rouge,
    SampleF1,
    SquadF1,
    StepCost,
    WeightedSum,
    checked_score,
    checked_steps,
    from_function,
    from_spec,
    oracle,
    prefix,
)
from lingym.rewards.base import take
from lingym.types import Labelings, stopped
from tests.rewards.worlds import EXAMPLES, WORLDS, World


def overlap(predicted: list[str], gold: list[str]) -> float:
    """Size of the intersection over the union, of the label sets."""
    return len(set(predicted) & set(gold)) / len(set(predicted) | set(gold))


def overlap_of_ids(labelings: Labelings) -> np.ndarray:
    """The share of units with the gold label, as a function of arrays."""
    right = (labelings.labels == labelings.gold) & (labelings.gold >= 0)
    return right.sum(1) / np.maximum((labelings.gold >= 0).sum(1), 1)


REWARDS = {
    "tags": [
        Accuracy(),
        Accuracy(dense=False),
        ExactMatch(),
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
        CorpusF1(),
        CorpusF1(average="macro", beta=2.0, dense=True),
        CorpusF1(average="weighted", weights={"PER": 3.0}, exact=True),
        CorpusF1(unit="label", average="macro", ignore=("O", "I-LOC")),
        CorpusF1(exact=True, dense=True) + Accuracy(),
        CorpusPrecision(),
        CorpusRecall(unit="label", dense=True, half_life=None),
        CorpusMCC(dense=True),
        F1(beta=2.0, dense=True),
        F1(average="macro", weights={"B-PER": 2.0, "O": 0.0}, beta=0.5),
        F1(average="macro", weights={"B-PER": 2.0, "O": 0.0}, dense=True),
        F1(average="weighted", ignore=("O",)),
        F1(average="weighted", ignore=("O",), beta=0.5, dense=True),
        EntityF1(beta=2.0, dense=True),
        EntityF1(match="exact"),
        EntityF1(match="exact", dense=True, beta=0.5),
        EntityF1(match="partial"),
        EntityF1(match="partial", dense=True, empty=0.0),
        EntityF1(match="type"),
        EntityF1(match="type", dense=True),
        EntityF1(average="macro", weights={"PER": 2.0}),
        EntityF1(average="macro", weights={"PER": 2.0}, dense=True),
        EntityF1(average="weighted", beta=2.0),
        EntityF1(average="weighted", beta=2.0, dense=True),
        EntityF1(average="macro", match="partial", dense=True),
        EntityF1(average="weighted", match="type", dense=True, empty=0.0),
        EntityF1(average="macro", match="exact", dense=True),
        MCC(),
        MCC(empty=1.0),
        MCC(dense=True),
        MCC(dense=True, empty=1.0),
        CostMatrix(),
        CostMatrix(costs={"B-PER": {"O": 5.0, "I-PER": 0.25}}, right=-0.25),
        CostMatrix(costs={"O": {"B-PER": 0.1}}, default=3.0, mean=True),
        LengthCost(),
        LengthCost(free=("O",), price=0.3),
        EntityF1(dense=True) + LengthCost(labels=("B-PER", "B-LOC")),
        StepCost(),
        from_function(overlap),
        from_function(overlap_of_ids),
        0.7 * EntityF1(dense=True) + 0.3 * Accuracy(),
        EntityF1() + from_function(overlap) * 2,
        -0.5 * CrossEntropy() + EntityF1() + 0.25 * EntityF1(dense=True),
        Linear(1, 0.5) * Accuracy() + Cosine(0.5, 1) * EntityF1(dense=True),
        Named(F1(dense=True), called="micro") + 2 * Named(F1(average="macro"), called="macro"),
        Normalized(CrossEntropy(), after=10) + Normalized(Accuracy(dense=False), half_life=9),
        Constrained(EntityF1(dense=True), Accuracy(), at_least=0.9),
        2 * Constrained(Accuracy(), Named(Accuracy(), called="b"), at_least=0.5) + EntityF1(),
    ],
    "sets": [
        SampleF1(),
        SampleF1(beta=2, empty=0.5, dense=True),
        SampleF1(beta=0.5, empty=0.0) + 0.5 * Accuracy(),
        F1(average="macro", dense=True),
        MCC(dense=True),
        CostMatrix(costs={"yes": {"no": 4.0}}, mean=True),
        LengthCost(labels=("yes",), price=-0.5),
        CorpusF1(average="macro"),
        CorpusF1(average="weighted", dense=True),
        CorpusF1(average="macro", exact=True),
    ],
    "choices": [ExactMatch(), Accuracy(dense=False), 0.5 * ExactMatch()],
    "spans": [
        SquadF1(),
        SquadF1(exact=True),
        ExactMatch(),
        Accuracy(),
        SquadF1() + Accuracy(),
        StepCost(),
    ],
    "sentences": [
        Rouge(),
        Rouge(dense=True),
        Rouge(types=("2", "l"), dense=True),
        0.5 * Rouge(label="out") + Accuracy(),
        Accuracy(),
        ExactMatch(),
        CrossEntropy(),
        MCC(dense=True),
        CostMatrix(costs={"in": {"out": 2.0}, "stop": {"in": -1.0}}),
        LengthCost(labels=("in",)),
        StepCost(price=0.5),
        Rouge(dense=True) + LengthCost(labels=("in",)) + StepCost(),
        CorpusF1(unit="label", ignore=("out", "stop"), dense=True),
    ],
    "relations": [
        RelationF1(),
        RelationF1(operating_point=0.0),
        RelationF1(operating_point=None),
        RelationF1() + 0.1 * Accuracy(),
        CorpusF1(average="macro"),
        CorpusMCC(),
    ],
    "kinds": [
        ByKind({"slot": EntityF1(), "intent": Accuracy()}),
        ByKind({"intent": F1(dense=True), "slot": 0.5 * EntityF1(dense=True) + 2 * Accuracy()}),
        0.5 * ByKind({"slot": ExactMatch(), "intent": CrossEntropy()}) + Accuracy(),
        ByKind({"slot": Normalized(EntityF1()), "intent": Linear(1, 0) * Accuracy()}),
        ByKind({"slot": CorpusF1(dense=True), "intent": CorpusF1(average="macro")}),
    ],
    "abstaining": [
        Abstain(Accuracy()),
        Abstain(EntityF1(), price=0.1),
        Abstain(EntityF1(dense=True), price=2.0, answers=0),
        Abstain(F1(average="macro", dense=True), answers=2),
        0.5 * Abstain(Accuracy(), answers=3) + Abstain(CrossEntropy(), price=0.0),
    ],
    "abstaining sets": [Abstain(SampleF1(dense=True), price=0.5), Abstain(SampleF1(), answers=2)],
}
CASES = [(reward, WORLDS[name]) for name, rewards in REWARDS.items() for reward in rewards]
every_reward = pytest.mark.parametrize(
    ("reward", "world"),
    CASES,
    ids=[f"{name}-{reward!r}" for name, rewards in REWARDS.items() for reward in rewards],
)
few = settings(max_examples=10, deadline=None)
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(autouse=True, scope="module")
def bound():
    for reward, world in CASES:
        reward.bind(world.space)


def draw(world: World, seed: int) -> Labelings:
    return world.draw(seed, episodes=1 + seed % 9, units=1 + seed % 7)


def nothing(world: World, shape: tuple[int, int]) -> Labelings:
    """Episodes without units."""
    none, empty = np.zeros(shape[0], np.int32), np.full(shape, -1, np.int32)
    kinds = empty if world.space.kinds else None
    return Labelings(empty, empty, none, none, none, kinds, world.facts)


@every_reward
@few
@given(seed=seeds)
def test_steps_are_rises_of_the_score_and_sum_to_it(reward, world, seed):
    labelings = draw(world, seed)
    steps, units = checked_steps(reward, labelings), labelings.labels.shape[1]
    scores = [checked_score(reward, prefix(labelings, n)) for n in range(units + 1)]
    assert not scores[0].any()
    np.testing.assert_allclose(steps, np.diff(scores, axis=0).T, rtol=0, atol=1e-12)
    np.testing.assert_allclose(steps, Reward.steps(reward, labelings), rtol=0, atol=1e-12)
    np.testing.assert_allclose(steps.sum(1), reward.score(labelings), rtol=0, atol=1e-12)
    assert not steps[np.arange(units) >= labelings.lengths[:, None]].any()


@every_reward
def test_sparse_says_whether_a_prefix_has_a_score(reward, world):
    labelings = world.draw(4, episodes=50, units=6)
    before_last = replace(labelings, decided=labelings.lengths - 1)
    before_last.labels[np.arange(50), labelings.lengths - 1] = -1
    assert reward.score(before_last).any() != reward.sparse


@every_reward
@few
@given(seed=seeds, padding=st.integers(1, 3))
def test_padding_changes_nothing(reward, world, seed, padding):
    labelings = draw(world, seed)
    wide = [(0, 0), (0, padding)]
    padded = replace(
        labelings,
        labels=np.pad(labelings.labels, wide, constant_values=-1),
        gold=np.pad(labelings.gold, wide, constant_values=-1),
        kinds=None
        if labelings.kinds is None
        else np.pad(labelings.kinds, wide, constant_values=-1),
    )
    np.testing.assert_array_equal(reward.score(padded), reward.score(labelings))
    np.testing.assert_array_equal(reward.steps(padded)[:, :-padding], reward.steps(labelings))


@every_reward
@few
@given(seed=seeds)
def test_an_episode_is_scored_alike_alone_and_in_any_order(reward, world, seed):
    labelings = draw(world, seed)
    order = np.random.default_rng(seed).permutation(len(labelings.lengths))
    score, steps = reward.score(labelings), reward.steps(labelings)
    np.testing.assert_array_equal(reward.score(take(labelings, order)), score[order])
    np.testing.assert_array_equal(reward.steps(take(labelings, order)), steps[order])
    for row in order:
        alone = take(labelings, np.array([row]))
        np.testing.assert_array_equal(reward.score(alone), score[[row]])
        np.testing.assert_array_equal(reward.steps(alone), steps[[row]])


@every_reward
def test_inputs_are_left_as_they_are(reward, world):
    labelings = world.draw(5, episodes=9, units=6)
    before = copy.deepcopy(labelings)
    reward.score(labelings), reward.steps(labelings), reward.parts(labelings)
    for name in ("labels", "gold", "decided", "lengths", "examples", "kinds"):
        array = getattr(before, name)
        np.testing.assert_array_equal(getattr(labelings, name), array)


@every_reward
def test_a_pickled_reward_scores_alike(reward, world):
    labelings = world.draw(6, episodes=9, units=6)
    again = pickle.loads(pickle.dumps(reward))
    assert repr(again) == repr(reward)
    np.testing.assert_array_equal(again.steps(labelings), reward.steps(labelings))


def weights(reward: Reward) -> list[float]:
    """The weight of each part that a reward logs."""
    if isinstance(reward, WeightedSum):
        terms = zip(reward.weights, reward.inner, strict=True)
        return [weight * own for weight, part in terms for own in weights(part)]
    if isinstance(reward, ByKind):
        return [weight for part in reward.rewards.values() for weight in weights(part)]
    if isinstance(reward, Normalized):
        return [weight / reward.scale for weight in weights(reward.reward)]
    if isinstance(reward, Constrained):
        lagrangian = reward.objective + reward.multiplier * reward.constraint
        return [weight / (1 + reward.multiplier) for weight in weights(lagrangian)]
    return [1.0]


@every_reward
def test_the_weighted_parts_make_the_score(reward, world):
    labelings = world.draw(7, episodes=9, units=6)
    parts = reward.parts(labelings)
    total = sum(w * part for w, part in zip(weights(reward), parts.values(), strict=True))
    np.testing.assert_allclose(reward.score(labelings), total, rtol=1e-14, atol=1e-14)


@every_reward
@few
@given(seed=seeds)
def test_a_score_does_not_know_where_a_label_will_stop_the_episode(reward, world, seed):
    labelings = draw(world, seed)
    planned = (labelings.gold >= 0).sum(1).astype(np.int32)
    for n in range(labelings.labels.shape[1] + 1):
        known = prefix(labelings, n)
        goes_on = n < labelings.lengths
        before = replace(known, lengths=np.where(goes_on, planned, known.lengths))
        np.testing.assert_array_equal(reward.score(before), reward.score(known))


@every_reward
def test_right_labels_get_the_most(reward, world):
    if "overlap" in str(reward) or "-0.5" in str(reward) or "rouge" in str(reward):
        pytest.skip("gold labels are not the best ones for it")
    if "length_cost" in str(reward) or "step_cost" in str(reward):
        pytest.skip("it does not look at gold labels")
    if isinstance(reward, CrossEntropy | CostMatrix) and world.space.stop is not None:
        pytest.skip("fewer labels cost less")
    labelings = world.draw(8, episodes=200, units=6)
    lengths = (labelings.gold >= 0).sum(1).astype(np.int32)
    gold = replace(labelings, labels=labelings.gold, decided=lengths, lengths=lengths)
    assert (reward.score(gold) >= reward.score(labelings) - 1e-12).all()
    assert (reward.score(gold) > reward.score(labelings) + 1e-12).any() or "1.0)" in repr(reward)


@pytest.mark.parametrize("dense", [False, True])
def test_the_best_summary_gets_the_most(dense):
    world, reward = WORLDS["sentences"], Rouge(dense=dense)
    reward.bind(world.space)
    best = np.where(oracle(world.facts["references"]), 0, 1).astype(np.int32)
    units = np.full(EXAMPLES, best.shape[1], np.int32)
    examples = np.arange(EXAMPLES, dtype=np.int32)

    def score(labels: np.ndarray) -> np.ndarray:
        return reward.score(Labelings(*[labels] * 2, *[units] * 2, examples, facts=world.facts))

    single = [np.where(np.arange(8) == unit, 0, 1)[None].repeat(EXAMPLES, 0) for unit in range(8)]
    scores = [score(labels.astype(np.int32)) for labels in single]
    np.testing.assert_array_equal(score(best), np.max(scores, 0))


@every_reward
def test_the_written_form_is_read_back(reward, world):
    if "overlap" in str(reward):
        with pytest.raises(ValueError, match="unknown reward 'overlap"):
            from_spec(str(reward))
    else:
        assert repr(from_spec(str(reward))) == repr(reward)


@every_reward
@pytest.mark.parametrize("shape", [(0, 3), (0, 0), (2, 0), (2, 3)])
def test_no_episodes_or_no_units(reward, world, shape):
    none = nothing(world, shape)
    assert checked_score(reward, none).tolist() == [0.0] * shape[0]
    np.testing.assert_array_equal(checked_steps(reward, none), np.zeros(shape))


@every_reward
@few
@given(seed=seeds)
def test_a_table_says_what_each_label_of_any_labelling_is_worth(reward, world, seed):
    done = draw(world, seed)
    number = len(world.space) or 9
    table = reward.table(done, number)
    if table is None:
        return
    assert table.shape == (*done.labels.shape, number) and table.dtype == np.float64
    planned = (done.gold >= 0).sum(1).astype(np.int32)
    assert not table[np.arange(done.labels.shape[1]) >= planned[:, None]].any()
    rng = np.random.default_rng(seed)
    for labels in (done.labels, rng.integers(0, number, done.labels.shape).astype(np.int32)):
        lengths = stopped(labels, planned, world.space.stop)
        labels = np.where(np.arange(labels.shape[1]) < lengths[:, None], labels, -1)
        other = replace(done, labels=labels, decided=lengths, lengths=lengths)
        worth = np.take_along_axis(table, np.maximum(labels, 0)[..., None], 2)[..., 0]
        total = np.where(labels >= 0, worth, 0.0).sum(1)
        np.testing.assert_allclose(reward.score(other), total, rtol=0, atol=1e-12)


def test_these_rewards_have_tables():
    done = {name: world.draw(3, episodes=4, units=3) for name, world in WORLDS.items()}
    for reward, name in [
        (Accuracy(), "tags"),
        (Accuracy(), "spans"),
        (CrossEntropy(), "sentences"),
        (CostMatrix(mean=True), "tags"),
        (LengthCost(), "sentences"),
        (StepCost(), "choices"),
        (0.5 * Accuracy() + LengthCost(), "tags"),
        (ByKind({"slot": Accuracy(), "intent": CrossEntropy()}), "kinds"),
    ]:
        reward.bind(WORLDS[name].space)
        assert reward.table(done[name], len(WORLDS[name].space) or 9) is not None, reward
    for reward in (EntityF1(), F1(), MCC(), ExactMatch(), EntityF1() + Accuracy()):
        reward.bind(WORLDS["tags"].space)
        assert reward.table(done["tags"], 5) is None, reward
