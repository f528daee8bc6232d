"""REINFORCE on whole episodes, several labelings of a text from one encoding."""

from typing import Any, Literal, get_args

import numpy as np
import torch
from stable_baselines3.common.type_aliases import Schedule
from torch import Tensor

from lingym.agents.delay import Importance, LateFeedback, Waiting, importance_weights
from lingym.agents.losses import (
    group_advantages,
    leave_one_out,
    masked_mean,
    normalized,
    returns_to_go,
)
from lingym.agents.robustness import Robustness
from lingym.agents.update_parts import detached, taken
from lingym.policies import LabelPolicy
from lingym.types import Batch

Baseline = Literal["none", "mean", "value", "greedy", "leave-one-out", "group"]


class REINFORCE(LateFeedback):
    """REINFORCE (Williams, 1992, https://doi.org/10.1007/BF00992696) with one encoding a text.

    Each text of a minibatch is encoded once, labelled `samples` times, scored, and the policy is
    updated by ``-mean log p(label) (return - baseline)``. A label has the reward from it on as its
    return. ``num_timesteps`` counts the units of a text before it is labelled: one that a label
    stops early counts whole.

    Args:
        policy: `LabelPolicy`, or its name.
        env: a lingym environment.
        learning_rate: of the encoder; the head's is `head_lr_scale` times as high.
        n_steps: episodes of a rollout, to each row of the environment: how often logs are written.
        batch_size: texts of a minibatch, which is one update.
        samples: labelings of each text, S.
        baseline: what a return is compared with: ``none``; ``mean``, a running mean of returns;
            ``value``, the value head; ``greedy``, the return of the most probable labelling
            (self-critical: Rennie et al., 2017, https://arxiv.org/abs/1612.00563);
            ``leave-one-out``, the mean of the text's other samples (Kool et al., 2019); ``group``,
            the mean of all its samples, and the difference is divided by their standard deviation,
            which weighs texts otherwise than the score does (`losses.group_advantages`).
        gamma: the discount.
        normalize_advantage: in each minibatch.
        ent_coef: weight of the entropy.
        vf_coef: weight of the value loss, with the ``value`` baseline.
        kl_coef: weight of the KL to the reference policy, by default the policy at `learn`'s start.
        gold_coef: weight of the cross-entropy on gold labels, a mixed objective (Paulus et al.,
            2018, https://arxiv.org/abs/1705.04304): what a reward says little about stays learned.
        label_smoothing: of those gold labels: mass moved from each to all allowed labels evenly,
            in [0, 1).
        dropout: keep dropout on, one mask for the labels that are drawn and for their gradient. A
            policy that is sure of every training text has nothing to learn from a reward there;
            with dropout it errs as it would on texts that it has not seen.
        feedback_delay: texts that are labelled before the feedback on a labelling arrives; the
            update then weighs what the policy has moved by (`lingym.agents.delay`).
        importance: with a delay, whether each ``unit`` has its own weight, or the whole
            ``labelling`` one.
        max_weight: with a delay, the largest weight.
        max_grad_norm: of the whole gradient.
        robust: adversarial training, R-Drop, and regularisation that moves with the run; None: none
            of it (`lingym.agents.Robustness`).
        stats_window_size: episodes in the logged means.
        tensorboard_log: folder of TensorBoard logs.
        policy_kwargs: arguments of `LabelPolicy`.
        verbose: 1 prints the log.
        seed: of everything random.
        device: ``auto`` takes a GPU where there is one.

    Raises:
        ValueError: an unknown baseline or importance, ``leave-one-out`` or ``group`` with one
            sample, a negative delay, dropout with a delay, or ``gold_coef`` where there are no
            gold labels.
    """

    def __init__(
        self,
        policy: str | type[LabelPolicy],
        env: Any,
        learning_rate: float | Schedule = 3e-5,
        n_steps: int = 256,
        batch_size: int = 32,
        samples: int = 4,
        baseline: Baseline = "leave-one-out",
        gamma: float = 1.0,
        normalize_advantage: bool = False,
        ent_coef: float = 0.0,
        vf_coef: float = 0.5,
        kl_coef: float = 0.0,
        gold_coef: float = 0.0,
        label_smoothing: float = 0.0,
        dropout: bool = False,
        feedback_delay: int = 0,
        importance: Importance = "unit",
        max_weight: float = 2.0,
        max_grad_norm: float = 1.0,
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
        if dropout and feedback_delay:
            raise ValueError(
                "dropout cannot be on with a feedback_delay: by then nobody knows the mask that "
                "the labels were drawn under"
            )
        if samples < 1 or (baseline in ("leave-one-out", "group") and samples < 2):
            raise ValueError(f"baseline {baseline!r} does not work with samples={samples}")
        self.batch_size, self.samples, self.baseline = batch_size, samples, baseline
        self.normalize_advantage, self.kl_coef = normalize_advantage, kl_coef
        self.gold_coef, self.label_smoothing = gold_coef, label_smoothing
        self.dropout = dropout
        self.robust = robust or Robustness()
        self.running_mean: float | None = None
        self.set_delay(feedback_delay, importance, max_weight)
        super().__init__(
            policy,
            env,
            learning_rate=learning_rate,
            n_steps=n_steps,
            gamma=gamma,
            gae_lambda=1.0,
            ent_coef=ent_coef,
            vf_coef=vf_coef,
            max_grad_norm=max_grad_norm,
            use_sde=False,
            sde_sample_freq=-1,
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

    def loss(
        self, batch: Batch, labels: Tensor | None = None, log_probs: Tensor | None = None
    ) -> tuple[Tensor, dict[str, float]]:
        """The loss on a batch of texts, and what to log of it.

        A pass of robust training that did not draw the labels weighs each by what its probability
        has become, as with a delay.

        Args:
            batch: B episodes.
            labels: int64 [S, B, U] to take as given, -1 as padding; None samples them.
            log_probs: [S, B, U] of these labels, where an older policy gave them.
        """
        policy, once = self.policy, self.passes.once
        features = policy.features(policy.texts(batch))
        distribution = policy.distribution(features, batch)
        if labels is None:
            with torch.no_grad():
                labels = once("labels", lambda: distribution.sample(self.samples, self._generator))
        given, mask = labels, labels >= 0
        returns, advantages = once("judged", lambda: self._judged(batch, given, distribution))
        every = distribution.log_probs(labels)  # [S, B, U, K], or [B, U, K]
        self.passes.saw(lambda: every, labels)
        self.passes.over(lambda: float(mask.sum()))
        log_prob = taken(every, labels)
        drawn_at = once("log_probs", log_prob.detach)
        if self.passes.again and log_probs is None:
            log_probs = drawn_at
        loss = torch.zeros((), device=self.device)
        log: dict[str, Tensor] = {}
        if self.baseline == "value":
            values = policy.values(features, labels, batch)
            value_loss = masked_mean((values - returns).square(), mask)
            loss = loss + self.vf_coef * value_loss
            log["value_loss"] = value_loss
            advantages = once("advantages", lambda: returns - values.detach())
        advantages = torch.where(mask, advantages, 0.0)
        if self.normalize_advantage:
            raw = advantages
            advantages = once("normalized", lambda: normalized(raw, mask))
        weighted = advantages
        if log_probs is not None:
            ratio = log_prob.detach() - log_probs
            weights = importance_weights(ratio, mask, self.importance, self.max_weight)
            weighted = weights * advantages
            log["importance_weight"] = masked_mean(weights, mask)
        policy_loss = -masked_mean(log_prob * weighted, mask)
        entropy = -(every.exp() * every).sum(-1)
        entropy_loss = -masked_mean(entropy.expand(mask.shape), mask)
        loss = loss + policy_loss + self.ent_coef * entropy_loss
        if self.kl_coef:
            kl = self._kl_to_reference(every, labels, batch, mask)
            loss = loss + self.kl_coef * kl
            log["reference_kl"] = kl
        loss = self._mixed(loss, distribution, batch, log)
        log |= {
            "policy_gradient_loss": policy_loss,
            "entropy_loss": entropy_loss,
            "loss": loss,
            "advantage_std": advantages[mask].std(correction=0),
        }
        return loss, detached(log)

    def judged_loss(self, waiting: Waiting) -> tuple[Tensor, dict[str, float]]:
        """The loss on labelings of an older policy, and what to log of it."""
        batch = self.label_env.episodes.batch(waiting.examples)
        labels = torch.from_numpy(waiting.labels).long().to(self.device)
        return self.loss(batch, labels, torch.from_numpy(waiting.log_probs).to(self.device))

    def _judged(self, batch: Batch, labels: Tensor, distribution: Any) -> tuple[Tensor, Tensor]:
        """The returns [S, B, U] of labelings, and their advantages but over the value head."""
        # Before the reward takes note of the samples: a baseline must not depend on them.
        greedy = self._greedy(batch, distribution) if self.baseline == "greedy" else None
        returns = returns_to_go(self._rewards(batch, labels), self.gamma)
        if self.baseline == "group":
            return returns, group_advantages(returns, labels >= 0)
        if greedy is not None:
            return returns, returns - greedy
        return returns, returns - self._baseline(returns, labels >= 0)

    @torch.no_grad()
    def _greedy(self, batch: Batch, distribution: Any) -> Tensor:
        """The returns [B, U] of the most probable labelings."""
        best = distribution.mode().cpu().numpy().astype(np.int32)
        judged = self.label_env.reward.hides_gold  # feedback on it is spent like any other
        rewards = torch.from_numpy(self.label_env.play(best, batch, observe=judged)).float()
        return returns_to_go(rewards.to(self.device), self.gamma)

    def _baseline(self, returns: Tensor, mask: Tensor) -> Tensor:
        if self.baseline == "leave-one-out":
            return leave_one_out(returns, mask)
        if self.baseline == "mean":
            # The mean of earlier minibatches: independent of these labels, so without bias.
            now = float(masked_mean(returns, mask))
            before = self.running_mean
            self.running_mean = now if before is None else 0.9 * before + 0.1 * now
            return torch.full_like(returns, 0.0 if before is None else before)
        return torch.zeros_like(returns)
