"""What a trained policy says of the texts of a pool, as far as choosing among them needs it.

Sizes: E texts, B of a batch, U units, G groups, K labels, D features.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from lingym.agents.masks import masked_features
from lingym.agents.minibatches import by_budget
from lingym.envs import Episodes
from lingym.envs.active import density
from lingym.policies import LabelPolicy
from lingym.policies.distribution import LabelDistribution
from lingym.types import Batch, FloatArray, IntArray, Rows


class Said(NamedTuple):
    """What a policy says of each text, [E] each.

    Attributes:
        log_prob: of the most probable labelling.
        entropy: the sum over units of the entropy of their labels, nats.
        margin: the sum over units of the probability of the best label less that of the second.
        units: that were labelled.
        vectors: [E, D] the mean feature of a text.
        rest: [E, K] for texts of one unit, p - onehot(mode); None for others.
    """

    log_prob: FloatArray
    entropy: FloatArray
    margin: FloatArray
    units: FloatArray
    vectors: FloatArray
    rest: FloatArray | None


class View:
    """The texts of a pool as a policy sees them; each thing is computed when it is first asked for.

    Gold labels are not looked at.

    Args:
        policy: the trained policy; its mode is restored afterwards, and no random state is touched.
        episodes: the texts, labelled ones too where a choice is to keep away from them.
        features: [E, G, D] what its encoder says of them, if it is at hand (`features_of`).
        passes: T, of dropout, for `mutual_information`.
        seed: of the dropout.
        budget: padded tokens encoded at a time.

    Raises:
        ValueError: passes is below 2.
    """

    def __init__(
        self,
        policy: LabelPolicy,
        episodes: Episodes,
        features: Tensor | None = None,
        passes: int = 10,
        seed: int = 0,
        budget: int = 8192,
    ) -> None:
        if passes < 2:
            raise ValueError(f"passes is {passes}: wanted 2 or more, as one cannot disagree")
        self.policy, self.episodes, self.features = policy, episodes, features
        self.passes, self.seed, self.budget = passes, seed, budget

    def __len__(self) -> int:
        """E."""
        return len(self.episodes)

    @cached_property
    def said(self) -> Said:
        """What the policy says without dropout."""
        size = len(self)
        numbers = {name: np.zeros(size) for name in ("log_prob", "entropy", "margin", "units")}
        vectors: FloatArray | None = None
        rest: FloatArray | None = None
        one = self.episodes.max_units == 1 and self.episodes.space.form == "units"
        for rows, batch, features in self._read():
            found = self.policy.distribution(features, batch)
            labels = found.mode()
            inside = labels >= 0
            chosen = found.log_probs(labels).gather(-1, labels.clamp(min=0)[..., None]).squeeze(-1)
            chances = unit_chances(found, labels)
            best = chances.topk(min(2, chances.shape[-1]), -1).values
            gap = best[..., 0] - (best[..., 1] if best.shape[-1] > 1 else 0.0)
            numbers["log_prob"][rows] = _summed(chosen, inside)
            numbers["entropy"][rows] = _summed(entropy(chances), inside)
            numbers["margin"][rows] = _summed(gap, inside)
            numbers["units"][rows] = _array(inside.sum(-1))
            if vectors is None:
                vectors = np.zeros((size, features.shape[-1]))
            groups = torch.from_numpy(batch.groups).to(features.device)
            vectors[rows] = _array(mean_features(features, groups))
            if one:
                if rest is None:
                    rest = np.zeros((size, chances.shape[-1]))
                hot = torch.nn.functional.one_hot(labels[:, 0], chances.shape[-1])
                rest[rows] = _array(chances[:, 0] - hot)
        assert vectors is not None, "a pool has a text"
        return Said(vectors=vectors, rest=rest, **numbers)

    @cached_property
    def mutual_information(self) -> FloatArray:
        """How much the labels of a text's units say of the weights, the mean over its units, [E].

            I = H(mean_t p_t) - mean_t H(p_t),    p_t under the t-th of T dropout masks

        BALD (Houlsby et al., 2011, https://arxiv.org/abs/1112.5745) with dropout as the posterior
        (Gal et al., 2017, https://arxiv.org/abs/1703.02910). Where an encoder is not trained it has
        no dropout, and the mask is that of the heads alone.
        """
        out = np.zeros(len(self))
        random = np.random.default_rng(self.seed)
        for rows, batch, features in self._read():
            labels = self.policy.distribution(features, batch).mode()
            mean, spread = torch.zeros(()), torch.zeros(())
            for seed in random.integers(2**63, size=self.passes).tolist():
                shaken = masked_features(self.policy, batch, seed)
                chances = unit_chances(self.policy.distribution(shaken, batch), labels)
                mean = mean.to(chances) + chances / self.passes
                spread = spread.to(chances) + entropy(chances) / self.passes
            inside = labels >= 0
            count = inside.sum(-1).clamp(min=1)
            out[rows] = _summed(entropy(mean) - spread, inside) / _array(count)
        return out

    @cached_property
    def density(self) -> FloatArray:
        """How like all texts each is, [E]; see `lingym.envs.active.density`."""
        return density(self.said.vectors)

    def _read(self) -> Iterator[tuple[Rows, Batch, Tensor]]:
        """Rows, batch and features of all texts, a budget at a time, without dropout."""
        policy, training = self.policy, self.policy.training
        for rows in by_budget(self.episodes.token_counts, self.budget):
            batch = self.episodes.batch(rows.astype(np.int32))
            policy.train(False)
            try:
                with torch.no_grad():
                    if self.features is None:
                        features = policy.features(policy.texts(batch))
                    else:
                        features = gathered(self.features, batch, policy)
                    yield rows, batch, features
            finally:
                policy.train(training)


def unit_chances(found: LabelDistribution, labels: Tensor) -> Tensor:
    """The probability of every label of every unit, [B, U, K].

    Of a chain these are the marginals; where labels are counted or may end an episode, the
    probabilities given the labels before.

    Args:
        found: the distribution.
        labels: [B, U] the most probable labelling.
    """
    if found.transition is not None and found.stop is None and found.quota is None:
        return found.marginals()
    return found.log_probs(labels).exp()


def entropy(chances: Tensor) -> Tensor:
    """-sum_k p_k log p_k, nats, over the last axis."""
    return torch.special.entr(chances).sum(-1)


def mean_features(features: Tensor, groups: Tensor) -> Tensor:
    """The mean over the groups of each text, [B, D], of features [B, G, D] that pad with 0."""
    return features.sum(1) / groups.clamp(min=1)[:, None]


@torch.no_grad()
def features_of(policy: LabelPolicy, episodes: Episodes, budget: int = 8192) -> Tensor:
    """What a policy's encoder says of all texts, without dropout, [E, G, D], all in memory."""
    out = torch.zeros(len(episodes), episodes.max_groups, policy.width, device=policy.device)
    training = policy.training
    policy.train(False)
    try:
        for rows in by_budget(episodes.token_counts, budget):
            found = policy.features(policy.texts(episodes.batch(rows.astype(np.int32))))
            out[torch.from_numpy(rows).to(out.device), : found.shape[1]] = found
    finally:
        policy.train(training)
    return out


def gathered(features: Tensor, batch: Batch, policy: LabelPolicy) -> Tensor:
    """Those of a batch, [B, G, D], out of features of all texts, as wide as the batch needs."""
    own = policy.labels.form == "units"
    wide = batch.gold.shape[1] if own else int(batch.groups.max())
    return features[torch.from_numpy(batch.examples).long().to(features.device), :wide]


def _summed(values: Tensor, inside: Tensor) -> FloatArray:
    return _array(torch.where(inside, values, 0.0).sum(-1))


def _array(tensor: Tensor) -> Any:
    return tensor.cpu().numpy().astype(np.float64)


def right_units(labels: IntArray, gold: IntArray) -> FloatArray:
    """The share of each text's units that are labelled right, [B], of labels and gold [B, U]."""
    inside = gold >= 0
    return ((labels == gold) & inside).sum(1) / np.maximum(inside.sum(1), 1)
