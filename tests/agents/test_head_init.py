"""A head that knows names or prototypes before training: by hand, for every form, and saved."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lingym.agents import PPO, REINFORCE, Supervised, evaluate, predict_labels
from lingym.agents.head_init import head_from_names, head_from_prototypes
from lingym.envs import (
    Classification,
    Dataset,
    LabelVectorEnv,
    MultiLabel,
    SlotsAndIntent,
    SpanQA,
    Tagging,
    Task,
    build,
    load_corpus,
)
from lingym.envs.label_names import label_texts, spoken, subjects
from lingym.policies import LabelPolicy
from lingym.policies.head_init import name_rows, prototype_rows
from lingym.types import DataError, LabelSpace

TASKS: dict[str, tuple[Task, str]] = {
    "tagging": (Tagging(), "synthetic:commands?train=40&dev=10"),
    "classification": (Classification(), "synthetic:commands?train=40&dev=10"),
    "multilabel": (MultiLabel(), "synthetic:emotions?train=40&dev=10"),
    "slots": (SlotsAndIntent(), "synthetic:commands?train=40&dev=10"),
}


def made(kind: str, agent: Any = Supervised, **more: Any) -> tuple[Any, Dataset]:
    task, corpus = TASKS[kind]
    dataset = build(task, load_corpus(corpus), max_tokens=48)
    env = LabelVectorEnv(dataset=dataset)
    return agent("LabelPolicy", env, seed=0, device="cpu", batch_size=16, **more), dataset


def test_rows_of_names_are_scaled_cosines() -> None:
    generator = torch.Generator().manual_seed(0)
    meanings = torch.randn(3, 5, generator=generator)
    meanings = torch.cat([meanings, meanings[:1], torch.full((1, 5), torch.nan)])
    texts = 2 + torch.randn(20, 5, generator=generator)
    weight, bias = name_rows(meanings, texts, scale=7.0)
    own = meanings[:3] - meanings[:3].mean(0)
    around = texts - texts.mean(0)
    wanted = torch.nn.functional.cosine_similarity(around[:, None], own[None], dim=-1)
    wanted *= 7 * around.norm(dim=1, keepdim=True) / around.norm(dim=1).mean()
    found = texts @ weight.T + bias
    torch.testing.assert_close(found[:, :3], wanted)
    torch.testing.assert_close(found[:, 3], found[:, 0])
    assert not found[:, 4].any()


def test_rows_of_prototypes_are_those_of_squared_distances() -> None:
    generator = torch.Generator().manual_seed(1)
    prototypes, features = (torch.randn(n, 6, generator=generator) for n in (4, 9))
    weight, bias = prototype_rows(prototypes, scale=3.0)
    heat = 3 / (prototypes - prototypes.mean(0)).square().sum(1).mean()
    wanted = (-heat / 2 * torch.cdist(features, prototypes).square()).log_softmax(1)
    torch.testing.assert_close((features @ weight.T + bias).log_softmax(1), wanted)
    gone = torch.cat([prototypes, torch.full((1, 6), torch.nan)])
    more, less = prototype_rows(gone, scale=3.0)
    torch.testing.assert_close(more[:4], weight)
    assert not more[4].any() and less[4] == -4.5


@pytest.mark.parametrize("kind", TASKS)
def test_a_head_of_names_is_shared_by_b_and_i_and_leaves_o_and_the_encoder(kind: str) -> None:
    agent, dataset = made(kind)
    policy, space = agent.policy, dataset.space
    before = {n: v.clone() for n, v in policy.state_dict().items() if "label_head" not in n}
    head_from_names(policy, dataset.tokenizer, None, dataset["train"])
    after = policy.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    weight = policy.label_head.weight.detach()
    about = subjects(space)
    if space.form == "text":
        weight = weight.view(len(space.roles), 2, -1)
        assert not weight[:, 0].any() and weight[:, 1].any(-1).all()
        return
    for place, one in enumerate(about):
        assert bool(weight[place].any()) == (one is not None)
        twin = about.index(one)
        assert torch.equal(weight[place], weight[twin])
    assert len(torch.unique(weight, dim=0)) == len(set(about))


@pytest.mark.parametrize("kind", TASKS)
def test_prototypes_label_better_than_chance_before_training(kind: str) -> None:
    agent, dataset = made(kind)
    metric = {"multilabel": "micro_f1"}.get(kind, "accuracy")
    gold, given = dataset["train"], agent.policy
    before = evaluate(given, gold).get(metric, 0.0)
    head_from_prototypes(given, gold)
    after = evaluate(given, gold).get(metric, 1.0)
    assert after > max(before, 0.4)


def test_prototypes_are_the_mean_features_of_the_units() -> None:
    agent, dataset = made("tagging")
    policy, texts = agent.policy, dataset["train"]
    batch = texts.batch(np.arange(len(texts), dtype=np.int32))
    with torch.no_grad():
        features = policy.features(policy.texts(batch))
    gold = torch.from_numpy(batch.gold)
    there = [k for k in range(len(dataset.space)) if (gold == k).any()]
    means = torch.stack([features[gold == k].mean(0) for k in there])
    weight, bias = prototype_rows(means)
    head_from_prototypes(policy, texts)
    torch.testing.assert_close(policy.label_head.weight.detach()[there], weight)
    torch.testing.assert_close(policy.label_head.bias.detach()[there], bias)


@pytest.mark.parametrize("agent", [Supervised, PPO, REINFORCE])
def test_every_agent_goes_on_from_it_and_it_is_saved(agent: Any, tmp_path: Path) -> None:
    from lingym.agents import Labeller

    learner, dataset = made("classification", agent, n_steps=16)
    head_from_names(learner.policy, dataset.tokenizer)
    start = learner.policy.label_head.weight.detach().clone()
    learner.learn(total_episodes=32)
    assert not torch.equal(start, learner.policy.label_head.weight)
    policy: LabelPolicy = learner.policy
    Labeller(policy, "classification", dataset.tokenizer, 48).save(tmp_path / "model")
    again = Labeller.load(tmp_path / "model", "cpu")
    same = predict_labels(again.policy, dataset["dev"]) == predict_labels(policy, dataset["dev"])
    assert same.all()


def test_candidates_have_no_names() -> None:
    dataset = build(SpanQA(), load_corpus("synthetic:questions?train=8"), max_tokens=64)
    agent = Supervised("LabelPolicy", LabelVectorEnv(dataset=dataset), device="cpu")
    with pytest.raises(ValueError, match="own candidates or choices have no names"):
        head_from_names(agent.policy, dataset.tokenizer)
    with pytest.raises(ValueError, match="own candidates or choices have no names"):
        head_from_prototypes(agent.policy, dataset["train"])


def test_names_in_words_and_in_a_file(tmp_path: Path) -> None:
    space = LabelSpace(("AddToPlaylist", "book_flight", "Cause-Effect(e1,e2)"), of_text=True)
    assert label_texts(space)["AddToPlaylist"] == "Add To Playlist"
    assert spoken("book_flight", space) == "book flight"
    file = tmp_path / "names.tsv"
    numbered = LabelSpace(("0", "1"), of_text=True)
    with pytest.raises(ValueError, match="the label '0' has no word in its name"):
        label_texts(numbered)
    file.write_text("0\ta bad film\n\n1\ta good film\n")
    assert label_texts(numbered, file) == {"0": "a bad film", "1": "a good film"}
    for text, message in (
        ("0 bad", "names.tsv:1: wanted a label, a tab, and words; got '0 bad'"),
        ("0\tbad\n2\tgood", "names.tsv:2: there is no label '2': they are 0, 1"),
        ("0\tbad\n0\tbad", "names.tsv:2: the label '0' has a line already"),
    ):
        file.write_text(text)
        with pytest.raises(DataError, match=message):
            label_texts(numbered, file)
    file.write_text("0\tbad")
    with pytest.raises(ValueError, match="lacks a line for 1"):
        label_texts(numbered, file)
