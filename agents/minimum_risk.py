"""Minimum-risk training: the expected score over a few labelings of a text."""

from typing import Any

import numpy as np
import torch
from stable_baselines3.common.type_aliases import Schedule
from torch import Tensor

from lingym.agents.losses import masked_mean
from lingym.agents.one_update import OneUpdate
from lingym.agents.robustness import Robustness
from lingym.agents.update_parts import detached, repeat, taken
from lingym.envs import LabelVectorEnv
from lingym.policies import LabelPolicy
from lingym.types import Batch


class MinimumRisk(OneUpdate):
    """Minimum-risk training (Och, 2003; Shen et al., 2016, https://aclanthology.org/P16-1159/).

    Of each text some labelings are drawn and repeated ones are removed; over those that are left,

        q(y) = p(y)^alpha / sum_y' p(y')^alpha,    loss = -sum_y q(y) score(y) / alpha,

    summed over the texts of a minibatch, over their units, which is REINFORCE's scale. (Without the
    division the gradient shrinks with alpha, under the epsilon of Adam and beside entropy and KL.)

    Any reward will do: only the scores of whole labelings are used. The gradient compares labelings
    of a text with one another, so it needs no baseline; it is that of the expected score where the
    sample holds all labelings that are at all likely, and alpha is 1. In a small sample of long
    texts, alpha 1 leaves all the weight with the likeliest labelling, and hardly any gradient; near
    0 the labelings count alike, which is REINFORCE with their mean as baseline.

    Args:
        policy: `LabelPolicy`, or its name.
        env: a lingym environment.
        learning_rate: of the encoder; the head's is `head_lr_scale` times as high.
        n_steps: episodes of a rollout, to each row of the environment: how often logs are written.
        batch_size: texts of a minibatch, which is one update.
        samples: labelings drawn of each text, S.
        alpha: how sharp q is, above 0. Below 1 it is flatter than the policy; .005 is what Shen et
            al. found best.
        include_gold: put the gold labelling into each sample.
        gamma: 1; a labelling is judged as a whole.
        ent_coef: weight of the entropy.
        kl_coef: weight of the KL to the reference policy, by default the policy at `learn`'s start.
        gold_coef: weight of the cross-entropy on gold labels, a mixed objective (Paulus et al.,
            2018, https://arxiv.org/abs/1705.04304): what a reward says little about stays learned.
        label_smoothing: of those gold labels: mass moved from each to all allowed labels evenly,
            in [0, 1).
        dropout: keep dropout on, one mask for the labels that are drawn and for their gradient. A
            policy that is sure of every training text has nothing to learn from a reward there;
            with dropout it errs as it would on texts that it has not seen.
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
        ValueError: fewer than two labelings to compare, an alpha that is not above 0, a discount,
            or the gold labelling of texts that have none or whose reward hides it.
    """

    def __init__(
        self,
        policy: str | type[LabelPolicy],
        env: Any,
        learning_rate: float | Schedule = 3e-5,
        n_steps: int = 256,
        batch_size: int = 32,
        samples: int = 8,
        alpha: float = 0.005,
        include_gold: bool = False,
        gamma: float = 1.0,
        ent_coef: float = 0.0,
        kl_coef: float = 0.0,
        gold_coef: float = 0.0,
        label_smoothing: float = 0.0,
        dropout: bool = False,
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
        if samples < 1 or samples + include_gold < 2:
            raise ValueError(f"minimum risk compares two labelings or more, got samples={samples}")
        if not 0 < alpha < float("inf"):
            raise ValueError(f"alpha must be above 0, got {alpha}")
        if gamma != 1:
            raise ValueError(f"gamma must be 1: a labelling is judged as a whole, got {gamma}")
        self.batch_size, self.samples, self.kl_coef = batch_size, samples, kl_coef
        self.alpha, self.include_gold = alpha, include_gold
        self.gold_coef, self.label_smoothing = gold_coef, label_smoothing
        self.dropout = dropout
        self.robust = robust or Robustness()
        super().__init__(
            policy,
            env,
            learning_rate=learning_rate,
            n_steps=n_steps,
            gamma=gamma,
            gae_lambda=1.0,
            ent_coef=ent_coef,
            vf_coef=0.0,
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

    def _check_env(self, env: LabelVectorEnv) -> None:
        super()._check_env(env)
        if not self.include_gold:
            return
        if env.reward.hides_gold:
            raise ValueError(
                f"include_gold would show the gold labels that reward {env.reward.name} hides"
            )
        if not env.episodes.labelled:
            raise ValueError("include_gold needs gold labels, and some of these texts have none")

    @property
    def samples_per_text(self) -> int:
        """Labelings drawn of each text."""
        return self.samples

    def loss(self, batch: Batch, labels: Tensor | None = None) -> tuple[Tensor, dict[str, float]]:
        """The loss on a batch of texts, and what to log of it.

        Args:
            batch: B episodes.
            labels: int64 [S, B, U] to take as drawn, -1 as padding; None samples them.
        """
        policy, once = self.policy, self.passes.once
        distribution = policy.distribution(policy.features(policy.texts(batch)), batch)
        if labels is None:
            with torch.no_grad():
                labels = once("labels", lambda: distribution.sample(self.samples, self._generator))
        given, drawn = labels, labels >= 0
        scores = once("scores", lambda: self._rewards(batch, given).sum(-1))  # [S, B]
        if self.include_gold:
            gold = distribution.ended(torch.from_numpy(batch.gold).long().to(self.device))[None]
            labels = torch.cat([gold, labels])
            scores = torch.cat([once("gold", lambda: self._scores(batch, gold)), scores])
        every = distribution.log_probs(labels)  # [S, B, U, K], or [B, U, K]
        log_prob = torch.where(labels >= 0, taken(every, labels), 0.0).sum(-1)
        first = unrepeated(labels)
        share = (self.alpha * log_prob).masked_fill(~first, -torch.inf).softmax(0)
        risk = -(share * scores).sum() / int(batch.lengths.sum())
        loss = risk / self.alpha
        every = every[-len(drawn) :] if every.dim() > 3 else every  # without gold
        self.passes.saw(lambda: every, given)
        entropy_loss = masked_mean((every.exp() * every).sum(-1).expand(drawn.shape), drawn)
        loss = loss + self.ent_coef * entropy_loss
        log = {"risk": risk, "entropy_loss": entropy_loss}
        if self.kl_coef:
            kl = self._kl_to_reference(every, labels[-len(drawn) :], batch, drawn)
            loss = loss + self.kl_coef * kl
            log["reference_kl"] = kl
        loss = self._mixed(loss, distribution, batch, log)
        log |= {"loss": loss, "unique_labelings": first.sum(0).float().mean()}
        return loss, detached(log)

    def _scores(self, batch: Batch, gold: Tensor) -> Tensor:
        """The scores [1, B] of the gold labelings, which nobody drew: not logged, nor observed."""
        given = gold[0].cpu().numpy().astype(np.int32)
        scores = self.label_env.play(given, repeat(batch, 1), observe=False).sum(1)
        return torch.from_numpy(scores).float().to(self.device)[None]


def unrepeated(labels: Tensor) -> Tensor:
    """Which of the labelings [S, B, U] of each text are the first of their kind, bool [S, B]."""
    same = (labels[:, None] == labels[None]).all(-1)  # [S, S, B]
    before = torch.ones(len(labels), len(labels), device=labels.device).tril(-1).bool()
    return ~(same & before[..., None]).any(1)
