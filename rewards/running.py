"""Counts that are kept in the course of a run, and slowly forgotten."""

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from lingym.rewards.corpus_counts import Totals

_NAMES = Totals._fields


@dataclass(eq=False)
class RunningCounts:
    """Counts by type, summed over episodes, each of which weighs less as it grows older.

    Attributes:
        types: the T types.
        totals: float64 [T] each.
        episodes: how many episodes are in them, by the same weights.
        keep: what an episode's weight is multiplied by with each new one, over 0 and at most 1.
    """

    types: tuple[str, ...]
    totals: Totals
    episodes: float
    keep: float

    @classmethod
    def empty(cls, types: tuple[str, ...], half_life: float | None) -> Self:
        """Nothing counted yet; weights halve in `half_life` episodes, or never where it is None."""
        keep = 1.0 if half_life is None else 0.5 ** (1 / half_life)
        return cls(types, Totals(*(np.zeros(len(types)) for _ in _NAMES)), 0.0, keep)

    def observe(self, totals: Totals) -> None:
        """Add episodes, the first of them the oldest; float64 [B, T] each."""
        number = len(totals.gold)
        ages = self.keep ** np.arange(number - 1, -1, -1.0)
        past = self.keep**number
        self.totals = Totals(
            *(
                old * past + (ages[:, None] * new).sum(0)
                for old, new in zip(self.totals, totals, strict=True)
            )
        )
        self.episodes = self.episodes * past + float(ages.sum())

    def state(self) -> dict[str, Any]:
        """The counts as JSON values, from which ``load`` goes on bit for bit."""
        lists = {name: count.tolist() for name, count in self.totals._asdict().items()}
        return {"types": list(self.types), "episodes": self.episodes, **lists}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from the counts that ``state`` gave.

        Raises:
            ValueError: they are no counts, or those of other types.
        """
        wanted = {"types", "episodes", *_NAMES}
        if state.keys() != wanted:
            raise ValueError(
                f"running counts have {', '.join(sorted(wanted))}; "
                f"got {', '.join(sorted(state)) or 'nothing'}"
            )
        if tuple(state["types"]) != self.types:
            raise ValueError(
                f"running counts are of {', '.join(state['types'])}: "
                f"wanted those of {', '.join(self.types)}"
            )
        totals = Totals(*(np.array(state[name], np.float64) for name in _NAMES))
        episodes = float(state["episodes"])
        for name, count in totals._asdict().items():
            if count.shape != (len(self.types),) or not (np.isfinite(count) & (count >= 0)).all():
                raise ValueError(
                    f"running counts: {name} is {state[name]}: wanted {len(self.types)} finite "
                    "numbers of at least 0"
                )
        if not (math.isfinite(episodes) and episodes >= 0):
            raise ValueError(f"running counts: episodes is {episodes}: wanted 0 or more")
        self.totals, self.episodes = totals, episodes
