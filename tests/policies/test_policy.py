"""The policy's two entrances agree, and company or padding changes nothing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lingym.envs import Dataset, LabelVectorEnv
from lingym.policies import LabelPolicy
from lingym.types import Batch

CASES = [
    (task, pooling, history, tokens)
    for task in ("tagging", "classification")
    for pooling in ("first", "mean")
    for history in ("none", "previous")
    for tokens in (64, 16)
]


@pytest.fixture(params=CASES, ids=["-".join(map(str, case)) for case in CASES])
def case(
    request: pytest.FixtureRequest,
    commands: Callable[..., Dataset],
    policy_of: Callable[..., LabelPolicy],
) -> tuple[LabelPolicy, Dataset]:
    task, pooling, history, tokens = request.param
    dataset = commands(task, tokens)
    return policy_of(dataset, pooling=pooling, history=history), dataset


def outputs(policy: LabelPolicy, batch: Batch) -> tuple[Tensor, ...]:
    """Log-probabilities, entropies and values of the gold labels; 0 for padding."""
    gold = torch.from_numpy(batch.gold).long()
    with torch.no_grad():
        found = policy.evaluate_labels(batch, gold)
    return tuple(torch.where(gold >= 0, part, 0.0) for part in found)


def close(found: Tensor, wanted: Tensor) -> None:
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_a_text_alone_is_the_same_text_in_a_batch(case: tuple[LabelPolicy, Dataset]) -> None:
    policy, dataset = case
    episodes = dataset["train"]
    rows = np.argsort(episodes.token_counts)[[0, 20, 40, 63]].astype(np.int32)
    together = outputs(policy, episodes.batch(rows))
    labels = policy.label(episodes.batch(rows))
    for place, row in enumerate(rows):
        units = int(episodes.lengths[row])
        alone = outputs(policy, episodes.batch([row]))
        for one, many in zip(alone, together, strict=True):
            assert one.abs().max() > 0
            close(one[0], many[place, :units])
        assert (policy.label(episodes.batch([row]))[0] == labels[place, :units]).all()
        assert (labels[place, units:] == -1).all()


def test_padding_changes_nothing(case: tuple[LabelPolicy, Dataset]) -> None:
    policy, dataset = case
    batch = dataset["train"].batch(range(6))

    def wider(array: np.ndarray, fill: int, more: int = 5) -> np.ndarray:
        return np.pad(array, ((0, 0), (0, more)), constant_values=fill)

    padded = replace(
        batch,
        input_ids=wider(batch.input_ids, 7),  # any token: the mask hides it
        attention_mask=wider(batch.attention_mask, 0),
        unit_of_token=wider(batch.unit_of_token, -1),
        gold=wider(batch.gold, -1, 0 if policy.labels.of_text else 3),  # a text is one unit
    )
    units = batch.gold.shape[1]
    for found, wanted in zip(outputs(policy, padded), outputs(policy, batch), strict=True):
        close(found[:, :units], wanted)
        assert (found[:, units:] == 0).all()
    assert (policy.label(padded)[:, :units] == policy.label(batch)).all()


def test_permuting_the_batch_permutes_the_output(case: tuple[LabelPolicy, Dataset]) -> None:
    policy, dataset = case
    order = np.random.default_rng(0).permutation(8)
    batch, mixed = (dataset["train"].batch(rows) for rows in (range(8), order))
    for found, wanted in zip(outputs(policy, mixed), outputs(policy, batch), strict=True):
        close(found, wanted[torch.from_numpy(order)])
    assert (policy.label(mixed) == policy.label(batch)[order]).all()


def test_features_are_those_of_a_loop_over_units(case: tuple[LabelPolicy, Dataset]) -> None:
    policy, dataset = case
    batch = dataset["train"].batch(range(8))
    encoder: Any = policy.encoder
    ids, mask = (torch.from_numpy(a).long() for a in (batch.input_ids, batch.attention_mask))
    with torch.no_grad():
        out = encoder(input_ids=ids, attention_mask=mask)
        found = policy.features(policy.texts(batch))
    for row, units in enumerate(batch.lengths):
        windows = np.flatnonzero(batch.episode_of_window == row)
        for unit in range(units):
            parts = []
            for window in windows:
                places = np.flatnonzero(batch.unit_of_token[window] == unit)
                if policy.labels.of_text and policy.pooling == "first":
                    parts.append(out.pooler_output[window])
                elif len(places):
                    taken = places[:1] if policy.pooling == "first" else places
                    parts += list(out.last_hidden_state[window, taken])
            close(found[row, unit], torch.stack(parts).mean(0))
        assert (found[row, units:] == 0).all()


def test_greedy_steps_and_samples_come_from_one_distribution(
    case: tuple[LabelPolicy, Dataset],
) -> None:
    policy, dataset = case
    env = LabelVectorEnv(dataset=dataset, num_envs=3)
    observation, info = env.reset(seed=1, options={"example": [0, 1, 2]})
    batch = dataset["train"].batch(info["example"])
    tensors = {name: torch.as_tensor(value).float() for name, value in observation.items()}
    with torch.no_grad():
        stepped = policy.get_distribution(tensors).distribution.logits
        whole = policy.distribution(policy.features(policy.texts(batch)), batch)
    close(stepped, whole.log_probs(torch.from_numpy(batch.gold).long())[:, 0])
    actions, _ = policy.predict(observation, deterministic=True)
    assert (actions == stepped.argmax(-1).numpy()).all()


def test_masks_given_from_outside_forbid(
    commands: Callable[..., Dataset], policy_of: Callable[..., LabelPolicy]
) -> None:
    dataset = commands("tagging")
    policy = policy_of(dataset)
    env = LabelVectorEnv(dataset=dataset, num_envs=4)
    observation, _ = env.reset(seed=0)
    tensors = {name: torch.as_tensor(value).float() for name, value in observation.items()}
    masks = env.action_masks()
    assert not masks.all()
    with torch.no_grad():
        chances = policy.get_distribution(tensors, masks).distribution.probs
    assert (chances[torch.from_numpy(~masks)] == 0).all()
    close(chances.sum(-1), torch.ones(4))


@pytest.mark.parametrize("history", ["none", "previous"])
@pytest.mark.parametrize("deterministic", [False, True])
def test_a_constrained_policy_gives_allowed_labels_only(
    commands: Callable[..., Dataset],
    policy_of: Callable[..., LabelPolicy],
    history: str,
    deterministic: bool,
) -> None:
    dataset = commands("tagging")
    allowed = dataset.space.transitions
    assert allowed is not None

    def faults(constrained: bool) -> int:
        policy = policy_of(dataset, history=history, constrained=constrained)
        generator = torch.Generator().manual_seed(0)
        labels = policy.label(dataset["train"].batch(range(64)), deterministic, generator)
        before = np.pad(labels[:, :-1], ((0, 0), (1, 0)), constant_values=len(dataset.space))
        return int((~allowed[before, labels])[labels >= 0].sum())

    assert faults(constrained=False) > 0
    assert faults(constrained=True) == 0


def test_spaces_and_encoders_that_do_not_fit_are_refused(
    commands: Callable[..., Dataset], policy_of: Callable[..., LabelPolicy], minilm: str
) -> None:
    from gymnasium import spaces

    box = spaces.Box(0, 1, (3,))
    with pytest.raises(ValueError, match="needs the spaces of a lingym environment"):
        LabelPolicy(box, spaces.Discrete(3), lambda _: 1e-3)
    with pytest.raises(ValueError, match=r"windows have .*: give the environment max_tokens=512"):
        policy = policy_of(commands("tagging"))
        space = policy.observation_space
        assert isinstance(space, spaces.Dict)
        long: Any = space["input_ids"]
        long.tokens, short = 600, long.tokens
        try:
            LabelPolicy(space, policy.action_space, lambda _: 1e-3, encoder=minilm)
        finally:
            long.tokens = short


def test_the_cases_have_words_of_several_tokens_and_texts_of_several_windows(
    commands: Callable[..., Dataset],
) -> None:
    batch = commands("tagging", 16)["train"].batch(range(64))
    assert len(batch.input_ids) > len(batch)
    counts = np.bincount(batch.unit_of_token[0][batch.unit_of_token[0] >= 0])
    assert counts.max() > 1
