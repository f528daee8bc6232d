"""A plain function as a reward: of label strings, or of arrays."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from lingym.rewards.base import Reward, RewardError, take
from lingym.types import FloatArray, Labelings

LabelFunction = Callable[[list[str], list[str]], float]
ArrayFunction = Callable[[Labelings], Any]


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
        return f"from_function({_called(self.function)}, name={self.name!r})"


class ArrayFunctionReward(Reward):
    """A function's values for whole labelings, called once for all complete episodes."""

    def __init__(self, function: ArrayFunction, name: str) -> None:
        """Keep the function; see ``from_function``."""
        self.function = function
        self.name = name

    def score(self, labelings: Labelings) -> FloatArray:
        """The function's values, float64 [B]; 0 for episodes that are not complete.

        Raises:
            RewardError: the function gave anything but one number an episode.
        """
        score = np.zeros(len(labelings.lengths))
        complete = np.flatnonzero(self.scored(labelings))
        if not len(complete):
            return score
        values = np.asarray(self.function(take(labelings, complete)))
        if values.shape != complete.shape or values.dtype.kind not in "biuf":
            raise RewardError(
                f"reward {self.name}: gave {values.dtype} {list(values.shape)} for "
                f"{len(complete)} episodes: wanted one number each, float64 [{len(complete)}]"
            )
        score[complete] = values
        return score

    def __repr__(self) -> str:
        """The call that makes this reward."""
        return f"from_function({_called(self.function)}, name={self.name!r})"


def _called(function: LabelFunction | ArrayFunction) -> str:
    """A function's name; of what has none its representation."""
    return getattr(function, "__name__", None) or repr(function)


def from_function(function: LabelFunction | ArrayFunction, name: str | None = None) -> Reward:
    """Make a sparse reward of a function, which is called for complete episodes only.

    A function of two arguments, ``function(predicted, gold) -> float``, gets two lists of label
    names, one label a unit, and is called for one episode at a time. One of a single argument,
    ``function(labelings) -> float64[B]``, gets the arrays of B complete episodes
    (`lingym.types.Labelings`) and gives one number each: several times as fast. Arguments that can
    only be given by name are settings, and do not count.

    To be pickled the function must stand at the top of a module (no lambda). ``from_spec`` makes it
    again from the text ``file.py:function``, not from the name alone.

    Args:
        function: what maps labels to finite numbers.
        name: what to call it in logs; the function's own name if not given.

    Raises:
        ValueError: the function takes neither one argument nor two.
    """
    own_name: str = getattr(function, "__name__", type(function).__name__)  # a partial has none
    own_name = own_name if name is None else name
    wrapped: Any = function
    if _arguments(function, own_name) == 1:
        return ArrayFunctionReward(wrapped, own_name)
    return FunctionReward(wrapped, own_name)


def _arguments(function: Callable[..., Any], name: str) -> int:
    """How many arguments a function takes by place: 1 or 2."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # some functions written in C do not say
        return 2
    by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    found = [parameter.name for parameter in parameters if parameter.kind in by_place]
    if any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters):
        return 2
    if len(found) not in (1, 2):
        raise ValueError(
            f"function {name} takes {', '.join(found) or 'nothing'}: wanted two arguments, "
            "(predicted, gold), lists of label names; or one, (labelings), arrays; settings stand "
            "after a *, with defaults"
        )
    return len(found)
