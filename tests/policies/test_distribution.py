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
from lingym.policies.heads import span_transition
from lingym.types import Quota

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
    log_probs = LabelDistribution(scores, torch.tensor([2]), transition).log_probs(
        torch.tensor([[0, 1]])
    )
    assert log_probs[0, 0].exp().tolist() == [1.0, 0.0]
    entropy = -(log_probs.exp() * log_probs).sum()
    entropy.backward()
    assert scores.grad is not None and bool(torch.isfinite(scores.grad).all())
    assert entropy.item() == pytest.approx(np.log(2))


# Labels that are counted, stop an episode, or are the ends of a span.

RULES: dict[str, tuple[int | None, Quota | None]] = {
    "stop": (2, None),
    "limit 1": (None, Quota(0, 1)),
    "limit 2 and stop": (2, Quota(0, 2)),
    "required": (None, Quota(1, required=True)),
    "required and stop": (2, Quota(0, None, required=True)),
    "limit, required and stop": (2, Quota(0, 2, required=True)),
    "the label that is required stops": (0, Quota(0, required=True)),
    "costs": (None, Quota(0, 5)),
    "costs, required and stop": (2, Quota(0, 4, required=True)),
    "nothing fits": (2, Quota(0, 0, required=True)),
    "span": (None, None),
}
COSTS = torch.tensor([[2, 3, 1, 4, 2], [5, 6, 1, 1, 9], [1, 1, 1, 1, 1], [9, 9, 9, 4, 4]])


def ruled(name: str, seed: int, units: int = 4, size: float = 1.5) -> LabelDistribution:
    """Random scores of 4 episodes of 1 to `units` units under the rules of this name."""
    generator = torch.Generator().manual_seed(seed)
    stop, quota = RULES[name]
    if name == "span":  # start and end among 5 candidates, of which an episode has 3 to 5
        scores = size * torch.randn(4, 2, 5, generator=generator)
        there = torch.arange(5) < torch.tensor([5, 3, 4, 5])[:, None, None]
        transition = span_transition(5, 2, torch.device("cpu"))
        scores = scores.masked_fill(~there, FORBIDDEN)
        return LabelDistribution(scores, torch.full((4,), 2), transition)
    scores = size * torch.randn(4, units, LABELS, generator=generator)
    lengths = torch.tensor([units, 1, max(1, units - 1), units])
    costs = COSTS[:, :units] if "costs" in name else None
    return LabelDistribution(scores, lengths, None, stop, quota, costs)


def may(many: LabelDistribution, name: str, row: int, labels: tuple[int, ...], label: int) -> bool:
    """Whether a label may follow these in a row, told by the meaning of the rules."""
    stop, quota = RULES[name]
    unit = len(labels)
    if name == "span":
        if float(many.scores[row, unit, label]) <= FORBIDDEN / 2:  # no such candidate
            return False
        return not labels or (label == 0 if labels[0] == 0 else 0 <= label - labels[0] < 2)
    if quota is None:
        return True
    costs = [1] * 5 if many.costs is None else many.costs[row].tolist()
    spent = sum(costs[place] for place, given in enumerate(labels) if given == quota.label)
    fits = quota.limit is None or spent + costs[unit] <= quota.limit
    if label == quota.label:
        return fits
    if quota.required and quota.label not in labels:
        last = unit == int(many.lengths[row]) - 1
        return not (last and fits) and label != stop
    return True


def by_the_rules(
    many: LabelDistribution, name: str, row: int
) -> tuple[list[tuple[int, ...]], list[float]]:
    """All labelings of a row that keep the rules, and by definition how likely each is."""
    found: list[tuple[int, ...]] = []
    chances: list[float] = []

    def walk(labels: tuple[int, ...], chance: float) -> None:
        stopped = bool(labels) and labels[-1] == RULES[name][0]
        if stopped or len(labels) == int(many.lengths[row]):
            found.append(labels)
            chances.append(chance)
            return
        scores = many.scores[row, len(labels)].double()
        allowed = [k for k in range(len(scores)) if may(many, name, row, labels, k)]
        assert allowed, "the rules leave a unit without a label"
        total = scores[allowed].exp().sum()
        for label in allowed:
            walk((*labels, label), chance * float(scores[label].exp() / total))

    walk((), 1.0)
    return found, chances


def padded(labelings: list[tuple[int, ...]], units: int) -> Tensor:
    return torch.tensor([[*labels, *[-1] * (units - len(labels))] for labels in labelings])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", RULES)
