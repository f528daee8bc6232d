"""Cross-entropy with weights and the focal loss against PyTorch's, scikit-learn's and by hand."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor
from torch.nn import functional as F

from lingym.agents import LabelVecEnv, Supervised
from lingym.agents.class_weights import label_weights
from lingym.agents.gold import cross_entropy
from lingym.agents.losses import masked_mean
from lingym.envs import Dataset, LabelVectorEnv
from lingym.policies.distribution import FORBIDDEN, LabelDistribution
from lingym.types import Batch
from tests.envs.every_task import every_task

GOLD = np.array([[0, 2, 1, 2], [2, 2, -1, -1], [1, -1, -1, -1]], np.int32)
REAL = torch.from_numpy(GOLD) >= 0


@pytest.fixture
def batch(commands: Callable[..., Dataset]) -> Batch:
    """Three texts of 4, 2 and 1 units with three labels."""
    lengths = np.array([4, 2, 1], np.int32)
    return replace(commands("tagging")["train"].batch(range(3)), gold=GOLD, lengths=lengths)


def scores(seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(3, 4, 3, generator=generator, dtype=torch.float64).requires_grad_()


def chained(given: Tensor, transition: Tensor | None) -> LabelDistribution:
    return LabelDistribution(given, torch.tensor([4, 2, 1]), transition)


def rows(given: Tensor, transition: Tensor | None) -> Tensor:
    """The real units' scores, with what the gold label before says."""
    if transition is not None:
        before = torch.full(GOLD.shape, 3)
        before[:, 1:] = torch.from_numpy(GOLD).long()[:, :-1]
        given = given + transition[before]
    return given[REAL]


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("history", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_value_and_gradient_are_those_of_pytorch(
    batch: Batch, smoothing: float, history: bool, weighted: bool
) -> None:
    transition = torch.linspace(-1, 1, 12, dtype=torch.float64).view(4, 3) if history else None
    weights = torch.tensor([0.3, 2.0, 0.7], dtype=torch.float64) if weighted else None
    mine, theirs = scores(), scores()
    table = None if weights is None else weights[None]
    loss = cross_entropy(chained(mine, transition), batch, smoothing, table)
    gold = torch.from_numpy(GOLD).long()[REAL]
    wanted = F.cross_entropy(rows(theirs, transition), gold, weights, label_smoothing=smoothing)
    loss.backward()
    wanted.backward()
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-12)
    torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-12, atol=1e-14)
    assert mine.grad is not None and mine.grad[~REAL].abs().max() == 0


def test_each_candidate_label_has_weights_of_its_own(batch: Batch) -> None:
    table = torch.arange(1.0, 13.0).double().view(4, 3)  # a row for each unit of a text
    given = scores()
    loss = cross_entropy(chained(given, None), batch, 0.0, table)
    log_probs = given.detach().log_softmax(-1)
    total = weight = 0.0
    for row, unit in REAL.nonzero().tolist():
        label = int(GOLD[row, unit])
        total -= float(table[unit, label] * log_probs[row, unit, label])
        weight += float(table[unit, label])
    assert loss.item() == pytest.approx(total / weight, rel=1e-12)


def test_smoothing_leaves_forbidden_labels_out_with_weights_too(batch: Batch) -> None:
    given = scores().detach()
    given[0, 0, 2] = FORBIDDEN
    one = replace(batch, gold=np.where(np.arange(4) < 1, GOLD, -1)[:1])
    weights = torch.tensor([[0.5, 3.0, 9.0]], dtype=torch.float64)
    loss = cross_entropy(chained(given[:1], None), one, 0.2, weights)
    wanted = F.cross_entropy(
        given[:1, 0, :2], torch.tensor([0]), weights[0, :2], label_smoothing=0.2
    )
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-12)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_the_focal_loss_by_hand_and_its_gradient(batch: Batch, gamma: float) -> None:
    given = scores()
    weights = torch.tensor([[0.3, 2.0, 0.7]], dtype=torch.float64)
    loss = cross_entropy(chained(given, None), batch, 0.0, weights, gamma)
    total = weight = 0.0
    for row, unit in REAL.nonzero().tolist():
        exp = [math.exp(score) for score in given[row, unit].tolist()]
        label = int(GOLD[row, unit])
        p, w = exp[label] / sum(exp), float(weights[0, label])
        total -= w * (1 - p) ** gamma * math.log(p)
        weight += w
    assert loss.item() == pytest.approx(total / weight, rel=1e-12)

    def value(s: Tensor) -> Tensor:
        return cross_entropy(chained(s, None), batch, 0.0, weights, gamma)

    assert torch.autograd.gradcheck(value, (given,))


def test_a_unit_that_is_certain_has_a_focal_gradient_of_0_and_not_nan(batch: Batch) -> None:
    given = torch.zeros(3, 4, 3)
    given.scatter_(-1, torch.from_numpy(GOLD).long().clamp(min=0)[..., None], 200.0)
    given.requires_grad_()
    loss = cross_entropy(chained(given, None), batch, focal_gamma=0.5)
    loss.backward()
    assert given.grad is not None and given.grad.abs().max() < 1e-30
    assert loss.item() == 0


