"""Every episode is in exactly one batch, beside episodes of like length."""

from itertools import pairwise

import numpy as np
import pytest

from lingym.agents.minibatches import by_budget, minibatches


@pytest.mark.parametrize("count", [1, 7, 32, 33, 100])
@pytest.mark.parametrize("size", [1, 8, 32])
def test_minibatches_are_a_partition(count: int, size: int) -> None:
    random = np.random.default_rng(count)
    batches = minibatches(random.integers(1, 9, count).astype(np.int32), size, random)
    assert sorted(np.concatenate(batches)) == list(range(count))
    assert sorted(len(batch) for batch in batches)[1:] == [size] * (len(batches) - 1)


def test_a_minibatch_holds_episodes_of_like_cost() -> None:
    random = np.random.default_rng(0)
    costs = random.integers(1, 100, 64).astype(np.int32)
    batches = minibatches(costs, 8, random)
    ranges = sorted((costs[rows].min(), costs[rows].max()) for rows in batches)
    assert all(high <= low for (_, high), (low, _) in pairwise(ranges))


def test_equal_costs_are_mixed_anew_and_batches_come_in_random_order() -> None:
    random = np.random.default_rng(0)
    costs = np.repeat(np.int32([3, 5]), 32)
    first, second = (minibatches(costs, 8, random) for _ in range(2))
    assert {frozenset(rows) for rows in first} != {frozenset(rows) for rows in second}
    orders = [[int(costs[rows[0]]) for rows in minibatches(costs, 8, random)] for _ in range(5)]
    assert len({tuple(order) for order in orders}) > 1


@pytest.mark.parametrize("budget", [1, 50, 200, 10_000])
def test_by_budget_covers_all_rows_longest_first_within_the_budget(budget: int) -> None:
    costs = np.random.default_rng(1).integers(0, 99, 77).astype(np.int32)
    batches = list(by_budget(costs, budget))
    assert sorted(np.concatenate(batches)) == list(range(77))
    assert list(costs[np.concatenate(batches)]) == sorted(costs, reverse=True)
    for rows in batches:
        assert len(rows) == 1 or len(rows) * costs[rows].max() <= budget


def test_by_budget_of_nothing_is_nothing() -> None:
    assert list(by_budget(np.zeros(0, np.int32), 10)) == []
