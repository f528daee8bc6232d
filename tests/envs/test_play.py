"""Playing whole episodes in one call equals stepping through them, for every task and reward."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lingym.envs import Dataset, LabelEnv, LabelVectorEnv
from lingym.envs.game import Game
from lingym.rewards import (
    F1,
    Accuracy,
    ByKind,
    CrossEntropy,
    EntityF1,
    ExactMatch,
    RelationF1,
    Reward,
    Rouge,
    SampleF1,
    SquadF1,
    from_function,
)
from lingym.types import FloatArray, IntArray, stopped
from tests.envs.every_task import FORMS, every_task


def surprise(predicted: list[str], gold: list[str]) -> float:
    """Any number that tells labels and their places apart."""
    pairs = enumerate(zip(predicted, gold, strict=True), 1)
    return sum(place * (len(p) - len(g) / 3) for place, (p, g) in pairs)


ANY: dict[str, Callable[[], Reward]] = {
    "accuracy": Accuracy,
    "accuracy at the end": lambda: Accuracy(dense=False),
    "cross-entropy": lambda: CrossEntropy(0.2),
    "micro F1": F1,
    "micro F1, dense": lambda: F1(dense=True, empty=0.5),
    "macro F1": lambda: F1(average="macro"),
    "macro F1, dense": lambda: F1(average="macro", dense=True),
    "function": lambda: from_function(surprise),
    "dense and sparse": lambda: 0.7 * F1() + 0.3 * Accuracy() + -0.25 * CrossEntropy(),
    "sparse": lambda: 2 * F1() + from_function(surprise),
}
SPANS: dict[str, Callable[[], Reward]] = {
    "entity F1": EntityF1,
    "entity F1, empty 0": lambda: EntityF1(empty=0.0),
    "entity F1, dense": lambda: EntityF1(dense=True),
    "entity F1, dense, empty 0": lambda: EntityF1(dense=True, empty=0.0),
    "F1 without O": lambda: F1(ignore=("O",), dense=True),
    "F1 of O": lambda: F1(label="O", dense=True),
    "entities and accuracy": lambda: 0.7 * EntityF1() + 0.3 * Accuracy(),
}
CASES = [
    *(("tagging", name, make) for name, make in (ANY | SPANS).items()),
    *(("classification", name, make) for name, make in ANY.items()),
    ("tagging in windows", "entity F1, dense", SPANS["entity F1, dense"]),
    ("classification in windows", "accuracy", Accuracy),
]
ROWS = 5


def stepped(env: LabelVectorEnv, labels: IntArray) -> tuple[FloatArray, FloatArray]:
    """Step rewards [B, U] and scores [B] of the episodes in progress."""
    lengths = stopped(labels, env.game.lengths.copy(), env.episodes.space.stop)
    rewards, scores = np.zeros(labels.shape), np.zeros(len(lengths))
    for t in range(int(lengths.max())):
        going = t < lengths
        # An ended row plays its next text, which is none of ours.
        _, reward, done, _, info = env.step(np.where(going, labels[:, t], 0))
        rewards[going, t] = reward[going]
        assert (done[going] == (t + 1 == lengths[going])).all()
        last = going & done
        if last.any():
            scores[last] = info["final_info"]["score"][last]
    return rewards, scores


@pytest.mark.parametrize(("task", "name", "make"), CASES, ids=[f"{t}: {n}" for t, n, _ in CASES])
@given(seed=st.integers(0, 2**32 - 1), right=st.sampled_from([0.0, 0.5, 0.9, 1.0]))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_stepping_equals_play(
    datasets: dict[str, Dataset],
    task: str,
    name: str,
    make: Callable[[], Reward],
    seed: int,
    right: float,
) -> None:
    """Labels are drawn without a mask, so most sequences of tags are not valid IOB2."""
    env = LabelVectorEnv.of(Game(datasets[task]["train"], make(), ROWS))
    random = np.random.default_rng(seed)
    env.reset(seed=seed)
    batch = env.episodes.batch(env.game.examples)
    drawn = random.integers(len(env.episodes.space), size=batch.gold.shape)
    labels = np.where(random.random(drawn.shape) < right, batch.gold, drawn).astype(np.int32)
    if env.episodes.space.transitions is not None:
        # Spans that go on behind the gold one's end are rare by chance alone.
        places = env.episodes.space.places
        inside = [places.get("I-" + name[2:], place) for name, place in places.items()]
        for t in range(1, labels.shape[1]):
            longer = (random.random(ROWS) < 0.3) & (t < batch.lengths)
            labels[longer, t] = np.array(inside)[labels[longer, t - 1]]
    after = np.arange(labels.shape[1]) >= batch.lengths[:, None]
    labels[after] = random.integers(-9, 99, after.sum())  # what stands there means nothing
    played = env.play(labels)
    assert played.dtype == np.float64
    assert np.array_equal(played, env.play(labels, batch))
    assert (played[after] == 0).all()

    rewards, scores = stepped(env, labels)
    np.testing.assert_allclose(rewards, played, rtol=0, atol=1e-12)
    whole = env.reward.score(batch.complete(np.where(after, -1, labels).astype(np.int32)))
    np.testing.assert_allclose(rewards.sum(1), whole, rtol=0, atol=1e-12)
    np.testing.assert_allclose(scores, whole, rtol=0, atol=1e-12)
    if env.reward.sparse:
        assert (
            rewards[:, :-1][np.arange(labels.shape[1] - 1) < batch.lengths[:, None] - 1] == 0
        ).all()


OTHERS: dict[str, list[Callable[[], Reward]]] = {
    "tagging": [lambda: EntityF1(dense=True)],
    "classification": [CrossEntropy],
    "multilabel": [lambda: SampleF1(beta=2.0, empty=0.5, dense=True), Accuracy, F1],
    "spanqa": [lambda: SquadF1(exact=True), Accuracy, lambda: 0.5 * SquadF1() + 0.5 * ExactMatch()],
    "choice": [Accuracy],
    "choice one by one": [Accuracy, lambda: Accuracy() + -0.5 * CrossEntropy(), F1],
    "relation": [lambda: RelationF1(0.5), Accuracy, lambda: F1(ignore=("Other",))],
    "summary": [lambda: Rouge(dense=True), Accuracy],
    "summary of 2": [lambda: Rouge(dense=True, types=("2",)), lambda: F1(label="in", dense=True)],
    "summary in words": [lambda: Rouge(types=("l",)), lambda: 0.5 * Rouge() + 0.5 * Accuracy()],
    "sentences": [lambda: F1(average="macro", dense=True), CrossEntropy],
    "slots and intent": [
        lambda: ByKind({"slot": EntityF1(dense=True), "intent": 2 * ExactMatch()}),
        lambda: ByKind({"slot": F1(), "intent": Accuracy()}) + 0.1 * Accuracy(),
    ],
    "mix": [
        Accuracy,
        lambda: ByKind({"slots": F1(dense=True), "mood": 2 * Accuracy(), "roles": CrossEntropy()}),
    ],
}
FITTING = [
    (form, place) for form in FORMS for place in range(-1, len(OTHERS[form]))
]  # -1: the task's own reward


def allowed_labels(env: LabelVectorEnv, random: np.random.Generator, right: float) -> IntArray:
    """Labels that keep the rules, the gold ones with probability `right`; [B, U], -1 as padding."""
    game = env.game
    examples, lengths = game.examples.copy(), game.lengths.copy()
    labels = np.full(game.labels.shape, -1, np.int32)
    going = np.ones(len(lengths), bool)
    for t in range(int(lengths.max())):
        masks, gold = env.action_masks(), game.gold[:, t]
        drawn = np.array([random.choice(np.flatnonzero(mask)) for mask in masks])
        possible = (
            (gold >= 0) & masks[np.arange(len(gold)), gold] & (random.random(len(gold)) < right)
        )
        actions = np.where(possible, gold, drawn)
        labels[going, t] = actions[going]
        going &= ~env.step(actions)[2]
        if not going.any():
            break
    env.reset(options={"example": examples})
    return labels[:, : int(lengths.max())]


@pytest.mark.parametrize(("form", "place"), FITTING, ids=[f"{f}: {p}" for f, p in FITTING])
@pytest.mark.parametrize("rules", ["kept", "broken"])
@given(seed=st.integers(0, 2**32 - 1), right=st.sampled_from([0.0, 0.5, 0.9, 1.0]))
@settings(max_examples=6, deadline=None, derandomize=True)
def test_stepping_equals_play_in_every_task(
    form: str, place: int, rules: str, seed: int, right: float
) -> None:
    dataset = every_task(form)
    own = dataset.task.default_reward(dataset.space)
    reward = own if place < 0 else OTHERS[form][place]()
    env = LabelVectorEnv.of(Game(dataset["train"], reward, ROWS))
    random = np.random.default_rng(seed)
    env.reset(seed=seed)
    batch = env.episodes.batch(env.game.examples)
    if rules == "kept":
        labels = allowed_labels(env, random, right)
    else:
        drawn = random.integers(env.game.count, size=batch.gold.shape)
        known = (random.random(drawn.shape) < right) & (batch.gold >= 0)
        labels = np.where(known, batch.gold, drawn).astype(np.int32)
    lengths = stopped(labels, batch.lengths, batch.stop)
    after = np.arange(labels.shape[1]) >= lengths[:, None]
    labels[after] = random.integers(-9, 99, after.sum())  # what stands there means nothing
    assert (labels[~after] >= 0).all()

    played = env.play(labels)
    assert (played[after] == 0).all()
    rewards, scores = stepped(env, labels)
    np.testing.assert_allclose(rewards, played, rtol=0, atol=1e-12)
    whole = env.reward.score(batch.complete(np.where(after, -1, labels).astype(np.int32)))
    np.testing.assert_allclose(rewards.sum(1), whole, rtol=0, atol=1e-12)
    np.testing.assert_allclose(scores, whole, rtol=0, atol=1e-12)
    parts = env.reward.parts(batch.complete(np.where(after, -1, labels).astype(np.int32)))
    assert all(part.shape == (ROWS,) and np.isfinite(part).all() for part in parts.values())


@pytest.mark.parametrize("form", ["choice one by one", "summary", "summary in words"])
def test_a_label_that_stops_ends_the_episode(form: str) -> None:
    dataset = every_task(form)
    env = LabelEnv(dataset=dataset)
    stop, seen = dataset.space.stop, set()
    assert stop is not None
    for example in range(24):
        env.reset(options={"example": example})
        gold = [g for g in env.game.gold[0].tolist() if g >= 0]
        done, steps = False, 0
        while not done:
            observation, _, done, _, _ = env.step(gold[steps])
            steps += 1
        assert steps == len(gold)
        assert observation["cursor"].tolist() == [steps]
        assert observation["labels"].tolist()[:steps] == gold
        assert (observation["labels"][steps:] == -1).all()
        seen.add(gold[-1] == stop and steps < int(env.game.episodes.lengths[example]))
        with pytest.raises(ValueError, match="the episode is over"):
            env.step(0)
        env.reset(options={"example": example})
        assert env.step(stop)[2]  # at once
        lengths = env.game.episodes.lengths
        assert env.reset(options={"example": example})[0]["cursor"] == 0
        assert env.game.lengths[0] == lengths[example] > 1  # the whole text again
    assert seen >= {True}


def test_kinds_of_units_are_scored_apart() -> None:
    """Half the slots' F1 and half the intent, whatever the other half is."""
    env = LabelEnv(dataset=every_task("slots and intent"))
    space = env.game.episodes.space
    for example in range(24):
        for wrong in ("slots", "intent"):
            env.reset(options={"example": example})
            gold = env.game.gold[0, : env.game.lengths[0]].tolist()
            last = len(gold) - 1
            other = {"slots": space.places["slot/O"], "intent": space.places["intent/play_music"]}
            done, total, unit = False, 0.0, 0
            while not done:
                spoiled = (unit == last) == (wrong == "intent")
                label = gold[unit] if not spoiled else other[wrong]
                _, reward, done, _, info = env.step(label)
                total += reward
                unit += 1
            empty = all(space.names[g] == "slot/O" for g in gold[:-1])
            right = empty if wrong == "slots" else gold[-1] == other["intent"]
            assert total == pytest.approx(1.0 if right else 0.5)
            assert info["score"] == pytest.approx(
                info["slot/entity_f1"] / 2 + info["intent/accuracy"] / 2
            )


