"""The heads of a policy: scores and values of units from the features of groups of tokens.

Sizes: B episodes, G groups, U units, K labels, C candidates, D features.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from lingym.policies.distribution import FORBIDDEN
from lingym.types import LabelSpace


def label_head(space: LabelSpace, width: int) -> nn.Linear:
    """The layer whose outputs `label_scores` reads.

    K for a unit's own labels; U * K where every unit is told from the whole text; U for candidates,
    each of which has a score for every unit.
    """
    outputs = {
        "units": len(space),
        "text": len(space.roles) * len(space),
        "candidates": len(space.roles),
    }
    head = nn.Linear(width, outputs[space.form])
    nn.init.normal_(head.weight, std=0.02)
    nn.init.zeros_(head.bias)
    return head


def value_head(space: LabelSpace, width: int) -> nn.Linear:
    """A value for a unit from its feature, or one for each role from the feature of the text."""
    head = nn.Linear(width, 1 if space.form == "units" else len(space.roles))
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return head


def label_scores(
    space: LabelSpace,
    head: Callable[[Tensor], Tensor],
    features: Tensor,
    groups: Tensor,
    kinds: Tensor | None,
) -> Tensor:
    """Scores [B, U, K] (candidates: [B, U, C]), FORBIDDEN for a label that means nothing.

    Args:
        space: the labels.
        head: of `label_head`, or what gives as many outputs.
        features: [B, G, D].
        groups: [B] groups of each episode.
        kinds: [B, U] kind of each unit, -1 for padding; None without kinds.
    """
    scores = head(features)
    if space.form == "text":
        return scores.view(len(scores), len(space.roles), len(space))
    if space.form == "candidates":
        there = torch.arange(scores.shape[1], device=scores.device) < groups[:, None]
        return scores.transpose(1, 2).masked_fill(~there[:, None], FORBIDDEN)
    if kinds is None or space.kind_of_label is None:
        return scores
    kind_of_label = torch.from_numpy(space.kind_of_label).to(scores.device)
    other = (kind_of_label != kinds[..., None]) & (kinds[..., None] >= 0)
    return scores.masked_fill(other, FORBIDDEN)


def unit_values(space: LabelSpace, head: nn.Linear, features: Tensor, groups: Tensor) -> Tensor:
    """Values [B, U] from features [B, G, D]: candidates are told by their mean."""
    if space.form == "units":
        return head(features).squeeze(-1)
    if space.form == "candidates":  # padding features are 0
        features = features.sum(1, keepdim=True) / groups[:, None, None]
    return head(features).squeeze(1)


def span_transition(count: int, longest: int, device: torch.device) -> Tensor:
    """[C + 1, C]: the second label of a span given the first (`LabelSpace.span`)."""
    first = torch.arange(count + 1, device=device)[:, None]
    second = torch.arange(count, device=device)
    allowed = (second >= first) & (second < first + longest) & (first > 0)
    allowed |= (first == 0) & (second == 0)
    allowed |= first == count  # nothing before: the start itself
    return ~allowed * FORBIDDEN
