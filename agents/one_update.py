"""What agents share that learn from a minibatch once: texts drawn, one update each."""

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor

from lingym.agents.episodic import EpisodicAlgorithm
from lingym.agents.update import updated
from lingym.types import Batch, Rows


class OneUpdate(EpisodicAlgorithm):
    """An agent that makes one update for every minibatch of newly drawn texts.

    A subclass implements `loss`, by the policy as it then is.
    """

    def collect_rollouts(
        self, env: Any, callback: Any, rollout_buffer: Any, n_rollout_steps: int
    ) -> bool:
        """Draw the texts; `train` labels them, each minibatch by the policy as it then is."""
        self.rollout = self.label_env.sample(self._rollout_size())
        self.num_episodes += len(self.rollout)
        lengths = self.label_env.episodes.lengths[self.rollout]
        return self._count(np.repeat(lengths, self.samples_per_text))

    def train(self) -> None:
        """One update for every minibatch of the drawn texts."""
        batches = self._minibatches(self.rollout)
        logs: dict[str, list[float]] = {}
        self.policy.train(self.dropout)
        try:
            for place, rows in enumerate(batches):
                if self.label_env.reward.exhausted:  # the texts left stay without a label
                    break
                self._set_rate(place / len(batches))
                examples = self.rollout[rows]
                for name, value in (updated(self, self._loss_of(examples), examples) or {}).items():
                    logs.setdefault(name, []).append(value)
        finally:
            self.policy.train(False)
        self._n_updates += 1
        for name, values in logs.items():
            self.logger.record(f"train/{name}", float(np.mean(values)))
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")

    def _loss_of(self, examples: Rows) -> Callable[[Rows], tuple[Tensor, dict[str, float]]]:
        """The loss on some of these texts, by their places."""
        batch = self.label_env.episodes.batch
        return lambda rows: self.loss(batch(examples[rows]))

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """The loss on a batch of texts, and what to log of it."""
        raise NotImplementedError
