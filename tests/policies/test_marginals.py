"""Marginals against enumeration of all labelings, in double precision."""

from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import Tensor

from lingym.policies import LabelDistribution
from lingym.policies.distribution import FORBIDDEN
from lingym.types import Quota

LABELS = 3
LENGTHS = torch.tensor([4, 1, 3])


def distribution(seed: int, chained: bool, stop: int | None) -> LabelDistribution:
    """Three texts; a third of the transitions is forbidden, but never label 0, nor the start's."""
    generator = torch.Generator().manual_seed(seed)
    size = {"generator": generator, "dtype": torch.float64}
    scores = 1.5 * torch.randn(3, 4, LABELS, **size)  # type: ignore[call-overload]
    transition = None
    if chained:
        transition = 1.5 * torch.randn(LABELS + 1, LABELS, **size)  # type: ignore[call-overload]
        forbidden = torch.rand(transition.shape, generator=generator) < 1 / 3
        forbidden[:, 0] = forbidden[-1] = False
        transition = transition.masked_fill(forbidden, FORBIDDEN)
    return LabelDistribution(scores, LENGTHS, transition, stop=stop)


def enumerated(whole: LabelDistribution) -> Tensor:
    """The marginals [B, U, K] by their definition: sums over all labelings."""
    found = []
    for place, units in enumerate(LENGTHS.tolist()):
        row = slice(place, place + 1)
        one = replace(whole, scores=whole.scores[row], lengths=LENGTHS[row])
        every = torch.tensor(list(product(range(LABELS), repeat=units)))
        every = torch.nn.functional.pad(every, (0, 4 - units), value=-1)
        given = torch.unique(one.ended(every[:, None]), dim=0)  # [N, 1, U]
        real = given >= 0
        chosen = one.log_probs(given).expand(*given.shape, LABELS)
        chosen = chosen.gather(-1, given.clamp(min=0)[..., None]).squeeze(-1)
        chance = torch.where(real, chosen, 0.0).sum(-1).exp()[:, 0]
        assert chance.sum().item() == pytest.approx(1.0, abs=1e-12)
        shown = torch.nn.functional.one_hot(given.clamp(min=0), LABELS) * real[..., None]
        found.append((chance[:, None, None] * shown[:, 0]).sum(0))
    return torch.stack(found)


@pytest.mark.parametrize("stop", [None, 0, 2])
@pytest.mark.parametrize("chained", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_marginals_and_their_gradients_equal_enumeration(
    seed: int, chained: bool, stop: int | None
) -> None:
    one = distribution(seed, chained, stop)
    leaves = [one.scores] if one.transition is None else [one.scores, one.transition]
    for leaf in leaves:
        leaf.requires_grad_()
    found, wanted = one.marginals(), enumerated(one)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)
    weights = torch.randn(found.shape, generator=torch.Generator().manual_seed(9)).double()
    pairs = zip(
        torch.autograd.grad((weights * found).sum(), leaves),
        torch.autograd.grad((weights * wanted).sum(), leaves),
        strict=True,
    )
    for ours, theirs in pairs:
        assert theirs.abs().max() > 1e-3
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("chained", [False, True])
def test_a_unit_has_a_label_exactly_where_it_is_reached(chained: bool) -> None:
    reached = distribution(1, chained, None).marginals().sum(-1)
    inside = torch.arange(4) < LENGTHS[:, None]
    torch.testing.assert_close(reached, inside.double())
    ending = distribution(1, chained, 0).marginals()
    going = ending.sum(-1) - ending[..., 0]
    torch.testing.assert_close(ending[0, 1:].sum(-1), going[0, :-1])
    assert (going[0, :-1] < 0.99).all()


def test_the_chain_gives_the_entropy_of_whole_labelings() -> None:
    one = distribution(2, True, None)
    reached, every = one.chain()
    entropy = -(reached[..., None] * every.exp() * every).sum((1, 2, 3))
    row = replace(one, scores=one.scores[:1], lengths=LENGTHS[:1])
    labelings = torch.tensor(list(product(range(LABELS), repeat=4)))[:, None]
    chosen = row.log_probs(labelings).gather(-1, labelings[..., None]).squeeze(-1).sum(-1)
    assert entropy[0].item() == pytest.approx(-(chosen.exp() * chosen).sum().item(), abs=1e-10)


def test_counted_labels_have_no_marginals() -> None:
    one = replace(distribution(0, False, None), quota=Quota(1, limit=2))
    with pytest.raises(ValueError, match=r"where labels are counted \(a quota\)"):
        one.marginals()
