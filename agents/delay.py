"""Feedback that comes late: labelings wait for it, and the policy has moved meanwhile.

Every array is [S, B, U]: S labelings of B texts of U units.
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from lingym.agents.one_update import OneUpdate
from lingym.agents.out_of_memory import halving
from lingym.agents.run_state import Tree
from lingym.agents.update import cut, updated
from lingym.agents.update_parts import taken
from lingym.types import UNDECIDED, FloatArray, IntArray, Rows

Importance = Literal["unit", "labelling"]


@dataclass(frozen=True, eq=False)
class Waiting:
    """Labelings of a minibatch that nobody has judged yet."""

    examples: IntArray  # [B] the texts
    labels: IntArray  # [S, B, U], -1 as padding
    log_probs: FloatArray  # [S, B, U] of the labels, when they were given
    rate: float  # the learning rate then

    def of(self, rows: Rows, width: int) -> "Waiting":
        """Those of some of the texts, of at most `width` units."""
        inside = np.s_[:, rows, :width]
        return Waiting(self.examples[rows], self.labels[inside], self.log_probs[inside], self.rate)


def importance_weights(
    log_ratio: Tensor, mask: Tensor, over: Importance, limit: float = math.inf
) -> Tensor:
    """What labelings of an older policy weigh in the gradient of the present one.

    w = min(limit, p_now(y) / p_then(y)): truncated importance sampling (Ionides, 2008,
    https://doi.org/10.1198/106186008X320456), as in Retrace (Munos et al., 2016,
    https://arxiv.org/abs/1606.02647) and V-trace (Espeholt et al., 2018,
    https://arxiv.org/abs/1802.01561). Not PPO's clipping, which drops the gradient of what has
    moved far: it keeps many updates on one rollout together, and here each labelling is used once.

    Args:
        log_ratio: log p_now - log p_then of each label.
        mask: real units.
        over: ``unit`` takes each label's own ratio. Without a limit this has no bias where units
            are independent and the score adds up over them; else it leaves out that the other
            labels came from the older policy, too. ``labelling`` takes the product over the whole
            labelling: no bias for any score, and a variance that grows exponentially with length.
        limit: the largest weight; the bias it brings is towards smaller steps.

    Returns:
        [S, B, U].
    """
    log_ratio = torch.where(mask, log_ratio, 0.0)
    if over == "labelling":
        log_ratio = log_ratio.sum(-1, keepdim=True).expand(mask.shape)
    return log_ratio.clamp(max=math.log(limit)).exp()


class LateFeedback(OneUpdate):
    """An agent of one update a minibatch, whose feedback may come `feedback_delay` texts late.

    The reward is asked when the feedback is due and not before: once so many further texts were
    labelled, whole minibatches at a time. At the end of `learn` all that waits is asked for and
    used. The learning rate of an update is that of the time when its labels were given, so the
    updates of a run have the same rates whatever the delay.

    The queue is saved with the agent. It names texts by their number: go on with the same ones.
    """

    made_again = OneUpdate.made_again | {"waiting"}  # it has a place of its own in the state
    samples: int
    feedback_delay: int = 0
    importance: Importance = "unit"
    max_weight: float = 2.0

    def set_delay(self, delay: int, importance: Importance, max_weight: float) -> None:
        """Keep the arguments, and an empty queue.

        Raises:
            ValueError: one of them cannot be.
        """
        known = get_args(Importance)
        if importance not in known:
            raise ValueError(f"unknown importance {importance!r}: one of {', '.join(known)}")
        if delay < 0 or not max_weight > 0:
            raise ValueError(
                f"feedback_delay must be 0 or more and max_weight above 0, got {delay} and "
                f"{max_weight}"
            )
        self.feedback_delay, self.importance, self.max_weight = delay, importance, max_weight
        self.waiting: deque[Waiting] = deque()

    def run_state(self) -> Tree:
        """Where the run is, with the labelings that wait."""
        state = super().run_state()
        return state | {"waiting": [dict(vars(each)) for each in self.waiting]}

    def load_run_state(self, state: Mapping[str, Any]) -> None:
        """Be where `run_state` was."""
        super().load_run_state(state)
        self.waiting = deque(Waiting(**each) for each in state["waiting"])

    def train(self) -> None:
        """Label the drawn texts; one update for every minibatch whose feedback is due."""
        if not self.feedback_delay:
            super().train()
            return
        batches = self._minibatches(self.rollout)
        logs: dict[str, list[float]] = {}
        for place, rows in enumerate(batches):
            self._set_rate(place / len(batches))
            if self.label_env.reward.exhausted:  # what waits is not answered any more
                break
            self.waiting.append(self._labelled(self.rollout[rows]))
            while self._due():
                self._update(self.waiting.popleft(), logs)
        self._write(logs)

    def finish(self) -> None:
        """Ask for the feedback that is still out, as long as the reward speaks, and use it."""
        logs: dict[str, list[float]] = {}
        while self.waiting and not self.label_env.reward.exhausted:
            self._update(self.waiting.popleft(), logs)
        if logs:
            self._write(logs)

    def judged_loss(self, waiting: Waiting) -> tuple[Tensor, dict[str, float]]:
        """The loss on labelings of an older policy, and what to log of it."""
        raise NotImplementedError

    @torch.no_grad()
    def _labelled(self, examples: Rows) -> Waiting:
        """Labelings of texts by the policy as it is."""
        episodes, policy = self.label_env.episodes, self.policy
        size = (self.samples, len(examples), int(episodes.lengths[examples].max()))
        labels = torch.full(size, UNDECIDED, device=self.device)
        log_probs = torch.zeros(size, device=self.device)

        def label(rows: Rows) -> None:
            batch = episodes.batch(examples[rows])
            inside = np.s_[:, torch.from_numpy(rows), : batch.gold.shape[1]]
            distribution = policy.distribution(policy.features(policy.texts(batch)), batch)
            given = distribution.sample(self.samples, self._generator)
            labels[inside] = given
            log_probs[inside] = taken(distribution.log_probs(given), given)

        places = np.arange(len(examples))
        halving(places, label, lambda rows, error: cut(self, examples[rows], error))
        rate: Any = self.policy.optimizer.param_groups[0]["lr"]
        return Waiting(
            examples.astype(np.int32),
            labels.cpu().numpy().astype(np.int32),
            log_probs.cpu().numpy(),
            float(rate),
        )

    def _due(self) -> bool:
        """Whether the feedback on the labelings that wait longest has come."""
        waited = bool(self.waiting) and self._texts_waiting(1) >= self.feedback_delay
        return waited and not self.label_env.reward.exhausted

    def _texts_waiting(self, first: int = 0) -> int:
        """Texts in the queue, from its minibatch `first` on."""
        return sum(len(waiting.examples) for waiting in list(self.waiting)[first:])

    def _update(self, waiting: Waiting, logs: dict[str, list[float]]) -> None:
        """One update from labelings whose feedback has come."""
        for group in self.policy.optimizer.param_groups:
            group["lr"] = waiting.rate
        lengths = self.label_env.episodes.lengths[waiting.examples]

        def loss_of(rows: Rows) -> tuple[Tensor, dict[str, float]]:
            return self.judged_loss(waiting.of(rows, int(lengths[rows].max())))

        for name, value in (updated(self, loss_of, waiting.examples) or {}).items():
            logs.setdefault(name, []).append(value)

    def _write(self, logs: dict[str, list[float]]) -> None:
        self._n_updates += 1
        for name, values in logs.items():
            self.logger.record(f"train/{name}", float(np.mean(values)))
        self.logger.record("train/texts_waiting", self._texts_waiting())
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
