"""A policy that corrects a frozen labeller, from a correction of exactly zero on.

Sizes: B episodes, G groups, D features of the labeller, E features of the correction, K labels.
"""

from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from gymnasium import spaces
from stable_baselines3.common.type_aliases import Schedule
from torch import Tensor, nn

from lingym.policies.distribution import LabelDistribution
from lingym.policies.encoder_base import joined, model_in
from lingym.policies.feature_cache import FeatureCache
from lingym.policies.network import History
from lingym.policies.policy import LabelPolicy
from lingym.policies.save import (
    BASE,
    SETTINGS,
    kept_verbaliser,
    load_heads,
    read_labels,
    read_settings,
)
from lingym.policies.texts import LateTexts, Pooling, Texts
from lingym.policies.widen import abstains_beside
from lingym.types import Batch, LabelSpace


class Frozen(nn.Module):
    """A labeller that nothing changes: no gradient, no dropout, whatever mode it is set to.

    What its encoder says of the last texts is kept, so that a policy and the KL to its reference
    read a batch once.

    Args:
        policy: the labeller.
    """

    def __init__(self, policy: LabelPolicy) -> None:
        super().__init__()
        self.policy = policy
        self.cache: FeatureCache | None = None
        self._last: tuple[int, Texts, Tensor] | None = None
        self.requires_grad_(False).train(False)

    def train(self, mode: bool = True) -> Self:
        """Stay as it is."""
        return super().train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Stay as it is."""
        return super().requires_grad_(False)

    def texts(self, batch: Batch) -> Texts:
        """The texts of a batch."""
        texts = self.policy.texts(batch)
        if self.cache is None or isinstance(texts, LateTexts):
            return texts
        return LateTexts(batch, self.policy.pooling, self.policy.device, texts.size[1])

    def features(self, texts: Texts) -> Tensor:
        """Features [B, G, D], as the labeller has them when it labels."""
        if self.policy.open:
            return self.policy.features(texts)
        with torch.no_grad():
            return self._known(texts)

    def _known(self, texts: Texts) -> Tensor:
        """The same; those that are kept are not computed again."""
        policy = self.policy
        if self.cache is not None and isinstance(texts, LateTexts) and policy.alone:
            facts = {"pooling": policy.pooling, "pooler": policy.text_feature}
            facts = {**facts, "autocast": policy.autocast}
            return self.cache.features(policy.encoder, facts, texts, policy.encode)
        # In-place changes of weights, such as loading them, are counted by PyTorch.
        version = sum(weight._version for weight in policy.parameters())
        if self._last is None or self._last[0] != version or not _same(self._last[1], texts):
            self._last = (version, texts, policy.features(texts))
        return self._last[2]

    def distribution(self, features: Tensor, batch: Batch) -> LabelDistribution:
        """The labeller's distribution, from features [B, G, D]."""
        return self.policy.distribution(features, batch)


def _same(one: Texts, other: Texts) -> bool:
    """Whether an encoder would say the same of both."""
    if one.size != other.size or one.input_ids.device != other.input_ids.device:
        return False
    names = ("input_ids", "attention_mask", "episode_of_window", "token", "unit")
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in names)


