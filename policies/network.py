"""What every policy of ours is made of: one encoder and a label head, read by unit or by episode.

Sizes: B episodes, U units, K labels, G groups, D features.
"""

from contextlib import AbstractContextManager
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn

from lingym.policies.distribution import FORBIDDEN, LabelDistribution
from lingym.policies.encoder import load_encoder
from lingym.policies.heads import label_head, label_scores, span_transition
from lingym.policies.texts import Pooling, Texts
from lingym.policies.work import Work
from lingym.types import Batch, LabelSpace

History = Literal["none", "previous"]
Observation = Any  # a dict of tensors, as Stable-Baselines3 hands it out


class Cursor(NamedTuple):
    """Encoded observations, and where in them the next label is given."""

    features: Tensor  # [B, G, D]
    groups: Tensor  # [B] groups of each episode
    unit: Tensor  # [B] the unit at the cursor; the last one where all are labelled
    before: Tensor  # [B] the label before it; K at the start of an episode


class LabelNetwork(nn.Module):
    """An encoder and a label head; a policy inherits them beside its Stable-Baselines3 class.

    It has no constructor of its own: `assemble` builds it, once the policy's base class is set up.
    """

    distribution_class: ClassVar[type[LabelDistribution]] = LabelDistribution
    device: torch.device  # Stable-Baselines3's
    work: Work  # of the encoder, since it was made or an agent's `learn` began

    def assemble(
        self,
        observation_space: spaces.Space[Any],
        labels: LabelSpace,
        choices: int,
        encoder: str,
        pooling: Pooling,
        history: History,
        constrained: bool | None,
        autocast: bool,
        attention_dropout: float | None = None,
    ) -> None:
        """Make the encoder and the head.

        Args:
            observation_space: that of a lingym environment.
            labels: what the actions mean.
            choices: K, how many actions there are.
            encoder: see `lingym.policies.LabelPolicy`, as for all that follow.
            pooling: of a unit's tokens.
            history: whether a unit's scores depend on the label before.
            constrained: whether transitions that the task forbids are.
            autocast: run the encoder in bfloat16.
            attention_dropout: of the attention's weights; None as the encoder's configuration says.

        Raises:
            ValueError: the encoder does not fit the environment, or the history its task.
        """
        tokens: Any = observation_space["input_ids"]  # type: ignore[index]
        self.labels, self.choices, self.work = labels, choices, Work()
        self.windows: int = tokens.windows
        self.pooling, self.history, self.autocast = pooling, history, autocast
        self.constrained = history == "previous" if constrained is None else constrained
        whole = labels.of_text and pooling == "first"
        self.encoder_name = encoder
        self.attention_dropout = attention_dropout
        self.encoder = load_encoder(
            encoder, tokens.vocab_size, tokens.tokens, whole, attention_dropout
        )
        self.text_feature = whole and getattr(self.encoder, "pooler", None) is not None
        config: Any = self.encoder.config
        self.width: int = config.hidden_size
        self.dropout = nn.Dropout(getattr(config, "hidden_dropout_prob", 0.1))
        self.label_head = label_head(labels, self.width)
        if history == "previous" and (labels.form != "units" or labels.quota is not None):
            raise ValueError("history='previous' is for units with labels of their own: use 'none'")
        count = len(labels)
        if history == "previous":
            self.transition = nn.Parameter(torch.zeros(count + 1, count))
        mask = torch.zeros(count + 1, count)
        if self.constrained and labels.transitions is not None:
            mask[~torch.from_numpy(labels.transitions)] = FORBIDDEN
        self.register_buffer("mask", mask, persistent=False)
        self.chained = history == "previous" or bool((mask != 0).any())

    def texts(self, batch: Batch) -> Texts:
        """The texts of a batch as tensors on the policy's device."""
        own = self.labels.form == "units"
        groups = batch.gold.shape[1] if own else int(batch.groups.max())
        return Texts.of_batch(batch, self.pooling, self.device, groups)

    def features(self, texts: Texts) -> Tensor:
        """Features [B, G, D] of groups of tokens, float32; 0 for padding groups."""
        return self.dropout(self.encode(texts))

    def encode(self, texts: Texts) -> Tensor:
        """What the encoder says of groups of tokens, [B, G, D], before the heads' dropout."""
        with self._autocast():
            out = self.encoder(input_ids=texts.input_ids, attention_mask=texts.attention_mask)
        if self.text_feature:
            pooled = texts.pool_windows(out.pooler_output.float())
        else:
            pooled = texts.pool(out.last_hidden_state).float()
        self._count(texts, pooled)
        return pooled

    def _count(self, texts: Texts, pooled: Tensor) -> None:
        """Count the texts as read, and as learned from once a gradient comes back, if one does."""
        work, due = self.work, [(texts.size[0], texts.tokens)]
        work.read(*due[0])
        if pooled.requires_grad:
            pooled.register_hook(lambda _: work.learned(*due.pop()) if due else None)

    def distribution(self, features: Tensor, batch: Batch) -> LabelDistribution:
        """The distribution of the labels of every unit of a batch, from features [B, G, D]."""
        labels = self.labels
        groups: Any = self._tensor(batch.groups)
        scores = label_scores(labels, self.label_head, features, groups, self._tensor(batch.kinds))
        transition = self._transition()
        if labels.span is not None:
            transition = span_transition(scores.shape[-1], labels.span, scores.device)
        costs = None if labels.quota is None else self._tensor(batch.costs)
        lengths = torch.from_numpy(batch.lengths).long().to(self.device)
        return self.distribution_class(
            *(scores, lengths, transition, labels.stop, labels.quota, costs)
        )

    def look(self, obs: Observation) -> Cursor:
        """Encode the whole text of each of B observations, to label the unit at its cursor."""
        form, units = self.labels.form, obs["labels"].shape[1]
        groups = {"units": units, "text": 1}.get(form, 0)
        if form == "candidates":  # those of the environment at hand, not of the one learned from
            groups = obs["allowed"].shape[1]
        texts = Texts.of_observation(obs, self.windows, self.pooling, groups)
        features = self.features(texts)
        rows = torch.arange(len(features), device=features.device)
        cursor = obs["cursor"].long().squeeze(-1)
        given = obs["labels"].long()[rows, (cursor - 1).clamp(min=0)]
        before = torch.where(cursor > 0, given, len(self.labels))
        return Cursor(features, texts.groups(), cursor.clamp(max=units - 1), before)

    def scores_here(self, here: Cursor) -> Tensor:
        """What the text says of the unit at each cursor, [B, K]."""
        scores = label_scores(
            *(self.labels, self.label_head, here.features, here.groups), kinds=None
        )
        return scores[torch.arange(len(scores), device=scores.device), here.unit]

    def _transition(self) -> Tensor | None:
        if not self.chained:
            return None
        mask: Any = self.mask
        return mask + self.transition if self.history == "previous" else mask

    def _tensor(self, array: np.ndarray | None) -> Tensor | None:
        return None if array is None else torch.from_numpy(array).long().to(self.device)

    def _autocast(self) -> AbstractContextManager[None]:
        kind = self.device.type
        return torch.autocast(kind, dtype=torch.bfloat16, enabled=self.autocast)
