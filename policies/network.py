"""What every policy of ours is made of: one encoder and a label head, read by unit or by episode.

Sizes: B episodes, U units, K labels, G groups, D features.
"""

from contextlib import AbstractContextManager
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn

from lingym.policies.distribution import FORBIDDEN, LabelDistribution
from lingym.policies.encoder_base import Base
from lingym.policies.encoder_parts import prepare, put_together, switched_off
from lingym.policies.encoder_tuning import Tuning
from lingym.policies.feature_cache import FeatureCache
from lingym.policies.heads import label_head, label_scores, span_transition
from lingym.policies.masked_head import Verbaliser, masked_head
from lingym.policies.texts import LateTexts, Pooling, Texts
from lingym.policies.tuned_encoder import tuned_encoder
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
    alone: ClassVar[bool] = True  # whether encoder and head say all that the policy says
    open: bool = False  # whether gradients come through encoders that nothing trains, too
    device: torch.device  # Stable-Baselines3's
    work: Work  # of the encoder, since it was made or an agent's `learn` began
    tuning: Tuning  # what of the encoder is trained
    encoder_trained: frozenset[str]  # the names of its weights that are
    encoder_base: Base | None  # what a saved policy names instead of holding it
    feature_cache: FeatureCache | None = None  # where a constant encoder's features are kept

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
        tune: str | None = None,
        base: str | None = None,
        verbaliser: Verbaliser | None = None,
        **sizes: float | None,
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
            tune: what of the encoder is trained.
            base: where the base of a part-trained encoder is, if it has moved.
            verbaliser: the token ids of each label's words, which the encoder's own masked-language
                head scores; None: a linear head.
            sizes: of the method `tune`, by name.

        Raises:
            ValueError: the encoder does not fit the environment, or the history its task.
        """
        tokens: Any = observation_space["input_ids"]  # type: ignore[index]
        self.labels, self.choices, self.work = labels, choices, Work()
        self.windows: int = tokens.windows
        self.pooling, self.history, self.autocast = pooling, history, autocast
        self.constrained = history == "previous" if constrained is None else constrained
        whole = labels.of_text and pooling == "first" and verbaliser is None
        self.encoder_name = encoder
        self.attention_dropout = attention_dropout
        made = tuned_encoder(
            *(encoder, tokens.vocab_size, tokens.tokens, whole, attention_dropout, tune, base),
            sizes,
        )
        self.encoder = made.module
        self.tuning, self.encoder_base, self.encoder_trained = made.tuning, made.base, made.trained
        self.text_feature = whole and getattr(self.encoder, "pooler", None) is not None
        config: Any = self.encoder.config
        self.width: int = config.hidden_size
        self.dropout = nn.Dropout(getattr(config, "hidden_dropout_prob", 0.1))
        self.verbaliser = verbaliser
        self.label_head: Any = label_head(labels, self.width)
        if verbaliser is not None:
            if labels.form != "units" or labels.ruled:
                raise ValueError("a verbaliser is for units whose labels all have words of theirs")
            self.label_head = masked_head(encoder, config, verbaliser, len(labels))
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

    @property
    def tune(self) -> str:
        """What of the encoder is trained, as it is written: ``full``, ``lora``, ``top:2``."""
        return self.tuning.tune

    @property
    def encoder_constant(self) -> bool:
        """Whether nothing in the encoder is trained; it is then never in training mode."""
        return self.tuning.method == "frozen"

    def train(self, mode: bool = True) -> Self:
        """Turn dropout on or off; a constant encoder has none."""
        super().train(mode)
        if self.encoder_constant:
            self.encoder.train(False)
        return self

    def untuned(self) -> AbstractContextManager[None]:
        """Leave out what ``lora``, ``ia3``, ``adapter`` or ``prompt`` added to the encoder, within.

        Raises:
            ValueError: the method changes the encoder's own weights.
        """
        return switched_off(self.encoder, self.tuning)

    def merge(self) -> None:
        """Make the encoder whole, so that a saved policy names no base.

        What ``lora`` and ``ia3`` learned becomes part of the encoder's own weights; it is then one
        of its family (``full``), as after ``top:N``, ``bitfit`` and ``frozen``. Adapters and a
        prompt stay beside it. An optimiser that was made before knows nothing of this: make a
        policy from the saved one to train on.
        """
        self.encoder_base = None
        if self.tuning.method not in ("adapter", "prompt"):
            put_together(self.encoder, self.tuning)
            self.tuning = Tuning()
            self.encoder_trained = prepare(self.encoder, self.tuning)

    def constant(self) -> list[nn.Parameter]:
        """The parameters that nothing changes, so that copies of the policy may share them."""
        own = self.encoder.named_parameters()
        return [weight for name, weight in own if name not in self.encoder_trained]

    def texts(self, batch: Batch) -> Texts:
        """The texts of a batch as tensors on the policy's device."""
        own = self.labels.form == "units"
        groups = batch.gold.shape[1] if own else int(batch.groups.max())
        if self.encoder_constant and self.feature_cache is not None and not self.open:
            return LateTexts(batch, self.pooling, self.device, groups)
        return Texts.of_batch(batch, self.pooling, self.device, groups)

    def features(self, texts: Texts) -> Tensor:
        """Features [B, G, D] of groups of tokens, float32; 0 for padding groups."""
        return self.dropout(self.encode(texts))

    def encode(self, texts: Texts) -> Tensor:
        """What the encoder says of groups of tokens, [B, G, D], before the heads' dropout.

        Features that are kept (`feature_cache`) are not computed again.
        """
        cache = self.feature_cache
        if cache is None or not self.encoder_constant or not isinstance(texts, LateTexts):
            return self._read(texts)
        facts = {"pooling": self.pooling, "pooler": self.text_feature, "autocast": self.autocast}
        return cache.features(self.encoder, facts, texts, self._read)

    def _read(self, texts: Texts) -> Tensor:
        """Run the encoder, and pool what it says."""
        learning = torch.is_grad_enabled() and (self.open or not self.encoder_constant)
        with self._autocast(), torch.set_grad_enabled(learning):
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

    def outputs(self, features: Tensor) -> Tensor:
        """What the label head makes of features [..., D]; see `lingym.policies.heads`."""
        scores: Tensor = self.label_head(features)
        return scores

    def distribution(self, features: Tensor, batch: Batch) -> LabelDistribution:
        """The distribution of the labels of every unit of a batch, from features [B, G, D]."""
        labels = self.labels
        groups: Any = self._tensor(batch.groups)
        scores = label_scores(labels, self.outputs, features, groups, self._tensor(batch.kinds))
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
        scores = label_scores(*(self.labels, self.outputs, here.features, here.groups), kinds=None)
        return scores[torch.arange(len(scores), device=scores.device), here.unit]

    def _transition(self) -> Tensor | None:
        if not self.chained:
            return None
        mask: Any = self.mask
        learned = self.learned_transition()
        return mask if learned is None else mask + learned

    def learned_transition(self) -> Tensor | None:
        """What was learned of the label before, [K + 1, K]; None without history."""
        return self.transition if self.history == "previous" else None

    def _tensor(self, array: np.ndarray | None) -> Tensor | None:
        return None if array is None else torch.from_numpy(array).long().to(self.device)

    def _autocast(self) -> AbstractContextManager[None]:
        kind = self.device.type
        return torch.autocast(kind, dtype=torch.bfloat16, enabled=self.autocast)
