"""An environment to which texts are added is the one that had them from the start."""

import copy
import pickle
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import gymnasium
import numpy as np
import pytest

import lingym  # noqa: F401  (registers the environments)
from lingym.envs import (
    Classification,
    Dataset,
    LabelEnv,
    LabelVectorEnv,
    build,
    encode,
    load_corpus,
)
from lingym.envs.corpora import Record
from lingym.envs.game import Game
from lingym.rewards import Reward, from_spec
from lingym.rewards.feedback import Bandit, OneScore
from lingym.types import DataError
from tests.envs.every_task import FORMS, every_task

STEPS = ((12, 12), (12, 5, 1, 6), (1, 23))


def cut(whole: Dataset, sizes: tuple[int, ...]) -> tuple[Dataset, list[list]]:
    """A data set with the first texts only, and the others as examples in steps."""
    train = whole["train"]
    parts, first = [], 0
    for size in sizes:
        parts.append(list(train.examples[first : first + size]))
        first += size
    how = train.encoding
    begun = encode(whole.task, parts[0], whole.space, how.units, how.max_tokens, how.overflow)
    return replace(whole, splits={"train": begun}), parts[1:]


def own(dataset: Dataset) -> Reward:
    return dataset.task.default_reward(dataset.space)


REWARDS: dict[str, Callable[[Dataset], Reward]] = {
    "its own": own,
    "bandit": lambda dataset: Bandit(),
    "one score": lambda dataset: OneScore(own(dataset)),
}


@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize("reward", REWARDS)
@pytest.mark.parametrize("form", FORMS)
def test_an_environment_grown_in_steps_is_one_built_at_once(
    form: str, reward: str, windows: bool
) -> None:
    whole = every_task(form, windows)
    once = LabelVectorEnv.of(Game(whole["train"], REWARDS[reward](whole), 3))
    sizes = STEPS[windows + (form == "mix")]
    begun, steps = cut(whole, sizes)
    env = LabelVectorEnv.of(
        Game(begun["train"], REWARDS[reward](whole), 3, room=vars(once.game.room))
    )
    known = sizes[0]
    for texts in steps:
        new = env.add_examples(texts)
        assert new.dtype == np.int32
        assert new.tolist() == list(range(known, known + len(texts)))
        known += len(texts)
    assert env.single_observation_space == once.single_observation_space
    assert env.single_action_space == once.single_action_space
    random = np.random.default_rng(0)
    for rows in (np.arange(24), random.integers(24, size=7)):
        ours, theirs = env.episodes.batch(rows), once.episodes.batch(rows)
        for name, value in vars(theirs).items():
            if name != "facts":
                np.testing.assert_array_equal(vars(ours)[name], value, strict=True, err_msg=name)
        labels = random.integers(once.game.count, size=theirs.gold.shape).astype(np.int32)
        right = random.random(labels.shape) < 0.6
        gold = whole["train"].gold_of(rows, labels.shape[1])
        labels = np.where(right & (gold >= 0), gold, labels).astype(np.int32)
        np.testing.assert_array_equal(env.play(labels, ours), once.play(labels, theirs))
    obs, other = (e.reset(options={"example": [23, 0, 12]})[0] for e in (env, once))
    for name, value in other.items():
        np.testing.assert_array_equal(obs[name], value, err_msg=name)
    if reward == "its own":
        complete = env.episodes.complete(
            env.episodes.gold_of(np.arange(24), env.episodes.max_units)
        )
        assert env.episodes.task.metrics(complete, env.episodes.space) == (
            whole.task.metrics(whole["train"].complete(complete.labels), whole.space)
        )
    else:  # the environment holds no gold label, old or new
        assert (env.episodes.gold == -1).all()
        assert env.episodes.facts == {}
        assert all(e.gold is None and not e.record.fields for e in env.episodes.examples)


@pytest.mark.parametrize("form", FORMS)
def test_records_are_read_as_the_split_was(form: str) -> None:
    """The same texts as records: labels that only the environment knows are not lost."""
    whole = every_task(form)
    begun, (texts,) = cut(whole, STEPS[0])
    room = vars(Game(whole["train"], own(whole), 1).room)
    env = LabelEnv(dataset=begun, room=room)
    env.add_examples([example.record for example in texts[:5]])
    env.add_examples([example.record.fields for example in texts[5:]])
    np.testing.assert_array_equal(env.game.episodes.gold, whole["train"].gold)
    np.testing.assert_array_equal(env.game.episodes.tokens, whole["train"].tokens)
    assert [e.units for e in env.game.episodes.examples] == [
        e.units for e in whole["train"].examples
    ]


def test_texts_join_the_round_that_is_played() -> None:
    begun, (texts,) = cut(every_task("classification"), (12, 12))
    env = LabelVectorEnv.of(Game(begun["train"], own(begun), 1, room={"tokens": 64, "units": 1}))
    played = env.sample(5).tolist()
    env.add_examples(texts[:6])
    played += env.sample(7 + 6).tolist()
    assert sorted(played) == list(range(18))  # the round has all, each once
    assert played[5:12] != sorted(played[5:12])
    env.add_examples(texts[6:])  # between two rounds
    assert sorted(env.sample(24).tolist()) == list(range(24))


