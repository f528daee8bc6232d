"""What environments and rewards take alone: no policy, labels drawn beforehand."""

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from lingym.envs import Dataset, LabelVectorEnv
from lingym.rewards import Accuracy, EntityF1, Reward
from lingym.scripts.bench_speed import Seconds, Speed, quotients
from lingym.types import IntArray, Labelings

STEPS = 100
WRONG = 0.1
"""The share of labels that the scored labelings have replaced by random ones."""


class Rates:
    """Clocks of the environment's steps and of entity F1, beside seqeval's if installed."""

    def __init__(self, arguments: Speed, dataset: Dataset) -> None:
        self.rows = arguments.sentences
        random = np.random.default_rng(arguments.seed)
        self.envs: dict[str, LabelVectorEnv] = {}
        rewards: dict[str, Reward | None] = {
            "env": None,
            "env_accuracy_dense": Accuracy(dense=True),
            "env_entity_f1_dense": EntityF1(dense=True),
        }
        if dataset.space.transitions is None:  # the tags are no spans
            del rewards["env_entity_f1_dense"]
        for name, reward in rewards.items():
            env = LabelVectorEnv(dataset=dataset, reward=reward, num_envs=self.rows)
            env.reset(seed=arguments.seed)
            self.envs[name] = env
        self.actions = random.integers(len(dataset.space), size=(STEPS, self.rows))
        examples = random.integers(len(dataset["train"]), size=self.rows)
        batch = dataset["train"].batch(examples)
        wrong = (random.random(batch.gold.shape) < WRONG) & (batch.gold >= 0)
        drawn = random.integers(len(dataset.space), size=batch.gold.shape)
        given = np.where(wrong, drawn, batch.gold).astype(np.int32)
        self.labelings = batch.complete(given)
        self.names = dataset.space.names
        self.reward: Reward | None = None
        if dataset.space.transitions is not None:
            self.reward = EntityF1()
            self.reward.bind(dataset.space)
        self.seqeval = Seqeval.of(self.labelings, self.names) if self.reward else None

    def clocks(self) -> dict[str, Callable[[], float]]:
        """What to time."""
        clocks = {name: self._stepping(env) for name, env in self.envs.items()}
        if self.reward is not None:
            clocks["entity_f1"] = self._scoring(self.reward)
        if self.seqeval is not None:
            clocks["seqeval"] = self.seqeval.clock
        return clocks

    def counts(self) -> dict[str, int]:
        """The size of one round's work."""
        return {
            "env_labels": STEPS * self.rows,
            "scored_sentences": self.rows,
            "scored_words": int(self.labelings.lengths.sum()),
        }

    def figures(self, seconds: Seconds) -> dict[str, float]:
        """Rates, the median of the rounds."""
        figures = {
            f"{name}_labels_per_second": STEPS * self.rows / float(np.median(seconds[name]))
            for name in self.envs
        }
        for name in ("entity_f1", "seqeval"):
            if name in seconds:
                rate = self.rows / float(np.median(seconds[name]))
                figures[f"{name}_sentences_per_second"] = rate
        return figures

    def ratios(self, seconds: Seconds) -> dict[str, list[float]]:
        """Ratios by round."""
        if "seqeval" not in seconds:
            return {}
        return {"entity_f1_over_seqeval": quotients(seconds["seqeval"], seconds["entity_f1"])}

    def _stepping(self, env: LabelVectorEnv) -> Callable[[], float]:
        def clock() -> float:
            began = time.perf_counter()
            for actions in self.actions:
                env.step(actions)
            return time.perf_counter() - began

        return clock

    def _scoring(self, reward: Reward) -> Callable[[], float]:
        def clock() -> float:
            repeats = 20  # one scoring is too short to time
            began = time.perf_counter()
            for _ in range(repeats):
                reward.score(self.labelings)
            return (time.perf_counter() - began) / repeats

        return clock


class Seqeval:
    """seqeval's strict F1 of the same sentences, one call a sentence, as a reward must be given."""

    def __init__(self, f1: Any, scheme: Any, pairs: list[tuple[list[str], list[str]]]) -> None:
        self.f1, self.scheme, self.pairs = f1, scheme, pairs

    @classmethod
    def of(cls, labelings: Labelings, names: tuple[str, ...]) -> "Seqeval | None":
        """The clock of these sentences; None, with a sentence, where seqeval is not installed."""
        try:
            from seqeval.metrics import f1_score
            from seqeval.scheme import IOB2
        except ImportError:
            print(
                "seqeval is not installed: entity_f1_over_seqeval is left out (pip install seqeval)"
            )
            return None

        def named(rows: IntArray) -> list[list[str]]:
            return [
                [names[label] for label in row[:length]]
                for row, length in zip(rows, labelings.lengths, strict=True)
            ]

        gold, given = named(labelings.gold), named(labelings.labels)
        return cls(f1_score, IOB2, list(zip(gold, given, strict=True)))

    def clock(self) -> float:
        """Score every sentence; seconds."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of each sentence without an entity
            began = time.perf_counter()
            for gold, given in self.pairs:
                self.f1([gold], [given], mode="strict", scheme=self.scheme)
            return time.perf_counter() - began
