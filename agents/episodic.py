"""What the agents share: Stable-Baselines3's loop, over rollouts of whole episodes."""

from collections.abc import Mapping
from math import ceil, inf
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np
import torch
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import MaybeCallback
from stable_baselines3.common.vec_env import VecEnv

from lingym.agents.adapter import LabelVecEnv, as_vec_env
from lingym.agents.consolidation import Consolidation
from lingym.agents.gold import check_gold
from lingym.agents.guard import Guard
from lingym.agents.inspection import Judged
from lingym.agents.log_position import log_going_on
from lingym.agents.own_noise import OwnNoise, drawing
from lingym.agents.passes import Passes
from lingym.agents.regularisation import Regularisation
from lingym.agents.resumable import Resumable
from lingym.agents.robustness import Robustness
from lingym.agents.update_parts import UpdateParts
from lingym.envs import LabelVectorEnv
from lingym.policies import LabelPolicy
from lingym.types import IntArray


class NoBuffer:
    """Stands where Stable-Baselines3 would allocate a buffer of padded observations."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass


class EpisodicAlgorithm(UpdateParts, Resumable, OnPolicyAlgorithm):
    """An on-policy algorithm whose rollouts are whole episodes, each text encoded once.

    A subclass implements `collect_rollouts` and `train`. ``num_timesteps`` counts labels given, and
    callbacks are called once for every label of a row, as if the episodes had been stepped.
    """

    policy: LabelPolicy
    batch_size: int
    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {"LabelPolicy": LabelPolicy}
    kl_coef: float = 0.0
    gold_coef: float = 0.0
    label_smoothing: float = 0.0  # of the gold labels, where they are learned from
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
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(f"label_smoothing must be in [0, 1), got {self.label_smoothing}")
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
