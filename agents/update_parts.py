"""What the updates of all agents are made of: minibatches, rewards, the reference, the step."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lingym.agents.consolidation import Consolidation
from lingym.agents.gold import cross_entropy
from lingym.agents.guard import Guard, NotFinite
from lingym.agents.inspection import Judged
from lingym.agents.losses import kl_divergence, masked_mean
from lingym.agents.minibatches import minibatches
from lingym.agents.regularisation import Regularisation
from lingym.envs import LabelVectorEnv
from lingym.policies import LabelPolicy, frozen_copy
from lingym.policies.distribution import LabelDistribution
from lingym.rewards import Reward
from lingym.rewards.base import NonFiniteReward
from lingym.rewards.probes import differing
from lingym.types import Batch, FloatArray, IntArray, Labelings, Rows


class UpdateParts:
    """What `EpisodicAlgorithm` is beside a loop over rollouts: the parts of an update.

    An agent's loss is its own; what it is computed from, and what becomes of its gradient, is here.
    """

    policy: LabelPolicy
    reference: LabelPolicy | None
    judged: Judged | None
    guard: Guard
    regularisation: Regularisation
    consolidation: Consolidation | None
    batch_size: int
    gold_coef: float
    label_smoothing: float
    max_grad_norm: float
    device: torch.device
    logger: Any
    ep_info_buffer: Any
    lr_schedule: Any
    _random: np.random.Generator
    _rate_from: float
    _current_progress_remaining: float

    @property
    def label_env(self) -> LabelVectorEnv:
        """The environment whose episodes are learned from."""
        raise NotImplementedError

    def set_reference(self, policy: LabelPolicy | None = None) -> None:
        """Fix the policy that KL is measured to: the given one, or this one as it is now."""
        twin = self.policy.twin() if policy is None else None
        if twin is not None:  # frozen already, and its encoder runs for this policy anyway
            self.reference = twin
            return
        if policy is not None and policy.device != self.device:  # what is shared must not be moved
            self.reference = copy.deepcopy(policy).to(self.device).requires_grad_(False)
        else:
            self.reference = frozen_copy(self.policy if policy is None else policy)
        self.reference.work = self.policy.work
        self.reference.train(False)

    def _log_labelings(self, labelings: Labelings, score: FloatArray) -> None:
        """Log the parts of the reward, and the statistics of these episodes with their scores."""
        reward = self.label_env.reward
        whole = type(reward).parts is Reward.parts  # which was scored already
        parts = {reward.name: score} if whole else reward.parts(labelings)
        for name, part in parts.items():
            self.logger.record_mean(f"reward/{name}", float(part.mean()))
        for name, reading in reward.readings().items():
            self.logger.record(f"reward_state/{name}", reading)
        assert self.ep_info_buffer is not None
        self.ep_info_buffer.extend(
            {"r": float(r), "l": int(n)} for r, n in zip(score, labelings.lengths, strict=True)
        )

    def _set_rate(self, fraction: float) -> None:
        """Set the learning rate for a place (0 to 1) within this rollout's updates."""
        end = self._current_progress_remaining
        rate = self.lr_schedule(self._rate_from + fraction * (end - self._rate_from))
        for group in self.policy.optimizer.param_groups:
            group["lr"] = rate
        self.logger.record("train/learning_rate", rate)

    def _minibatches(self, examples: IntArray, size: int | None = None) -> list[Rows]:
        """Rows of these texts in batches of like length, and of one task each."""
        episodes = self.label_env.episodes
        parts = None if episodes.parts is None else episodes.parts[examples]
        costs = episodes.token_counts[examples]
        return minibatches(costs, size or self.batch_size, self._random, parts)

    def _step(self, trained: list[torch.nn.Parameter], told: Mapping[str, float]) -> float:
        """The step by the gradient that is there; returns its norm before clipping.

        Args:
            trained: the optimiser's weights.
            told: what to log of the gradient.

        Raises:
            FloatingPointError: the gradient is not finite; no step is taken.
        """
        told = {**told, **self.regularisation.pull()}
        if self.consolidation is not None:
            told |= self.consolidation.pull()
        for name, value in told.items():
            self.logger.record_mean(f"train/{name}", value)
        norm = torch.nn.utils.clip_grad_norm_(trained, self.max_grad_norm)
        if not torch.isfinite(norm):
            raise NotFinite("the gradient is not finite", {"grad_norm": norm.item()})
        self.policy.optimizer.step()
        return float(norm)

    def _rewards(self, batch: Batch, labels: Tensor) -> Tensor:
        """Rewards [S, B, U] of S labelings [S, B, U] of a batch; their scores are logged."""
        samples, rows, units = labels.shape
        given = labels.reshape(-1, units).cpu().numpy().astype(np.int32)
        repeated = repeat(batch, samples)
        self.judged = Judged(batch.examples, labels)
        rewards = self.label_env.play(given, repeated, observe=False)
        self.judged = Judged(batch.examples, labels, rewards.reshape(labels.shape))
        self._check_size(rewards, repeated.examples)
        labelings = repeated.complete(given)
        score = rewards.sum(1)
        self._log_labelings(labelings, score)
        of_text = score.reshape(samples, rows)
        self.guard.earned.add(of_text)
        if samples > 1:
            same = float(1 - differing(of_text).mean())
            self.logger.record_mean("rollout/frac_reward_zero_std", same)
        self.label_env.reward.observe(labelings)
        return torch.from_numpy(rewards).float().to(self.device).view(samples, rows, units)

    def _check_size(self, rewards: FloatArray, examples: Rows) -> None:
        """Refuse rewards that are finite, and infinite in the numbers that losses are made of."""
        large = np.abs(rewards).max(1, initial=0.0) > np.finfo(np.float32).max
        if large.any():
            raise NonFiniteReward(
                f"reward {self.label_env.reward.name} of example {examples[large.argmax()]} is "
                f"{np.abs(rewards).max()}, which is infinite as float32",
                np.unique(examples[large]),
            )

    def _mixed(
        self, loss: Tensor, distribution: LabelDistribution, batch: Batch, log: dict[str, Tensor]
    ) -> Tensor:
        """The loss with `gold_coef` times the cross-entropy on gold labels, which is logged."""
        if not self.gold_coef:
            return loss
        log["gold_loss"] = cross_entropy(distribution, batch, self.label_smoothing)
        return loss + self.gold_coef * log["gold_loss"]

    def _kl_to_reference(
        self, log_probs: Tensor, labels: Tensor, batch: Any, mask: Tensor
    ) -> Tensor:
        """The mean KL(policy || reference) of the units of a batch."""
        assert self.reference is not None
        with torch.no_grad():
            features = self.reference.features(self.reference.texts(batch))
            reference = self.reference.distribution(features, batch).log_probs(labels)
        kl = kl_divergence(log_probs, reference)
        return masked_mean(kl.expand(mask.shape), mask)


def repeat(batch: Batch, samples: int) -> Batch:
    """The labelling side of a batch, its episodes `samples` times over; texts are not repeated."""

    def tile(array: IntArray | None) -> Any:
        return None if array is None else np.tile(array, (samples,) + (1,) * (array.ndim - 1))

    names = ("lengths", "gold", "examples", "groups", "kinds", "costs")
    return replace(batch, **{name: tile(getattr(batch, name)) for name in names})


def taken(log_probs: Tensor, labels: Tensor) -> Tensor:
    """The log-probabilities of given labels.

    Args:
        log_probs: [B, U, K], or [S, B, U, K] where they depend on the labels before.
        labels: int64 [S, B, U], -1 as padding (there the result means nothing).

    Returns:
        [S, B, U].
    """
    every = log_probs.expand(*labels.shape, log_probs.shape[-1])
    return every.gather(-1, labels.clamp(min=0)[..., None]).squeeze(-1)


def detached(log: dict[str, Tensor]) -> dict[str, float]:
    """Scalars as numbers, in one transfer from the device."""
    values = torch.stack([value.detach() for value in log.values()]).tolist()
    return dict(zip(log, values, strict=True))
