"""What a difference is called, after a correction for looking at many data sets."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from lingym.scripts.compare.bootstrap import ALPHA

Verdict = Literal["better", "worse", "no difference seen"]


def holm(p: Sequence[float]) -> list[float]:
    r"""P-values corrected so that the chance of any false "better" or "worse" stays below 5 %.

    With the m values in rising order,

    .. math:: \tilde p_{(i)} = \min\Big(1, \max_{j \le i} (m - j + 1)\, p_{(j)}\Big)

    Holm (1979, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6, https://www.jstor.org/stable/4615733): valid however the values depend on one
    another, and never weaker than Bonferroni's.

    Args:
        p: m values, each from 0 to 1; one family.

    Raises:
        ValueError: a value outside 0 to 1, or not a number.
    """
    values = np.asarray(p, np.float64)
    bad = values[~((values >= 0) & (values <= 1))]
    if len(bad):
        raise ValueError(f"p holds {bad[0]}: wanted values from 0 to 1")
    order = np.argsort(values, kind="stable")
    raised = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    corrected = np.empty(len(values))
    corrected[order] = np.minimum(raised, 1)
    return corrected.tolist()


def verdict(mean: float, p: float, alpha: float = ALPHA) -> Verdict:
    """A difference in a word.

    "No difference seen" says what it says: there may be one that these seeds and texts do not show.

    Args:
        mean: of the difference; metrics are better when greater.
        p: its p-value, corrected or not.
        alpha: how often a difference may be seen where there is none.
    """
    if not p < alpha:
        return "no difference seen"
    return "better" if mean > 0 else "worse"
