"""Heads of a trained labeller for the same labels and one more, ABSTAIN."""

from torch import Tensor

from lingym.rewards import ABSTAIN
from lingym.types import LabelSpace


def abstains_beside(ours: LabelSpace, saved: LabelSpace) -> bool:
    """Whether our labels are the saved ones and ABSTAIN."""
    return ours.names == (*saved.names, ABSTAIN)


def widened(
    heads: dict[str, Tensor], own: dict[str, Tensor], space: LabelSpace
) -> dict[str, Tensor]:
    """The saved heads with what our own say of ABSTAIN, which is next to nothing at the start.

    Args:
        heads: of the labels without ABSTAIN, K of them.
        own: the state of the policy that takes them.
        space: our labels, K + 1.
    """
    count = len(space) - 1
    wide = dict(heads)
    for name in ("label_head.weight", "label_head.bias"):
        # A row for each label, or for each label of each role.
        ours = own[name].clone().unflatten(0, (-1, count + 1))
        ours[:, :count] = heads[name].unflatten(0, (-1, count)).to(ours)
        wide[name] = ours.flatten(0, 1)
    for name in ("transition", "value_transition"):
        if name in heads and name in own:
            ours = own[name].clone()
            rows = [*range(count), count + 1]  # the start comes last, after ABSTAIN
            columns = (slice(None, count),) if ours.ndim == 2 else ()
            ours[(rows, *columns)] = heads[name].to(ours)
            wide[name] = ours
    return wide
