"""Guards around a reward: what is no score stops the run, with words, and never turns into 0."""

from collections.abc import Callable

import numpy as np

from lingym.rewards.base import NonFiniteReward, Reward, RewardError, take
from lingym.types import FloatArray, IntArray, Labelings


def checked_score(reward: Reward, labelings: Labelings) -> FloatArray:
    """``reward.score(labelings)``, or an error that names the reward and the episode.

    Raises:
        RewardError: the reward raised, or gave anything but finite float64 [B].
    """
    score = _call(reward, labelings, "score", reward.score)
    _check_array(reward, labelings, "score", score, (len(labelings.lengths),))
    return score


def checked_steps(reward: Reward, labelings: Labelings) -> FloatArray:
    """``reward.steps(labelings)``, or an error that names the reward and the episode.

    Raises:
        RewardError: the reward raised, gave anything but finite float64 [B, U], or rewarded a step
            after an episode's last unit.
    """
    steps = _call(reward, labelings, "steps", reward.steps)
    _check_array(reward, labelings, "steps", steps, labelings.labels.shape)
    after = np.arange(steps.shape[1]) >= labelings.lengths[:, None]
    late = (steps != 0) & after
    if late.any():
        row = np.argwhere(late)[0, 0]
        raise RewardError(
            f"reward {reward.name}: steps rewards a unit after the last of example "
            f"{labelings.examples[row]}, which has {labelings.lengths[row]}"
        )
    return steps


def _call(
    reward: Reward, labelings: Labelings, what: str, method: Callable[[Labelings], FloatArray]
) -> FloatArray:
    try:
        return method(labelings)
    except RewardError:
        raise
    except Exception as error:
        where = _first_failure(labelings, method)
        raise RewardError(
            f"reward {reward.name}: {what} failed on {where}: {type(error).__name__}: {error}"
        ) from error


def _first_failure(labelings: Labelings, method: Callable[[Labelings], FloatArray]) -> str:
    """Name the first episode that fails alone, or all of them where each alone is well."""
    for row in range(len(labelings.lengths)):
        try:
            method(take(labelings, slice(row, row + 1)))
        except Exception:
            return f"example {labelings.examples[row]}"
    return f"the batch of examples {_some(labelings.examples)}, though on none of them alone"


def _check_array(
    reward: Reward, labelings: Labelings, what: str, array: object, shape: tuple[int, ...]
) -> None:
    """Raise unless the array is finite float64 of the shape; words are made on failure only."""
    if not isinstance(array, np.ndarray) or array.dtype != np.float64 or array.shape != shape:
        found = type(array).__name__
        if isinstance(array, np.ndarray):
            found = f"{array.dtype} {list(array.shape)}"
        raise RewardError(
            f"reward {reward.name}: {what} of examples {_some(labelings.examples)} is {found}: "
            f"wanted an array float64 {list(shape)}"
        )
    finite = np.isfinite(array)
    if not finite.all():
        place = tuple(np.argwhere(~finite)[0])
        rows = np.flatnonzero(~finite.reshape(len(finite), -1).all(1))
        raise NonFiniteReward(
            f"reward {reward.name}: {what} of example {labelings.examples[place[0]]} "
            f"is {array[place]}",
            np.unique(labelings.examples[rows]),
        )


def _some(examples: IntArray) -> str:
    """The first few examples of a batch, in words."""
    listed = ", ".join(str(example) for example in examples[:8])
    return f"{listed}, ... ({len(examples)} in all)" if len(examples) > 8 else listed
