"""The rewards of a stretch of a run: their mean, and how sure it is."""

from math import sqrt
from typing import Any


class Earned:
    """The scores of labelings since they were last asked for."""

    def __init__(self) -> None:
        self.count, self.total, self.squares = 0, 0.0, 0.0

    def add(self, scores: Any) -> None:
        """Take in the scores of labelings, any array."""
        self.count += int(scores.size)
        self.total += float(scores.sum())
        self.squares += float((scores * scores).sum())

    def take(self) -> tuple[float | None, float]:
        """The mean and its standard error, None and 0 without a score; counting begins anew."""
        count, total, squares = self.count, self.total, self.squares
        self.count, self.total, self.squares = 0, 0.0, 0.0
        if not count:
            return None, 0.0
        spread = max(0.0, squares / count - (total / count) ** 2)
        return total / count, sqrt(spread / count)

    def run_state(self) -> dict[str, float]:
        """What a run that goes on must know."""
        return dict(vars(self))

    def load_run_state(self, state: dict[str, Any]) -> None:
        """Go on from what `run_state` gave."""
        vars(self).update(state)
