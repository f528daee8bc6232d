"""Learning rates over a run."""

from collections.abc import Callable


def warmup_linear(rate: float, warmup: float = 0.1) -> Callable[[float], float]:
    """Rise from 0 to `rate` in the first part of a run, then fall in a line to 0 at its end.

    Args:
        rate: the highest rate.
        warmup: the part of the run that rises, in [0, 1).

    Returns:
        A Stable-Baselines3 schedule: the rate by the progress that remains, 1 to 0.
    """
    if not 0 <= warmup < 1:
        raise ValueError(f"warmup must be in [0, 1), got {warmup}")

    def schedule(remaining: float) -> float:
        done = 1 - remaining
        if done < warmup:
            return rate * done / warmup
        return rate * remaining / (1 - warmup)

    return schedule
