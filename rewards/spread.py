"""Mean and spread of scores, as they come."""

import math
from collections.abc import Mapping

import numpy as np

from lingym.types import FloatArray

_STATE = ("episodes", "weight", "mean", "squares")


class Spread:
    """The mean and the standard deviation of all scores so far, old ones counting less if wanted.

    Batches are merged without loss of digits (Chan, Golub and LeVeque, 1979), to the same result
    however the scores were cut into batches, to rounding.

    Attributes:
        episodes: scores taken.
        mean: their weighted mean.
    """

    def __init__(self, half_life: float | None = None) -> None:
        """Begin with nothing.

        Args:
            half_life: scores after which one counts half; None counts all alike.

        Raises:
            ValueError: it is not above 0.
        """
        if half_life is not None and not half_life > 0:
            raise ValueError(f"half_life is {half_life}: wanted more than 0 episodes, or None")
        self.keep = 1.0 if half_life is None else 0.5 ** (1 / half_life)
        self.episodes = 0
        self.weight = self.mean = self.squares = 0.0

    @property
    def std(self) -> float:
        """The standard deviation (over n, not n - 1); 0 of nothing."""
        return math.sqrt(self.squares / self.weight) if self.weight else 0.0

    def add(self, scores: FloatArray) -> None:
        """Take a batch of scores [B], the first of them the oldest."""
        number = len(scores)
        if not number:
            return
        weights = self.keep ** np.arange(number - 1, -1, -1.0)
        own, past = float(weights.sum()), self.keep**number
        mean = float((weights * scores).sum()) / own
        old, apart = self.weight * past, mean - self.mean
        self.weight = old + own
        within = float((weights * (scores - mean) ** 2).sum())
        self.squares = self.squares * past + within + apart * apart * old * own / self.weight
        self.mean += apart * own / self.weight
        self.episodes += number

    def state(self) -> dict[str, float]:
        """All it holds, as JSON values."""
        return {name: getattr(self, name) for name in _STATE}

    def load_state(self, state: Mapping[str, float]) -> None:
        """Go on from a state that ``state`` gave.

        Raises:
            ValueError: it is none.
        """
        if set(state) != set(_STATE):
            raise ValueError(
                f"a spread has {', '.join(_STATE)}; got {', '.join(state) or 'nothing'}"
            )
        for name in _STATE:
            setattr(self, name, state[name])
