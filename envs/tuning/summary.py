"""What the tuning agent sees: scores of a batch in a few numbers, and no gold label."""

import numpy as np

from lingym.envs.tuning.scores import Floats, Scores
from lingym.types import FloatArray

QUANTILES = np.array([0.1, 0.25, 0.5, 0.75, 0.9])
"""Of the units' entropy."""


def summary(batch: Scores, logits: Floats, parameters: FloatArray, left: float) -> Floats:
    """The observation, float32 [n + 7 + R]; see `summary_names`.

    Args:
        batch: the texts.
        logits: [S, K] as the parameters have them.
        parameters: [n] over their limit.
        left: the share of the episode's steps that is left.
    """
    units, count = logits.shape
    columns = np.ascontiguousarray(logits.T)  # few labels, many units: several times as fast
    shifted = columns - columns.max(0)
    odds = np.exp(shifted)
    total = odds.sum(0)
    # -sum p log p with p = odds / total, over its maximum log K.
    entropy = (np.log(total) - (odds * shifted).sum(0) / total) / np.log(count)
    labels = columns.argmax(0)
    if batch.roles:
        rates = (labels.reshape(len(batch), -1) == 1).mean(0)
    else:
        rates = np.bincount(labels, minlength=count) / units
    confidence = (1 / total).mean()  # the largest of the odds is 1
    values = np.concatenate(
        [parameters, [confidence], _quantiles(entropy), rates, [left]], dtype=np.float32
    )
    low, high = summary_bounds(batch, len(parameters))
    return np.clip(values, low, high)  # what rounding left outside


def summary_names(scores: Scores, parameters: tuple[str, ...]) -> tuple[str, ...]:
    """What each number of the observation is."""
    return (
        *parameters,
        "mean confidence",
        *(f"entropy, quantile {share:g}" for share in QUANTILES),
        *(f"rate of {name}" for name in scores.roles or scores.names),
        "steps left",
    )


def summary_bounds(scores: Scores, parameters: int) -> tuple[Floats, Floats]:
    """The least and the most that each number can be: parameters in -1 .. 1, others in 0 .. 1."""
    others = 2 + len(QUANTILES) + len(scores.roles or scores.names)
    low = np.zeros(parameters + others, np.float32)
    low[:parameters] = -1
    return low, np.ones_like(low)


def _quantiles(numbers: Floats) -> Floats:
    """The order statistic nearest below each quantile; `numpy.quantile` costs most of a step."""
    places = (QUANTILES * (len(numbers) - 1)).astype(np.intp)
    found: Floats = np.partition(numbers, places)[places]
    return found
