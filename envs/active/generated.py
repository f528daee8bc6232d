"""A labeller that needs no text and no deep learning: logistic regression on points."""

import numpy as np

from lingym.envs.active.features import candidate_features, density, nearest
from lingym.envs.active.oracle import Floats, Learned
from lingym.types import Rows

STEPS = 12
RIDGE = 1e-2


class GeneratedOracle:
    """Points in the plane with a line between two labels, and a labeller that looks for the line.

    Most points lie far from the line and teach little about where it is; a labeller that asks for
    what it is unsure of finds it with few labels. The metric is the accuracy on further points,
    half of which lie near the line.

    Args:
        texts: points of the pool.
        seed: of the points and the line.
        hard: the share of the pool's points that lie near the line.

    Raises:
        ValueError: no texts, or a share outside 0 to 1.
    """

    def __init__(self, texts: int = 200, seed: int = 0, hard: float = 0.1) -> None:
        if texts < 1 or not 0 <= hard <= 1:
            raise ValueError(f"texts is {texts} and hard {hard}: wanted 1 or more, and 0 .. 1")
        random = np.random.default_rng(seed)
        angle = random.uniform(0, 2 * np.pi)
        self.normal = np.array([np.cos(angle), np.sin(angle)])
        self.offset = random.uniform(-1.0, 1.0)
        self.points, self.gold = self._drawn(texts, hard, random)
        self.dev, self.dev_gold = self._drawn(400, 0.5, random)
        self._density = density(self.points)

    def __len__(self) -> int:
        """Points of the pool."""
        return len(self.points)

    def __call__(self, labelled: Rows) -> Learned:
        """Fit the labeller on these points."""
        weights = self.fit(labelled)
        chance = _sigmoid(_wide(self.points) @ weights)
        both = np.stack([chance, 1 - chance], 1)
        entropy = -(both * np.log(np.maximum(both, 1e-300))).sum(1)
        margin = 1 - np.abs(both[:, 0] - both[:, 1])
        features = candidate_features(
            *(entropy, margin, nearest(self.points, labelled), self._density),
            *(np.ones(len(self)), labelled),
        )
        right = (_wide(self.dev) @ weights > 0) == self.dev_gold
        return Learned(float(right.mean()), features)

    def fit(self, labelled: Rows) -> Floats:
        """Weights [3] of ridge logistic regression on these points, by Newton's method."""
        x, y = _wide(self.points[labelled]), self.gold[labelled].astype(np.float64)
        weights = np.zeros(3)
        for _ in range(STEPS):
            chance = _sigmoid(x @ weights)
            slope = x.T @ (chance - y) + RIDGE * weights
            bend = (x.T * (chance * (1 - chance))) @ x + RIDGE * np.eye(3)
            weights = weights - np.linalg.solve(bend, slope)
        return weights

    def _drawn(
        self, count: int, hard: float, random: np.random.Generator
    ) -> tuple[Floats, np.ndarray]:
        """Points [count, 2] and on which side of the line they lie."""
        near = random.random(count) < hard
        away = np.where(near, random.uniform(0.02, 0.6, count), random.uniform(2, 4, count))
        away *= random.choice([-1.0, 1.0], count)
        along = random.normal(0, 2, count)
        across = np.array([-self.normal[1], self.normal[0]])
        points = (self.offset + away)[:, None] * self.normal + along[:, None] * across
        return points, away > 0


def _wide(points: Floats) -> Floats:
    return np.concatenate([points, np.ones((len(points), 1))], 1)


def _sigmoid(scores: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(scores, -60, 60)))
