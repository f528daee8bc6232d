"""The mean of several distributions, by hand and against enumeration."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from lingym.policies.distribution import FORBIDDEN, LabelDistribution
from lingym.policies.mixture import Mixture
from lingym.types import Quota


def some(seed: int, chained: bool = False, **rules: Any) -> LabelDistribution:
    random = torch.Generator().manual_seed(seed)
    scores = torch.randn(3, 4, 3, generator=random) * 2
    transition = torch.randn(4, 3, generator=random) * 2 if chained else None
    return LabelDistribution(scores, torch.tensor([4, 2, 1]), transition, **rules)


def test_the_mean_of_two_coins_by_hand() -> None:
    one, other = (
        LabelDistribution(torch.tensor([[[p, 1 - p]]]).log(), torch.tensor([1])) for p in (0.9, 0.4)
    )
    nothing = torch.zeros(1, 1, dtype=torch.int64)
    mean = Mixture.of([one, other]).log_probs(nothing).exp()
    assert mean.flatten().tolist() == pytest.approx([0.65, 0.35])
    weighed = Mixture.of([one, other], weights=(3, 1)).log_probs(nothing).exp()
    assert weighed.flatten().tolist() == pytest.approx([0.775, 0.225])
    geometric = Mixture.of([one, other], mean="geometric").log_probs(nothing).exp()
    yes, no = (0.9 * 0.4) ** 0.5, (0.1 * 0.6) ** 0.5
    assert geometric.flatten().tolist() == pytest.approx([yes / (yes + no), no / (yes + no)])


@pytest.mark.parametrize("mean", ["arithmetic", "geometric"])
@pytest.mark.parametrize("chained", [(False, False), (True, False), (True, True)])
def test_the_mode_is_the_best_of_all_labelings(chained: tuple[bool, bool], mean: Any) -> None:
    members = [some(seed, which) for seed, which in enumerate(chained)]
    mixture = Mixture.of(members, (0.3, 0.7), mean)
    mode = mixture.mode()
    every = torch.tensor(list(product(range(3), repeat=4)))  # [81, 4]
    labels = every[:, None].expand(-1, 3, -1)
    total = torch.zeros(81, 3)
    found = mixture.log_probs(labels).expand(81, 3, 4, 3)
    own = [member.log_probs(labels).expand(81, 3, 4, 3) for member in members]
    if mean == "arithmetic":
        wanted = (0.3 * own[0].exp() + 0.7 * own[1].exp()).log()
    else:
        wanted = (0.3 * own[0] + 0.7 * own[1]).log_softmax(-1)
    assert torch.allclose(found, wanted, atol=1e-5)
    chosen = wanted.gather(-1, labels[..., None]).squeeze(-1)
    for row, length in enumerate((4, 2, 1)):
        total[:, row] = chosen[:, row, :length].sum(-1)
        best = every[total[:, row].argmax()][:length]
        assert mode[row].tolist() == [*best.tolist(), *[-1] * (4 - length)]
    sums = mixture.marginals().sum(-1)
    inside = torch.arange(4) < torch.tensor([4, 2, 1])[:, None]
    assert torch.allclose(sums[inside], torch.ones(7), atol=1e-5)


@pytest.mark.parametrize("rules", [{}, {"stop": 0}, {"quota": Quota(1, limit=1, required=True)}])
@pytest.mark.parametrize("chained", [False, True])
@pytest.mark.parametrize("mean", ["arithmetic", "geometric"])
def test_one_member_or_the_same_twice_labels_as_it_always_does(
    mean: Any, chained: bool, rules: dict[str, Any]
) -> None:
    if chained and rules:
        pytest.skip("no such distribution")
    one = some(5, chained, **rules)
    for count in (1, 2):
        mixture = Mixture.of([one] * count, mean=mean)
        assert torch.equal(mixture.mode(), one.mode())
        labels = one.mode()
        assert torch.allclose(mixture.log_probs(labels), one.log_probs(labels), atol=1e-5)


def test_a_quota_holds_for_the_mean_too() -> None:
    quota = Quota(1, limit=1, required=True)
    mixture = Mixture.of([some(seed, quota=quota) for seed in (1, 2, 3)])
    for labels in (mixture.mode(), *mixture.sample(20, torch.Generator().manual_seed(0))):
        assert ((labels == 1).sum(-1) == 1).all()


def test_what_one_member_forbids_is_forbidden() -> None:
    mask = torch.zeros(4, 3)
    mask[:, 2] = FORBIDDEN
    strict = LabelDistribution(torch.zeros(1, 2, 3), torch.tensor([2]), mask)
    loose = LabelDistribution(torch.tensor([[[0.0, 1.0, 9.0]] * 2]), torch.tensor([2]))
    mixture = Mixture.of([loose, strict])
    assert mixture.mode().tolist() == [[1, 1]]
    chances = mixture.log_probs(torch.tensor([[1, 1]])).exp()
    assert chances[..., 2].max() == 0
    assert np.allclose(chances.sum(-1), 1)


def test_what_makes_no_mean_is_refused() -> None:
    with pytest.raises(ValueError, match="members is empty"):
        Mixture.of([])
    with pytest.raises(ValueError, match="unknown mean 'median'"):
        Mixture.of([some(0)], mean="median")  # type: ignore[arg-type]
    for weights in ((1.0,), (1.0, 0.0), (1.0, float("nan"))):
        with pytest.raises(ValueError, match="weights must be 2 positive numbers"):
            Mixture.of([some(0), some(1)], weights)
    with pytest.raises(ValueError, match="member 2 is of other episodes or rules"):
        Mixture.of([some(0), some(1, stop=0)])
