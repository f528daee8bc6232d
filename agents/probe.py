"""A few texts on which a policy is compared with what it was."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from lingym.agents.losses import kl_divergence
from lingym.agents.minibatches import by_budget
from lingym.envs import Episodes
from lingym.policies import LabelPolicy
from lingym.policies.distribution import FORBIDDEN
from lingym.types import Rows

TEXTS = 64
BUDGET = 8192  # padded tokens that are encoded at a time


class Probe:
    """Entropy, and KL to a reference, of the labels of some texts, evenly spread over a split.

    Both are means over units, in nats, along the labels that the reference thinks best (a unit's
    distribution may depend on those before it).

    Args:
        episodes: the split.
    """

    def __init__(self, episodes: Episodes) -> None:
        self.episodes = episodes
        count = min(TEXTS, len(episodes))
        self.rows: Rows = np.linspace(0, len(episodes) - 1, count).round().astype(np.int32)
        costs = episodes.token_counts[self.rows]
        self.batches = [self.rows[places] for places in by_budget(costs, BUDGET)]
        self.labels: list[Tensor] = []
        self.before: list[Tensor] = []

    @torch.no_grad()
    def measure(self, policy: LabelPolicy, reference: LabelPolicy) -> tuple[float, float, float]:
        """The entropy, the most that it could be, and the KL; the first call takes the reference.

        Args:
            policy: as it is; its mode is restored afterwards.
            reference: what it is compared with, as it is at the first call.
        """
        entropy = most = kl = units = 0.0
        if not self.labels:
            for every, labels in self._said(reference):
                self.labels.append(labels)
                self.before.append(every)
        for (every, labels), before in zip(self._said(policy), self.before, strict=True):
            mask = labels >= 0
            allowed = (before > FORBIDDEN / 2).sum(-1).clamp(min=1)
            entropy += float((-(every.exp() * every).sum(-1))[mask].sum())
            most += float(allowed.double().log()[mask].sum())
            kl += float(kl_divergence(every, before)[mask].sum())
            units += int(mask.sum())
        return entropy / units, most / units, kl / units

    def _said(self, policy: LabelPolicy) -> list[tuple[Tensor, Tensor]]:
        """The log-probabilities [B, U, K] of each batch, along its labels [B, U]."""
        training, found = policy.training, []
        policy.train(False)
        try:
            for place, rows in enumerate(self.batches):
                batch = self.episodes.batch(rows)
                distribution = policy.distribution(policy.features(policy.texts(batch)), batch)
                labels = self.labels[place] if place < len(self.labels) else distribution.mode()
                found.append((distribution.log_probs(labels), labels))
        finally:
            policy.train(training)
        return found

    def run_state(self) -> dict[str, list[Tensor]]:
        """What a run that goes on must know."""
        return {"labels": self.labels, "before": self.before}

    def load_run_state(self, state: Mapping[str, list[Tensor]], device: torch.device) -> None:
        """Go on from what `run_state` gave."""
        self.labels = [each.to(device) for each in state["labels"]]
        self.before = [each.to(device) for each in state["before"]]
