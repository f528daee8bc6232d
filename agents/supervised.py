"""Cross-entropy on gold labels: the baseline of every comparison, and the warm start."""

import math
from typing import Any, get_args

import torch
from stable_baselines3.common.type_aliases import Schedule
from torch import Tensor

from lingym.agents.class_weights import ClassWeights, label_weights
from lingym.agents.gold import check_gold, cross_entropy
from lingym.agents.one_update import OneUpdate
from lingym.agents.robustness import Robustness
from lingym.envs import LabelVectorEnv
from lingym.policies import LabelPolicy
from lingym.types import Batch


class Supervised(OneUpdate):
    """Maximum likelihood of the gold labels, with the policy, batches and optimiser of the agents.

    Dropout is on, as in ordinary fine-tuning. The environment's reward is not used.

    Args:
        policy: `LabelPolicy`, or its name.
        env: a lingym environment.
        learning_rate: of the encoder; the head's is `head_lr_scale` times as high.
        n_steps: episodes between two writings of the log, to each row of the environment.
        batch_size: texts of a minibatch, which is one update.
        label_smoothing: mass moved from the gold label to all allowed labels evenly, in [0, 1).
        class_weights: what a unit weighs by its gold label: ``none``, ``balanced``, ``sqrt`` or
            ``effective``, counted over the texts learned from (`lingym.agents.class_weights`).
        class_beta: of ``effective``, in [0, 1).
        focal_gamma: of the focal loss, -(1 - p)^gamma log p (Lin et al., 2017,
            https://arxiv.org/abs/1708.02002), which 0 makes cross-entropy. Not with
            label_smoothing, whose targets are no one label.
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
        ValueError: an argument is out of its range, ``focal_gamma`` with ``label_smoothing``,
            ``class_weights`` where labels are an episode's own candidates, or no gold labels.
    """

    dropout = True

    def __init__(
        self,
        policy: str | type[LabelPolicy],
        env: Any,
        learning_rate: float | Schedule = 1e-4,
        n_steps: int = 256,
        batch_size: int = 32,
        label_smoothing: float = 0.0,
        class_weights: ClassWeights = "none",
        class_beta: float = 0.999,
        focal_gamma: float = 0.0,
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
        known = get_args(ClassWeights)
        if class_weights not in known:
            raise ValueError(f"unknown class_weights {class_weights!r}: one of {', '.join(known)}")
        if not 0 <= class_beta < 1:
            raise ValueError(f"class_beta must be in [0, 1), got {class_beta}")
        if not 0 <= focal_gamma < math.inf:
            raise ValueError(f"focal_gamma must be 0 or more, got {focal_gamma}")
        if focal_gamma and label_smoothing:
            raise ValueError(
                "focal_gamma and label_smoothing cannot both be: the focal loss is of one gold "
                "label, and smoothing makes every label one"
            )
        self.batch_size, self.label_smoothing = batch_size, label_smoothing
        self.class_weights, self.class_beta = class_weights, class_beta
        self.focal_gamma = focal_gamma
        self.robust = robust or Robustness()
        super().__init__(
            policy,
            env,
            learning_rate=learning_rate,
            n_steps=n_steps,
            gamma=1.0,
            gae_lambda=1.0,
            ent_coef=0.0,
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

    def _set_up(self) -> None:
        super()._set_up()
        self._weights: Tensor | None = None
        if self.env is not None:
            self._weigh()

    def _check_env(self, env: LabelVectorEnv) -> None:
        check_gold(env, "Supervised")

    def set_env(self, env: Any, force_reset: bool = True) -> None:
        """Learn on another environment, whose labels are counted anew."""
        super().set_env(env, force_reset)
        self._weigh()

    def _weigh(self) -> None:
        """Count the labels, if they have weights."""
        if self.class_weights != "none":
            weights = label_weights(self.label_env.episodes, self.class_weights, self.class_beta)
            self._weights = torch.from_numpy(weights).float().to(self.device)

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "_weights"]

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """The mean loss of a batch's units, nats (see `lingym.agents.gold.cross_entropy`)."""
        features = self.policy.features(self.policy.texts(batch))
        distribution = self.policy.distribution(features, batch)
        gold = torch.from_numpy(batch.gold).long().to(self.device)
        self.passes.saw(lambda: distribution.log_probs(gold), gold)
        self.passes.over(lambda: self._mass(gold))
        loss = cross_entropy(
            distribution, batch, self.label_smoothing, self._weights, self.focal_gamma
        )
        return loss, {"loss": loss.item()}

    def _mass(self, gold: Tensor) -> float:
        """What the loss is a mean over: the weights of all gold labels [B, U]."""
        real = gold >= 0
        if self._weights is None:
            return float(real.sum())
        weights = self._weights[: gold.shape[1]].expand(*gold.shape, -1)
        of_gold = weights.gather(-1, gold.clamp(min=0)[..., None]).squeeze(-1)
        return float(torch.where(real, of_gold, 0.0).sum())