def test_without_weights_loss_and_gradient_are_bit_by_bit_those_of_before(batch: Batch) -> None:
    def before(distribution: LabelDistribution, smoothing: float) -> Tensor:
        gold = torch.from_numpy(batch.gold).long()
        every = distribution.log_probs(gold)
        chosen = every.gather(-1, gold.clamp(min=0)[..., None]).squeeze(-1)
        if smoothing:
            allowed = every > FORBIDDEN / 2
            share = torch.where(allowed, every, 0.0).sum(-1) / allowed.sum(-1)
            chosen = (1 - smoothing) * chosen + smoothing * share
        return -masked_mean(chosen, gold >= 0)

    for smoothing in (0.0, 0.1):
        found, wanted = scores(), scores()
        now, then = (
            cross_entropy(chained(found, None), batch, smoothing),
            before(chained(wanted, None), smoothing),
        )
        assert now.item() == then.item()
        now.backward()
        then.backward()
        assert found.grad is not None and wanted.grad is not None
        assert torch.equal(found.grad, wanted.grad)


def test_balanced_weights_are_those_of_scikit_learn(commands: Callable[..., Dataset]) -> None:
    episodes = commands("tagging")["train"]
    gold = episodes.gold
    found = label_weights(episodes, "balanced")
    seen = np.unique(gold)
    wanted = compute_class_weight("balanced", classes=seen, y=gold)
    assert found.shape == (1, len(episodes.space))
    np.testing.assert_allclose(found[0, seen], wanted, rtol=1e-14)
    np.testing.assert_allclose(label_weights(episodes, "sqrt")[0, seen], np.sqrt(wanted))
    assert (label_weights(episodes, "none") == 1).all()


def test_a_label_that_no_unit_has_weighs_1(commands: Callable[..., Dataset]) -> None:
    episodes = commands("classification")["train"]
    rare = replace(episodes, gold=np.where(episodes.gold == 0, 1, episodes.gold))
    for kind in ("balanced", "sqrt", "effective"):
        weights: Any = label_weights(rare, kind)  # type: ignore[arg-type]
        assert weights[0, 0] == 1 and np.isfinite(weights).all()


def test_the_effective_number_by_hand(commands: Callable[..., Dataset]) -> None:
    episodes = commands("classification")["train"]
    seen, counts = np.unique(episodes.gold, return_counts=True)
    assert len(set(counts)) > 1
    raw = [(1 - 0.9) / (1 - 0.9**n) for n in counts]
    wanted = np.array(raw) / sum(raw) * len(raw)  # as in the paper: their sum is K
    found = label_weights(episodes, "effective", 0.9)[0, seen]
    np.testing.assert_allclose(found, wanted, rtol=1e-13)
    assert (label_weights(episodes, "effective", 0.0) == 1).all()
    near = label_weights(episodes, "effective", 1 - 1e-9)[0, seen]
    balanced = label_weights(episodes, "balanced")[0, seen]
    np.testing.assert_allclose(near / near[0], balanced / balanced[0], rtol=1e-5)


def test_candidate_labels_and_kinds_are_counted_apart() -> None:
    many = every_task("multilabel")["train"]
    found = label_weights(many, "balanced")
    gold = many.gold.reshape(len(many), -1)
    assert found.shape == (gold.shape[1], 2)
    for role, column in enumerate(gold.T):
        seen = np.unique(column)
        wanted = compute_class_weight("balanced", classes=seen, y=column)
        np.testing.assert_allclose(found[role, seen], wanted, rtol=1e-14)
    both = every_task("slots and intent")["train"]
    found, owner = label_weights(both, "balanced"), both.space.kind_of_label
    assert owner is not None
    for kind in range(2):
        own = both.gold[owner[both.gold] == kind]
        wanted = compute_class_weight("balanced", classes=np.unique(own), y=own)
        np.testing.assert_allclose(found[0, np.unique(own)], wanted, rtol=1e-14)


@pytest.mark.parametrize("form", ["spanqa", "choice"])
def test_pointer_labels_have_no_class_weights(form: str) -> None:
    with pytest.raises(ValueError, match="each text's own candidates: use class_weights='none'"):
        Supervised("LabelPolicy", LabelVectorEnv(dataset=every_task(form)), class_weights="sqrt")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"class_weights": "heavy"}, "unknown class_weights 'heavy': one of none, balanced, sqrt"),
        ({"class_weights": "effective", "class_beta": 1.0}, r"class_beta must be in \[0, 1\)"),
        ({"focal_gamma": -1.0}, "focal_gamma must be 0 or more, got -1"),
        ({"focal_gamma": 2.0, "label_smoothing": 0.1}, "cannot both be"),
    ],
)
def test_arguments_that_cannot_be_are_refused(
    vec_env: Callable[..., LabelVecEnv],
    commands: Callable[..., Dataset],
    wrong: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(ValueError, match=message):
        Supervised("LabelPolicy", vec_env(commands("tagging")), **wrong)
