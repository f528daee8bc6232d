"""Cross-entropy on gold labels: the baseline of every comparison, and the warm start."""

from typing import Any

import numpy as np
import torch
from stable_baselines3.common.type_aliases import Schedule
from torch import Tensor

from lingym.agents.episodic import EpisodicAlgorithm
from lingym.agents.gold import check_gold, cross_entropy
from lingym.policies import LabelPolicy
from lingym.types import Batch


class Supervised(EpisodicAlgorithm):
    """Maximum likelihood of the gold labels, with the policy, batches and optimiser of the agents.

    Dropout is on, as in ordinary fine-tuning. The environment's reward is not used.

    Args:
        policy: `LabelPolicy`, or its name.
        env: a lingym environment.
        learning_rate: of the encoder; the head's is `head_lr_scale` times as high.
        n_steps: episodes between two writings of the log, to each row of the environment.
        batch_size: texts of a minibatch, which is one update.
        label_smoothing: mass moved from the gold label to all allowed labels evenly, in [0, 1).
        max_grad_norm: of the whole gradient.
        stats_window_size: episodes in the logged means.
        tensorboard_log: folder of TensorBoard logs.
        policy_kwargs: arguments of `LabelPolicy`.
        verbose: 1 prints the log.
        seed: of everything random.
        device: ``auto`` takes a GPU where there is one.
    """

    def __init__(
        self,
        policy: str | type[LabelPolicy],
        env: Any,
        learning_rate: float | Schedule = 1e-4,
        n_steps: int = 256,
        batch_size: int = 32,
        label_smoothing: float = 0.0,
        max_grad_norm: float = 1.0,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
    ) -> None:
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing must be in [0, 1), got {label_smoothing}")
        self.batch_size, self.label_smoothing = batch_size, label_smoothing
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

    def _setup_model(self) -> None:
        super()._setup_model()
        if self.env is not None:
            check_gold(self.label_env, "Supervised")

    def collect_rollouts(
        self, env: Any, callback: Any, rollout_buffer: Any, n_rollout_steps: int
    ) -> bool:
        """Draw the texts that `train` learns from."""
        check_gold(self.label_env, "Supervised")  # the environment may be another since
        self.rollout = self.label_env.sample(self._rollout_size())
        self.num_episodes += len(self.rollout)
        return self._count(self.label_env.episodes.lengths[self.rollout])

    def train(self) -> None:
        """One update for every minibatch of the drawn texts."""
        episodes = self.label_env.episodes
        batches = self._minibatches(self.rollout)
        losses, norms = [], []
        self.policy.train(True)
        try:
            for place, rows in enumerate(batches):
                self._set_rate(place / len(batches))
                loss = self.loss(episodes.batch(self.rollout[rows]))
                norms.append(self._step(loss))
                losses.append(loss.item())
        finally:
            self.policy.train(False)
        self._n_updates += 1
        self.logger.record("train/loss", float(np.mean(losses)))
        self.logger.record("train/grad_norm", float(np.mean(norms)))
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")

    def loss(self, batch: Batch) -> Tensor:
        """The mean cross-entropy of a batch's units, nats."""
        features = self.policy.features(self.policy.texts(batch))
        distribution = self.policy.distribution(features, batch)
        return cross_entropy(distribution, batch, self.label_smoothing)
