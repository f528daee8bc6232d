"""A policy learns to ask where it cannot know, and only while asking is worth its price."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lingym.agents import REINFORCE, Labeller, LabelVecEnv, Supervised, evaluate, predict_labels
from lingym.envs import Abstaining, Dataset, LabelVectorEnv, MultiLabel, Tagging, build, load_corpus
from lingym.envs.corpora import Record
from lingym.policies import LabelPolicy, load_heads
from lingym.rewards import Abstain, Accuracy, OneScore, Reward


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts whose words name their labels, and as many texts of words with labels by chance."""
    random = np.random.default_rng(0)
    file = tmp_path_factory.mktemp("halves") / "train.jsonl"
    with file.open("w") as out:
        for place in range(128):
            labels = [str(label) for label in random.integers(4, size=random.integers(2, 6))]
            words = [f"a{label}" if place % 2 else "who" for label in labels]
            out.write(json.dumps({"tokens": words, "labels": labels}) + "\n")
    return file


def learned(file: Path, reward: Reward, budget: int | None = None) -> tuple[REINFORCE, Dataset]:
    dataset = build(Abstaining(Tagging(), budget), load_corpus(train=str(file)))
    env = LabelVectorEnv(dataset=dataset, reward=reward)
    agent = REINFORCE(
        *("LabelPolicy", env),
        # Asking pays before anything is known: without entropy a policy may ask for ever.
        **dict(learning_rate=1e-3, n_steps=64, batch_size=16, ent_coef=0.05, seed=0, device="cpu"),
    )
    agent.learn(total_episodes=768)
    return agent, dataset


def asked(agent: REINFORCE, dataset: Dataset) -> tuple[float, float]:
    """The share of abstentions among words that can be known, and among those that cannot."""
    labels = predict_labels(agent.policy, dataset["train"])
    given = labels[1::2], labels[::2]
    known, unknown = ((part == 4).sum() / (part >= 0).sum() for part in given)
    return float(known), float(unknown)


@pytest.mark.parametrize("hidden", [False, True])
def test_it_asks_where_it_cannot_know(halves: Path, hidden: bool) -> None:
    reward: Reward = Abstain(Accuracy(), price=0.3)
    agent, dataset = learned(halves, OneScore(reward) if hidden else reward)
    assert asked(agent, dataset) == (0, 1)
    measured = evaluate(agent.policy, dataset["train"])
    assert measured["assisted_accuracy"] == measured["selective_accuracy"] == 1
    assert measured["utility"] == pytest.approx(1 - 0.3 * (1 - measured["coverage"]))
    assert agent.label_env.reward.readings()["answers_spent"] > 0


def test_it_never_asks_at_a_price_above_what_an_answer_brings(halves: Path) -> None:
    agent, dataset = learned(halves, Abstain(Accuracy(), price=1.1))
    assert asked(agent, dataset) == (0, 0)


def test_it_asks_no_more_once_nobody_answers(halves: Path) -> None:
    agent, dataset = learned(halves, Abstain(Accuracy(), price=0.1, answers=200))
    assert asked(agent, dataset) == (0, 0)
    assert 200 <= agent.label_env.reward.spent < 200 + 4 * 16 * 5  # one minibatch beyond


def test_it_asks_within_the_budget_of_a_text(halves: Path) -> None:
    agent, dataset = learned(halves, Abstain(Accuracy(), price=0.3), budget=2)
    labels = predict_labels(agent.policy, dataset["train"])
    asks = (labels == 4).sum(1)
    assert asks[1::2].max() == 0 and set(asks[::2]) == {2}