def test_texts_of_a_mix_join_their_tasks_round() -> None:
    whole = every_task("mix")
    examples = list(whole["train"].examples)
    begun, _ = cut(whole, (24,))
    env = LabelVectorEnv.of(Game(begun["train"], own(whole), 1))
    env.episodes.task.weights = {"slots": 1.0, "mood": 1.0, "roles": 0.0}
    try:
        env.reset(seed=0)
        env.sample(3)
        env.add_examples(examples)
        seen = Counter(env.sample(400).tolist())
    finally:
        env.episodes.task.weights = None
    parts = env.episodes.parts
    assert parts is not None
    assert {int(text) for text in seen} == set(np.flatnonzero(parts != 2).tolist())
    for part in (0, 1):
        counts = [seen[int(text)] for text in np.flatnonzero(parts == part)]
        assert max(counts) - min(counts) <= 2


def test_a_single_environment_plays_what_was_added() -> None:
    begun, (texts,) = cut(every_task("tagging"), STEPS[0])
    env = LabelEnv(dataset=begun, room={"units": 64, "tokens": 64})
    seen = {env.reset(seed=0)[1]["example"]}
    env.add_examples(texts)
    for _ in range(23):
        _, info = env.reset()
        seen.add(info["example"])
    assert seen == set(range(24))
    copied = pickle.loads(pickle.dumps(copy.deepcopy(env)))
    copied.add_examples(texts[:1])
    assert (len(copied.game.episodes), len(env.game.episodes)) == (25, 24)


def test_a_text_that_is_too_large_says_how_to_make_room() -> None:
    corpus = load_corpus("synthetic:commands?train=24&dev=6&test=6")
    dataset = build(Classification(), corpus, max_tokens=32)
    long = Record({"text": "play " * 50, "label": corpus.train[0]["intent"]}, "new.jsonl", (7,))
    env = LabelVectorEnv(dataset=dataset)
    with pytest.raises(
        ValueError, match=r'new.jsonl:7: the text has 2 windows .* room=\{"windows": 2\}'
    ):
        env.add_examples([long])
    assert len(env.episodes) == 24  # nothing was added
    roomy = LabelVectorEnv(dataset=dataset, room={"windows": 2, "tokens": 32})
    roomy.reset(options={"example": int(roomy.add_examples([long])[0])})
    new = env.add_examples([long], whole=True)
    batch = env.episodes.batch(new)
    assert env.play(batch.gold, batch).sum() == 1
    with pytest.raises(
        ValueError, match=r"new.jsonl:7: .* drawn and played as whole episodes only"
    ):
        env.reset(options={"example": 24})
    env.reset(options={"example": 0})
    made = gymnasium.make("lingym/Classification-v0", corpus=corpus, room={"windows": 3}).unwrapped
    assert isinstance(made, LabelEnv)
    assert made.game.windows == 3


@pytest.mark.parametrize(
    ("room", "message"),
    [
        ({"word": 3}, "room has no 'word': it has units, windows, tokens, groups"),
        ({"units": 0}, "a whole number above 0, got 0"),
        ({"tokens": 10_000}, "a window, which has at the most 256: raise max_tokens"),
    ],
)
def test_room_that_cannot_be(room: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LabelEnv(dataset=every_task("tagging"), room=room)


def test_bad_texts_are_refused_with_their_place() -> None:
    env = LabelEnv(dataset=every_task("classification"))
    with pytest.raises(DataError, match=r"new.csv:3: unknown label 'odd': the task's labels are"):
        env.add_examples([Record({"text": "play", "label": "odd"}, "new.csv", (3,))])
    with pytest.raises(DataError, match=r"^added:25: "):
        env.add_examples([{"text": "play"}])
    with pytest.raises(TypeError, match="text 0 is str: wanted a Record"):
        env.add_examples(["play"])  # type: ignore[list-item]
    multi = every_task("multilabel")
    with pytest.raises(DataError, match="unknown label 'odd'"):
        LabelEnv(dataset=multi).add_examples([{"text": "play", "labels": ["odd"]}])
    qa = every_task("spanqa")
    record = qa["train"].examples[0].record
    words = str(record["context"]).split()
    long = {**record.fields, "answers": [{"text": " ".join(words[:8]), "start": 0}]}
    with pytest.raises(DataError, match="max_answer is 4: raise it"):
        LabelEnv(dataset=qa).add_examples([long])
    bare = [replace(env.game.episodes.examples[0], gold=None)]
    with pytest.raises(ValueError, match="reward accuracy needs gold labels"):
        env.add_examples(bare)
    assert len(env.game.episodes) == 24
    assert env.add_examples([]).tolist() == []


def test_a_reward_that_keeps_its_gold_to_itself_cannot_grow() -> None:
    class Closed(Bandit):
        entrusted = None  # type: ignore[assignment]

    env = LabelEnv(dataset=every_task("tagging"), reward=Closed())
    with pytest.raises(ValueError, match="must define `entrusted`"):
        env.add_examples(every_task("tagging")["train"].examples)


def test_several_rewards_that_hide_gold_share_the_longer_one() -> None:
    whole = every_task("tagging")
    begun, (texts,) = cut(whole, STEPS[0])
    env = LabelVectorEnv(dataset=begun, reward=from_spec("0.5*bandit+0.5*one_score(entity_f1)"))
    env.add_examples(texts, whole=True)
    batch = env.episodes.batch([20, 3])
    gold = whole["train"].gold_of(np.array([20, 3]), batch.gold.shape[1])
    np.testing.assert_allclose(env.play(gold, batch).sum(1), 1.0)
