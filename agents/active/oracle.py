"""A labeller that is trained anew in a moment: only its heads learn, on features that are kept."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from lingym.agents.active.view import View, features_of, gathered
from lingym.agents.gold import cross_entropy
from lingym.agents.minibatches import by_budget
from lingym.envs import Episodes
from lingym.envs.active import Learned, candidate_features, density, nearest
from lingym.policies import LabelPolicy
from lingym.types import UNDECIDED, FloatArray, IntArray, Rows


class HeadOracle:
    """Trains a policy's heads from where they were, on any texts of a pool, by their gold labels.

    What `lingym.envs.active.ActiveLabellingEnv` asks. The encoder reads every text once, when this
    is made. Each call then puts the heads back and makes `steps` updates of Adam, each on all
    labelled texts at once, without dropout: the same texts give the same labeller.

    Args:
        policy: whose heads are trained; its encoder stays as it is.
        pool: texts with gold labels, of which only those that are chosen are looked at.
        dev: texts to measure on, with gold labels.
        metric: its name; None takes the task's own.
        steps: updates of a training.
        learning_rate: of the heads.
        decay: of their matrices, as in AdamW.

    Raises:
        ValueError: texts without gold labels, no such metric, or a number out of its range.
    """

    def __init__(
        self,
        policy: LabelPolicy,
        pool: Episodes,
        dev: Episodes,
        metric: str | None = None,
        steps: int = 60,
        learning_rate: float = 0.02,
        decay: float = 0.01,
    ) -> None:
        if steps < 1 or not 0 < learning_rate < np.inf or not 0 <= decay < np.inf:
            raise ValueError(
                f"steps {steps}, learning_rate {learning_rate}, decay {decay}: wanted 1 or more, "
                "above 0, and 0 or more"
            )
        if not pool.labelled or not dev.labelled:
            raise ValueError("rounds of labelling are played on texts with gold labels")
        self.policy, self.pool, self.dev = policy, pool, dev
        self.steps, self.learning_rate, self.decay = steps, learning_rate, decay
        self.features = features_of(policy, pool)
        self.dev_features = features_of(policy, dev)
        # What nobody trains here is not moved: the encoder, and the value head by its own loss.
        self._trained = {
            name: weight
            for name, weight in policy.named_parameters()
            if not name.startswith(("encoder.", "value")) and weight.requires_grad
        }
        self._begin = {name: weight.detach().clone() for name, weight in self._trained.items()}
        view = View(policy, pool, self.features)
        self._vectors: FloatArray = view.said.vectors
        self._density = density(self._vectors)
        self.metric = metric or pool.task.metric(pool.space)
        known = self._measured()
        if self.metric not in known:
            raise ValueError(f"no metric {self.metric!r}: one of {', '.join(known)}")

    def __len__(self) -> int:
        """Texts of the pool."""
        return len(self.pool)

    def __call__(self, labelled: Rows) -> Learned:
        """Train on these texts, and measure."""
        with self._learning():
            self.fit(labelled)
            said = View(self.policy, self.pool, self.features).said
            units = np.maximum(said.units, 1)
            far = nearest(self._vectors, labelled)
            features = candidate_features(
                *(said.entropy / units, 1 - said.margin / units, far, self._density, units),
                labelled,
            )
            return Learned(self._measured()[self.metric], features)

    def fit(self, labelled: Rows) -> None:
        """Train the heads on these texts, and leave them so."""
        self._reset()
        batch = self.pool.batch(labelled)
        features = gathered(self.features, batch, self.policy)
        matrices = [weight for weight in self._trained.values() if weight.ndim > 1]
        others = [weight for weight in self._trained.values() if weight.ndim < 2]
        groups = [
            {"params": matrices, "weight_decay": self.decay},
            {"params": others, "weight_decay": 0.0},
        ]
        optimiser = torch.optim.AdamW([g for g in groups if g["params"]], lr=self.learning_rate)
        for _ in range(self.steps):
            loss = cross_entropy(self.policy.distribution(features, batch), batch)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

    @contextmanager
    def _learning(self) -> Iterator[None]:
        """Put the heads and the mode back afterwards."""
        training = self.policy.training
        self.policy.train(False)
        try:
            yield
        finally:
            self._reset()
            self.policy.train(training)

    @torch.no_grad()
    def _reset(self) -> None:
        for name, weight in self._trained.items():
            weight.copy_(self._begin[name])
            weight.grad = None

    @torch.no_grad()
    def _measured(self) -> dict[str, float]:
        dev = self.dev
        labels: IntArray = np.full((len(dev), dev.max_units), UNDECIDED, np.int32)
        for rows in by_budget(dev.token_counts, 1 << 16):
            batch = dev.batch(rows.astype(np.int32))
            found = self.policy.distribution(gathered(self.dev_features, batch, self.policy), batch)
            given = found.mode().cpu().numpy().astype(np.int32)
            labels[rows, : given.shape[1]] = given
        return dev.task.metrics(dev.complete(labels), dev.space)
