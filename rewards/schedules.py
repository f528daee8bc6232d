"""Weights that change as a run goes on: from one reward to another, for one."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar, overload

from lingym.rewards.base import Reward, literal

if TYPE_CHECKING:
    from lingym.rewards.sums import WeightedSum


class Schedule:
    """A number that follows the progress of a run, for a reward's weight.

    ``Linear(1, 0) * Accuracy() + Linear(0, 1) * EntityF1()`` begins with accuracy and ends with
    F1. Schedules are multiplied with numbers and with one another, too.
    """

    def __call__(self, progress: float) -> float:
        """Its value when this share of the run is done, 0 to 1."""
        raise NotImplementedError

    @staticmethod
    def of(function: Callable[[float], float], name: str | None = None) -> "Schedule":
        """A schedule that is a function of the progress; text cannot name it.

        Args:
            function: from the progress, 0 to 1, to a finite weight.
            name: what to write for it; the function's own name if not given.
        """
        own: str = getattr(function, "__name__", type(function).__name__)
        return Function(function, own if name is None else name)

    def to_spec(self) -> str:
        """The text that ``from_spec`` reads back, as a factor."""
        raise NotImplementedError

    @overload
    def __mul__(self, other: "float | Schedule") -> "Schedule": ...
    @overload
    def __mul__(self, other: Reward) -> "WeightedSum": ...
    def __mul__(self, other: "float | Schedule | Reward") -> "Schedule | WeightedSum":
        """This schedule times another factor; or a reward, weighted by it."""
        from lingym.rewards.sums import WeightedSum  # which holds schedules, so it imports this

        if isinstance(other, Reward):
            return WeightedSum.of((self, other))
        if not isinstance(other, int | float | Schedule):
            return NotImplemented
        return Product.product(self, other)

    __rmul__ = __mul__


@dataclass(frozen=True)
class FromTo(Schedule):
    """What goes from one number to another: a subclass says how.

    Attributes:
        first: the value until ``begin``.
        last: the value from ``end`` on.
        begin: the progress at which it leaves the first value, 0 to 1.
        end: the progress at which it has reached the last value, after ``begin``, at most 1.
    """

    first: float
    last: float
    begin: float = 0.0
    end: float = 1.0
    name: ClassVar[str]

    def __post_init__(self) -> None:
        """Refuse what is no way from one number to another.

        Raises:
            ValueError: a value is not finite, or begin and end are not in order within 0 and 1.
        """
        _check(self)
        if not 0 <= self.begin < self.end <= 1:
            raise ValueError(
                f"{self.name}: begin is {self.begin} and end {self.end}: "
                "wanted 0 <= begin < end <= 1"
            )

    def __call__(self, progress: float) -> float:
        """The value when this share of the run is done."""
        done = min(max((progress - self.begin) / (self.end - self.begin), 0.0), 1.0)
        share = self._share(done)
        return (1 - share) * self.first + share * self.last

    def _share(self, done: float) -> float:
        """How far the value is from first to last, 0 to 1, when so much of the way is done."""
        raise NotImplementedError

    def to_spec(self) -> str:
        """Such as ``linear(1, 0, end=0.5)``."""
        return _written(self)


class Linear(FromTo):
    """A straight line from the first value to the last."""

    name = "linear"

    def _share(self, done: float) -> float:
        return done


class Cosine(FromTo):
    """Half a wave: leaves the first value slowly, and comes to the last slowly.

    As the learning rate in https://arxiv.org/abs/1608.03983, without restarts.
    """

    name = "cosine"

    def _share(self, done: float) -> float:
        return (1 - math.cos(math.pi * done)) / 2


@dataclass(frozen=True)
class Step(Schedule):
    """The first value, and from one moment on the last.

    Attributes:
        first: the value before.
        last: the value after.
        at: the progress at which it changes, above 0, at most 1.
    """

    first: float
    last: float
    at: float = 0.5
    name: ClassVar[str] = "step"

    def __post_init__(self) -> None:
        """Refuse values that are not finite, and a moment outside the run."""
        _check(self)
        if not 0 < self.at <= 1:
            raise ValueError(f"step: at is {self.at}: wanted more than 0, at most 1")

    def __call__(self, progress: float) -> float:
        """The value when this share of the run is done."""
        return self.first if progress < self.at else self.last

    def to_spec(self) -> str:
        """Such as ``step(1, 0, at=0.2)``."""
        return _written(self)


@dataclass(frozen=True)
class Function(Schedule):
    """A function of the progress; ``Schedule.of`` makes it."""

    function: Callable[[float], float]
    name: str

    def __call__(self, progress: float) -> float:
        """The function's value."""
        return self.function(progress)

    def to_spec(self) -> str:
        """The name alone."""
        return self.name