@pytest.mark.parametrize("budget", [None, 2])
def test_a_saved_labeller_abstains_as_before(halves: Path, tmp_path: Path, budget: int) -> None:
    dataset = build(Abstaining(Tagging(), budget, price=0.2), load_corpus(train=str(halves)))
    env = LabelVectorEnv(dataset=dataset)
    agent = REINFORCE("LabelPolicy", env, n_steps=16, batch_size=16, seed=0, device="cpu")
    agent.learn(total_episodes=16)
    with torch.no_grad():
        agent.policy.label_head.bias[-1] = 1.0  # so that it asks
    settings = dataset.task.saved()
    labeller = Labeller(agent.policy, "tagging", dataset.tokenizer, 64, settings=settings)
    labeller.save(tmp_path / "model")
    again = Labeller.load(tmp_path / "model", device="cpu")
    texts = [["who", "a0", "a1"], ["a3", "a3"]]
    assert again.predict(texts) == labeller.predict(texts)
    assert any(shown["abstained"] for shown in again.predict(texts))
    records = [Record({"tokens": texts[0], "labels": ["0", "0", "1"]}, "text", (1,))]
    measured = again.evaluate(records)
    assert measured == labeller.evaluate(records)
    worth = measured["assisted_accuracy"] - 0.2 * (1 - measured["coverage"])
    assert measured["utility"] == pytest.approx(worth)
    text = (tmp_path / "model" / "lingym.json").read_text()
    for old, new, words in (
        ('"price": 0.2', '"price": -1', "price must be a number"),
        ('"budget"', '"most"', "abstain"),
        ('"ABSTAIN"', '"OTHER"', "the labels have no ABSTAIN"),
        ('"price": 0.2', '"price": 0.2, "budget": 7', "are not of one model"),
    ):
        if new.endswith("7"):
            old, new = f'"budget": {json.dumps(budget)}', '"budget": 7'
        (tmp_path / "model" / "lingym.json").write_text(text.replace(old, new))
        with pytest.raises(ValueError, match=words):
            Labeller.load(tmp_path / "model", device="cpu")


@pytest.mark.parametrize("history", ["none", "previous"])
def test_a_labeller_that_could_not_ask_learns_to(
    commands: Callable[..., Dataset],
    vec_env: Callable[..., LabelVecEnv],
    randomise: Callable[[LabelPolicy, int], None],
    tmp_path: Path,
    history: str,
) -> None:
    plain = commands("tagging")
    kwargs: dict[str, Any] = {"policy_kwargs": {"history": history}, "seed": 0, "device": "cpu"}
    agent = Supervised("LabelPolicy", vec_env(plain), **kwargs)
    randomise(agent.policy, 3)
    Labeller(agent.policy, "tagging", plain.tokenizer, 64).save(tmp_path / "model")
    corpus = load_corpus("synthetic:commands?train=64&dev=16&test=16")
    dataset = build(Abstaining(Tagging()), corpus, plain.tokenizer, 64)
    kwargs["policy_kwargs"]["encoder"] = str(tmp_path / "model")
    env = LabelVectorEnv(dataset=dataset)
    wider = REINFORCE("LabelPolicy", env, **kwargs)
    load_heads(wider.policy, tmp_path / "model")
    batch, wide = plain["dev"].batch(range(16)), dataset["dev"].batch(range(16))
    gold = torch.from_numpy(batch.gold).long()
    with torch.no_grad():
        before = agent.policy.evaluate_labels(batch, gold)
        after = wider.policy.evaluate_labels(wide, gold)
        wider.policy.label_head.bias[-1] = -1e4  # never ask: then all is as it was
        never = wider.policy.evaluate_labels(wide, gold)
    mask = gold >= 0
    torch.testing.assert_close(never[0][mask], before[0][mask])
    torch.testing.assert_close(after[2][mask], before[2][mask])
    lost = (before[0] - after[0])[mask]  # what asking takes of the gold labels, at once
    assert (lost >= -1e-5).all() and lost.max() > 1e-4


def test_heads_of_every_role_are_widened(tmp_path: Path) -> None:
    corpus = load_corpus("synthetic:emotions?train=16&dev=8&test=8")
    plain = build(MultiLabel(), corpus)
    agent = Supervised("LabelPolicy", LabelVectorEnv(dataset=plain), seed=0, device="cpu")
    with torch.no_grad():
        agent.policy.label_head.bias.normal_()
    Labeller(agent.policy, "multilabel", plain.tokenizer, 64).save(tmp_path / "model")
    dataset = build(Abstaining(MultiLabel()), corpus, plain.tokenizer)
    wider = REINFORCE(
        *("LabelPolicy", LabelVectorEnv(dataset=dataset)),
        **dict(policy_kwargs={"encoder": str(tmp_path / "model")}, seed=0, device="cpu"),
    )
    load_heads(wider.policy, tmp_path / "model")
    batch = plain["dev"].batch(range(8))
    with torch.no_grad():
        old = agent.policy.distribution(agent.policy.features(agent.policy.texts(batch)), batch)
        new = wider.policy.distribution(wider.policy.features(wider.policy.texts(batch)), batch)
    torch.testing.assert_close(new.scores[..., :2], old.scores)
