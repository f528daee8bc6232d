"""Binary features of states, for action values that are sums of weights."""

from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from gymnasium import spaces

from lingym.types import Rows


class FeatureMap(Protocol):
    """Binary features of a state; F features, m of them active."""

    @property
    def size(self) -> int:
        """F, how many features there are."""

    @property
    def active(self) -> int:
        """m, how many of them are 1, the same in every state."""

    def __call__(self, observation: Any) -> Rows:
        """The features that are 1, [m] in 0 .. F - 1, each once."""


@dataclass(frozen=True)
class OneHot:
    """A feature for every state, which makes the weights a table.

    Attributes:
        size: states.
        start: the first state's number.
    """

    size: int
    start: int = 0

    @property
    def active(self) -> int:
        """The state's own."""
        return 1

    def __call__(self, observation: Any) -> Rows:
        """The state's place."""
        return np.array([int(observation) - self.start])


@dataclass(frozen=True)
class Tiles:
    """Tile coding of each number of a box by itself.

    Every dimension has `tilings` rows of `bins` tiles, each row shifted by a part of a tile. The
    action value is then a sum of functions of one number each: the features grow with the
    dimensions and not with their power, and nothing is said about two numbers together. Sutton and
    Barto (2018), Reinforcement Learning, section 9.5.4,
    http://incompleteideas.net/book/the-book-2nd.html.

    Attributes:
        low: the least of each dimension.
        high: the most of each dimension.
        bins: tiles from low to high.
        tilings: rows of tiles to a dimension.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    bins: int = 8
    tilings: int = 4

    def __post_init__(self) -> None:
        """Refuse a box without bounds."""
        with np.errstate(invalid="ignore"):  # inf - inf is no width either
            width = np.subtract(self.high, self.low)
        if not (np.isfinite(width) & (width > 0)).all():
            raise ValueError(
                f"tiles need finite bounds, low < high; got low {self.low}, high {self.high}"
            )
        if self.bins < 1 or self.tilings < 1:
            raise ValueError(f"bins {self.bins}, tilings {self.tilings}: wanted 1 or more of each")

    @property
    def size(self) -> int:
        """A row has one tile more than `bins`, since it is shifted."""
        return self.active * (self.bins + 1)

    @property
    def active(self) -> int:
        """One tile of every row."""
        return len(self.low) * self.tilings

    def __call__(self, observation: Any) -> Rows:
        """The tiles that the observation lies in; beyond the bounds, the outermost.

        Raises:
            ValueError: it holds NaN.
        """
        if np.isnan(observation).any():
            raise ValueError(f"the observation {observation} holds NaN, which lies in no tile")
        low, high = np.array(self.low), np.array(self.high)
        share = np.clip((np.asarray(observation, np.float64) - low) / (high - low), 0, 1)
        shifts = np.arange(self.tilings) / self.tilings
        tiles = (share[:, None] * self.bins + shifts).astype(np.intp)  # [dimensions, tilings]
        return np.arange(self.active) * (self.bins + 1) + tiles.reshape(-1)


KINDS: dict[str, type[OneHot | Tiles]] = {"one-hot": OneHot, "tiles": Tiles}


def default_features(space: spaces.Space[Any]) -> FeatureMap:
    """A table for discrete states, tiles for a bounded box of one axis.

    Raises:
        TypeError: another space.
    """
    if isinstance(space, spaces.Discrete):
        return OneHot(int(space.n), int(space.start))
    if isinstance(space, spaces.Box) and len(space.shape) == 1:
        return Tiles(tuple(map(float, space.low)), tuple(map(float, space.high)))
    raise TypeError(
        f"no feature map for {space}: give features=, or an environment with discrete observations "
        "or a box of one axis"
    )


def to_dict(features: FeatureMap) -> dict[str, Any] | None:
    """What `from_dict` reads; None for a feature map of somebody's own."""
    for name, kind in KINDS.items():
        if type(features) is kind:
            return {"kind": name, **asdict(features)}
    return None


def from_dict(settings: dict[str, Any]) -> FeatureMap:
    """The feature map that `to_dict` wrote."""
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()
    }
    kind = KINDS[given.pop("kind")]
    return kind(**given)
