"""The distribution of a labelling: independent units, or each conditioned on those before.

Sizes: S samples, B episodes, U units, K labels, H hypotheses.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from lingym.types import Quota

FORBIDDEN = -1e8
"""Added to a forbidden label's score: probability 0 in float32, no infinity in gradients."""

BEAM = 16
"""Hypotheses that are kept where no exact decoding is known."""


@dataclass(frozen=True)
class LabelDistribution:
    """p(labels) = prod_u softmax(scores_u + transition[label_{u-1}] + quota_u)[label_u].

    Attributes:
        scores: [B, U, K] what the text says of each unit; FORBIDDEN for a label that means nothing.
        lengths: int64 [B] units of each episode.
        transition: [K + 1, K] what the label before says, FORBIDDEN where a label may not follow;
            row K is the start. None makes the units independent.
        stop: the label that ends an episode.
        quota: how often a label may and must be given.
        costs: [B, U] what a unit takes of the quota.
    """

    scores: Tensor
    lengths: Tensor
    transition: Tensor | None = None
    stop: int | None = None
    quota: Quota | None = None
    costs: Tensor | None = None

    def log_probs(self, labels: Tensor) -> Tensor:
        """Log-probabilities of every label of every unit, given the labels before it.

        Args:
            labels: [..., B, U] label ids, -1 for padding.

        Returns:
            [..., B, U, K]; where nothing depends on the labels the leading axes are left out.
        """
        if self.transition is None and self.quota is None:
            return self.scores.log_softmax(-1)
        scores = self.scores
        if self.transition is not None:
            start = len(self.transition) - 1
            before = torch.full_like(labels, start)
            before[..., 1:] = labels[..., :-1]
            scores = scores + self.transition[torch.where(before < 0, start, before)]
        if self.quota is not None:
            given = labels == self.quota.label
            taken = given * self._costs()
            unit = torch.arange(labels.shape[-1], device=labels.device)
            spent, count = taken.cumsum(-1) - taken, given.cumsum(-1) - given.long()
            scores = scores + self._rule(unit, self._costs(), spent, count > 0)
        return scores.log_softmax(-1)

    def chain(self) -> tuple[Tensor, Tensor]:
        """What enumerating all labelings would give, by the forward recursion; with gradients.

        J is 1 where units are independent, else K + 1, the last of them the start. With r the first
        result, p the second's exponential and e the label that ends an episode,

            r_0 = onehot(start),    r_{u+1}(k) = [k != e] sum_j r_u(j) p_u(k | j).

        Returns:
            The probability that a unit is reached with this label before it, [B, U, J], 0 for
            padding; and the log-probabilities of its labels then, [B, U, J, K].

        Raises:
            ValueError: labels are counted, so that a unit depends on all before it.
        """
        if self.quota is not None:
            raise ValueError(
                "no exact expectation where labels are counted (a quota): a unit then depends on "
                "all before it; sample the labelings"
            )
        every = self.tables()
        going = torch.ones_like(self.scores[0, 0])
        if self.stop is not None:
            going[self.stop] = 0.0
        chances = every.exp() * going
        now = torch.zeros_like(every[:, 0, :, 0])
        now[:, -1] = 1.0
        reached = []
        for unit in range(every.shape[1]):
            reached.append(torch.where((unit < self.lengths)[:, None], now, 0.0))
            following = (now[:, None] @ chances[:, unit]).squeeze(1)  # [B, K]
            if self.transition is None:
                now = following.sum(-1, keepdim=True)
            else:
                now = torch.cat([following, torch.zeros_like(now[:, :1])], -1)
        return torch.stack(reached, 1), every

    def tables(self) -> Tensor:
        """Log-probabilities of a unit's labels given the label before it, [B, U, J, K].

        J is 1 where units are independent, else K + 1. Quotas are left out.
        """
        transition = self.scores.new_zeros(1, 1) if self.transition is None else self.transition
        return (self.scores[:, :, None] + transition).log_softmax(-1)

    def table(self, unit: int) -> Tensor:
        """Those of one unit, [B, J, K]."""
        scores = self.scores[:, unit, None]
        return (scores if self.transition is None else scores + self.transition).log_softmax(-1)

    def marginals(self) -> Tensor:
        """The probability of every label of every unit, [B, U, K], with gradients.

        0 for padding. Where a label ends the episode, the labels of a unit sum to the probability
        that it is reached.

        Raises:
            ValueError: labels are counted; see `chain`.
        """
        reached, every = self.chain()
        return (reached[:, :, None] @ every.exp()).squeeze(2)

    def sample(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Independent labelings, int64 [S, B, U], -1 after an episode's end: the Gumbel-max trick.

        Args:
            count: S.
            generator: of the noise.
        """
        shape = (count, *self.scores.shape)
        noise = torch.empty(shape, device=self.scores.device, dtype=torch.float32)
        noise.exponential_(generator=generator).log_().neg_()
        if self.transition is None and self.quota is None:
            return self.ended((self.scores + noise).argmax(-1))
        state = self._start(count)
        labels = []
        for unit in range(shape[2]):
            scores = noise[:, :, unit] + self._given(unit, *state)
            labels.append(scores.argmax(-1))
            state = self._after(unit, labels[-1], *state)
        return self.ended(torch.stack(labels, -1))

    def ended(self, labels: Tensor) -> Tensor:
        """The same labels [..., B, U] with -1 after the last unit, or after the one that stops."""
        inside = torch.arange(labels.shape[-1], device=labels.device) < self.lengths[:, None]
        if self.stop is not None:
            stops = (labels == self.stop).long()
            inside = inside & (stops.cumsum(-1) - stops == 0)
        return torch.where(inside, labels, -1)

    def mode(self) -> Tensor:
        """The most probable labelling, int64 [B, U], -1 after an episode's end.

        Exact where units are independent (argmax) or conditioned on the one before (Viterbi, 1967,
        https://doi.org/10.1109/TIT.1967.1054010). Where labels are counted or may stop an episode,
        a beam search over `BEAM` hypotheses.
        """
        if self.quota is not None or self.stop is not None:
            return self._beam()
        if self.transition is None:
            return self.ended(self.scores.argmax(-1))
        return self.ended(self._viterbi())

    def _viterbi(self) -> Tensor:
        _, units, count = self.scores.shape
        best = self.table(0)[:, count]  # [B, K]
        same = torch.arange(count, device=best.device).expand_as(best)
        back = []
        for unit in range(1, units):
            step = self.table(unit)[:, :count]
            score, origin = (best[:, :, None] + step).max(1)  # over the label before
            inside = (unit < self.lengths)[:, None]
            best = torch.where(inside, score, best)
            back.append(torch.where(inside, origin, same))
        label = best.argmax(-1)
        labels = [label]
        for origin in reversed(back):
            label = origin.gather(1, label[:, None]).squeeze(1)
            labels.append(label)
        return torch.stack(labels[::-1], 1)

    def _beam(self) -> Tensor:
        rows, units, count = self.scores.shape
        state = self._start(1)  # one hypothesis: nothing labelled
        total = self.scores.new_zeros(1, rows)  # [H, B]
        labels = torch.full((1, rows, units), -1, device=self.scores.device)
        for unit in range(units):
            over = unit >= self.lengths.expand(len(total), -1)
            if self.stop is not None:
                over = over | (labels == self.stop).any(-1)
            step = self._given(unit, *state).log_softmax(-1)  # [H, B, K]
            stay = step.new_full((*step.shape[:2], 1), FORBIDDEN * 4).masked_fill(
                over[..., None], 0
            )
            step = torch.cat([step.masked_fill(over[..., None], FORBIDDEN * 4), stay], -1)
            every = (total[..., None] + step).permute(1, 0, 2).flatten(1)  # [B, H * (K + 1)]
            best, place = every.topk(min(BEAM, every.shape[1]), -1)
            total, place = best.T, place.T  # [H, B]
            origin, label = place // (count + 1), place % (count + 1)
            columns = torch.arange(rows, device=place.device)
            labels = labels[origin, columns]
            labels[:, :, unit] = torch.where(label == count, -1, label)
            state = self._after(
                unit, label.clamp(max=count - 1), *(s[origin, columns] for s in state)
            )
        return labels[0]

    # Labels one after another: what a unit's scores are, given what came before it.

    def _start(self, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """The label before, what is spent of the quota, and whether anything is; [count, B]."""
        size = (count, len(self.scores))
        start = self.scores.shape[-1]
        before = torch.full(size, start, device=self.scores.device)
        return before, torch.zeros_like(before), torch.zeros_like(before, dtype=torch.bool)

    def _given(self, unit: int, before: Tensor, spent: Tensor, some: Tensor) -> Tensor:
        """The scores [..., B, K] of a unit."""
        scores = self.scores[:, unit].expand(*before.shape, -1)
        if self.transition is not None:
            scores = scores + self.transition[before]
        if self.quota is not None:
            here = torch.tensor(unit, device=scores.device)
            scores = scores + self._rule(here, self._costs()[:, unit], spent, some, last=unit)
        return scores

    def _after(
        self, unit: int, label: Tensor, before: Tensor, spent: Tensor, some: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        if self.quota is not None:
            given = label == self.quota.label
            spent, some = spent + given * self._costs()[:, unit], some | given
        return label, spent, some

    def _costs(self) -> Tensor:
        if self.costs is not None:
            return self.costs
        return torch.ones(self.scores.shape[:2], dtype=torch.int64, device=self.scores.device)

    def _rule(
        self, unit: Tensor, costs: Tensor, spent: Tensor, some: Tensor, last: int | None = None
    ) -> Tensor:
        """FORBIDDEN for labels that the quota does not allow; [..., K] like `spent` [...]."""
        quota = self.quota
        assert quota is not None
        final = unit == (self.lengths - 1 if last is not None else self.lengths[:, None] - 1)
        fits = torch.ones_like(some)
        if quota.limit is not None:
            fits = spent + costs <= quota.limit
        kinds = torch.arange(self.scores.shape[-1], device=self.scores.device)
        own = kinds == quota.label
        wrong = ~fits[..., None] & own
        if quota.required:
            forced = ~some & fits & final
            wrong = wrong | (forced[..., None] & ~own)
            if self.stop is not None and self.stop != quota.label:
                wrong = wrong | (~some[..., None] & (kinds == self.stop))
        return wrong * FORBIDDEN
