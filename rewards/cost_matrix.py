"""What every confusion of two labels costs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lingym.rewards.base import Reward
from lingym.rewards.cost_file import read_costs
from lingym.rewards.counting import summed, units_of_text
from lingym.types import FloatArray, Labelings, LabelSpace

Costs = Mapping[str, Mapping[str, float]]


@dataclass(eq=False)
class CostMatrix(Reward):
    """Minus what the labels cost: ``costs[gold][label]`` each, as the user prices confusions.

    With the costs c, the score is minus the sum of c(gold label, label) over the units that have a
    label and a gold one: in (-inf, 0] if no cost is below 0, and 0 in an episode without such
    units. The best policy gives the label of the least expected cost (Elkan, 2001,
    https://dl.acm.org/doi/10.5555/1642194.1642224). Where a label ends the episode it also ends the
    costs.

    Attributes:
        costs: by gold label and given label; what is not named costs ``default``, or ``right``.
        default: the cost of a wrong label.
        right: the cost of a right label; below 0 it is a gain.
        mean: divide by the units that have a gold label.
        file: a CSV file of costs, instead of ``costs``: a row for each gold label, a column for
            each given one, their names in the first column and the first row. An empty cell is not
            named, nor is a label that the file lacks.
    """

    costs: Costs | None = None
    default: float = 1.0
    right: float = 0.0
    mean: bool = False
    file: str | None = None
    name = "cost_matrix"
    named = True
    sparse = False
    _named: Costs = field(init=False, repr=False)
    _worth: FloatArray = field(init=False, repr=False)  # [K + 1, K + 1]; the last are for -1

    def __post_init__(self) -> None:
        """Read the costs, and refuse what is none.

        Raises:
            DataError: the file holds something else; the message starts with ``file:line:``.
            ValueError: a cost is no finite number, there are two sources of them, or no file.
        """
        if self.costs is not None and self.file is not None:
            raise ValueError("cost_matrix has costs and a file: wanted one of them")
        self._named = self.costs or {} if self.file is None else read_costs(Path(self.file))
        for what, cost in (("default", self.default), ("right", self.right)):
            _check(cost, f"cost_matrix: {what} is")
        if not isinstance(self._named, Mapping):
            raise ValueError(f"cost_matrix: costs is {self.costs!r}: {_WANTED}")
        for gold, row in self._named.items():
            if not isinstance(row, Mapping):
                raise ValueError(f"cost_matrix: costs[{gold!r}] is {row!r}: {_WANTED}")
            for given, cost in row.items():
                _check(cost, f"cost_matrix: costs[{gold!r}][{given!r}] is")

    @classmethod
    def from_file(
        cls, path: str | Path, default: float = 1.0, right: float = 0.0, mean: bool = False
    ) -> "CostMatrix":
        """The costs that stand in a CSV file; in text ``cost_matrix(file="costs.csv")``."""
        return cls(default=default, right=right, mean=mean, file=str(path))

    def bind(self, space: LabelSpace) -> None:
        """Look up the labels.

        Raises:
            ValueError: a cost is for something that is no label of the task.
        """
        super().bind(space)
        whole = {name for row in self._named.values() for name in row} | set(self._named)
        unknown = sorted(whole - set(space.names))
        if unknown:
            source = "" if self.file is None else f" in {self.file}"
            raise ValueError(
                f"costs{source} are for {', '.join(map(repr, unknown))}, and the task's labels are "
                f"{', '.join(space.names)}"
            )
        number = len(space)
        worth = np.full((number + 1, number + 1), 0.0 - float(self.default))
        worth[np.arange(number), np.arange(number)] = 0.0 - float(self.right)
        worth[-1] = worth[:, -1] = 0.0
        for gold, row in self._named.items():
            for given, cost in row.items():
                worth[space.places[gold], space.places[given]] = 0.0 - float(cost)
        self._worth = worth

    def score(self, labelings: Labelings) -> FloatArray:
        """Minus the costs of the labels given, float64 [B]."""
        return summed(self.steps(labelings))

    def steps(self, labelings: Labelings) -> FloatArray:
        """Minus the cost of each label, float64 [B, U]."""
        _ = self.space  # an error with words where bind was forgotten
        return self._worth[labelings.gold, labelings.labels] / self._shares(labelings)[:, None]

    def table(self, labelings: Labelings, count: int) -> FloatArray:
        """Minus the cost of every label, float64 [B, U, K]."""
        _ = self.space
        return self._worth[labelings.gold, :-1] / self._shares(labelings)[:, None, None]

    def _shares(self, labelings: Labelings) -> FloatArray:
        """What a cost is divided by, float64 [B]."""
        return units_of_text(labelings) if self.mean else np.ones(len(labelings.lengths))


_WANTED = "wanted numbers by gold and given label, such as {'negative': {'positive': 5.0}}"


def _check(cost: object, what: str) -> None:
    if isinstance(cost, bool) or not isinstance(cost, int | float) or not math.isfinite(cost):
        raise ValueError(f"{what} {cost!r}: wanted a finite number")
