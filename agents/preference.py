"""Learning from comparisons: a reward model stands between the judge and the policy."""

import math
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.type_aliases import Schedule
from torch import Tensor

from lingym.agents.inspection import Judged
from lingym.agents.out_of_memory import halving
from lingym.agents.reinforce import REINFORCE, Baseline
from lingym.agents.reward_model import Comparisons, RewardModel
from lingym.agents.robustness import Robustness
from lingym.agents.teaching import taught
from lingym.agents.update import cut
from lingym.policies import LabelPolicy
from lingym.rewards import Preference
from lingym.rewards.base import NonFiniteReward, take
from lingym.types import Batch, Rows

SPREAD = 0.99
"""How much of the reward model's spread of earlier minibatches is kept."""


class PreferenceLearning(REINFORCE):
    """Learning from preferences (Christiano et al., 2017, https://arxiv.org/abs/1706.03741).

    For every rollout: of each text some pairs of labelings are drawn and the judge is asked which
    is better; the reward model learns from all comparisons that are kept; then the policy makes one
    REINFORCE update for every minibatch, with the reward model's score as its reward, over its
    running spread (the root of its mean variance within a text). Pairs that are equal are not asked
    about. Gold labels stay with the judge.

    The reward model, its optimiser and the comparisons are saved with the agent.

    Args:
        policy: `LabelPolicy`, or its name.
        env: a lingym environment whose reward is a `lingym.rewards.Preference`.
        learning_rate: of the policy's encoder; the head's is `head_lr_scale` times as high.
        n_steps: texts of a rollout, to each row of the environment.
        batch_size: texts of a minibatch, of the policy and of the reward model.
        samples: labelings of each text in an update of the policy, S.
        comparisons: pairs of labelings of each text that the judge is shown.
        memory: how many comparisons are kept, the latest ones.
        model_learning_rate: of the reward model's encoder; its head's is as much higher.
        model_updates: minibatches of comparisons that the reward model learns from after each
            rollout that brought new ones.
        baseline: as for `REINFORCE`; not ``greedy``.
        gamma: the discount.
        normalize_advantage: in each minibatch.
        ent_coef: weight of the entropy.
        vf_coef: weight of the value loss, with the ``value`` baseline.
        kl_coef: weight of the KL to the policy at `learn`'s start, which keeps the policy where
            the reward model was asked about: without, it finds labels whose worth nobody told.
        max_grad_norm: of the whole gradient, of the policy and of the reward model.
        robust: adversarial training, R-Drop, and regularisation that moves with the run; None: none
            of it (`lingym.agents.Robustness`).
        stats_window_size: episodes in the logged means, which are of the reward model's score.
        tensorboard_log: folder of TensorBoard logs.
        policy_kwargs: arguments of `LabelPolicy`.
        verbose: 1 prints the log.
        seed: of everything random.
        device: ``auto`` takes a GPU where there is one.

    Raises:
        ValueError: the reward compares nothing, or an argument cannot be.
    """

    reward_model: RewardModel

    def __init__(
        self,
        policy: str | type[LabelPolicy],
        env: Any,
        learning_rate: float | Schedule = 3e-5,
        n_steps: int = 256,
        batch_size: int = 32,
        samples: int = 4,
        comparisons: int = 4,
        memory: int = 10000,
        model_learning_rate: float = 3e-5,
        model_updates: int = 16,
        baseline: Baseline = "leave-one-out",
        gamma: float = 1.0,
        normalize_advantage: bool = False,
        ent_coef: float = 0.0,
        vf_coef: float = 0.5,
        kl_coef: float = 0.2,
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
        if baseline == "greedy":
            raise ValueError("baseline 'greedy' asks for scores, and the judge has none")
        counts = {"comparisons": comparisons, "memory": memory, "model_updates": model_updates}
        for name, count in counts.items():
            if count < 1:
                raise ValueError(f"{name} must be 1 or more, got {count}")
        self.comparisons, self.model_updates = comparisons, model_updates
        self.model_learning_rate = model_learning_rate
        self.asked = Comparisons(memory)
        self.spread: float | None = None
        super().__init__(
            policy,
            env,
            learning_rate=learning_rate,
            n_steps=n_steps,
            batch_size=batch_size,
            samples=samples,
            baseline=baseline,
            gamma=gamma,
            normalize_advantage=normalize_advantage,
            ent_coef=ent_coef,
            vf_coef=vf_coef,
            kl_coef=kl_coef,
            max_grad_norm=max_grad_norm,
            robust=robust,
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
        self.reward_model = RewardModel(self.policy, self.model_learning_rate)
        if self.env is not None:
            _ = self.judge  # an error with words before the first label

    def _get_torch_save_params(self) -> tuple[list[str], list[str]]:
        names, variables = super()._get_torch_save_params()
        return [*names, "reward_model", "reward_model.optimizer"], variables

    @property
    def judge(self) -> Preference:
        """Who compares.

        Raises:
            ValueError: the environment's reward is another.
        """
        reward = self.label_env.reward
        if not isinstance(reward, Preference):
            raise ValueError(
                f"PreferenceLearning (--agent preference) learns from comparisons, and reward "
                f"{reward} makes none: give preference({reward})"
            )
        return reward

    @property
    def samples_per_text(self) -> int:
        """Labelings of each text: those that are compared, and those of the update."""
        return self.samples + 2 * self.comparisons

    def train(self) -> None:
        """Ask the judge, teach the reward model, and then the policy."""
        if not len(self.asked):  # now, and not when made: the policy may have got other weights
            self.reward_model.begin(self.policy)
        if self._ask():
            self._teach()
        for name, reading in self.judge.readings().items():
            self.logger.record(f"reward_state/{name}", reading)
        if len(self.asked):  # a reward model that heard nothing has nothing to say
            super().train()

    @torch.no_grad()
    def _ask(self) -> int:
        """Have pairs of labelings of the drawn texts compared; how many were."""
        known, right = 0, 0.0
        before = self.judge.spent

        def ask(rows: Rows) -> None:
            nonlocal known, right
            batch = self.label_env.episodes.batch(self.rollout[rows])
            features = self.policy.features(self.policy.texts(batch))
            drawn = self.policy.distribution(features, batch).sample(
                2 * self.comparisons, self._generator
            )
            for one, other in drawn.unflatten(0, (-1, 2)):
                pairs = torch.stack([one, other])
                differ = (one != other).any(-1).cpu().numpy().nonzero()[0][: self.judge.left]
                if not len(differ):
                    continue
                given = pairs.cpu().numpy().astype(np.int32)
                a, b = (take(batch.complete(each), differ) for each in given)
                # Before the judge is asked, who is not to be asked again where memory runs out.
                lead = self.reward_model.lead(batch, pairs).cpu().numpy()[differ]
                said = self.judge.compare(a, b)
                sure = said != 0.5
                known += int(sure.sum())
                right += float(((lead > 0) == (said > 0.5))[sure].sum())
                self.asked.add(batch.examples[differ], given[:, differ], said)

        for rows in self._minibatches(self.rollout, 4 * self.batch_size):
            halving(rows, ask, lambda own, error: cut(self, self.rollout[own], error))
        if known:  # on pairs that it has not seen
            self.logger.record("reward_model/accuracy", right / known)
        self.logger.record("reward_model/comparisons", len(self.asked))
        return self.judge.spent - before

    def _teach(self) -> None:
        """Let the reward model learn from minibatches of the comparisons."""
        model, losses = self.reward_model, []
        drawn = self._random.integers(len(self.asked), size=self.model_updates * self.batch_size)
        for rows in self._minibatches(self.asked.examples[drawn]):
            loss = taught(self, model, self.asked, drawn[rows], self.max_grad_norm)
            if loss is not None:
                losses.append(loss)
        if losses:
            self.logger.record("reward_model/loss", float(np.mean(losses)))

    @torch.no_grad()
    def _rewards(self, batch: Batch, labels: Tensor) -> Tensor:
        """What the reward model says of S labelings, over its running spread, [S, B, U]."""
        steps = self.reward_model.steps(batch, labels)
        scores = steps.sum(-1)
        self.judged = Judged(batch.examples, labels, steps)
        bad = ~scores.isfinite().all(0).cpu().numpy()
        if bad.any():
            example = batch.examples[bad.argmax()]
            raise NonFiniteReward(
                f"the reward model's score of example {example} is not finite", batch.examples[bad]
            )
        now = float(scores.var(0, correction=0).mean())
        before = self.spread
        self.spread = now if before is None else SPREAD * before + (1 - SPREAD) * now
        steps = steps / max(math.sqrt(self.spread), 1e-6)
        self.logger.record_mean("reward/model", float(scores.mean()))
        self.guard.earned.add((steps.sum(-1)).cpu().numpy())
        units = (labels >= 0).sum(-1)
        assert self.ep_info_buffer is not None
        self.ep_info_buffer.extend(
            {"r": score, "l": count}
            for score, count in zip(
                steps.sum(-1).flatten().tolist(), units.flatten().tolist(), strict=True
            )
        )
        return steps
