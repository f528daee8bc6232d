"""Playing whole episodes in one call equals stepping through them, for every task and reward."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lingym.envs import Dataset, LabelEnv, LabelVectorEnv
from lingym.envs.game import Game
from lingym.rewards import F1, Accuracy, CrossEntropy, EntityF1, Reward, from_function
from lingym.types import FloatArray, IntArray


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
    lengths = env.game.lengths.copy()
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
