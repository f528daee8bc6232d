"""The distribution of several labellers together: the mean of what each says of a unit.

Sizes: M members, B episodes, U units, J labels before a unit (1 or K + 1), K labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from lingym.policies.distribution import FORBIDDEN, LabelDistribution

Mean = Literal["arithmetic", "geometric"]


@dataclass(frozen=True)
class Mixture(LabelDistribution):
    r"""The mean of the members' probabilities of a unit's label, given the labels before it.

        arithmetic:   p(k | before) = sum_m w_m p_m(k | before)
        geometric:    p(k | before) ∝ prod_m p_m(k | before)^{w_m}

    Where units are independent this is the mean of the label probabilities (Lakshminarayanan et
    al., 2017, https://arxiv.org/abs/1612.01474). Where a member's labels depend on those before
    them, it is its conditional probability that enters, so that members with and without history
    go together, and one member alone labels as it always does; averages of marginals, which are the
    other choice, have neither property. Then come the rules: what one member forbids is forbidden
    (a transition, a label of another kind), quotas and ends are as in every distribution, and
    the most probable labelling is found in the same ways (`LabelDistribution.mode`).

    Attributes:
        members: of the same texts, labels and rules.
        weights: [M], summing to 1.
        mean: arithmetic or geometric.
        forbidden: [K + 1, K] FORBIDDEN for what no labelling may have; None forbids nothing.
    """

    members: tuple[LabelDistribution, ...] = ()
    weights: tuple[float, ...] = ()
    mean: Mean = "arithmetic"
    forbidden: Tensor | None = None

    @classmethod
    def of(
        cls,
        members: Sequence[LabelDistribution],
        weights: Sequence[float] | None = None,
        mean: Mean = "arithmetic",
    ) -> "Mixture":
        """The mean of some distributions.

        Args:
            members: M of them, each of the same episodes; labels have the same numbers in all.
            weights: [M], positive; they are divided by their sum. None: all the same.
            mean: of the probabilities (``arithmetic``) or of their logarithms (``geometric``).

        Raises:
            ValueError: there is no member, members do not go together, or a weight is not positive.
        """
        if not members:
            raise ValueError("members is empty: give one distribution or more")
        if mean not in get_args(Mean):
            raise ValueError(f"unknown mean {mean!r}: one of {', '.join(get_args(Mean))}")
        shares = shares_of(len(members), weights)
        first = members[0]
        for place, other in enumerate(members[1:], 2):
            same = other.scores.shape == first.scores.shape
            rules = (other.stop, other.quota) == (first.stop, first.quota)
            if not same or not rules or not torch.equal(other.lengths, first.lengths):
                raise ValueError(
                    f"member {place} is of other episodes or rules than the first: scores "
                    f"{tuple(other.scores.shape)} against {tuple(first.scores.shape)}"
                )
        chained = [m.transition for m in members if m.transition is not None]
        forbidden = None
        if chained:
            banned = torch.stack([transition <= FORBIDDEN / 2 for transition in chained]).any(0)
            forbidden = banned * FORBIDDEN
        together = cls(
            scores=_mean([m.scores.log_softmax(-1) for m in members], shares, mean),
            lengths=first.lengths,
            transition=forbidden,  # says that units depend on each other; `table` says how
            stop=first.stop,
            quota=first.quota,
            costs=first.costs,
            members=tuple(members),
            weights=shares,
            mean=mean,
            forbidden=forbidden,
        )
        return together

    def log_probs(self, labels: Tensor) -> Tensor:
        """See `LabelDistribution.log_probs`."""
        every = [member.log_probs(labels) for member in self.members]
        if self.transition is None and self.quota is None:
            return self.scores.log_softmax(-1)
        every = [each.expand(*labels.shape, -1) for each in every]
        return self._ruled(self._mean(every), self._before(labels)).log_softmax(-1)

    def tables(self) -> Tensor:
        """See `LabelDistribution.tables`."""
        units = range(self.scores.shape[1])
        return torch.stack([self.table(unit) for unit in units], 1)

    def table(self, unit: int) -> Tensor:
        """See `LabelDistribution.table`."""
        mean = self._mean([member.table(unit) for member in self.members])
        return self._ruled(mean, None).log_softmax(-1)

    def _given(self, unit: int, before: Tensor, spent: Tensor, some: Tensor) -> Tensor:
        state = (before, spent, some)
        every = [member._given(unit, *state).log_softmax(-1) for member in self.members]
        return self._ruled(self._mean(every), before)

    def _mean(self, every: Sequence[Tensor]) -> Tensor:
        return _mean(every, self.weights, self.mean)

    def _ruled(self, scores: Tensor, before: Tensor | None) -> Tensor:
        """Scores without what is forbidden after the labels before; after each, if None."""
        if self.forbidden is None:
            return scores
        return scores + (self.forbidden if before is None else self.forbidden[before])

    def _before(self, labels: Tensor) -> Tensor:
        """The label before each unit, K at the start and after padding."""
        start = self.scores.shape[-1]
        before = torch.full_like(labels, start)
        before[..., 1:] = labels[..., :-1]
        return torch.where(before < 0, start, before)


def _mean(every: Sequence[Tensor], weights: Sequence[float], mean: Mean) -> Tensor:
    """The logarithm of the mean of probabilities from their logarithms; geometric: up to a term."""
    if len(every) == 1:
        return every[0]
    stacked = torch.stack(torch.broadcast_tensors(*every))  # [M, ...]
    share = torch.tensor(weights, dtype=stacked.dtype, device=stacked.device)
    share = share.view(-1, *[1] * (stacked.ndim - 1))
    if mean == "geometric":
        return (share * stacked).sum(0)
    return (stacked + share.log()).logsumexp(0)


def shares_of(count: int, weights: Sequence[float] | None) -> tuple[float, ...]:
    """Weights that sum to 1.

    Raises:
        ValueError: there are more or fewer than `count`, or one is not positive and finite.
    """
    if weights is None:
        return (1 / count,) * count
    given = [float(weight) for weight in weights]
    if len(given) != count or not all(0 < weight < float("inf") for weight in given):
        raise ValueError(f"weights must be {count} positive numbers, got {list(weights)}")
    return tuple(weight / sum(given) for weight in given)
