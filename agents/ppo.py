"""Proximal policy optimisation on whole episodes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
import stable_baselines3
import torch
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.common.utils import explained_variance
from torch import Tensor
from torch.nn import functional as F

from lingym.agents.episodic import EpisodicAlgorithm
from lingym.agents.losses import (
    clipped_surrogate,
    gae,
    group_advantages,
    kl_estimate,
    leave_one_out,
    masked_mean,
    normalized,
    returns_to_go,
)
from lingym.agents.masks import Masks, masked_features
from lingym.agents.out_of_memory import halving
from lingym.agents.robustness import Robustness
from lingym.agents.update import cut, finite_rollout, updated
from lingym.agents.update_parts import detached, taken
from lingym.policies import LabelPolicy
from lingym.types import UNDECIDED, Batch, IntArray, Rows

Baseline = Literal["value", "leave-one-out", "group"]


@dataclass(frozen=True)
class Rollout:
    """S labelings of B texts, [S, B, U]; 0 (labels: -1) after a text's last unit."""

    examples: IntArray  # [B]
    labels: Tensor  # int64
    log_probs: Tensor
    values: Tensor
    rewards: Tensor
    advantages: Tensor
    returns: Tensor
    mask: Tensor  # bool, where there is a label
    masks: Masks | None = None  # of dropout, where it is on