def test_parts_of_a_sum_are_told_at_the_end(datasets: dict[str, Dataset]) -> None:
    env = LabelEnv(dataset=datasets["tagging"], reward=0.7 * EntityF1() + 0.3 * Accuracy())
    env.reset(options={"example": 0})
    done, infos = False, []
    while not done:
        *_, done, _, info = env.step(0)
        infos.append(info)
    assert all(info == {"example": 0} for info in infos[:-1])
    last = infos[-1]
    assert last.keys() == {"example", "score", "entity_f1", "accuracy"}
    assert last["score"] == pytest.approx(0.7 * last["entity_f1"] + 0.3 * last["accuracy"])


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.zeros((2, 99), np.int32), "shape"),
        (np.zeros((2, 13)), "whole numbers"),
        (np.full((2, 13), -1), "a label must be in 0"),
        (np.full((2, 13), 999), "a label must be in 0"),
    ],
)
def test_labels_that_cannot_be_played(
    datasets: dict[str, Dataset], labels: IntArray, words: str
) -> None:
    env = LabelVectorEnv(dataset=datasets["tagging"], num_envs=2)
    examples: Sequence[int] = np.argsort(-env.episodes.lengths)[:2].tolist()
    batch = env.episodes.batch(examples)
    labels = labels if labels.shape[1] == 99 else labels[:, : batch.gold.shape[1]]
    with pytest.raises(ValueError, match=words):
        env.play(labels, batch)


def test_a_batch_does_not_change_when_rows_go_on(datasets: dict[str, Dataset]) -> None:
    env = LabelVectorEnv(dataset=datasets["classification"], num_envs=3)
    env.reset(options={"example": [4, 5, 6]})
    batch = env.episodes.batch(env.game.examples)
    env.step(np.zeros(3, np.int32))  # every episode ends, and the next begins
    assert batch.examples.tolist() == [4, 5, 6]