class ResidualPolicy(LabelPolicy):
    """A frozen labeller's scores plus a learned correction, which starts at exactly zero.

        scores(x) = W_base f_base(x) + b_base  +  W f(x) + b,        W = 0, b = 0 at the start

    So RL starts at the labeller itself, to the last bit: the same scores, the same labels. The
    first updates move W and b (the features f are not zero), then the gradient reaches f too. What
    the labeller knows cannot be unlearned, only overruled: with W and b back at zero it is there
    again. With history, a learned transition is added to the labeller's in the same way. The idea
    is that of residual policy learning (Silver et al., 2018, https://arxiv.org/abs/1812.06298;
    Johannink et al., 2019, https://arxiv.org/abs/1812.03201).

    A feature is the labeller's and the correction's own, side by side, [B, G, D + E]; the value
    head reads both. While the correction is zero, the labeller is the reference that KL is measured
    to, and needs no copy.

    Args:
        observation_space: see `LabelPolicy`, as for all that is not told here.
        action_space: see `LabelPolicy`.
        lr_schedule: see `LabelPolicy`.
        residual: folder of the labeller: of its model, or of the run that holds it.
        encoder: that the correction starts from; None takes a copy of the labeller's. It must read
            the labeller's tokens.
        pooling: the labeller's; None takes it.
        history: None takes the labeller's; ``previous`` over a labeller that has none adds one.
        constrained: None takes the labeller's.
        tune: what of the correction's encoder is trained. With ``frozen``, and no `encoder` of its
            own, the correction reads the labeller's very features: f is f_base, no second encoder
            runs, and only the heads are trained.
        base: where the bases of part-trained encoders are, the labeller's among them, if they have
            moved; several are parted as in PATH.
        arguments: further ones of `LabelPolicy`; no verbaliser, since the correction is linear.

    Raises:
        ValueError: the folder is no model, its labels are others than the environment's, or an
            argument does not go with it.
    """

    alone: ClassVar[bool] = False

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        residual: str | Path = "",
        encoder: str | None = None,
        pooling: Pooling | None = None,
        history: History | None = None,
        constrained: bool | None = None,
        tune: str | None = None,
        base: str | None = None,
        **arguments: Any,
    ) -> None:
        folder = Path(model_in(str(residual)))
        kept = read_settings(folder)
        if pooling not in (None, kept["pooling"]):
            raise ValueError(f"pooling {pooling!r}: the labeller's is {kept['pooling']!r}")
        if history == "none" and kept["history"] != "none":
            raise ValueError(f"history 'none': the labeller's is {kept['history']!r}")
        if arguments.get("verbaliser") is not None or "verbaliser" in kept:
            whose = "the labeller's fills" if "verbaliser" in kept else "a verbaliser fills"
            raise ValueError(f"a correction has a linear head, and {whose} in a pattern's blank")
        self.base_folder, self.shared = folder, tune == "frozen" and encoder is None
        self.base_places = base
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            encoder=encoder or str(folder),
            pooling=kept["pooling"],
            history=history or kept["history"],
            constrained=kept["constrained"] if constrained is None else constrained,
            tune=tune,
            base=base,
            **arguments,
        )
        self.base.cache = self.feature_cache if self.shared else None

    def assemble(self, *arguments: Any, **more: Any) -> None:
        """Make the labeller, then the correction's encoder and its head, which is zero."""
        spaces_of = (self.observation_space, self.action_space)
        self.base = Frozen(_labeller(self.base_folder, *spaces_of, self.base_places))
        super().assemble(*arguments, **more)
        nn.init.zeros_(self.label_head.weight)
        nn.init.zeros_(self.label_head.bias)
        if self.shared:
            self.encoder = self.base.policy.encoder
        self.width = self.base.policy.width + (0 if self.shared else self.width)

    def constant(self) -> list[nn.Parameter]:
        """The labeller's parameters, and what does not change of the correction's encoder."""
        return [*self.base.parameters(), *([] if self.shared else super().constant())]

    @property
    def at_zero(self) -> bool:
        """Whether the correction is zero, so that this policy is the labeller."""
        learned = [self.label_head.weight, self.label_head.bias]
        if self.history == "previous":
            learned.append(self.transition)
        same = self.constrained == self.base.policy.constrained
        return same and not any(bool(weight.any()) for weight in learned)

    def twin(self) -> Frozen | None:
        """The labeller, while the correction is zero."""
        return self.base if self.at_zero else None

    def encode(self, texts: Texts) -> Tensor:
        """The labeller's features and the correction's own, [B, G, D + E]; or [B, G, D] shared."""
        self.base.policy.work = self.work
        known = self.base.features(texts)
        return known if self.shared else torch.cat([known, super().encode(texts)], -1)

    def features(self, texts: Texts) -> Tensor:
        """Those of `encode`, the correction's part under dropout while it trains."""
        every = self.encode(texts)
        if not self.training or self.shared:
            return every
        known, own = self._parts(every)
        return torch.cat([known, self.dropout(own)], -1)

    def outputs(self, features: Tensor) -> Tensor:
        """The labeller's outputs plus the correction's."""
        known, own = self._parts(features)
        return self.base.policy.outputs(known) + super().outputs(own)

    def learned_transition(self) -> Tensor | None:
        """The labeller's and the correction's, added."""
        known, own = self.base.policy.learned_transition(), super().learned_transition()
        return own if known is None or own is None else known + own

    def train(self, mode: bool = True) -> Self:
        """Set the correction's mode; the labeller stays as it is."""
        super().train(mode)
        self.base.train(False)  # which the shared encoder belongs to as well
        return self

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set whether the correction learns; the labeller never does."""
        super().requires_grad_(requires_grad)
        self.base.requires_grad_(False)
        return self

    def _parts(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The labeller's features [..., D] and the correction's [..., E]."""
        width = self.base.policy.width
        if self.shared:
            return features, features
        # Contiguous as the labeller's own are: a strided product may be rounded otherwise.
        return features[..., :width].contiguous(), features[..., width:]

    def _get_constructor_parameters(self) -> dict[str, Any]:
        known = super()._get_constructor_parameters()
        encoder = None if self.shared else self.encoder_name
        return {**known, "residual": str(self.base_folder), "encoder": encoder}


def _labeller(
    folder: Path,
    observation_space: spaces.Space[Any],
    action_space: spaces.Space[Any],
    base: str | None,
) -> LabelPolicy:
    """The labeller in a model's folder, for the environment at hand."""
    settings = read_settings(folder)
    labels: LabelSpace | None = getattr(action_space, "labels", None)
    if labels is not None and abstains_beside(labels, read_labels(folder)):
        raise ValueError(
            f"{folder} cannot abstain and the environment can: a correction has its labeller's "
            "labels (a warm start may have one more)"
        )
    kind, more = saved_policy(folder, settings, base)
    kept = {name: settings[name] for name in SETTINGS}
    policy = kind(observation_space, action_space, lambda _: 0.0, **more, **kept)
    load_heads(policy, folder)
    return policy


def saved_policy(
    folder: Path, settings: dict[str, Any], base: str | None = None
) -> tuple[type[LabelPolicy], dict[str, Any]]:
    """The class of a saved policy, and its arguments that are not `SETTINGS`.

    Args:
        folder: of the model.
        settings: what `read_settings` found there.
        base: where bases of part-trained encoders are, if they have moved.

    Raises:
        ValueError: what the settings say of a labeller cannot be.
    """
    said = settings.get("residual")
    if said is None:
        found = {"encoder": str(folder), **kept_verbaliser(settings)}
        return LabelPolicy, found if base is None else {**found, "base": base}
    if not isinstance(said, dict) or said.keys() != {"shared"} or type(said["shared"]) is not bool:
        raise ValueError(f"{folder}/lingym.json: residual is {said!r}; wanted {{'shared': true}}")
    labeller = str(folder / BASE)
    if said["shared"]:
        return ResidualPolicy, {"residual": labeller, "tune": "frozen", "base": base}
    # What the correction's encoder stands on, where that is the labeller's, is the labeller's own.
    places = joined(labeller, base)
    return ResidualPolicy, {"residual": labeller, "base": places, "encoder": str(folder)}