class PPO(EpisodicAlgorithm, stable_baselines3.PPO):
    """PPO (Schulman et al., 2017, https://arxiv.org/abs/1707.06347) with one encoding an episode.

    For the same weights and labels its log-probabilities, values, advantages and loss are those of
    `stable_baselines3.PPO` stepping through the same episodes. Constructor names are
    Stable-Baselines3's; sizes count episodes, where stepping counts steps.

    Args:
        policy: `LabelPolicy`, or its name.
        env: a lingym environment.
        learning_rate: of the encoder; the head's is `head_lr_scale` times as high.
        n_steps: episodes of a rollout, to each row of the environment.
        batch_size: episodes of a minibatch; batches hold texts of like length.
        n_epochs: passes over a rollout.
        gamma: the discount; 1 makes the return the score of the labelling.
        gae_lambda: of generalised advantage estimation.
        clip_range: how far a ratio may leave 1.
        clip_range_vf: how far a value may move; None does not clip.
        samples: labelings of each text in a rollout, S, which share its encoding throughout.
        baseline: ``value`` estimates advantages with the value head (GAE); ``leave-one-out``
            compares a return with the mean over the text's other samples (Kool et al., 2019);
            ``group`` with the mean over all of them, in units of their standard deviation (GRPO:
            Shao et al., 2024; see `losses.group_advantages`).
        normalize_advantage: in each minibatch.
        ent_coef: weight of the entropy.
        vf_coef: weight of the value loss.
        kl_coef: weight of the KL to the reference policy, by default the policy at `learn`'s start.
        gold_coef: weight of the cross-entropy on gold labels, a mixed objective (Paulus et al.,
            2018, https://arxiv.org/abs/1705.04304): what a reward says little about stays learned.
        label_smoothing: of those gold labels: mass moved from each to all allowed labels evenly,
            in [0, 1).
        dropout: keep dropout on. The mask is part of the policy: each minibatch of a rollout has
            its own, under which its labels are drawn and their values estimated, and under which
            every epoch learns from it, so that ratios measure what the weights moved and no more
            (`lingym.agents.masks`). A rollout is then cut into minibatches once, which epochs only
            shuffle. The reference policy has no dropout. A policy that is sure of every training
            text has nothing to learn from a reward there; with dropout it errs as it would on
            texts that it has not seen.
        max_grad_norm: of the whole gradient.
        target_kl: stop a rollout's updates beyond 1.5 times this KL to the policy that labelled.
        robust: adversarial training, R-Drop, and regularisation that moves with the run; None: none
            of it (`lingym.agents.Robustness`).
        stats_window_size: episodes in the logged means.
        tensorboard_log: folder of TensorBoard logs.
        policy_kwargs: arguments of `LabelPolicy`.
        verbose: 1 prints the log.
        seed: of everything random.
        device: ``auto`` takes a GPU where there is one.
    """

    rollout: Rollout
    _learnable = True  # whether the last rollout has texts

    def __init__(
        self,
        policy: str | type[LabelPolicy],
        env: Any,
        learning_rate: float | Schedule = 3e-5,
        n_steps: int = 256,
        batch_size: int = 32,
        n_epochs: int = 4,
        gamma: float = 1.0,
        gae_lambda: float = 0.95,
        clip_range: float | Schedule = 0.2,
        clip_range_vf: float | Schedule | None = None,
        samples: int = 1,
        baseline: Baseline = "value",
        normalize_advantage: bool = True,
        ent_coef: float = 0.0,
        vf_coef: float = 0.5,
        kl_coef: float = 0.0,
        gold_coef: float = 0.0,
        label_smoothing: float = 0.0,
        dropout: bool = False,
        max_grad_norm: float = 1.0,
        target_kl: float | None = None,
        robust: Robustness | None = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
    ) -> None:
        known = get_args(Baseline)
        if baseline not in known:
            raise ValueError(f"unknown baseline {baseline!r}: one of {', '.join(known)}")
        if samples < 1 or (baseline in ("leave-one-out", "group") and samples < 2):
            raise ValueError(f"baseline {baseline!r} does not work with samples={samples}")
        self.samples, self.baseline, self.kl_coef = samples, baseline, kl_coef
        self.gold_coef, self.label_smoothing = gold_coef, label_smoothing
        self.dropout = dropout
        self.robust = robust or Robustness()
        super().__init__(
            policy,
            env,
            learning_rate=learning_rate,
            n_steps=n_steps,
            batch_size=batch_size,
            n_epochs=n_epochs,
            gamma=gamma,
            gae_lambda=gae_lambda,
            clip_range=clip_range,
            clip_range_vf=clip_range_vf,
            normalize_advantage=normalize_advantage,
            ent_coef=ent_coef,
            vf_coef=vf_coef,
            max_grad_norm=max_grad_norm,
            target_kl=target_kl,
            stats_window_size=stats_window_size,
            tensorboard_log=tensorboard_log,
            policy_kwargs=policy_kwargs,
            verbose=verbose,
            seed=seed,
            device=device,
            _init_setup_model=_init_setup_model,
        )

    @property
    def samples_per_text(self) -> int:
        """Labelings of each text."""
        return self.samples

    def collect_rollouts(
        self, env: Any, callback: Any, rollout_buffer: Any, n_rollout_steps: int
    ) -> bool:
        """Label the next texts with the policy as it is, and estimate the advantages."""
        examples = self.label_env.sample(self._rollout_size())
        rollout = finite_rollout(self, examples, self.label_texts)
        self.num_episodes += len(examples)
        self._learnable = rollout is not None
        if rollout is None:  # every text was left out
            return True
        self.rollout = rollout
        return self._count(rollout.mask.sum(-1).flatten().cpu().numpy())

    @torch.no_grad()
    def label_texts(self, examples: IntArray, labels: Tensor | None = None) -> Rollout:
        """A rollout on these texts.

        Args:
            examples: [B] indices of texts.
            labels: int64 [S, B, U] to take as given, -1 as padding; None samples them.
        """
        episodes = self.label_env.episodes
        units = int(episodes.lengths[examples].max())
        samples = self.samples if labels is None else len(labels)
        size = (samples, len(examples), units)
        chosen = torch.full(size, UNDECIDED, device=self.device)
        log_probs = torch.zeros(size, device=self.device)
        values = torch.zeros(size, device=self.device)
        if self.dropout:
            masks = Masks.drawn(self._minibatches(examples), self._random)
            batches = list(masks.minibatches)
        else:  # larger ones, as nothing is kept for a gradient
            masks, batches = None, self._minibatches(examples, 4 * self.batch_size)

        def label(whole: Rows, rows: Rows) -> None:
            batch = episodes.batch(examples[rows])
            place = torch.from_numpy(rows).to(self.device)
            width = batch.gold.shape[1]
            features = self._features(batch, None if masks is None else masks.seed_of(whole))
            distribution = self.policy.distribution(features, batch)
            if labels is None:
                given = distribution.sample(samples, self._generator)
            else:
                given = labels[:, place, :width]
            chosen[:, place, :width] = given
            log_probs[:, place, :width] = taken(distribution.log_probs(given), given)
            values[:, place, :width] = self.policy.values(features, given, batch)

        for rows in batches:
            halving(rows, partial(label, rows), lambda own, error: cut(self, examples[own], error))
        rewards = self._rewards(episodes.batch(examples), chosen)
        mask = chosen >= 0
        values = torch.where(mask, values, 0.0)
        if self.baseline == "value":
            advantages = gae(rewards, values, mask, self.gamma, self.gae_lambda)
            returns = advantages + values
        else:
            returns = returns_to_go(rewards, self.gamma)
            if self.baseline == "group":
                advantages = group_advantages(returns, mask)
            else:
                advantages = returns - leave_one_out(returns, mask)
            advantages = torch.where(mask, advantages, 0.0)
        return Rollout(
            *(examples, chosen, log_probs, values, rewards, advantages),
            returns=returns,
            mask=mask,
            masks=masks,
        )

    def train(self) -> None:
        """Update the policy on the rollout, `n_epochs` times over."""
        if not self._learnable:
            return
        rollout = self.rollout
        done, going = 0, True
        logs: dict[str, list[float]] = {}
        for epoch in range(self.n_epochs):
            if rollout.masks is None:
                batches = self._minibatches(rollout.examples)
            else:
                batches = rollout.masks.shuffled(self._random)
            for rows in batches:
                self._set_rate(done / (self.n_epochs * len(batches)))
                log = updated(self, self._loss_of(rows), rollout.examples[rows], self._far)
                for name, value in (log or {}).items():
                    logs.setdefault(name, []).append(value)
                if log is not None and "grad_norm" not in log:
                    going = False
                    if self.verbose >= 1:
                        kl = log["approx_kl"]
                        print(f"Early stopping at step {epoch} due to reaching max kl: {kl:.2f}")
                    break
                done += 1
            self._n_updates += 1
            if not going:
                break
        for name, values in logs.items():
            self.logger.record(f"train/{name}", float(np.mean(values)))
        real = rollout.mask
        variance = explained_variance(
            rollout.values[real].cpu().numpy(), rollout.returns[real].cpu().numpy()
        )
        self.logger.record("train/explained_variance", float(variance))
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("train/clip_range", self._clip(self.clip_range))
        if self.clip_range_vf is not None:
            self.logger.record("train/clip_range_vf", self._clip(self.clip_range_vf))

    def _far(self, log: Mapping[str, float]) -> bool:
        """Whether the policy has moved so far that the rollout is not learned from any more."""
        return self.target_kl is not None and log["approx_kl"] > 1.5 * self.target_kl

    def _loss_of(self, rows: Rows) -> Callable[[Rows], tuple[Tensor, dict[str, float]]]:
        """The loss on some of these rows of the rollout, by their places."""
        return lambda places: self.loss(rows[places])

    def loss(self, rows: Rows) -> tuple[Tensor, dict[str, float]]:
        """PPO's loss on some rows of the rollout, and what to log of it.

        Args:
            rows: [b] rows of the rollout; with dropout, one of its minibatches (`rollout.masks`).

        Raises:
            ValueError: there is dropout, and the rows are no minibatch of the rollout.
        """
        rollout = self.rollout
        batch = self.label_env.episodes.batch(rollout.examples[rows])
        place = torch.from_numpy(rows).to(self.device)
        width = batch.gold.shape[1]
        labels = rollout.labels[:, place, :width]
        mask = rollout.mask[:, place, :width]
        advantages = rollout.advantages[:, place, :width]
        if self.normalize_advantage:
            raw = advantages
            advantages = self.passes.once("normalized", lambda: normalized(raw, mask))
        self.passes.over(lambda: float(mask.sum()))
        masks, seed = rollout.masks, None
        if masks is not None:  # that of the whole minibatch
            seed = self.passes.once("seed", lambda: masks.seed_of(rows)) ^ self.passes.twin
        features = self._features(batch, seed)
        distribution = self.policy.distribution(features, batch)
        every = distribution.log_probs(labels)
        self.passes.saw(lambda: every, labels)
        log_ratio = taken(every, labels) - rollout.log_probs[:, place, :width]
        log_ratio = torch.where(mask, log_ratio, 0.0)
        ratio = log_ratio.exp()
        clip_range = self._clip(self.clip_range)
        policy_loss = clipped_surrogate(ratio, advantages, mask, clip_range)
        entropy = -(every.exp() * every).sum(-1)
        entropy_loss = -masked_mean(entropy.expand(mask.shape), mask)
        loss = policy_loss + self.ent_coef * entropy_loss
        log = {"policy_gradient_loss": policy_loss}
        if self.baseline == "value":
            values = self.policy.values(features, labels, batch)
            if self.clip_range_vf is not None:
                limit, old = self._clip(self.clip_range_vf), rollout.values[:, place, :width]
                values = old + (values - old).clamp(-limit, limit)
            returns = rollout.returns[:, place, :width]
            value_loss = masked_mean(F.mse_loss(values, returns, reduction="none"), mask)
            loss = loss + self.vf_coef * value_loss
            log["value_loss"] = value_loss
        if self.kl_coef:
            kl = self._kl_to_reference(every, labels, batch, mask)
            loss = loss + self.kl_coef * kl
            log["reference_kl"] = kl
        loss = self._mixed(loss, distribution, batch, log)
        with torch.no_grad():
            log |= {
                "entropy_loss": entropy_loss,
                "approx_kl": kl_estimate(log_ratio, mask),
                "clip_fraction": masked_mean(((ratio - 1).abs() > clip_range).float(), mask),
                "loss": loss,
            }
        return loss, detached(log)

    def _features(self, batch: Batch, seed: int | None) -> Tensor:
        if seed is None:
            return self.policy.features(self.policy.texts(batch))
        return masked_features(self.policy, batch, seed)

    def _clip(self, schedule: Any) -> float:
        return float(schedule(self._current_progress_remaining))
