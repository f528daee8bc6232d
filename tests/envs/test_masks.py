"""What may follow what, what a terminal shows, and what the agent is never shown."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import data_equivalence

from lingym.envs import Classification, Dataset, LabelEnv, LabelVectorEnv, Tagging, Task
from lingym.envs.tasks.tagging import iob2_transitions
from lingym.rewards import EntityF1
from lingym.types import Labelings, LabelSpace

NAMES = ("B-LOC", "B-PER", "I-LOC", "I-PER", "O")


def may_follow(before: str | None, tag: str) -> bool:
    return not tag.startswith("I-") or before in (f"B-{tag[2:]}", tag)


def test_iob2_transitions() -> None:
    allowed = iob2_transitions(NAMES)
    wanted = [[may_follow(before, tag) for tag in NAMES] for before in (*NAMES, None)]
    assert allowed is not None
    assert allowed.tolist() == wanted


@pytest.mark.parametrize(
    "names",
    [("NOUN", "VERB"), ("B-X", "O", "X"), ("O", "P"), ("positive", "negative"), ("B-", "O")],
)
def test_other_labels_have_none(names: tuple[str, ...]) -> None:
    assert iob2_transitions(names) is None


def test_bare_tags_are_one_type() -> None:
    allowed = iob2_transitions(("B", "I", "O"))
    assert allowed is not None
    assert allowed[:, 1].tolist() == [True, True, False, False]  # after B, I, O, and at the start
    assert allowed[:, (0, 2)].all()
    reward = EntityF1()
    reward.bind(LabelSpace(("B", "I", "O")))
    gold = np.array([[0, 1, 2, 0]], np.int32)
    predicted = np.array([[0, 1, 0, 2]], np.int32)
    four = np.array([4], np.int32)
    assert reward.score(Labelings(predicted, gold, four, four, four)).tolist() == [0.5]


def test_masks_of_tagging_walk_with_the_labels(datasets: dict[str, Dataset]) -> None:
    env = LabelVectorEnv(dataset=datasets["tagging"], num_envs=4)
    names = env.episodes.space.names
    random = np.random.default_rng(0)
    env.reset(seed=0)
    before: list[str | None] = [None] * 4
    forbidden = 0
    for _ in range(80):
        masks = env.action_masks()
        wanted = [[may_follow(last, tag) for tag in names] for last in before]
        assert masks.dtype == np.bool_
        assert masks.tolist() == wanted
        gold = env.game.gold[np.arange(4), env.game.cursor]
        follows_gold = env.game.labels[np.arange(4), env.game.cursor - 1]
        for row in range(4):
            at = env.game.cursor[row]
            if at == 0 or follows_gold[row] == env.game.gold[row, at - 1]:
                assert masks[row, gold[row]]
        forbidden += int((~masks).sum())
        actions = np.where(random.random(4) < 0.5, gold, random.integers(len(names), size=4))
        _, _, done, _, _ = env.step(actions)
        before = [None if end else names[action] for end, action in zip(done, actions, strict=True)]
    assert forbidden > 80


def test_masks_of_classification_forbid_nothing(datasets: dict[str, Dataset]) -> None:
    env = LabelEnv(dataset=datasets["classification"])
    env.reset(seed=0)
    assert env.action_masks().tolist() == [True] * len(env.game.episodes.space)


@pytest.mark.parametrize(
    ("task", "gold"),
    [
        (Tagging(), ("labels", ["O", "B-X"], ["B-X", "I-X"])),
        (Classification(), ("label", "good", "bad")),
    ],
    ids=["tagging", "classification"],
)
def test_observations_do_not_tell_the_gold_labels(
    write: Callable[[str, str], str], task: Task, gold: tuple[str, object, object]
) -> None:
    """Two texts of the same words, with different gold labels, look the same all along."""
    name, one, other = gold
    rows = [json.dumps({"tokens": ["at", "noon"], name: value}) for value in (one, other)]
    given = {"train": write("twins.jsonl", "\n".join(rows)), "reward": "cross_entropy"}
    envs = [LabelEnv(task, **given) for _ in range(2)]
    seen = [env.reset(options={"example": place})[0] for place, env in enumerate(envs)]
    done = False
    while not done:
        assert data_equivalence(seen[0], seen[1], exact=True)
        replies = [env.step(1) for env in envs]
        seen, done = [reply[0] for reply in replies], replies[0][2]
    assert data_equivalence(seen[0], seen[1], exact=True)
    assert envs[0].game.gold.tolist() != envs[1].game.gold.tolist()


def test_render(write: Callable[[str, str], str]) -> None:
    path = write("a.conll", "Anna B-PER\nsaw O\nParis B-LOC\n")
    env = LabelEnv(Tagging(), train=path, render_mode="ansi")
    with pytest.raises(ResetNeeded, match="before render"):
        env.render()
    env.reset()
    for label in ("B-PER", "B-LOC"):
        env.step(env.game.episodes.space.places[label])
    lines = (env.render() or "").splitlines()
    assert [line.split() for line in lines] == [
        ["text", "gold", "given"],
        ["Anna", "B-PER", "B-PER", "ok"],
        ["saw", "O", "B-LOC", "wrong"],
        [">", "Paris", "B-LOC"],
    ]
    assert LabelEnv(Tagging(), train=path).render() is None
