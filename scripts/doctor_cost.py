"""What a call of a reward costs, beside the encoder that learns from it."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lingym.envs import Dataset, LabelVectorEnv
from lingym.rewards import Accuracy, ExactMatch, checked_steps
from lingym.scripts.doctor import TYPICAL, Patient
from lingym.types import IntArray

if TYPE_CHECKING:
    from lingym.policies import LabelPolicy

TEXTS = 128
MINIBATCH = 16
REPEATS = 5


@dataclass(frozen=True)
class Cost:
    """Seconds for the same texts: the reward's step rewards, and the encoder both ways."""

    texts: int
    reward: float
    encoder: float

    @property
    def share(self) -> float:
        """The reward's seconds over the encoder's."""
        return self.reward / self.encoder


def cost(patient: Patient, dataset: Dataset, encoder: "str | LabelPolicy", seed: int) -> Cost:
    """Time both; the texts of a smaller split are repeated to 128.

    Args:
        patient: the reward on its texts.
        dataset: that they are of.
        encoder: its name, or a policy that has one.
        seed: of the labels that are scored.
    """
    places = np.resize(np.arange(len(patient.texts)), TEXTS)
    texts = patient.texts[places]
    batch = patient.game.episodes.batch(texts)
    labels = patient.labellers.right(TYPICAL, seed)[places, : batch.gold.shape[1]]
    labelings, reward = batch.complete(labels), patient.game.reward

    def call() -> None:
        checked_steps(reward, labelings)

    call()
    both_ways = _pass(dataset, encoder)
    both_ways(texts[:MINIBATCH])  # the first pass of a process is slow
    encoded = _seconds(lambda: both_ways(texts))
    return Cost(TEXTS, statistics.median(_seconds(call) for _ in range(REPEATS)), encoded)


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _pass(dataset: Dataset, encoder: "str | LabelPolicy") -> Callable[[IntArray], None]:
    """What takes encoder and head forward and backward over texts, in minibatches."""
    import torch

    from lingym.agents.minibatches import minibatches
    from lingym.policies import LabelPolicy

    episodes = dataset["train"]
    if isinstance(encoder, str):
        plain = ExactMatch() if dataset.space.form == "candidates" else Accuracy()
        env = LabelVectorEnv(dataset=dataset, reward=plain)
        policy = LabelPolicy(
            env.single_observation_space, env.single_action_space, lambda _: 1e-4, encoder=encoder
        )
    else:
        policy = encoder

    def both_ways(texts: IntArray) -> None:
        parts = None if episodes.parts is None else episodes.parts[texts]
        costs = episodes.token_counts[texts]
        for rows in minibatches(costs, MINIBATCH, np.random.default_rng(0), parts):
            batch = episodes.batch(texts[rows])
            gold = torch.from_numpy(batch.gold).long()
            log_probs, _, values = policy.evaluate_labels(batch, gold)
            loss = (values.square() - log_probs)[gold >= 0].mean()
            policy.zero_grad()
            loss.backward()

    return both_ways
