"""Shapley values: a sum shared out fairly among players, here labels."""

from itertools import pairwise
from math import factorial

import numpy as np

from lingym.types import BoolArray, FloatArray

EXACT = 10
"""Players whose coalitions, 2 to the power of their number, are all looked at."""
ORDERS = 100
"""Orders in which more players are let in, each of them forwards and backwards."""


def coalitions(players: int, seed: int = 0) -> BoolArray:
    """The coalitions that `shapley_values` asks about, bool [R, P].

    Up to `EXACT` players: all of them, coalition r having the players whose bits are set in r. For
    more, `ORDERS` random orders and their reverses (antithetic, Mitchell et al., 2022,
    https://jmlr.org/papers/v23/21-0439.html), from nobody to all.

    Args:
        players: P, how many there are.
        seed: of the orders.
    """
    if players <= EXACT:
        return (np.arange(2**players)[:, None] >> np.arange(players) & 1).astype(np.bool_)
    random = np.random.default_rng(seed)
    orders = [random.permutation(players) for _ in range(ORDERS)]
    kept = np.zeros((2 * ORDERS, players + 1, players), np.bool_)
    for place, order in enumerate([each for o in orders for each in (o, o[::-1])]):
        rank = np.argsort(order)
        kept[place] = rank < np.arange(players + 1)[:, None]
    return kept.reshape(-1, players)


def shapley_values(kept: BoolArray, values: FloatArray) -> FloatArray:
    r"""The value that each player adds, averaged over all orders of coming in, float64 [P].

    .. math:: \phi_p = \sum_{S \not\ni p} \frac{|S|!\,(P - |S| - 1)!}{P!}
        \big(v(S \cup p) - v(S)\big), \qquad \sum_p \phi_p = v(\text{all}) - v(\text{none}).

    Sampled ones sum to the same, exactly: each order does.

    Args:
        kept: [R, P], as `coalitions` gives.
        values: [R] what each coalition is worth.
    """
    players = kept.shape[1]
    if players <= EXACT:
        found = np.zeros(players)
        sizes = kept.sum(1)
        weight = [factorial(s) * factorial(players - s - 1) for s in range(players)]
        for player in range(players):
            without = np.flatnonzero(~kept[:, player])
            gain = values[without + (1 << player)] - values[without]
            found[player] = np.dot(np.array(weight)[sizes[without]], gain) / factorial(players)
        return found
    found, orders = np.zeros(players), len(kept) // (players + 1)
    chains = kept.reshape(orders, players + 1, players)
    for chain, value in zip(chains, values.reshape(orders, players + 1), strict=True):
        came = [int(np.flatnonzero(after & ~before)[0]) for before, after in pairwise(chain)]
        found[came] += np.diff(value)
    return found / orders
