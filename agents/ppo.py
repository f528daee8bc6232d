"""Proximal policy optimisation on whole episodes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import stable_baselines3
import torch
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.common.utils import explained_variance
from torch import Tensor
from torch.nn import functional as F

from lingym.agents.episodic import EpisodicAlgorithm, detached, unit_mask
from lingym.agents.losses import clipped_surrogate, gae, kl_estimate, masked_mean, normalized
from lingym.agents.minibatches import minibatches
from lingym.policies import LabelPolicy
from lingym.types import UNDECIDED, IntArray


@dataclass(frozen=True)
class Rollout:
    """Whole episodes that the policy labelled, B of them; [B, U] each, 0 (labels: -1) as padding."""

    examples: IntArray  # [B]
    lengths: IntArray  # [B]
    costs: IntArray  # [B] tokens
    labels: Tensor  # int64
    log_probs: Tensor
    values: Tensor
    rewards: Tensor
    advantages: Tensor
    returns: Tensor
    mask: Tensor  # bool


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
        normalize_advantage: in each minibatch.
        ent_coef: weight of the entropy.
        vf_coef: weight of the value loss.
        kl_coef: weight of the KL to the reference policy, by default the policy at `learn`'s start.
        max_grad_norm: of the whole gradient.
        target_kl: stop a rollout's updates beyond 1.5 times this KL to the policy that labelled.
        stats_window_size: episodes in the logged means.
        tensorboard_log: folder of TensorBoard logs.
        policy_kwargs: arguments of `LabelPolicy`.
        verbose: 1 prints the log.
        seed: of everything random.
        device: ``auto`` takes a GPU where there is one.
    """

    rollout: Rollout

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
        normalize_advantage: bool = True,
        ent_coef: float = 0.0,
        vf_coef: float = 0.5,
        kl_coef: float = 0.0,
        max_grad_norm: float = 1.0,
        target_kl: float | None = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
    ) -> None:
        self.kl_coef = kl_coef
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

    def collect_rollouts(  # type: ignore[override]
        self, env: Any, callback: Any, rollout_buffer: Any, n_rollout_steps: int
    ) -> bool:
        """Label the next texts with the policy as it is, and estimate the advantages."""
        examples = self.label_env.sample(self._rollout_size())
        self.rollout = self.label_texts(examples)
        self.num_episodes += len(examples)
        return self._count(self.rollout.lengths)

    @torch.no_grad()
    def label_texts(self, examples: IntArray, labels: Tensor | None = None) -> Rollout:
        """A rollout on these texts.

        Args:
            examples: [B] indices of texts.
            labels: int64 [B, U] to take as given, -1 as padding; None samples them.
        """
        episodes = self.label_env.episodes
        lengths, costs = episodes.lengths[examples], episodes.token_counts[examples]
        units = int(lengths.max())
        mask = unit_mask(lengths, units, self.device)
        chosen = torch.full(mask.shape, UNDECIDED, device=self.device)
        log_probs = torch.zeros(mask.shape, device=self.device)
        values = torch.zeros(mask.shape, device=self.device)
        for rows in minibatches(costs, 4 * self.batch_size, self._random):
            batch = episodes.batch(examples[rows])
            place = torch.from_numpy(rows).to(self.device)
            width = batch.gold.shape[1]
            features = self.policy.features(self.policy.texts(batch))
            distribution = self.policy.distribution(features)
            if labels is None:
                given = distribution.sample(1, self._generator)[0]
                given = torch.where(mask[place, :width], given, UNDECIDED)
            else:
                given = labels[place, :width]
            chosen[place, :width] = given
            every = distribution.log_probs(given)
            taken = every.gather(-1, given.clamp(min=0)[..., None]).squeeze(-1)
            log_probs[place, :width] = taken
            values[place, :width] = self.policy.values(features, given)
        whole = episodes.batch(examples)
        decided = chosen.cpu().numpy().astype(np.int32)
        rewards = torch.from_numpy(self.label_env.play(decided, whole)).float().to(self.device)
        self._log_labelings(whole.complete(decided))
        values = torch.where(mask, values, 0.0)
        advantages = gae(rewards, values, mask, self.gamma, self.gae_lambda)
        return Rollout(
            *(examples, lengths, costs, chosen, log_probs, values, rewards, advantages),
            returns=advantages + values,
            mask=mask,
        )

    def train(self) -> None:
        """Update the policy on the rollout, `n_epochs` times over."""
        rollout = self.rollout
        done, going = 0, True
        logs: dict[str, list[float]] = {}
        for epoch in range(self.n_epochs):
            batches = minibatches(rollout.costs, self.batch_size, self._random)
            for rows in batches:
                self._set_rate(done / (self.n_epochs * len(batches)))
                loss, log = self.loss(rows)
                for name, value in log.items():
                    logs.setdefault(name, []).append(value)
                kl = logs["approx_kl"][-1]
                if self.target_kl is not None and kl > 1.5 * self.target_kl:
                    going = False
                    if self.verbose >= 1:
                        print(f"Early stopping at step {epoch} due to reaching max kl: {kl:.2f}")
                    break
                logs.setdefault("grad_norm", []).append(self._step(loss))
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

    def loss(self, rows: IntArray) -> tuple[Tensor, dict[str, float]]:
        """PPO's loss on some rows of the rollout, and what to log of it.

        Args:
            rows: [b] rows of the rollout.
        """
        rollout = self.rollout
        batch = self.label_env.episodes.batch(rollout.examples[rows])
        place = torch.from_numpy(rows).to(self.device)
        width = batch.gold.shape[1]
        labels, mask = rollout.labels[place, :width], rollout.mask[place, :width]
        advantages, returns = rollout.advantages[place, :width], rollout.returns[place, :width]
        if self.normalize_advantage:
            advantages = normalized(advantages, mask)
        features = self.policy.features(self.policy.texts(batch))
        every = self.policy.distribution(features).log_probs(labels)
        log_prob = every.gather(-1, labels.clamp(min=0)[..., None]).squeeze(-1)
        log_ratio = torch.where(mask, log_prob - rollout.log_probs[place, :width], 0.0)
        ratio = log_ratio.exp()
        clip_range = self._clip(self.clip_range)
        policy_loss = clipped_surrogate(ratio, advantages, mask, clip_range)
        values = self.policy.values(features, labels)
        if self.clip_range_vf is not None:
            limit, old = self._clip(self.clip_range_vf), rollout.values[place, :width]
            values = old + (values - old).clamp(-limit, limit)
        value_loss = masked_mean(F.mse_loss(values, returns, reduction="none"), mask)
        entropy_loss = -masked_mean(-(every.exp() * every).sum(-1), mask)
        loss = policy_loss + self.ent_coef * entropy_loss + self.vf_coef * value_loss
        log = {"policy_gradient_loss": policy_loss, "value_loss": value_loss}
        if self.kl_coef:
            kl = self._kl_to_reference(every, labels, batch, mask)
            loss = loss + self.kl_coef * kl
            log["reference_kl"] = kl
        with torch.no_grad():
            log |= {
                "entropy_loss": entropy_loss,
                "approx_kl": kl_estimate(log_ratio, mask),
                "clip_fraction": masked_mean(((ratio - 1).abs() > clip_range).float(), mask),
                "loss": loss,
            }
        return loss, detached(log)

    def _clip(self, schedule: Any) -> float:
        return float(schedule(self._current_progress_remaining))