@dataclass(frozen=True)
class Product(Schedule):
    """Several factors, multiplied."""

    factors: tuple[float | Schedule, ...]

    @staticmethod
    def product(*weights: float | Schedule) -> Schedule:
        """The product of these, at least one a schedule, with all numbers as one factor."""
        flat = [f for w in weights for f in (w.factors if isinstance(w, Product) else (w,))]
        schedules = tuple(factor for factor in flat if isinstance(factor, Schedule))
        number = math.prod(float(factor) for factor in flat if not isinstance(factor, Schedule))
        if number != 1:
            return Product((number, *schedules))
        return schedules[0] if len(schedules) == 1 else Product(schedules)

    def __call__(self, progress: float) -> float:
        """The product of the factors' values."""
        return math.prod(value(factor, progress) for factor in self.factors)

    def to_spec(self) -> str:
        """The factors, with ``*`` between them."""
        return "*".join(written(factor) for factor in self.factors)

    def __repr__(self) -> str:
        """The expression that makes this product."""
        return " * ".join(repr(factor) for factor in self.factors)


Weight = float | Schedule
"""What a reward may be multiplied with."""

SCHEDULES: dict[str, type[FromTo] | type[Step]] = {
    schedule.name: schedule for schedule in (Cosine, Linear, Step)
}
"""The schedules that text can name."""


def from_to(
    first: float, last: float, shape: str = "linear", begin: float = 0.0, end: float = 1.0
) -> Schedule:
    """A schedule between two values.

    Args:
        first: the value until ``begin``.
        last: the value from ``end`` on.
        shape: ``linear``, ``cosine``, or ``step``, which changes in the middle of the two.
        begin: the progress at which it leaves the first value.
        end: the progress at which it has reached the last.

    Raises:
        ValueError: an unknown shape, or a begin and an end that are not in order within 0 and 1.
    """
    line = Linear(first, last, begin, end)  # which checks them
    if shape == "linear":
        return line
    if shape == "cosine":
        return Cosine(first, last, begin, end)
    if shape == "step":
        return Step(first, last, (begin + end) / 2)
    raise ValueError(f"shape is {shape!r}: wanted {', '.join(sorted(SCHEDULES))}")


def value(weight: Weight, progress: float) -> float:
    """What a weight, fixed or not, is when this share of the run is done."""
    return float(weight(progress)) if isinstance(weight, Schedule) else weight


def written(weight: Weight) -> str:
    """A weight as text."""
    return weight.to_spec() if isinstance(weight, Schedule) else literal(weight)


def _check(schedule: FromTo | Step) -> None:
    """Refuse a setting that is no finite number."""
    for field in fields(schedule):
        given = getattr(schedule, field.name)
        number = isinstance(given, int | float) and not isinstance(given, bool)
        if not number or not math.isfinite(given):
            raise ValueError(f"{schedule.name}: {field.name} is {given!r}: wanted a finite number")


def _written(schedule: FromTo | Step) -> str:
    """The call that makes a schedule, its two values by place and the rest by name."""
    settings = [literal(schedule.first), literal(schedule.last)]
    for field in fields(schedule)[2:]:
        given = getattr(schedule, field.name)
        if given != field.default:
            settings.append(f"{field.name}={literal(given)}")
    return f"{schedule.name}({', '.join(settings)})"
