"""What the agents share: Stable-Baselines3's loop, over rollouts of whole episodes."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from math import ceil, inf
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np
import torch
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import MaybeCallback
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor

from lingym.agents.adapter import LabelVecEnv, as_vec_env
from lingym.agents.consolidation import Consolidation
from lingym.agents.gold import check_gold, cross_entropy
from lingym.agents.guard import Guard, NotFinite
from lingym.agents.inspection import Judged
from lingym.agents.log_position import log_going_on
from lingym.agents.losses import kl_divergence, masked_mean
from lingym.agents.minibatches import minibatches
from lingym.agents.own_noise import OwnNoise, drawing
from lingym.agents.passes import Passes
from lingym.agents.regularisation import Regularisation
from lingym.agents.resumable import Resumable
from lingym.agents.robustness import Robustness
from lingym.envs import LabelVectorEnv
from lingym.policies import LabelPolicy, frozen_copy
from lingym.policies.distribution import LabelDistribution
from lingym.rewards import Reward
from lingym.rewards.base import NonFiniteReward
from lingym.types import Batch, FloatArray, IntArray, Labelings, Rows


class NoBuffer:
    """Stands where Stable-Baselines3 would allocate a buffer of padded observations."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass


class EpisodicAlgorithm(Resumable, OnPolicyAlgorithm):
    """An on-policy algorithm whose rollouts are whole episodes, each text encoded once.

    A subclass implements `collect_rollouts` and `train`. ``num_timesteps`` counts labels given, and
    callbacks are called once for every label of a row, as if the episodes had been stepped.
    """

    policy: LabelPolicy
    batch_size: int
    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {"LabelPolicy": LabelPolicy}
    kl_coef: float = 0.0
    gold_coef: float = 0.0
    dropout: bool = False
    robust: Robustness = Robustness()
    consolidation: Consolidation | None = None  # what holds weights that earlier texts need
    reward_state: Mapping[str, Any] = MappingProxyType({})  # not set in _setup_model either
    num_episodes: int = 0  # not set in _setup_model, which `load` calls after it read the count

    def _setup_model(self) -> None:
        self.noise = OwnNoise(self.device)
        with self.noise:
            if self.reward_state and self.env is not None:  # a saved agent goes on
                self.label_env.reward.load_state(dict(self.reward_state))
            nothing: Any = NoBuffer
            self.rollout_buffer_class = nothing
            super()._setup_model()
            self._set_up()

    def _set_up(self) -> None:
        """Make what the agent has beside its policy; whatever is drawn is of the agent's seed."""
        self.reference: LabelPolicy | None = None
        self._random = np.random.default_rng(self.seed)
        self._generator = torch.Generator(self.device)
        self._generator.manual_seed(int(self._random.integers(2**63)))
        self._total_episodes: int | None = None
        self._callback: Any = None
        self._stopped = False
        self._uncounted = np.zeros(0, np.bool_)
        self._rate_from = 1.0
        self._iterations = 0
        if not 0 <= self.gold_coef < inf:
            raise ValueError(f"gold_coef must be 0 or more, got {self.gold_coef}")
        self.robust.check(self.policy, self.dropout)
        self.passes = Passes(self.robust, self.policy, self.seed)
        self.regularisation = Regularisation(self.robust, self.policy)
        self.guard = Guard()
        self.judged: Judged | None = None  # what the reward was last asked about
        if self.env is not None:
            self._check_env(self.label_env)

    def set_random_seed(self, seed: int | None = None) -> None:
        """Seed the agent's own random states, and its environment; None: leave them."""
        if seed is None:
            return
        with self.noise:
            self.noise.seed(seed)
        if self.device.type == "cuda":  # as Stable-Baselines3 does
            torch.backends.cudnn.deterministic = True
            torch.backends.cudnn.benchmark = False
        self.action_space.seed(seed)
        if self.env is not None:
            self.env.seed(seed)

    def _check_env(self, env: LabelVectorEnv) -> None:
        """Refuse an environment that cannot be learned from, with a `ValueError`."""
        if self.gold_coef:
            check_gold(env, f"{type(self).__name__} with gold_coef {self.gold_coef}")

    @staticmethod
    def _wrap_env(env: Any, verbose: int = 0, monitor_wrapper: bool = True) -> VecEnv:
        return as_vec_env(env)

    def _excluded_save_params(self) -> list[str]:
        transient = ["_generator", "_random", "reference", "_callback", "rollout"]
        helpers = ["passes", "regularisation", "consolidation", "guard", "judged", "noise"]
        return [*super()._excluded_save_params(), *transient, *helpers]

    @property
    def label_env(self) -> LabelVectorEnv:
        """The environment whose episodes are learned from."""
        if not isinstance(self.env, LabelVecEnv):
            raise ValueError("the agent has no environment: give one to the constructor or set_env")
        return self.env.env

    @drawing
    def learn(
        self,
        total_timesteps: int | None = None,
        callback: MaybeCallback = None,
        log_interval: int | None = 1,
        tb_log_name: str | None = None,
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
        *,
        total_episodes: int | None = None,
        resume: Mapping[str, Any] | None = None,
    ) -> Self:
        """Train.

        Args:
            total_timesteps: labels to give, at the least; or
            total_episodes: texts to learn from, exactly (a text is counted again each time it is
                drawn, but not for each of several samples).
            callback: Stable-Baselines3 callbacks.
            log_interval: rollouts between two writings of the log.
            tb_log_name: name of the TensorBoard run; the algorithm's by default.
            reset_num_timesteps: begin counting at 0.
            progress_bar: show one.
            resume: what `Checkpoints.last` read: go on there, to the same totals, which are left
                out. The agent and its callbacks are made as they were for the run that was stopped,
                and it ends as that one would have, to the bit.

        Raises:
            ValueError: not exactly one of the totals is given, or it is negative; or the state is
                of another agent.
        """
        if resume is not None:
            if total_timesteps is not None or total_episodes is not None:
                raise ValueError("the totals of a run that goes on are known: leave them out")
            total_timesteps, reset_num_timesteps = 1, True
        if (total_timesteps is None) == (total_episodes is None):
            raise ValueError("give total_timesteps or total_episodes, and not both")
        if (total_timesteps or total_episodes or 0) < 0:
            raise ValueError(f"totals are 0 or more, got {total_timesteps or total_episodes}")
        nothing = not (total_timesteps or total_episodes)
        if reset_num_timesteps:
            self.num_episodes = 0
            self.policy.work.begin()
            self._uncounted = self._uncounted[:0]
        self._total_episodes = None
        if total_episodes is not None:
            self._total_episodes = self.num_episodes + total_episodes
            mean = float(self.label_env.episodes.lengths.mean())
            total_timesteps = ceil(total_episodes * mean * self.samples_per_text)
        if self.kl_coef and self.reference is None:
            self.set_reference()
        self.regularisation.begin()
        # The name matters: progress bars read the local total_timesteps, old ones included.
        if not self._custom_logger and hasattr(self, "_logger"):
            self._logger.close()  # of the `learn` before: its thread and file would stay for good
        with log_going_on(self, resume):
            total_timesteps, self._callback = self._setup_learn(
                int(total_timesteps or 0),
                callback,
                reset_num_timesteps,
                tb_log_name or type(self).__name__,
                progress_bar,
            )
        if reset_num_timesteps:
            # Stable-Baselines3 reset the environment, whose rows hold texts that nobody labels.
            self.label_env.restart()
        self._stopped = False
        self._current_progress_remaining = 0.0
        if not nothing:  # all of it; less where a run goes on, whose counts go on too
            self._update_current_progress_remaining(self.num_timesteps, total_timesteps)
        self._iterations = 0
        if resume is not None:
            self.load_run_state(resume)
            total_timesteps = self._total_timesteps
            self._num_timesteps_at_start = self.num_timesteps
        self._callback.on_training_start(locals(), globals())
        assert self.env is not None
        going_on = resume is not None  # from between two rollouts, where all was said and measured
        while going_on or self._going():
            rates = self._begin_rollout()
            if not going_on:
                for name, value in rates.items():
                    self.logger.record(f"train/{name}", value)
                self._callback.on_rollout_start()
            going_on = False
            if not self.collect_rollouts(
                self.env, self._callback, self.rollout_buffer, self.n_steps
            ):
                break
            self._callback.on_rollout_end()
            self._update_current_progress_remaining(self.num_timesteps, total_timesteps)
            self.train()
            self._iterations += 1
            if log_interval is not None and self._iterations % log_interval == 0:
                self.logger.record("time/total_episodes", self.num_episodes)
                self.dump_logs(self._iterations)
        self.finish()
        self._callback.on_training_end()
        return self

    def _begin_rollout(self) -> dict[str, float]:
        """Set what moves with the run; the rates that were set, to log."""
        self._rate_from = self._current_progress_remaining
        self.label_env.reward.advance(1 - self._current_progress_remaining)
        return self.regularisation.at(1 - self._current_progress_remaining)

    def finish(self) -> None:
        """What is left to do when the last text of `learn` was drawn; nothing, by default."""

    def _going(self) -> bool:
        """Whether texts or labels are left, no callback objects, and the reward still speaks."""
        left = self._current_progress_remaining > 0 and not self._stopped
        return left and not self.label_env.reward.exhausted

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, with what the reward has learned in the run (see `Reward.state`)."""
        if self.env is not None:  # else what was loaded stays
            self.reward_state = self.label_env.reward.state()
        super().save(*args, **kwargs)

    def set_env(self, env: Any, force_reset: bool = True) -> None:
        """Learn on another environment; the first of a loaded agent gets its reward's state."""
        first = self.env is None
        env = as_vec_env(env)
        self._check_env(env.env)
        super().set_env(env, force_reset)
        if first and self.reward_state:
            self.label_env.reward.load_state(dict(self.reward_state))

    @property
    def samples_per_text(self) -> int:
        """Labelings of each text that a rollout holds."""
        return 1

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

    def _update_current_progress_remaining(self, num_timesteps: int, total_timesteps: int) -> None:
        if self._total_episodes is None:
            super()._update_current_progress_remaining(num_timesteps, total_timesteps)
            self._current_progress_remaining = max(0.0, self._current_progress_remaining)
        else:
            self._current_progress_remaining = max(
                0.0, 1 - self.num_episodes / self._total_episodes
            )

    def _rollout_size(self) -> int:
        """Texts of the next rollout: no more than are still wanted."""
        size = self.n_steps * self.n_envs
        if self._total_episodes is None:
            return size
        return min(size, self._total_episodes - self.num_episodes)

    def _count(self, lengths: IntArray) -> bool:
        """Count the labels of episodes, calling the callbacks as stepping would have.

        Args:
            lengths: labels of each episode. They are counted one episode after another, `n_envs`
                at a time; callbacks see in the local ``dones`` which of them ended an episode.
        """
        ends = np.zeros(int(lengths.sum()), np.bool_)
        ends[np.cumsum(lengths) - 1] = True
        stream = np.concatenate([self._uncounted, ends])
        whole = len(stream) - len(stream) % self.n_envs
        self._uncounted = stream[whole:]
        for dones in stream[:whole].reshape(-1, self.n_envs):
            self.num_timesteps += self.n_envs
            self._callback.update_locals({"dones": dones})
            if not self._callback.on_step():
                self._stopped = True
                return False
        return True

    def _log_labelings(self, labelings: Labelings, score: FloatArray) -> None:
        """Log the parts of the reward, and the statistics of these episodes with their scores."""
        reward = self.label_env.reward
        whole = type(reward).parts is Reward.parts  # which was scored already
        parts = {reward.name: score} if whole else reward.parts(labelings)
        for name, part in parts.items():
            self.logger.record_mean(f"reward/{name}", float(part.mean()))
        for name, reading in reward.readings().items():
            self.logger.record(f"reward_state/{name}", reading)
        self.guard.earned.add(score)
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
        self._log_labelings(labelings, rewards.sum(1))
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
        log["gold_loss"] = cross_entropy(distribution, batch)
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
