"""A reward by another name, or in the scale of its own spread."""

import math
from dataclasses import dataclass, field
from typing import Any

from lingym.rewards.checks import checked_score, checked_steps
from lingym.rewards.settings import is_whole
from lingym.rewards.spread import Spread
from lingym.rewards.sums import raw_parts
from lingym.rewards.wrapper import Wrapper
from lingym.types import FloatArray, Labelings


@dataclass(eq=False)
class Named(Wrapper):
    """A reward called something else in logs; its score is the same.

    Two parts of one kind are told apart by it, as in ``named(f1(label="A"), called="f1_of_a")``.

    Attributes:
        reward: the one inside.
        called: its name in logs.
    """

    called: str
    name = "named"

    def __post_init__(self) -> None:
        """Take the name.

        Raises:
            ValueError: it is empty, or no text.
        """
        super().__post_init__()
        if not isinstance(self.called, str) or not self.called.strip():
            raise ValueError(f"called is {self.called!r}: wanted a name")
        self.name = self.called

    def score(self, labelings: Labelings) -> FloatArray:
        """The score inside, float64 [B]."""
        return self.reward.score(labelings)

    def steps(self, labelings: Labelings) -> FloatArray:
        """The step rewards inside, float64 [B, U]."""
        return self.reward.steps(labelings)

    def table(self, labelings: Labelings, count: int) -> FloatArray | None:
        """The table inside."""
        return self.reward.table(labelings, count)

    def measure(self) -> float | None:
        """The measure inside."""
        return self.reward.measure()

    def parts(self, labelings: Labelings) -> dict[str, FloatArray]:
        """The raw score under this name; of several parts, each as ``called/name``."""
        parts = raw_parts(self.reward, labelings)
        if len(parts) == 1:
            return {self.called: next(iter(parts.values()))}
        return {f"{self.called}/{name}": part for name, part in parts.items()}

    def to_spec(self) -> str:
        """Such as ``named(accuracy, called='share')``."""
        return f"{type(self).name}({self.reward.to_spec()}, called={self.called!r})"


@dataclass(eq=False)
class Normalized(Wrapper):
    """A reward divided by the running standard deviation of its score: score / (std + eps).

    So parts of a sum whose scores differ in scale are weighed by how much they vary, and weights
    mean what they say. The mean is not taken away, so that nothing still scores 0. The spread is
    that of the episodes observed so far (Welford, 1962); until ``after`` of them were, or while all
    scored alike, the score is left as it is.

    Attributes:
        reward: the one inside; logged raw.
        after: episodes observed before the score is divided, 2 or more.
        half_life: episodes after which one counts half; None counts all alike. A spread that
            shrinks as the policy learns is followed only so.
        eps: added to the spread, at least 0.
    """

    after: int = 100
    half_life: float | None = None
    eps: float = 1e-8
    name = "normalized"
    _seen: Spread = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse settings out of range.

        Raises:
            ValueError: one is.
        """
        super().__post_init__()
        if not is_whole(self.after, least=2):
            raise ValueError(
                f"after is {self.after!r}: wanted a whole number of episodes from 2 on"
            )
        if not 0 <= self.eps < math.inf:
            raise ValueError(f"eps is {self.eps}: wanted a finite number, at least 0")
        self._seen = Spread(self.half_life)

    @property
    def scale(self) -> float:
        """What the score is divided by; 1 while nothing is known of its spread."""
        seen, std = self._seen, self._seen.std
        alike = std <= 1e-9 * math.hypot(seen.mean, std)  # what differs is how numbers were rounded
        return 1.0 if seen.episodes < self.after or alike else std + self.eps

    def score(self, labelings: Labelings) -> FloatArray:
        """The scaled score, float64 [B]."""
        return checked_score(self.reward, labelings) / self.scale

    def steps(self, labelings: Labelings) -> FloatArray:
        """The scaled step rewards, float64 [B, U]."""
        return checked_steps(self.reward, labelings) / self.scale

    def table(self, labelings: Labelings, count: int) -> FloatArray | None:
        """The scaled table, float64 [B, U, K], where there is one."""
        table = self.reward.table(labelings, count)
        return None if table is None else table / self.scale

    def parts(self, labelings: Labelings) -> dict[str, FloatArray]:
        """The raw scores inside."""
        return raw_parts(self.reward, labelings)

    def measure(self) -> float | None:
        """The measure inside, which is not scaled."""
        return self.reward.measure()

    def observe(self, labelings: Labelings) -> None:
        """Take note of the raw scores, as they were before the reward inside took note of them."""
        self._seen.add(checked_score(self.reward, labelings))
        super().observe(labelings)

    def readings(self) -> dict[str, float]:
        """What the score is divided by, as ``scale/name``."""
        return super().readings() | {f"scale/{self.reward.name}": self.scale}

    def state(self) -> dict[str, Any]:
        """The spread, and what the reward inside has learned."""
        return super().state() | {"seen": self._seen.state()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a state that ``state`` gave.

        Raises:
            ValueError: it is the state of another reward.
        """
        (seen,), inner = self._split_state(state, "seen")
        super().load_state(inner)
        self._seen.load_state(seen)
