"""Bandits over ways to choose: which of them is worth asking for the next texts.

Sizes: K arms, N texts without a label, n chosen in a round.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from lingym.types import FloatArray, Rows


class Bandit(Protocol):
    """Draws an arm, and learns from what it earned; rewards are 0 to 1."""

    def probabilities(self) -> FloatArray:
        """The chance of each arm now, [K]."""

    def draw(self, generator: np.random.Generator) -> int:
        """An arm."""

    def update(self, arm: int, reward: float) -> None:
        """Learn what an arm earned that was drawn by the probabilities as they are now."""


class EXP3:
    """Arms that may earn anything at any time: what a text is worth falls as labels grow.

        p_i = (1 - gamma) w_i / sum w + gamma / K,    w_i <- w_i exp(gamma r / (K p_i))

    for the arm i that was drawn (Auer et al., 2002, https://doi.org/10.1137/S0097539701398375,
    section 3).

    Args:
        arms: K.
        gamma: the share of drawing evenly, above 0 to 1.

    Raises:
        ValueError: no arms, or gamma out of its range.
    """

    def __init__(self, arms: int, gamma: float = 0.1) -> None:
        if arms < 1 or not 0 < gamma <= 1:
            raise ValueError(f"arms {arms}, gamma {gamma}: wanted 1 or more, and above 0 to 1")
        self.gamma = gamma
        self.log_weights = np.zeros(arms)

    @classmethod
    def for_rounds(cls, arms: int, rounds: int) -> "EXP3":
        """With the gamma of their corollary 3.2 for so many rounds, all of which may earn 1.

        gamma = min(1, sqrt(K ln K / ((e - 1) rounds))).
        """
        gamma = np.sqrt(arms * np.log(max(arms, 2)) / ((np.e - 1) * max(rounds, 1)))
        return cls(arms, float(min(1.0, gamma)))

    def probabilities(self) -> FloatArray:
        """The chance of each arm now, [K]."""
        powers = np.exp(self.log_weights - self.log_weights.max())
        mixed: FloatArray = (1 - self.gamma) * powers / powers.sum() + self.gamma / len(powers)
        return mixed

    def draw(self, generator: np.random.Generator) -> int:
        """An arm by its chance."""
        return int(generator.choice(len(self.log_weights), p=self.probabilities()))

    def update(self, arm: int, reward: float) -> None:
        """Learn what the drawn arm earned.

        Raises:
            ValueError: the reward is not 0 to 1.
        """
        _check(reward)
        chance = self.probabilities()[arm]
        self.log_weights[arm] += self.gamma * reward / (chance * len(self.log_weights))


class UCB1:
    """Arms that earn by a distribution of their own: the highest bound on the mean is drawn.

        mean_i + sqrt(2 ln t / n_i),    after each arm was drawn once

    (Auer, Cesa-Bianchi and Fischer, 2002, https://doi.org/10.1023/A:1013689704352).

    Args:
        arms: K.

    Raises:
        ValueError: no arms.
    """

    def __init__(self, arms: int) -> None:
        if arms < 1:
            raise ValueError(f"arms {arms}: wanted 1 or more")
        self.counts, self.sums = np.zeros(arms), np.zeros(arms)

    def bounds(self) -> FloatArray:
        """The upper bound of each arm, [K]; infinite before it was drawn."""
        counts = np.maximum(self.counts, 1)
        bound = self.sums / counts + np.sqrt(2 * np.log(max(self.counts.sum(), 1)) / counts)
        return np.where(self.counts > 0, bound, np.inf)

    def probabilities(self) -> FloatArray:
        """1 for the arm that comes next, the first of equals."""
        return np.eye(len(self.counts))[int(self.bounds().argmax())]

    def draw(self, generator: np.random.Generator) -> int:
        """The arm that comes next; nothing is drawn."""
        return int(self.bounds().argmax())

    def update(self, arm: int, reward: float) -> None:
        """Learn what an arm earned.

        Raises:
            ValueError: the reward is not 0 to 1.
        """
        _check(reward)
        self.counts[arm] += 1
        self.sums[arm] += reward


def scaled(gain: float, scale: float = 0.1) -> float:
    """A gain of a metric as a reward: (1 + gain / scale) / 2, cut to 0 .. 1.

    Args:
        gain: how much the metric rose in a round; it may have fallen.
        scale: the gain that earns 1.
    """
    return float(np.clip((1 + gain / scale) / 2, 0.0, 1.0))


def inclusion(
    picks: Sequence[Rows], chances: FloatArray, drawn: Rows, even: int, left: int
) -> FloatArray:
    """The probability that each of some texts is chosen in a round, [n].

        q_j = sum_k p_k [j among the picks of arm k],    that of the even arm p n / N

    Args:
        picks: what each arm would choose, n texts each.
        chances: [K] of the arms.
        drawn: [n] the texts.
        even: the arm that draws all texts alike.
        left: N.
    """
    q = np.full(len(drawn), chances[even] * len(picks[even]) / left)
    for arm, rows in enumerate(picks):
        if arm != even:
            q += chances[arm] * np.isin(drawn, rows)
    return q


def weighted_accuracy(
    right: Sequence[FloatArray], inclusions: Sequence[FloatArray], left: Sequence[int]
) -> float:
    """The accuracy on all texts, estimated from those that were chosen to be labelled.

        1 / T sum_t 1 / N_t sum_{j chosen in t} right_j / q_j

    Unbiased for any fixed labeller, as each round weighs a text by one over its chance to have been
    chosen (Horvitz and Thompson, 1952): the importance-weighted accuracy that rewards an arm in
    ALBL (Hsu and Lin, 2015, https://doi.org/10.1609/aaai.v29i1.9597), by rounds of n texts. The
    labeller has learned from these very texts, so that the estimate flatters it, and all arms
    alike. It may exceed 1.

    Args:
        right: of each round, [n] the share of each text's units that is labelled right.
        inclusions: of each round, [n]; see `inclusion`.
        left: N of each round.
    """
    rounds = zip(right, inclusions, left, strict=True)
    return float(np.mean([(hit / q).sum() / count for hit, q, count in rounds]))


def _check(reward: float) -> None:
    if not 0 <= reward <= 1:
        raise ValueError(f"a bandit's reward is 0 to 1, got {reward}")
