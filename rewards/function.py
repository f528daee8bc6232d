"""A plain function of label strings as a reward."""

from collections.abc import Callable

import numpy as np

from lingym.rewards.base import Reward, RewardError
from lingym.types import FloatArray, Labelings

LabelFunction = Callable[[list[str], list[str]], float]


class FunctionReward(Reward):
    """A function's value for the whole labelling, called once an episode."""

    named = True

    def __init__(self, function: LabelFunction, name: str) -> None:
        """Keep the function; see ``from_function``."""
        self.function = function
        self.name = name

    def score(self, labelings: Labelings) -> FloatArray:
        """The function's values, float64 [B]; 0 for episodes that are not complete.

        Raises:
            RewardError: the function raised, or gave no number.
        """
        names = self.space.names
        score = np.zeros(len(labelings.lengths))
        for row in np.flatnonzero(self.scored(labelings)):
            units = slice(labelings.lengths[row])
            predicted = [names[label] for label in labelings.labels[row, units]]
            gold = [names[label] for label in labelings.gold[row, units]]
            try:
                score[row] = float(self.function(predicted, gold))
            except Exception as error:
                raise RewardError(
                    f"reward {self.name}: failed on example {labelings.examples[row]}: "
                    f"{type(error).__name__}: {error}"
                ) from error
        return score

    def __repr__(self) -> str:
        """The call that makes this reward."""
        return f"from_function({self.function!r}, name={self.name!r})"


def from_function(function: LabelFunction, name: str | None = None) -> Reward:
    """Make a sparse reward of ``function(predicted, gold) -> float`` over lists of label names.

    It is called for complete episodes only, one at a time: a reward over arrays is faster. To be
    pickled the function must stand at the top of a module (no lambda). ``from_spec`` cannot make
    it again from text.

    Args:
        function: maps two lists of label names, one label a unit, to a finite number.
        name: what to call it in logs; the function's own name if not given.
    """
    own_name: str = getattr(function, "__name__", type(function).__name__)  # a partial has none
    return FunctionReward(function, own_name if name is None else name)