def test_ruled_probabilities_equal_enumeration(name: str, seed: int) -> None:
    many = ruled(name, seed)
    units, labels = many.scores.shape[1:]
    for row in range(4):
        found, chances = by_the_rules(many, name, row)
        assert sum(chances) == pytest.approx(1.0, abs=1e-6)
        given = padded(found, units)[:, None].expand(-1, 4, -1)
        log_probs = many.log_probs(given).expand(*given.shape, labels)[:, row]
        chosen = log_probs.gather(-1, given[:, row].clamp(min=0)[..., None]).squeeze(-1)
        whole = torch.where(given[:, row] >= 0, chosen, 0.0).sum(-1).exp()
        torch.testing.assert_close(whole, torch.tensor(chances), rtol=1e-4, atol=1e-7)
        # Every label that the rules forbid has probability 0, at every place on the way.
        for place, sequence in enumerate(found):
            for unit in range(len(sequence)):
                before = sequence[:unit]
                allowed = [may(many, name, row, before, k) for k in range(labels)]
                assert (log_probs[place, unit].exp() > 0).tolist() == allowed


@pytest.mark.parametrize("name", RULES)
def test_ruled_samples_have_their_probabilities(name: str) -> None:
    many = ruled(name, 7, units=3)
    units, count = many.scores.shape[1], 8_000
    samples = many.sample(count, torch.Generator().manual_seed(0))
    for row in range(4):
        found, chances = by_the_rules(many, name, row)
        place = {
            labels: number
            for number, labels in enumerate(map(tuple, padded(found, units).tolist()))
        }
        seen = np.zeros(len(found))
        for labels in map(tuple, samples[:, row].tolist()):
            assert labels in place, "a sample breaks the rules"
            seen[place[labels]] += 1
        expected = count * np.array(chances)
        often = expected >= 5  # rarer ones are counted together
        pooled = [np.append(a[often], a[~often].sum()) for a in (seen, expected)]
        pooled = [a[pooled[1] > 0] for a in pooled]
        if len(pooled[0]) > 1:
            assert stats.chisquare(pooled[0], pooled[1] * count / pooled[1].sum()).pvalue > 1e-4


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", RULES)
def test_the_ruled_mode_is_the_best_of_all_labelings(name: str, seed: int) -> None:
    """Where the beam holds every hypothesis that may win, as it does in episodes this short."""
    many = ruled(name, 100 + seed, units=3)
    modes = many.mode()
    for row in range(4):
        found, chances = by_the_rules(many, name, row)
        labels = tuple(k for k in modes[row].tolist() if k >= 0)
        assert (modes[row, len(labels) :] == -1).all()
        assert labels in found, "the mode breaks the rules"
        assert chances[found.index(labels)] >= max(chances) * (1 - 1e-5)


@pytest.mark.parametrize("name", RULES)
def test_padding_and_company_change_nothing_under_rules(name: str) -> None:
    many = ruled(name, 5)
    labels = many.sample(1, torch.Generator().manual_seed(1))[0]
    together, modes = many.log_probs(labels), many.mode()
    for place in range(4):
        units = int(many.lengths[place])
        alone = replace(
            many,
            scores=many.scores[place : place + 1, :units],
            lengths=many.lengths[place : place + 1],
            costs=None if many.costs is None else many.costs[place : place + 1, :units],
        )
        kept = labels[place : place + 1, :units]
        torch.testing.assert_close(alone.log_probs(kept)[0], together[place, :units])
        assert torch.equal(alone.mode()[0], modes[place, :units])


@pytest.mark.parametrize("name", RULES)
def test_gradients_are_finite_under_rules(name: str) -> None:
    many = ruled(name, 2)
    scores = many.scores.clone().requires_grad_()
    labels = many.sample(3, torch.Generator().manual_seed(2))
    log_probs = replace(many, scores=scores).log_probs(labels).expand(*labels.shape, -1)
    chosen = log_probs.gather(-1, labels.clamp(min=0)[..., None]).squeeze(-1)
    entropy = -(log_probs.exp() * log_probs).sum(-1)
    loss = torch.where(labels >= 0, chosen + entropy, 0.0).sum()
    loss.backward()
    assert scores.grad is not None and bool(torch.isfinite(scores.grad).all())
    # Where no label fits the limit and one is wanted, only "neither" is left: nothing to learn.
    assert (float(scores.grad.abs().max()) > 0) == (name != "nothing fits")
