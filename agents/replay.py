"""What was labelled before, kept to be learned from again: a reservoir, and weights for old labels.

A labeller that learns from a stream forgets: the latest texts overwrite what earlier ones taught
(McCloskey and Cohen, 1989, https://doi.org/10.1016/S0079-7421(08)60536-8). Rehearsing old texts
beside new ones is the plain remedy (Rolnick et al., 2019, https://arxiv.org/abs/1811.11682).

Sizes: B episodes, U units.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from lingym.agents.losses import masked_mean
from lingym.envs import Episodes, Example
from lingym.envs.corpora import Record
from lingym.types import UNDECIDED, Batch, FloatArray, IntArray

Item = TypeVar("Item")
Weights = Literal["tapered", "truncated", "clipped"]


class Reservoir(Generic[Item]):
    """So many of all items that were ever added, each equally likely to be among them.

    Algorithm R of Vitter (1985), https://doi.org/10.1145/3147.3165. Items may be indices of an
    environment's texts, to be labelled anew, or what was once shown (`Shown`).

    Args:
        size: the most items kept.
        random: draws which give way, and samples.
    """

    def __init__(self, size: int, random: np.random.Generator) -> None:
        if size < 0:
            raise ValueError(f"a reservoir has size 0 or more, got {size}")
        self.size, self.random = size, random
        self.items: list[Item] = []
        self.seen = 0

    def __len__(self) -> int:
        """How many items are kept now."""
        return len(self.items)

    def add(self, item: Item) -> None:
        """See one more item."""
        self.seen += 1
        if len(self.items) < self.size:
            self.items.append(item)
            return
        place = int(self.random.integers(self.seen))
        if place < self.size:
            self.items[place] = item

    def sample(self, count: int) -> list[Item]:
        """So many of the kept items, none twice; all of them in random order if there are fewer."""
        places = self.random.choice(len(self.items), min(count, len(self.items)), replace=False)
        return [self.items[place] for place in places]


@dataclass(frozen=True)
class Shown:
    """A text as it was once labelled for somebody, without its words.

    Attributes:
        id: its number in the stream.
        text: its tokens; one text without gold labels.
        labels: int32 [U] as they were given; -1 after a label that stopped the episode.
        log_probs: float64 [U] of the labels, by the policy that gave them.
        behaviour: float64 [U] of the labels, as they were drawn (a sharpened policy, say).
        rewards: float64 [U], the feedback; None where there is none yet.
    """

    id: int
    text: Episodes
    labels: IntArray
    log_probs: FloatArray
    behaviour: FloatArray
    rewards: FloatArray | None = None


class Together(NamedTuple):
    """Several texts that were shown, as a batch."""

    batch: Batch
    labels: Tensor  # int64 [B, U], -1 as padding
    log_probs: Tensor  # [B, U]
    behaviour: Tensor  # [B, U]
    rewards: Tensor  # [B, U], 0 as padding


def alone(episodes: Episodes, place: int) -> Episodes:
    """One of these texts as tokens only: no words, gold labels or facts."""
    windows = slice(*episodes.text_bounds[place : place + 2])
    tokens = slice(*episodes.window_bounds[[windows.start, windows.stop]])
    units = slice(*episodes.unit_bounds[place : place + 2])
    count = units.stop - units.start
    kinds, costs = episodes.kinds, episodes.costs
    return replace(
        episodes,
        tokens=episodes.tokens[tokens].copy(),
        units=episodes.units[tokens].copy(),
        window_bounds=episodes.window_bounds[windows.start : windows.stop + 1] - tokens.start,
        text_bounds=np.array([0, windows.stop - windows.start], np.int64),
        gold=np.full(count, UNDECIDED, np.int32),
        unit_bounds=np.array([0, count], np.int64),
        groups=episodes.groups[place : place + 1].copy(),
        kinds=None if kinds is None else kinds[units].copy(),
        costs=None if costs is None else costs[units].copy(),
        facts={},
        examples=[nameless(place)],
    )


def nameless(place: int) -> Example:
    """Stands for a text whose words were not kept."""
    return Example((), None, Record({}, "memory", (place,)))


def together(shown: Sequence[Shown], device: Any) -> Together:
    """Texts that were shown, each with its feedback, as a batch on a device."""
    episodes = shown[0].text.joined(*(each.text for each in shown[1:]))
    batch = episodes.batch(np.arange(len(shown)))
    size = batch.gold.shape
    labels = np.full(size, UNDECIDED, np.int64)
    numbers = np.zeros((3, *size))
    for row, each in enumerate(shown):
        count = len(each.labels)
        labels[row, :count] = each.labels
        for values, own in zip(
            numbers, (each.log_probs, each.behaviour, each.rewards), strict=True
        ):
            assert own is not None
            values[row, :count] = own
    own_numbers = torch.from_numpy(numbers).float().to(device)
    return Together(batch, torch.from_numpy(labels).to(device), *own_numbers)


def off_policy_loss(
    log_probs: Tensor,
    behaviour: Tensor,
    advantages: Tensor,
    mask: Tensor,
    weights: Weights = "tapered",
    limit: float = 1.0,
) -> Tensor:
    """The policy-gradient loss of labels that another policy gave, -mean w A log p over real units.

    With r = p / behaviour, unit by unit and without a gradient:

    - ``truncated``: w = min(r, limit) (Ionides, 2008, https://doi.org/10.1198/106186008X320456). It
      follows the gradient of the policy as it is now, up to the cut; a right label that the policy
      has forgotten has a small r, and is hardly rehearsed.
    - ``tapered``: w = 1 where A is positive, and min(r, limit) where it is negative. What was good
      stays good to repeat, however improbable it has become; what was bad is pushed down only as
      far as the policy would still say it. As Le Roux et al. (2025, TOPR,
      https://arxiv.org/abs/2503.14286), who weigh whole sequences.

    Args:
        log_probs: [B, U] of the labels now, with gradients.
        behaviour: [B, U] of the labels when they were drawn.
        advantages: [B, U].
        mask: [B, U], True for real units.
        weights: ``tapered`` or ``truncated``.
        limit: the highest weight.

    Raises:
        ValueError: other weights.
    """
    if weights not in ("tapered", "truncated"):
        raise ValueError(f"weights must be tapered or truncated here, got {weights!r}")
    ratio = torch.where(mask, log_probs.detach() - behaviour, 0.0).exp().clamp(max=limit)
    if weights == "tapered":
        ratio = torch.where(advantages > 0, torch.ones_like(ratio), ratio)
    return -masked_mean(ratio * advantages * log_probs, mask)


def by_unit(rewards: float | Sequence[float] | FloatArray, units: int, id: int) -> FloatArray:
    """Feedback on a text's labels as rewards [U]; a single number stands at the last unit.

    Raises:
        ValueError: it is not a finite number, nor as many as there are labels.
    """
    single = isinstance(rewards, int | float | np.number) and not isinstance(rewards, bool)
    given = [rewards] if single else rewards
    try:
        values = np.asarray(given, np.float64)
    except (OverflowError, TypeError, ValueError):
        values = np.zeros((0, 0))
    most = np.finfo(np.float32).max  # what the losses are computed in
    if values.ndim != 1 or isinstance(rewards, str | bool) or not (np.abs(values) <= most).all():
        raise ValueError(
            f"feedback on text {id} must be a finite number or several, got {rewards!r}"
        )
    if not single and len(values) != units:
        raise ValueError(
            f"feedback on text {id} has {len(values)} numbers and the text {units} labels: give "
            "one for each, or a single number"
        )
    if single:
        values = np.concatenate([np.zeros(units - 1), values])
    return values
