"""The expected reward itself, and its gradient, where a reward is a sum over labels."""

from typing import Any

import numpy as np
import torch
from stable_baselines3.common.type_aliases import Schedule
from torch import Tensor

from lingym.agents.one_update import OneUpdate
from lingym.agents.robustness import Robustness
from lingym.agents.update_parts import detached
from lingym.policies import LabelPolicy
from lingym.rewards import RewardError
from lingym.rewards.base import NonFiniteReward
from lingym.types import Batch, Labelings


class ExpectedReward(OneUpdate):
    """Gradient ascent on the expected reward, exact: nothing of it is left to sampled labels.

    Where a reward says what each label is worth whatever the others are (`Reward.table`), its
    expectation under the policy is a finite sum,

        J = sum_u sum_k p_u(k) table[u, k],

    p_u the marginals of the labels, which a chain (history ``previous``) gets by the forward
    recursion. The loss is -J summed over the texts of a minibatch, over their units: REINFORCE's
    expectation over all labelings, with no variance. Entropy and KL are exact, too; for a chain
    their gradients have a part that REINFORCE lacks, that which goes through the labels before.

    One labelling of each text is drawn all the same, for the log and for rewards that learn from
    finished labelings; the gradient does not see it.

    Args:
        policy: `LabelPolicy`, or its name.
        env: a lingym environment, whose reward has a table: such as accuracy, cross_entropy, and
            weighted sums of these.
        learning_rate: of the encoder; the head's is `head_lr_scale` times as high.
        n_steps: episodes of a rollout, to each row of the environment: how often logs are written.
        batch_size: texts of a minibatch, which is one update.
        gamma: 1; with a discount a label would not be worth what the table says.
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
        ValueError: a discount, a reward that has no table or hides its gold labels, or a task that
            counts labels (a quota).
    """

    def __init__(
        self,
        policy: str | type[LabelPolicy],
        env: Any,
        learning_rate: float | Schedule = 3e-5,
        n_steps: int = 256,
        batch_size: int = 32,
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
        if gamma != 1:
            raise ValueError(f"gamma must be 1 for the expected reward to be a sum, got {gamma}")
        self.batch_size, self.kl_coef = batch_size, kl_coef
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

    def _set_up(self) -> None:
        super()._set_up()
        if self.env is not None:  # what cannot be learned from is refused before the run
            batch = self.label_env.episodes.batch([0])
            with torch.no_grad():
                scores = self.policy.distribution(
                    self.policy.features(self.policy.texts(batch)), batch
                ).marginals()
            self._table(batch, scores)

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """The loss on a batch of texts, and what to log of it."""
        policy = self.policy
        distribution = policy.distribution(policy.features(policy.texts(batch)), batch)
        reached, every = distribution.chain()  # [B, U, J], [B, U, J, K]
        chances = reached[..., None] * every.exp()
        marginals = chances.sum(2)
        units = int(batch.lengths.sum())
        expected = (marginals * self._table(batch, marginals)).sum()
        labels = self.passes.once("labels", lambda: self._draw(distribution, batch))
        self.passes.saw(lambda: distribution.log_probs(labels), labels)
        entropy_loss = (chances * every).sum() / units
        loss = -expected / units + self.ent_coef * entropy_loss
        log = {"expected_reward": expected / len(batch), "entropy_loss": entropy_loss}
        if self.kl_coef:
            assert self.reference is not None
            with torch.no_grad():
                features = self.reference.features(self.reference.texts(batch))
                _, reference = self.reference.distribution(features, batch).chain()
            kl = (chances * (every - reference)).sum() / units
            loss = loss + self.kl_coef * kl
            log["reference_kl"] = kl
        loss = self._mixed(loss, distribution, batch, log)
        return loss, detached(log | {"loss": loss})

    def _table(self, batch: Batch, marginals: Tensor) -> Tensor:
        """What every label is worth, [B, U, K] like the marginals."""
        reward = self.label_env.reward
        count = marginals.shape[-1]
        table = None
        if not reward.hides_gold:  # it tells what given labels are worth, and not all others too
            # The labels stand for any: a complete labelling that no label ends early.
            other = int(batch.stop == 0)
            within = np.arange(batch.gold.shape[1]) < batch.lengths[:, None]
            labels = np.where(within, other, -1).astype(np.int32)
            labelings = Labelings(
                *(labels, batch.gold, batch.lengths, batch.lengths, batch.examples),
                *(batch.kinds, batch.facts),
            )
            table = reward.table(labelings, count)
        if table is None:
            raise ValueError(
                f"reward {reward.name} does not say what each label is worth whatever the others "
                "are, so its expectation is no sum over labels: train with REINFORCE or MinimumRisk"
            )
        if table.shape != tuple(marginals.shape):
            raise RewardError(
                f"the table of reward {reward.name} must be of shape {tuple(marginals.shape)}, got "
                f"shape {table.shape}"
            )
        bad = ~np.isfinite(table.reshape(len(table), -1).astype(np.float32)).all(1)
        if bad.any():
            raise NonFiniteReward(
                f"the table of reward {reward.name} must be finite, and that of example "
                f"{batch.examples[bad.argmax()]} is not",
                batch.examples[bad],
            )
        return torch.from_numpy(table).to(marginals)

    @torch.no_grad()
    def _draw(self, distribution: Any, batch: Batch) -> Tensor:
        labels: Tensor = distribution.sample(1, self._generator)
        self._rewards(batch, labels)
        return labels
