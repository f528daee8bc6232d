"""Tasks that can abstain: their labels, rules, measures and what they show."""

import numpy as np
import pytest

from lingym.envs import (
    Abstaining,
    Classification,
    Dataset,
    ExtractiveSummary,
    LabelEnv,
    LabelVectorEnv,
    MultiLabel,
    MultipleChoice,
    MultiTask,
    Relation,
    SentenceTagging,
    SlotsAndIntent,
    SpanQA,
    Tagging,
    Task,
    build,
    load_corpus,
)
from lingym.rewards import Abstain, without_abstain
from lingym.types import DataError

ABLE = {
    "commands": Tagging,
    "commands&": Classification,
    "emotions": MultiLabel,
    "relations": Relation,
    "abstracts": SentenceTagging,
}


def dataset(task: Task, corpus: str) -> Dataset:
    return build(task, load_corpus(f"synthetic:{corpus.strip('&')}?train=12&dev=4&test=4"))


@pytest.mark.parametrize("corpus", ABLE)
@pytest.mark.parametrize("budget", [None, 2])
def test_stepping_is_playing_with_masks_and_a_budget(corpus: str, budget: int | None) -> None:
    data = dataset(Abstaining(ABLE[corpus](), budget), corpus)
    plain = dataset(ABLE[corpus](), corpus)
    assert data.space.names == (*plain.space.names, "ABSTAIN")
    inside = without_abstain(data.space)
    assert (inside.names, inside.roles) == (plain.space.names, plain.space.roles)
    if plain.space.transitions is not None:
        np.testing.assert_array_equal(inside.transitions, plain.space.transitions)
    assert data.space.ruled == (budget is not None)
    np.testing.assert_array_equal(data["train"].gold, plain["train"].gold)
    env = LabelVectorEnv(dataset=data, num_envs=1)
    assert isinstance(env.reward, Abstain)
    random = np.random.default_rng(0)
    ask = len(data.space) - 1
    for example in range(6):
        env.reset(options={"example": example})
        batch = data["train"].batch([example])
        given, rewards = [], []
        for _ in range(int(batch.lengths[0])):
            allowed = np.flatnonzero(env.action_masks()[0])
            asked = given.count(ask)
            assert (ask in allowed) == (budget is None or asked < budget)
            given.append(
                ask if ask in allowed and random.random() < 0.5 else random.choice(allowed)
            )
            rewards.append(env.step(np.array(given[-1:]))[1][0])
        played = env.play(np.array([given], np.int32), batch, observe=False)[0]
        np.testing.assert_allclose(rewards, played, atol=1e-12)


def test_any_tag_may_follow_an_abstention() -> None:
    data = dataset(Abstaining(Tagging()), "commands")
    transitions = data.space.transitions
    assert transitions is not None
    assert transitions[-2].all() and transitions[:, -1].all()  # after it, and it after anything
    inside = [name.startswith("I-") for name in data.space.names]
    assert not transitions[-1][inside].any()  # a text still does not begin within a span


def test_measures_by_hand() -> None:
    data = dataset(Abstaining(Tagging(), price=0.5), "commands")
    labelings = data["dev"].complete(data["dev"].gold_of(np.arange(4), data["dev"].max_units))
    labels, gold = labelings.labels, labelings.gold
    count, ask = int((gold >= 0).sum()), len(data.space) - 1
    labels[0, 0] = ask
    labels[1, 0] = ask
    labels[2, 0] = (gold[2, 0] + 1) % ask
    labels[3, 0] = (gold[3, 0] + 1) % ask
    measured = data.task.metrics(labelings, data.space)
    assert measured["coverage"] == pytest.approx(1 - 2 / count)
    assert measured["selective_accuracy"] == pytest.approx(1 - 2 / (count - 2))
    assert measured["accuracy"] == pytest.approx(1 - 4 / count)
    assert measured["assisted_accuracy"] == pytest.approx(1 - 2 / count)
    worth = measured["assisted_entity_f1"] - 0.5 * 2 / count
    assert measured["utility"] == pytest.approx(worth)
    assert data.task.metric(data.space) == "utility"
    labels[gold >= 0] = ask
    measured = data.task.metrics(labelings, data.space)
    assert (measured["coverage"], measured["selective_accuracy"]) == (0, 0)
    assert measured["accuracy"] == 0 and measured["assisted_entity_f1"] == 1
    assert measured["utility"] == pytest.approx(0.5)


def test_abstentions_are_shown() -> None:
    env = LabelEnv(
        Abstaining(Tagging()), corpus="synthetic:commands?train=12&dev=4&test=4", render_mode="ansi"
    )
    env.reset(options={"example": 0})
    env.step(len(env.game.episodes.space) - 1)
    assert "ABSTAIN" in str(env.render())
    data = dataset(Abstaining(MultiLabel()), "emotions")
    example = data["dev"].examples[0]
    labels = np.array([2, 1, *[0] * (len(data.space.roles) - 2)], np.int32)
    shown = data.task.present(example, labels, data.space, np.zeros((len(labels), 3)))
    assert shown["abstained"] == [data.space.roles[0]]
    assert shown["labels"] == [data.space.roles[1]]


def test_a_saved_task_is_made_again() -> None:
    task = Abstaining(Tagging(), budget=3, price=0.1)
    assert task.saved() == {"abstain": {"budget": 3, "price": 0.1}}


@pytest.mark.parametrize(
    ("task", "corpus"),
    [
        (SpanQA(), "questions"),
        (MultipleChoice(), "dialogues"),
        (MultipleChoice(sequential=True), "dialogues"),
        (ExtractiveSummary(), "abstracts"),
        (SlotsAndIntent(), "commands"),
    ],
)
def test_a_task_that_cannot_abstain_says_so(task: Task, corpus: str) -> None:
    with pytest.raises(ValueError, match="only tasks can abstain whose units have labels with nam"):
        dataset(Abstaining(task), corpus)


def test_what_means_nothing_is_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    for arguments, words in (
        ({"budget": 0}, "budget must be a whole number from 1 on, or None; got 0"),
        ({"price": -0.1}, "price must be a number, 0 or more; got -0.1"),
    ):
        with pytest.raises(ValueError, match=words):
            Abstaining(Tagging(), **arguments)
    with pytest.raises(ValueError, match="can abstain already"):
        Abstaining(Abstaining(Tagging()))
    with pytest.raises(ValueError, match="cannot be mixed"):
        MultiTask({"a": Abstaining(Tagging()), "b": Classification()})
    file = tmp_path / "train.jsonl"
    file.write_text('{"tokens": ["a", "b"], "labels": ["O", "ABSTAIN"]}\n')
    with pytest.raises(DataError, match=r"train.jsonl:1: a gold label is 'ABSTAIN'"):
        build(Abstaining(Tagging()), load_corpus(train=str(file)))
