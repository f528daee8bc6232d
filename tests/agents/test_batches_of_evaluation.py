"""Labels and metrics do not depend on which texts were evaluated together, nor in which order."""

import numpy as np
import pytest
import torch

from lingym.agents import PPO, Labeller, evaluate, predict_labels
from lingym.envs import Episodes, LabelVectorEnv, encode
from lingym.policies import LabelPolicy
from tests.envs.every_task import FORMS, every_task

LARGEST = 1e-5
"""How far a probability may move by the texts beside."""


@torch.no_grad()
def policy_of(form: str) -> LabelPolicy:
    """A policy of a task that labels unlike texts unlike."""
    env = LabelVectorEnv(dataset=every_task(form, windows=True))
    agent = PPO("LabelPolicy", env, policy_kwargs={"encoder": "tiny"}, seed=0, device="cpu")
    generator = torch.Generator().manual_seed(1)
    for name, weight in agent.policy.named_parameters():
        if weight.ndim == 2 and not name.startswith("value"):  # large, so that texts differ
            weight.normal_(0, 0.5, generator=generator)
    return agent.policy


def chances(policy: LabelPolicy, episodes: Episodes, parts: list[np.ndarray]) -> list[np.ndarray]:
    """The probabilities of a text's best labels, text by text, where the parts are read apart."""
    found: dict[int, np.ndarray] = {}
    policy.train(False)
    for rows in parts:
        batch = episodes.batch(rows)
        with torch.no_grad():
            distribution = policy.distribution(policy.features(policy.texts(batch)), batch)
            labels = distribution.mode()
            every = distribution.log_probs(labels).exp().numpy()
        for row, place in enumerate(rows):
            found[int(place)] = every[row, : batch.lengths[row]]
    return [found[place] for place in range(len(episodes))]


@pytest.mark.parametrize("form", FORMS)
def test_budget_and_order_change_no_label_and_no_metric(form: str) -> None:
    data = every_task(form, windows=True)
    policy, texts = policy_of(form), data["train"]
    labels = predict_labels(policy, texts)
    assert len({*labels[labels >= 0].tolist()}) > 1  # else nothing could have changed
    for budget in (1, 100, 333):
        assert np.array_equal(predict_labels(policy, texts, budget), labels)
    metrics = evaluate(policy, texts)
    assert evaluate(policy, texts, budget=100) == metrics

    order = np.random.default_rng(0).permutation(len(texts))
    given = texts.encoding
    turned = encode(
        *(texts.task, [texts.examples[place] for place in order], texts.space, given.units),
        *(given.max_tokens, given.overflow),
    )
    assert np.array_equal(predict_labels(policy, turned, 200)[:, : labels.shape[1]], labels[order])
    assert evaluate(policy, turned) == pytest.approx(metrics, rel=1e-12, abs=1e-12)

    alone = chances(policy, texts, [np.array([place]) for place in range(len(texts))])
    for parts in (np.array_split(order, 4), [np.arange(len(texts))]):
        together = chances(policy, texts, [np.asarray(rows) for rows in parts])
        for one, other in zip(alone, together, strict=True):
            apart = np.zeros(np.maximum(one.shape, other.shape))  # a wider batch has more places
            apart[tuple(map(slice, one.shape))] += one
            apart[tuple(map(slice, other.shape))] -= other
            assert np.abs(apart).max() < LARGEST


def test_a_labeller_gives_a_text_its_labels_whatever_stands_beside_it() -> None:
    data = every_task("tagging", windows=True)
    labeller = Labeller(policy_of("tagging"), "tagging", data.tokenizer, 12)
    texts = [list(example.units) for example in data["train"].examples]
    whole = labeller.predict(texts)
    for text, told in zip(texts, whole, strict=True):
        (alone,) = labeller.predict([text])
        assert alone["labels"] == told["labels"]
