"""The rewards of a stretch of a run: their mean, how sure it is, and whether they differ."""

from math import sqrt
from typing import Any

from lingym.rewards.probes import differing


class Earned:
    """The scores of labelings since they were last asked for."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.count, self.total, self.squares = 0, 0.0, 0.0
        self.texts, self.alike = 0, 0  # of texts with several samples

    def add(self, scores: Any) -> None:
        """Take in the scores of labelings, any array; [S, B] where each text has S of them."""
        self.count += int(scores.size)
        self.total += float(scores.sum())
        self.squares += float((scores * scores).sum())
        if scores.ndim == 2 and len(scores) > 1:
            self.texts += scores.shape[1]
            self.alike += int((~differing(scores)).sum())

    @property
    def share_alike(self) -> float | None:
        """The share of texts whose samples all earned the same; None where none has several."""
        return self.alike / self.texts if self.texts else None

    def take(self) -> tuple[float | None, float]:
        """The mean and its standard error, None and 0 without a score; counting begins anew."""
        count, total, squares = self.count, self.total, self.squares
        self._begin()
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
