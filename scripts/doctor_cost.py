"""What a call of a reward costs, beside the encoder that learns from it."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lingym.envs import Dataset, LabelVectorEnv
from lingym.rewards import Accuracy, ExactMatch, checked_steps
from lingym.scripts.doctor import TYPICAL, Patient
from lingym.types import IntArray

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


def cost(patient: Patient, dataset: Dataset, encoder: str, seed: int) -> Cost:
    """Time both; the texts of a smaller split are repeated to 128."""
    places = np.resize(np.arange(len(patient.texts)), TEXTS)
    texts = patient.texts[places]
    batch = patient.game.episodes.batch(texts)
    labels = patient.labellers.right(TYPICAL, seed)[places, : batch.gold.shape[1]]
    labelings, reward = batch.complete(labels), patient.game.reward

    def call() -> None:
        checked_steps(reward, labelings)

    return Cost(TEXTS, _seconds(call, REPEATS), _seconds(_pass(dataset, encoder, texts), 2))


def _seconds(work: Callable[[], None], repeats: int) -> float:
    """The median time of some calls, after one that does not count."""
    work()
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def _pass(dataset: Dataset, encoder: str, texts: IntArray) -> Callable[[], None]:
    """The encoder's and the head's forward and backward pass, in minibatches of like length."""
    import torch

    from lingym.policies import LabelPolicy

    episodes = dataset["train"]
    plain = ExactMatch() if dataset.space.form == "candidates" else Accuracy()
    env = LabelVectorEnv(dataset=dataset, reward=plain)
    policy = LabelPolicy(
        env.single_observation_space, env.single_action_space, lambda _: 1e-4, encoder=encoder
    )
    ordered = texts[np.argsort(episodes.token_counts[texts], kind="stable")]
    parts = [ordered]
    if episodes.parts is not None:  # a batch of a mix holds one task
        parts = [ordered[episodes.parts[ordered] == part] for part in np.unique(episodes.parts)]
    batches = [part[i : i + MINIBATCH] for part in parts for i in range(0, len(part), MINIBATCH)]

    def both_ways() -> None:
        for rows in batches:
            batch = episodes.batch(rows)
            gold = torch.from_numpy(batch.gold).long()
            log_probs, _, values = policy.evaluate_labels(batch, gold)
            loss = (values.square() - log_probs)[gold >= 0].mean()
            policy.optimizer.zero_grad()
            loss.backward()

    return both_ways
