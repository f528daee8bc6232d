"""Action values: the policy for `stable_baselines3.DQN`.

Sizes: B observations, U units, K labels.
"""

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.dqn.policies import DQNPolicy
from torch import Tensor

from lingym.policies.distribution import FORBIDDEN, LabelDistribution
from lingym.policies.network import History, LabelNetwork, Observation
from lingym.policies.optim import ScaledAdamW, parameter_groups
from lingym.policies.steps import check_values, guard_steps
from lingym.policies.texts import Pooling
from lingym.types import Batch, LabelSpace


class GreedyLabels(LabelDistribution):
    """Scores that are action values: each unit's label is the best one after those before it."""

    def mode(self) -> Tensor:
        """The greedy labels, int64 [B, U], -1 after an episode's end."""
        state = self._start(1)
        labels = []
        for unit in range(self.scores.shape[1]):
            labels.append(self._given(unit, *state).argmax(-1))
            state = self._after(unit, labels[-1], *state)
        return self.ended(torch.stack(labels, -1))[0]


class LabelQNetwork(LabelNetwork, BasePolicy):
    """The values of the labels of one unit: the scores of a `LabelPolicy` with the same weights.

    Labels that mean nothing now have the value FORBIDDEN, and no gradient: neither the greedy
    choice nor the maximum over the next labels, from which targets are made, can take one.

    Args:
        observation_space: that of a lingym environment.
        action_space: that of a lingym environment; it carries the labels.
        network: the arguments of `LabelNetwork.assemble`.
    """

    distribution_class = GreedyLabels

    def __init__(
        self, observation_space: spaces.Space[Any], action_space: spaces.Space[Any], **network: Any
    ) -> None:
        BasePolicy.__init__(self, observation_space, action_space)
        actions: Any = action_space
        self.assemble(observation_space, actions.labels, int(actions.n), **network)
        self.set_training_mode(False)

    def forward(self, obs: Observation) -> Tensor:
        """Values [B, K] of the labels of the unit at each cursor.

        Raises:
            NonFiniteError: they are no numbers, or so large that no loss can be made of them.
        """
        here = self.look(obs)
        values = self.scores_here(here)
        if self.history == "previous":
            values = values + self.transition[here.before]
        check_values(values, "action values")
        # Not added, as a policy's masks are: a forbidden label that was tried would move the rest.
        return torch.where(self.allowed(obs, here.before), values, FORBIDDEN)

    def allowed(self, obs: Observation, before: Tensor) -> Tensor:
        """The labels that the unit at each cursor may have, bool [B, K].

        Args:
            obs: B observations.
            before: [B] the label before each cursor, K at the start of an episode.
        """
        allowed = torch.ones(len(before), self.choices, dtype=torch.bool, device=before.device)
        if "allowed" in obs:
            allowed = obs["allowed"] > 0
        if not (self.constrained and self.labels.transitions is not None):
            return allowed
        mask: Any = self.mask
        following = allowed & (mask[before] == 0)
        return torch.where(following.any(1, keepdim=True), following, allowed)

    def set_training_mode(self, mode: bool) -> None:
        """Keep dropout off, whatever the mode: targets and values would differ by its noise."""
        self.train(False)

    def _predict(self, observation: Observation, deterministic: bool = True) -> Tensor:
        return self(observation).argmax(1)


