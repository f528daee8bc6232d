"""The distribution of labelings against enumeration of all of them."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from lingym.policies import LabelDistribution
from lingym.policies.distribution import FORBIDDEN

LABELS = 3


def distribution(seed: int, units: int, chained: bool, rows: int = 4) -> LabelDistribution:
    """Random scores, and transitions of which a third are forbidden (never all)."""
    generator = torch.Generator().manual_seed(seed)
    scores = 1.5 * torch.randn(rows, units, LABELS, generator=generator)
    lengths = torch.full((rows,), units)
    if not chained:
        return LabelDistribution(scores, lengths)
    transition = 1.5 * torch.randn(LABELS + 1, LABELS, generator=generator)
    forbidden = torch.rand(LABELS + 1, LABELS, generator=generator) < 1 / 3
    forbidden[torch.arange(LABELS + 1), torch.randint(LABELS, (LABELS + 1,))] = False
    return LabelDistribution(scores, lengths, transition.masked_fill(forbidden, FORBIDDEN))


def row(whole: LabelDistribution, place: int, units: int) -> LabelDistribution:
    scores = whole.scores[place : place + 1, :units]
    return replace(whole, scores=scores, lengths=torch.tensor([units]))


def enumerated(one: LabelDistribution) -> tuple[Tensor, Tensor]:
    """All labelings [N, U] of a distribution with one row, and by definition how likely each is."""
    units = one.scores.shape[1]
    every = list(product(range(LABELS), repeat=units))
    chances = []
    for labels in every:
        chance, before = 1.0, LABELS
        for unit, label in enumerate(labels):
            scores = one.scores[0, unit].double()
            if one.transition is not None:
                scores = scores + one.transition[before].double()
            chance *= float(scores.softmax(-1)[label])
            before = label
        chances.append(chance)
    return torch.tensor(every), torch.tensor(chances, dtype=torch.float64)


def log_prob(one: LabelDistribution, labels: Tensor) -> Tensor:
    """The log-probability of each labelling, [..., B]."""
    every = one.log_probs(labels)
    return every.expand(*labels.shape, LABELS).gather(-1, labels[..., None]).squeeze(-1).sum(-1)


@pytest.mark.parametrize("chained", [False, True])
@pytest.mark.parametrize("units", [1, 2, 4])
def test_probabilities_equal_enumeration(units: int, chained: bool) -> None:
    one = distribution(units, units, chained, rows=1)
    labels, chances = enumerated(one)
    assert float(chances.sum()) == pytest.approx(1.0, abs=1e-6)
    torch.testing.assert_close(log_prob(one, labels[:, None])[:, 0].exp(), chances.float())


@pytest.mark.parametrize("chained", [False, True])
def test_log_probs_are_normalised_for_every_label_before(chained: bool) -> None:
    many = distribution(3, 5, chained)
    labels = torch.randint(LABELS, (2, 4, 5), generator=torch.Generator().manual_seed(0))
    log_probs = many.log_probs(labels)
    assert log_probs.shape == ((2, 4, 5, LABELS) if chained else (4, 5, LABELS))
    total = log_probs.exp().sum(-1)
    torch.testing.assert_close(total, torch.ones_like(total))


@pytest.mark.parametrize("chained", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_the_mode_is_the_best_of_all_labelings(seed: int, chained: bool) -> None:
    lengths = torch.tensor([1, 5, 3, 4])
    many = replace(distribution(seed, 5, chained), lengths=lengths)
    modes = many.mode()
    for place, units in enumerate(lengths.tolist()):
        labels, chances = enumerated(row(many, place, units))
        found = (labels == modes[place, :units]).all(-1).nonzero().item()
        assert chances[found] >= chances.max() * (1 - 1e-5)


def test_unit_after_unit_is_not_always_the_mode() -> None:
    # So that Viterbi above was needed: the greedy labelling is worse for some of those cases.
    worse = 0
    for seed in range(40):
        one = distribution(seed, 5, chained=True, rows=1)
        assert one.transition is not None
        greedy, before = [], LABELS
        for unit in range(5):
            before = int((one.scores[0, unit] + one.transition[before]).argmax())
            greedy.append(before)
        worse += greedy != one.mode()[0].tolist()
    assert worse >= 3


@pytest.mark.parametrize("chained", [False, True])
def test_samples_have_their_probabilities(chained: bool) -> None:
    one = distribution(8, 3, chained, rows=2)
    count = 20_000
    samples = one.sample(count, torch.Generator().manual_seed(0))
    assert samples.shape == (count, 2, 3)
    place = torch.tensor([LABELS**2, LABELS, 1])
    for episode in range(2):
        _, chances = enumerated(row(one, episode, 3))
        seen = np.bincount((samples[:, episode] * place).sum(-1), minlength=LABELS**3)
        possible = chances.numpy() > 1e-12
        assert seen[~possible].sum() == 0
        assert not chained or possible.sum() < LABELS**3, "the case forbids nothing"
        expected = count * chances.numpy()[possible]
        often = expected >= 5  # rarer ones are counted together
        pooled = [np.append(a[often], a[~often].sum()) for a in (seen[possible], expected)]
        pooled = [a[pooled[1] > 0] for a in pooled]
        assert stats.chisquare(pooled[0], pooled[1] * count / pooled[1].sum()).pvalue > 0.001


def test_samples_repeat_with_their_seed_and_differ_within_it() -> None:
    one = distribution(1, 6, chained=True)
    first, second = (one.sample(8, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second)
    assert len({tuple(sample.flatten().tolist()) for sample in first}) > 1


@pytest.mark.parametrize("chained", [False, True])
def test_padding_and_company_change_nothing(chained: bool) -> None:
    lengths = torch.tensor([2, 5, 1, 3])
    many = replace(distribution(9, 5, chained), lengths=lengths)
    labels = torch.randint(LABELS, (4, 5), generator=torch.Generator().manual_seed(1))
    padded = torch.where(torch.arange(5) < lengths[:, None], labels, -1)
    together, modes = many.log_probs(padded), many.mode()
    for place, units in enumerate(lengths.tolist()):
        alone = row(many, place, units)
        kept = padded[place : place + 1, :units]
        assert torch.equal(alone.log_probs(kept)[0], together[place, :units])
        assert torch.equal(alone.mode()[0], modes[place, :units])


def test_a_forbidden_label_has_no_probability_and_a_finite_gradient() -> None:
    scores = torch.zeros(1, 2, 2, requires_grad=True)
    transition = torch.tensor([[0.0, 0.0], [0.0, 0.0], [0.0, FORBIDDEN]])
    log_probs = LabelDistribution(scores, torch.tensor([2]), transition).log_probs(torch.tensor([[0, 1]]))
    assert log_probs[0, 0].exp().tolist() == [1.0, 0.0]
    entropy = -(log_probs.exp() * log_probs).sum()
    entropy.backward()
    assert scores.grad is not None and bool(torch.isfinite(scores.grad).all())
    assert entropy.item() == pytest.approx(np.log(2))
