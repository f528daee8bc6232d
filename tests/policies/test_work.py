"""The counts of what an encoder reads: texts and real tokens, with and without a gradient."""

from collections.abc import Callable
from dataclasses import asdict, astuple

import pytest
import torch

from lingym.envs import Dataset, LabelVectorEnv
from lingym.policies import LabelPolicy, Work


@pytest.mark.parametrize("max_tokens", [64, 16])
def test_texts_of_several_windows_are_texts_and_padding_is_no_token(
    commands: Callable[..., Dataset], policy_of: Callable[..., LabelPolicy], max_tokens: int
) -> None:
    dataset = commands("tagging", max_tokens)
    episodes, policy = dataset["train"], policy_of(dataset)
    policy.work.begin()
    rows = [5, 3, 8, 3]
    batch = episodes.batch(rows)
    tokens = int(episodes.token_counts[rows].sum())
    assert tokens < batch.input_ids.size  # some is padding
    assert (len(batch.input_ids) > len(rows)) == (max_tokens == 16)
    policy.label(batch)
    assert astuple(policy.work) == (4, 0, tokens, 0)
    labels = torch.from_numpy(batch.gold).long()
    chosen, _, _ = policy.evaluate_labels(batch, labels)
    assert astuple(policy.work) == (8, 0, 2 * tokens, 0)  # no gradient has come yet
    loss = chosen.clamp(min=-1).sum()
    loss.backward(retain_graph=True)
    loss.backward()  # the same encoding
    assert astuple(policy.work) == (4, 4, tokens, tokens)
    assert policy.work.tokens == 2 * tokens


def test_what_is_encoded_within_a_pause_is_left_out(
    commands: Callable[..., Dataset], policy_of: Callable[..., LabelPolicy]
) -> None:
    dataset = commands("tagging", 64)
    policy = policy_of(dataset)
    policy.label(dataset["train"].batch([0]))
    before = asdict(policy.work)
    with pytest.raises(KeyError), policy.work.paused():
        policy.label(dataset["train"].batch([1, 2]))
        raise KeyError
    assert asdict(policy.work) == before and any(before.values())
    policy.work.begin()
    assert policy.work == Work()


def test_steps_encode_the_whole_text_each_time(
    commands: Callable[..., Dataset], policy_of: Callable[..., LabelPolicy]
) -> None:
    dataset = commands("tagging", 64)
    policy = policy_of(dataset)
    env = LabelVectorEnv(dataset=dataset, num_envs=3)
    observation, info = env.reset(seed=0)
    tokens = int(dataset["train"].token_counts[info["example"]].sum())
    policy.work.begin()
    for _ in range(2):
        policy.predict(observation)
    assert astuple(policy.work) == (6, 0, 2 * tokens, 0)