class LabelQPolicy(DQNPolicy):
    """Labels the units of a text by action values, for `stable_baselines3.DQN`.

    It encodes the whole text to label one unit, as `LabelPolicy` does under stock algorithms;
    ``label`` encodes it once for all units.

    DQN's own exploration draws from the action space and so tries labels that mean nothing now,
    which the environment scores as they are. Where labels are masked, let the policy explore:
    ``epsilon`` here, and ``exploration_initial_eps=0, exploration_final_eps=0, learning_starts=0``
    there.

    Args:
        observation_space: that of a lingym environment.
        action_space: that of a lingym environment; it carries the labels.
        lr_schedule: the learning rate by the progress that remains.
        encoder: ``tiny``, ``minilm``, a folder, or a Hugging Face Hub name.
        pooling: a unit's feature: see `LabelPolicy`.
        history: ``previous`` adds to a unit's values what the label before it says, a learned
            [K + 1, K] matrix; ``none`` does not tell the values from the labels given.
        constrained: give no label that the task does not allow after the one before. None: only
            with history ``previous``.
        epsilon: how often, where it is not asked to be deterministic, the policy gives one of the
            allowed labels at random, each row for itself; in 0 .. 1.
        head_lr_scale: the head's learning rate over the encoder's.
        weight_decay: of matrices; biases and norms have none.
        autocast: run the encoder in bfloat16.
        optimizer_class: another optimiser than `ScaledAdamW`; it has one learning rate for all.
        optimizer_kwargs: its arguments, or further ones of `ScaledAdamW`.

    Raises:
        ValueError: the spaces are not those of a lingym environment, the encoder does not fit, or
            epsilon is no share.
    """

    q_net: LabelQNetwork  # type: ignore[assignment]
    q_net_target: LabelQNetwork  # type: ignore[assignment]

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        encoder: str = "tiny",
        pooling: Pooling = "first",
        history: History = "none",
        constrained: bool | None = None,
        epsilon: float = 0.0,
        head_lr_scale: float = 10.0,
        weight_decay: float = 0.01,
        autocast: bool = False,
        optimizer_class: type[torch.optim.Optimizer] = ScaledAdamW,
        optimizer_kwargs: dict[str, Any] | None = None,
    ) -> None:
        # Not DQNPolicy's own constructor: it builds an MLP.
        BasePolicy.__init__(self, observation_space, action_space)
        labels: LabelSpace | None = getattr(action_space, "labels", None)
        if labels is None:
            raise ValueError("LabelQPolicy needs the spaces of a lingym environment")
        if not 0 <= epsilon <= 1:
            raise ValueError(f"epsilon must be in 0 .. 1, got {epsilon}")
        self.labels, self.epsilon = labels, epsilon
        self.net_args = {
            "encoder": encoder,
            "pooling": pooling,
            "history": history,
            "constrained": constrained,
            "autocast": autocast,
        }
        self.head_lr_scale, self.weight_decay = head_lr_scale, weight_decay
        self.optimizer_class, self.optimizer_kwargs = optimizer_class, optimizer_kwargs or {}
        self._build(lr_schedule)

    def _build(self, lr_schedule: Schedule) -> None:
        self.q_net, self.q_net_target = self.make_q_net(), self.make_q_net()
        self.q_net_target.load_state_dict(self.q_net.state_dict())
        parameters: Any = self.q_net.parameters()
        if self.optimizer_class is ScaledAdamW:
            own = self.q_net
            parameters = parameter_groups(own.encoder, own, self.weight_decay, self.head_lr_scale)
        arguments: dict[str, Any] = {"lr": lr_schedule(1), **self.optimizer_kwargs}
        self.optimizer = self.optimizer_class(parameters, **arguments)
        guard_steps(self, self.optimizer)
        self.set_training_mode(False)

    def make_q_net(self) -> LabelQNetwork:  # type: ignore[override]
        """A network of its own, pretrained where the encoder is."""
        made = LabelQNetwork(self.observation_space, self.action_space, **self.net_args)
        return made.to(self.device)

    @torch.no_grad()
    def label(
        self, batch: Batch, deterministic: bool = True, generator: torch.Generator | None = None
    ) -> np.ndarray:
        """The greedy labels of every unit of a batch, int32 [B, U], -1 after an episode's end.

        Args:
            batch: B episodes.
            deterministic: always True: action values are no distribution.
            generator: not used.

        Raises:
            ValueError: a sample is asked for.
        """
        if not deterministic:
            raise ValueError("action values have no distribution to sample labels from")
        features = self.q_net.features(self.q_net.texts(batch))
        return self.q_net.distribution(features, batch).mode().cpu().numpy().astype(np.int32)

    def set_training_mode(self, mode: bool) -> None:
        """Keep dropout off, whatever the mode."""
        self.train(False)

    def _predict(self, obs: Observation, deterministic: bool = True) -> Tensor:
        values = self.q_net(obs)
        best = values.argmax(1)
        if deterministic or not self.epsilon:
            return best
        # A label that means nothing is drawn only where no label means anything.
        chances = (values > FORBIDDEN).float().clamp(min=1e-30)
        drawn = torch.multinomial(chances, 1).squeeze(1)
        explores = torch.rand(len(best), device=best.device) < self.epsilon
        return torch.where(explores, drawn, best)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {
            "observation_space": self.observation_space,
            "action_space": self.action_space,
            "lr_schedule": self._dummy_schedule,
            **self.net_args,
            "epsilon": self.epsilon,
            "head_lr_scale": self.head_lr_scale,
            "weight_decay": self.weight_decay,
            "optimizer_class": self.optimizer_class,
            "optimizer_kwargs": self.optimizer_kwargs,
        }
