"""Choosing texts of a pool to be labelled next, in one of several ways."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lingym.agents.active.chooser import Chooser
from lingym.agents.active.diversity import badge, k_center
from lingym.agents.active.view import View
from lingym.types import FloatArray, Rows

How = str | Chooser
"""A name of `HOWS`, or a policy that was learned."""

Score = Callable[[View], FloatArray]


class Picked(NamedTuple):
    """Texts to label next, in this order.

    Attributes:
        rows: [n] indices of the pool.
        scores: [n] what they were chosen by.
    """

    rows: Rows
    scores: FloatArray


def least_confidence(view: View) -> FloatArray:
    """-log p of the most probable labelling, [E].

    The order of 1 - p (Culotta and McCallum, 2005), without its rounding to 1 on long texts.
    """
    return -view.said.log_prob


def mnlp(view: View) -> FloatArray:
    """The same over the units, [E]: maximum normalised log-probability.

    Shen et al., 2018, https://arxiv.org/abs/1707.05928. Long texts are not preferred.
    """
    return -view.said.log_prob / np.maximum(view.said.units, 1)


def margin(view: View) -> FloatArray:
    """One less the mean over units of p(best) - p(second), [E].

    Scheffer et al., 2001, https://doi.org/10.1007/3-540-44816-0_31.
    """
    return 1 - view.said.margin / np.maximum(view.said.units, 1)


def total_entropy(view: View) -> FloatArray:
    """The sum over units of the entropy of their labels, nats, [E].

    Settles and Craven, 2008, https://aclanthology.org/D08-1112. Long texts are preferred.
    """
    return view.said.entropy


def mean_entropy(view: View) -> FloatArray:
    """The mean over units of the same, [E]."""
    return view.said.entropy / np.maximum(view.said.units, 1)


def bald(view: View) -> FloatArray:
    """What a text's labels would say of the weights; see `View.mutual_information`."""
    return view.mutual_information


def information_density(view: View) -> FloatArray:
    """The mean entropy times the likeness to all texts, [E] (Settles and Craven, 2008)."""
    return mean_entropy(view) * np.maximum(view.density, 0.0)


SCORES: dict[str, Score] = {
    "least-confidence": least_confidence,
    "mnlp": mnlp,
    "margin": margin,
    "entropy": total_entropy,
    "entropy-mean": mean_entropy,
    "bald": bald,
    "density": information_density,
}
"""The ways that give each text a score of its own; the largest are chosen."""

HOWS = ("random", *SCORES, "k-center", "badge")
"""All ways by name."""


def choose(pool: View, labelled: Rows, n: int, how: How, generator: np.random.Generator) -> Picked:
    """Texts of a pool to label next.

    Args:
        pool: its texts as a policy sees them.
        labelled: those that have a label, [M] indices; they are not chosen again.
        n: how many to choose.
        how: a name of `HOWS`, or a `Chooser`.
        generator: of what is drawn, and of ties.

    Raises:
        ValueError: there is no such way, it does not fit the texts, or too few are left.
    """
    known = np.unique(np.asarray(labelled, np.int32))
    left = len(pool) - len(known)
    if not 1 <= n <= left:
        raise ValueError(f"n is {n}: wanted 1 .. {left}, the texts of the pool without a label")
    check_how(how)
    if isinstance(how, Chooser):
        return Picked(*how.pick(pool, known, n, generator))
    if how == "k-center":
        return Picked(*k_center(pool.said.vectors, known, n, generator))
    if how == "badge":
        rest = pool.said.rest
        if rest is None:
            raise ValueError(
                "badge is for texts of one unit whose labels have names (classification, "
                "relations): choose k-center or a score"
            )
        return Picked(*badge(pool.said.vectors, rest, known, n, generator))
    scores = np.zeros(len(pool)) if how == "random" else SCORES[how](pool)
    order = generator.permutation(np.setdiff1d(np.arange(len(pool)), known))
    if how != "random":
        order = order[np.argsort(-scores[order], kind="stable")]
    rows = order[:n].astype(np.int32)
    return Picked(rows, scores[rows])


def check_how(how: How) -> None:
    """Refuse a way that there is not, with a `ValueError`."""
    if isinstance(how, str) and how not in HOWS:
        raise ValueError(f"no way {how!r} to choose: one of {', '.join(HOWS)}")


def how_of(name: str) -> How:
    """A way by its name, or the policy in a folder that `Chooser.save` wrote.

    Raises:
        ValueError: it is neither.
    """
    if name in HOWS:
        return name
    if not Path(name).exists():
        raise ValueError(
            f"no way {name!r} to choose, and no such folder: one of {', '.join(HOWS)}, or what "
            "lingym learn-next wrote"
        )
    return Chooser.load(name)
