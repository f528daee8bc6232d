"""Little data sets, and policies whose every weight matters."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lingym.agents import LabelVecEnv
from lingym.envs import Classification, Dataset, LabelVectorEnv, Tagging, build, load_corpus
from lingym.envs.tokenizer import train_tokenizer
from lingym.policies import LabelPolicy

CORPUS = "synthetic:commands?train=64&dev=16&test=16"


@cache
def _commands(task: str, max_tokens: int) -> Dataset:
    kind: Any = {"tagging": Tagging, "classification": Classification}[task]
    corpus = load_corpus(CORPUS)
    # Few tokens, so that many a word has several.
    texts = [" ".join(record["tokens"]) for record in corpus.train]
    return build(kind(), corpus, train_tokenizer(texts, vocab_size=120), max_tokens)


def _vec_env(
    dataset: Dataset, reward: str | None = None, rows: int = 1, split: str = "train"
) -> LabelVecEnv:
    """An environment on a split, behind Stable-Baselines3's interface."""
    env = LabelVectorEnv(dataset=dataset, split=split, reward=reward, num_envs=rows)
    return LabelVecEnv(env)


@torch.no_grad()
def _randomise(policy: LabelPolicy, seed: int) -> None:
    """Give every head and bias a value that is not 0, so that no term vanishes."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in policy.named_parameters():
        if not name.startswith("encoder."):
            size = 0.1 if name.startswith("value") else 0.5
            parameter.normal_(0, size, generator=generator)
        elif name.endswith("bias"):
            parameter.normal_(0, 0.1, generator=generator)


@torch.no_grad()
def _shift(policy: LabelPolicy, seed: int, size: float) -> None:
    """Move every weight a little, as an update would."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in policy.parameters():
        parameter.add_(size * torch.randn(parameter.shape, generator=generator))


@pytest.fixture(scope="session")
def commands() -> Callable[..., Dataset]:
    """The generated commands as a data set: ``commands(task, max_tokens)``."""
    return lambda task, max_tokens=64: _commands(task, max_tokens)


@pytest.fixture(scope="session")
def vec_env() -> Callable[..., LabelVecEnv]:
    """An environment: ``vec_env(dataset, reward, rows, split)``."""
    return _vec_env


@pytest.fixture(scope="session")
def randomise() -> Callable[[LabelPolicy, int], None]:
    """Random heads: ``randomise(policy, seed)``."""
    return _randomise


@pytest.fixture(scope="session")
def shift() -> Callable[[LabelPolicy, int, float], None]:
    """Slightly other weights: ``shift(policy, seed, size)``."""
    return _shift


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Texts whose words name their labels: "a0" has the label "0"."""
    random = np.random.default_rng(0)
    file: Path = tmp_path_factory.mktemp("identity") / "train.jsonl"
    with file.open("w") as out:
        for _ in range(64):
            labels = [str(label) for label in random.integers(4, size=random.integers(2, 7))]
            row = {"tokens": [f"a{label}" for label in labels], "labels": labels}
            out.write(json.dumps(row) + "\n")
    return build(Tagging(), load_corpus(train=str(file)))
