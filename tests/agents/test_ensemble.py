"""Labellers that label together, on every form of labels, encoders and orders of labels."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from lingym.agents import Ensemble, Labeller, predict_labels
from lingym.envs import LabelVectorEnv, Tagging, build
from lingym.envs.tokenizer import train_tokenizer
from lingym.policies import LabelPolicy
from tests.envs.every_task import FORMS, corpus_of, every_task


@torch.no_grad()
def labeller(form: str, seed: int, dataset: Any = None, **arguments: Any) -> Labeller:
    dataset = dataset or every_task(form)
    env = LabelVectorEnv(dataset=dataset)
    torch.manual_seed(seed)
    policy = LabelPolicy(
        env.single_observation_space, env.single_action_space, lambda _: 0.0, **arguments
    )
    for name, parameter in policy.named_parameters():
        if not name.startswith("encoder."):
            parameter.normal_(0, 0.5)
    task = dataset.task
    return Labeller(policy, task.name, dataset.tokenizer, 128, settings=task.saved())


@pytest.mark.parametrize("form", FORMS)
def test_one_alone_and_twice_is_itself_and_two_keep_the_rules(form: str) -> None:
    records = corpus_of(FORMS[form].corpus).test
    one, other = labeller(form, 0), labeller(form, 1)
    wanted = predict_labels(one.policy, one.read(records, unlabelled=True))
    for ensemble in (Ensemble([one]), Ensemble([one, one])):
        assert (ensemble.label(ensemble.read(records, unlabelled=True)) == wanted).all()
    both = Ensemble([one, other])
    shown = list(both.predict_records(records))
    assert [row.keys() for row in shown] == [row.keys() for row in one.predict_records(records)]
    assert both.evaluate(records).keys() == one.evaluate(records).keys()


def test_the_probabilities_are_the_mean() -> None:
    records = corpus_of("commands").test
    members = [labeller("classification", seed) for seed in range(3)]
    every = [list(member.predict_records(records)) for member in members]
    for mean, power in (("arithmetic", None), ("geometric", 1 / 3)):
        found = list(Ensemble(members, mean=mean).predict_records(records))  # type: ignore[arg-type]
        for place, row in enumerate(found):
            parts = [member[place]["probabilities"] for member in every]
            values = {name: [part[name] for part in parts] for name in parts[0]}
            raw = {
                n: np.mean(v) if power is None else np.prod(v) ** power for n, v in values.items()
            }
            total = sum(raw.values())
            wanted = {name: value / total for name, value in raw.items()}
            assert row["probabilities"] == pytest.approx(wanted, abs=1e-5)
            assert row["label"] == max(wanted, key=wanted.__getitem__)


def test_members_may_differ_in_order_tokens_and_history() -> None:
    corpus = corpus_of("commands")
    plain = every_task("tagging")
    names = plain.space.names
    turned = build(Tagging(labels=names[::-1]), corpus)
    texts = [" ".join(record["tokens"]) for record in corpus.train]
    pieces = build(Tagging(labels=names), corpus, train_tokenizer(texts, vocab_size=120))
    one = labeller("tagging", 0)
    same = labeller("tagging", 0, turned)
    with torch.no_grad():  # the very same labeller, whose labels have other numbers
        same.policy.encoder.load_state_dict(one.policy.encoder.state_dict())
        order = [names.index(name) for name in turned.space.names]
        same.policy.label_head.weight.copy_(one.policy.label_head.weight[order])
        same.policy.label_head.bias.copy_(one.policy.label_head.bias[order])
    wanted = list(one.predict_records(corpus.test))
    assert turned.space.names != names
    assert list(Ensemble([one, same]).predict_records(corpus.test)) == wanted
    chained = labeller("tagging", 2, pieces, history="previous")
    together = Ensemble([chained, one, same])
    for row in together.predict_records(corpus.test):
        assert len(row["labels"]) == len(row["tokens"])
        for before, label in zip(["O", *row["labels"]], row["labels"], strict=False):
            assert not label.startswith("I-") or before[2:] == label[2:]  # the chain's rule


def test_what_does_not_go_together_is_refused() -> None:
    one = labeller("tagging", 0)
    with pytest.raises(ValueError, match="labellers is empty"):
        Ensemble([])
    with pytest.raises(ValueError, match="weights must be 2 positive numbers"):
        Ensemble([one, one], weights=(1, -1))
    with pytest.raises(ValueError, match=r"labeller 2 does not go.*task is classification"):
        Ensemble([one, labeller("classification", 0)])
    more = (*one.policy.labels.names, "B-more", "I-more")
    wider = labeller("tagging", 0, build(Tagging(labels=more), corpus_of("commands")))
    with pytest.raises(ValueError, match="differ in the labels B-more, I-more"):
        Ensemble([one, wider])
    answers = labeller("spanqa", 0)
    with pytest.raises(ValueError, match="candidates are tokens"):
        Ensemble([answers, replace(answers, max_tokens=64)])
    with pytest.raises(ValueError, match="it reads texts with"):
        Ensemble([labeller("summary", 0), labeller("summary of 2", 0)])
