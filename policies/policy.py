"""The policy: one encoder, a label head and a value head, with two entrances to the same weights.

Sizes: B episodes, U units, K labels, D features, S samples.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.distributions import CategoricalDistribution
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.common.type_aliases import Schedule
from torch import Tensor
from torch.nn import Parameter

from lingym.policies.distribution import FORBIDDEN
from lingym.policies.encoder_parts import added_weights
from lingym.policies.feature_cache import FeatureCache
from lingym.policies.heads import unit_values, value_head
from lingym.policies.masked_head import Verbaliser
from lingym.policies.network import History, LabelNetwork, Observation
from lingym.policies.optim import ScaledAdamW, parameter_groups
from lingym.policies.steps import check_values, guard_steps
from lingym.policies.texts import Pooling
from lingym.types import Batch, LabelSpace


class LabelPolicy(LabelNetwork, ActorCriticPolicy):
    """Labels the units of a text with a transformer encoder.

    Per step (``forward``, ``evaluate_actions``, ``predict_values``, ``get_distribution``) it is an
    ordinary Stable-Baselines3 policy, which encodes the whole text to label one unit. Per episode
    (``distribution``, ``values``) it encodes a text once for all its units. Both give the same
    numbers for the same weights.

    Dropout is off whenever Stable-Baselines3 sets the mode, also while it trains: with it on, the
    ratios of PPO leave the clipping range before any update. `lingym.agents.Supervised` has it on.

    Args:
        observation_space: that of a lingym environment.
        action_space: that of a lingym environment; it carries the labels.
        lr_schedule: the learning rate by the progress that remains.
        encoder: ``tiny``, ``minilm``, a folder, or a Hugging Face Hub name.
        pooling: a unit's feature: that of its ``first`` token (for a whole text the encoder's own
            pooled output, where it has one), or the ``mean`` over its tokens.
        history: ``previous`` adds to a unit's scores what the label before it says, a learned
            [K + 1, K] matrix; decoding is then Viterbi. ``none`` is a plain head.
        constrained: give no label that the task does not allow after the one before. None: only
            with history ``previous``, so that a plain head stays one.
        head_lr_scale: the head's learning rate over the encoder's.
        weight_decay: of matrices; biases and norms have none.
        value_gradient: let the value loss train the encoder too, not only the value head.
        autocast: run the encoder in bfloat16.
        attention_dropout: of the attention's weights while dropout is on; None: as the encoder's
            own configuration says. With 0 attention runs fused, much faster and in less memory on
            long texts; a saved policy keeps it.
        tune: what of the encoder is trained beside the heads: ``full`` (all of it), ``frozen``
            (nothing), ``top:N`` (the last N layers), ``bitfit`` (the biases), ``lora``, ``ia3``,
            ``adapter``, ``prompt`` (docs/encoder-tuning.md). None: as the folder `encoder` was
            trained, or full.
        lora_rank: of ``lora``, 8 by default: the rank of the difference.
        lora_alpha: of ``lora``, 16 by default: over the rank, how much the difference counts.
        adapter_width: of ``adapter``, 64 by default: its inner features.
        prompt_tokens: of ``prompt``, 20 by default: the virtual tokens.
        base: where the base of a part-trained folder `encoder` is, if it has moved.
        feature_cache: with ``frozen``, a folder where features are kept, so that a text is encoded
            once (`lingym.policies.FeatureCache`); None keeps none.
        verbaliser: the token ids of each label's words (`lingym.envs.verbaliser.word_ids`): a label
            scores what the encoder's own masked-language head says of its words at the blank of a
            pattern (`lingym.policies.masked_head`). The head is then pretrained, and learns at the
            encoder's rate.
        optimizer_class: another optimiser than `ScaledAdamW`, such as what stock A2C brings; it has
            one learning rate for all, and the decay that its arguments say.
        optimizer_kwargs: its arguments, or further ones of `ScaledAdamW`.
        use_sde: always False; Stable-Baselines3 passes it.

    Raises:
        ValueError: the spaces are not those of a lingym environment, or the encoder does not fit.
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        encoder: str = "tiny",
        pooling: Pooling = "first",
        history: History = "none",
        constrained: bool | None = None,
        head_lr_scale: float = 10.0,
        weight_decay: float = 0.01,
        value_gradient: bool = False,
        autocast: bool = False,
        attention_dropout: float | None = None,
        tune: str | None = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        adapter_width: int | None = None,
        prompt_tokens: int | None = None,
        base: str | None = None,
        feature_cache: str | Path | None = None,
        verbaliser: Verbaliser | None = None,
        optimizer_class: type[torch.optim.Optimizer] = ScaledAdamW,
        optimizer_kwargs: dict[str, Any] | None = None,
        use_sde: bool = False,
    ) -> None:
        # Not ActorCriticPolicy's own constructor: it builds an MLP, and would initialise it (and
        # with it a pretrained encoder) anew.
        BasePolicy.__init__(self, observation_space, action_space)
        labels: LabelSpace | None = getattr(action_space, "labels", None)
        if labels is None or use_sde:
            raise ValueError("LabelPolicy needs the spaces of a lingym environment, and no gSDE")
        actions: Any = action_space
        choices = int(actions.n)
        self.assemble(
            *(observation_space, labels, choices, encoder, pooling, history, constrained, autocast),
            *(attention_dropout, tune, base),
            lora_rank=lora_rank,
            lora_alpha=lora_alpha,
            adapter_width=adapter_width,
            prompt_tokens=prompt_tokens,
            verbaliser=verbaliser,
        )
        self.feature_cache = None if feature_cache is None else FeatureCache(feature_cache)
        self.value_gradient = value_gradient
        self.head_lr_scale, self.weight_decay = head_lr_scale, weight_decay
        self.value_head = value_head(labels, self.width)
        if history == "previous":
            self.value_transition = Parameter(torch.zeros(len(labels) + 1))
        self.action_dist = CategoricalDistribution(self.choices)
        self.share_features_extractor = True
        self.optimizer_class, self.optimizer_kwargs = optimizer_class, optimizer_kwargs or {}
        parameters: Any = [weight for weight in self.parameters() if weight.requires_grad]
        if optimizer_class is ScaledAdamW:
            added = added_weights(self.encoder, self.tuning)
            parameters = parameter_groups(self.encoder, self, weight_decay, head_lr_scale, added)
        arguments: dict[str, Any] = {"lr": lr_schedule(1), **self.optimizer_kwargs}
        self.optimizer = optimizer_class(parameters, **arguments)
        self.set_training_mode(False)

    # Per episode: a text is encoded once.

    def values(self, features: Tensor, labels: Tensor, batch: Batch) -> Tensor:
        """The expected reward from each unit on, of the shape of the labels.

        Args:
            features: [B, G, D].
            labels: [..., B, U] the labels given; the value of a unit may depend on the one before.
            batch: the B episodes.
        """
        features = features if self.value_gradient else features.detach()
        groups: Any = self._tensor(batch.groups)
        value = unit_values(self.labels, self.value_head, features, groups)
        if self.history == "none":
            return value.expand(labels.shape)
        before = torch.full_like(labels, len(self.labels))
        before[..., 1:] = labels[..., :-1]
        return value + self.value_transition[before]

    @torch.no_grad()
    def label(
        self, batch: Batch, deterministic: bool = True, generator: torch.Generator | None = None
    ) -> np.ndarray:
        """Labels for every unit of a batch, int32 [B, U], -1 after an episode's end.

        Args:
            batch: B episodes.
            deterministic: the most probable labels; else a sample.
            generator: of the sample.
        """
        distribution = self.distribution(self.features(self.texts(batch)), batch)
        labels = distribution.mode() if deterministic else distribution.sample(1, generator)[0]
        return labels.cpu().numpy().astype(np.int32)

    def evaluate_labels(self, batch: Batch, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log-probabilities, entropies and values of given labels, [B, U] each, with gradients.

        What stands after an episode's last unit means nothing.

        Args:
            batch: B episodes.
            labels: int64 [B, U] on the policy's device, -1 after the last unit.
        """
        features = self.features(self.texts(batch))
        log_probs = self.distribution(features, batch).log_probs(labels)
        chosen = log_probs.gather(-1, labels.clamp(min=0)[..., None]).squeeze(-1)
        entropy = -(log_probs.exp() * log_probs).sum(-1)
        return chosen, entropy, self.values(features, labels, batch)

    def twin(self) -> Any:
        """A frozen policy that is the same as this one now, where there is one without a copy."""
        return None

    # Per step: the reference that stock Stable-Baselines3 algorithms train.

    def forward(
        self, obs: Observation, deterministic: bool = False, action_masks: Any = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Actions [B], values [B, 1] and log-probabilities [B] of observations."""
        logits, values = self._step(obs, action_masks)
        distribution = self.action_dist.proba_distribution(logits)
        actions = distribution.get_actions(deterministic=deterministic)
        return actions, values, distribution.log_prob(actions)

    def evaluate_actions(
        self, obs: Observation, actions: Tensor, action_masks: Any = None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Values [B, 1], log-probabilities [B] and entropies [B] of actions [B].

        From then on the policy's optimiser takes no step by a gradient that is not finite: stock
        algorithms ask for this, and check nothing themselves.
        """
        guard_steps(self, self.optimizer)
        logits, values = self._step(obs, action_masks)
        distribution = self.action_dist.proba_distribution(logits)
        return values, distribution.log_prob(actions), distribution.entropy()

    def get_distribution(
        self, obs: Observation, action_masks: Any = None
    ) -> CategoricalDistribution:
        """The distribution of the label of the unit at each cursor."""
        logits, _ = self._step(obs, action_masks)
        distribution: Any = self.action_dist.proba_distribution(logits)
        return distribution

    def predict_values(self, obs: Observation) -> Tensor:
        """Values [B, 1] of observations."""
        return self._step(obs)[1]

    def set_training_mode(self, mode: bool) -> None:
        """Keep dropout off, whatever the mode (see the class)."""
        self.train(False)

    def _predict(
        self, observation: Observation, deterministic: bool = False, action_masks: Any = None
    ) -> Tensor:
        return self.get_distribution(observation, action_masks).get_actions(deterministic)

    def _step(self, obs: Observation, action_masks: Any = None) -> tuple[Tensor, Tensor]:
        """Logits [B, K] and values [B, 1] of the unit at each cursor.

        Raises:
            NonFiniteError: the values are no numbers, or so large that no loss can be made of them.
        """
        here = self.look(obs)
        logits = self.scores_here(here)
        transition = self._transition()
        if transition is not None:
            logits = logits + transition[here.before]
        if "allowed" in obs:
            logits = torch.where(obs["allowed"] > 0, logits, FORBIDDEN)
        if action_masks is not None:
            allowed = torch.as_tensor(action_masks, dtype=torch.bool, device=logits.device)
            logits = torch.where(allowed.view_as(logits), logits, FORBIDDEN)
        known = here.features if self.value_gradient else here.features.detach()
        every = unit_values(self.labels, self.value_head, known, here.groups)
        values = every.gather(1, here.unit[:, None])
        if self.history == "previous":
            values = values + self.value_transition[here.before][:, None]
        check_values(values, "values")
        return logits, values

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {
            "observation_space": self.observation_space,
            "action_space": self.action_space,
            "lr_schedule": self._dummy_schedule,
            "encoder": self.encoder_name,
            "pooling": self.pooling,
            "history": self.history,
            "constrained": self.constrained,
            "head_lr_scale": self.head_lr_scale,
            "weight_decay": self.weight_decay,
            "value_gradient": self.value_gradient,
            "autocast": self.autocast,
            "attention_dropout": self.attention_dropout,
            "verbaliser": self.verbaliser,
            "tune": self.tune,
            **self.tuning.sizes(),
            "feature_cache": self.feature_cache and str(self.feature_cache.folder),
            "optimizer_class": self.optimizer_class,
            "optimizer_kwargs": self.optimizer_kwargs,
        }
