"""What holds of the policy in every task: its rules, its two entrances, and its indifference.

While stepping, `lingym.envs.rules` says which labels are allowed; for whole episodes the policy's
distribution does. Both must say the same, and give the same numbers.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lingym.envs import Dataset, LabelVectorEnv
from lingym.policies import LabelPolicy
from lingym.types import Batch, stopped
from tests.envs.every_task import FORMS, every_task

POLICIES: dict[str, dict[str, Any]] = {
    "first": {"constrained": True},
    "mean": {"pooling": "mean", "value_gradient": True, "constrained": True},
    "previous": {"history": "previous"},
}
CASES = [
    (form, policy, windows)
    for form in FORMS
    for policy in POLICIES
    for windows in (False, True)
    if policy != "previous" or form in ("relation", "sentences", "slots and intent", "mix")
]
ROWS = 6
Case = tuple[LabelPolicy, Dataset]


@pytest.fixture(params=CASES, ids=[f"{f}-{p}-{'windows' if w else 'one'}" for f, p, w in CASES])
def case(request: pytest.FixtureRequest, policy_of: Callable[..., LabelPolicy]) -> Case:
    form, policy, windows = request.param
    dataset = every_task(form, windows)
    return policy_of(dataset, seed=1, **POLICIES[policy]), dataset


def close(found: Tensor, wanted: Tensor) -> None:
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=2e-5)


def texts_of(dataset: Dataset) -> np.ndarray:
    """Texts of every length, and of every task that is mixed."""
    episodes = dataset["train"]
    order = np.argsort(episodes.token_counts, kind="stable")
    return order[np.linspace(0, len(order) - 1, ROWS).astype(int)].astype(np.int32)


def steps(
    dataset: Dataset, examples: np.ndarray, labels: np.ndarray
) -> Iterator[tuple[int, np.ndarray, dict[str, Tensor], np.ndarray]]:
    """Unit, rows that still go on, observations and masks, walking through these labels."""
    env = LabelVectorEnv(dataset=dataset, num_envs=len(examples))
    observation, _ = env.reset(options={"example": examples})
    lengths = stopped(labels, env.game.lengths.copy(), dataset.space.stop)
    for t in range(int(lengths.max())):
        going = t < lengths
        tensors = {name: torch.as_tensor(value).float() for name, value in observation.items()}
        yield t, going, tensors, env.action_masks()
        observation, _, done, _, _ = env.step(np.where(going, labels[:, t], 0))
        assert (done[going] == (t + 1 == lengths[going])).all()


@torch.no_grad()
def test_steps_and_episodes_have_the_same_rules_and_numbers(case: Case) -> None:
    """Along samples: the labels of probability 0, log-probabilities and values."""
    policy, dataset = case
    examples = texts_of(dataset)
    batch = dataset["train"].batch(examples)
    features = policy.features(policy.texts(batch))
    distribution = policy.distribution(features, batch)
    for sample in distribution.sample(2, torch.Generator().manual_seed(0)):
        log_probs = distribution.log_probs(sample)
        values = policy.values(features, sample, batch)
        seen = 0
        for t, going, observation, masks in steps(dataset, examples, sample.numpy()):
            rows = torch.from_numpy(np.flatnonzero(going))
            whole = log_probs[rows, t]
            logits, stepped = policy._step(observation)
            one = logits.log_softmax(-1)[rows]
            allowed = torch.from_numpy(masks)[rows]
            width = whole.shape[-1]  # of the candidates of this batch
            assert not allowed[:, width:].any()
            assert torch.equal(one.exp() > 0, allowed)
            assert torch.equal(whole.exp() > 0, allowed[:, :width])
            chosen = sample[rows, t]
            assert allowed[torch.arange(len(rows)), chosen].all(), "a sample broke a rule"
            close(
                torch.where(allowed[:, :width], one[:, :width], 0.0),
                torch.where(allowed[:, :width], whole, 0.0),
            )
            close(stepped[rows, 0], values[rows, t])
            seen += len(rows)
        assert seen == int((sample >= 0).sum())


@torch.no_grad()
def test_the_mode_keeps_the_rules(case: Case) -> None:
    policy, dataset = case
    examples = texts_of(dataset)
    modes = policy.label(dataset["train"].batch(examples))
    for t, going, _, masks in steps(dataset, examples, modes):
        assert masks[going, modes[going, t]].all()


def outputs(policy: LabelPolicy, batch: Batch, labels: np.ndarray) -> tuple[Tensor, ...]:
    """Log-probabilities, entropies and values of given labels; 0 for padding."""
    given = torch.from_numpy(labels).long()
    with torch.no_grad():
        found = policy.evaluate_labels(batch, given)
    return tuple(torch.where(given >= 0, part, 0.0) for part in found)


def test_a_text_alone_is_the_same_text_in_a_batch(case: Case) -> None:
    policy, dataset = case
    episodes, rows = dataset["train"], texts_of(dataset)
    batch = episodes.batch(rows)
    labels = policy.label(batch)
    together = outputs(policy, batch, labels), outputs(policy, batch, batch.gold)
    for place, row in enumerate(rows):
        one, units = episodes.batch([row]), int(episodes.lengths[row])
        for given, many in zip((labels, batch.gold), together, strict=True):
            alone = outputs(policy, one, given[place : place + 1, :units])
            for found, wanted in zip(alone, many, strict=True):
                close(found[0], wanted[place, :units])
        assert (policy.label(one)[0] == labels[place, :units]).all()
        assert (labels[place, units:] == -1).all()
    assert all(part.abs().max() > 0 for part in together[1])


def test_padding_changes_nothing(case: Case) -> None:
    policy, dataset = case
    batch = dataset["train"].batch(texts_of(dataset))
    fixed = dataset.space.form != "units" or dataset.space.of_text  # as many units as there are
    more = 0 if fixed else 3

    def wider(array: Any, fill: int, by: int = 5) -> Any:
        return None if array is None else np.pad(array, ((0, 0), (0, by)), constant_values=fill)

    padded = replace(
        batch,
        input_ids=wider(batch.input_ids, 7),  # any token: the mask hides it
        attention_mask=wider(batch.attention_mask, 0),
        unit_of_token=wider(batch.unit_of_token, -1),
        gold=wider(batch.gold, -1, more),
        kinds=wider(batch.kinds, -1, more),
        costs=wider(batch.costs, -1, more),
    )
    units = batch.gold.shape[1]
    found = outputs(policy, padded, padded.gold)
    for one, wanted in zip(found, outputs(policy, batch, batch.gold), strict=True):
        close(one[:, :units], wanted)
    assert (policy.label(padded)[:, :units] == policy.label(batch)).all()
    assert (policy.label(padded)[:, units:] == -1).all()


def test_the_cases_are_what_they_say() -> None:
    for form in FORMS:
        assert every_task(form, windows=True)["train"].max_windows > 1
        if not form.startswith("choice"):  # whose choices are each a window
            assert every_task(form)["train"].max_windows == 1
    assert len(set(every_task("spanqa")["train"].groups.tolist())) > 3
