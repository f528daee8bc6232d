"""What a unit weighs in cross-entropy by its gold label, where some labels are rare."""

from typing import Literal

import numpy as np

from lingym.envs import Episodes
from lingym.types import FloatArray

_TEXTS = 65536

ClassWeights = Literal["none", "balanced", "sqrt", "effective"]


def label_weights(episodes: Episodes, kind: ClassWeights, beta: float = 0.999) -> FloatArray:
    """Weights of the labels, from how many units have them as gold label.

    Of n units with K labels among them, n_k with label k, the weight of label k is

    - ``balanced``: n / (K n_k), scikit-learn's ``compute_class_weight``: every label weighs as much
      as every other;
    - ``sqrt``: the root of that, between balanced and none;
    - ``effective``: (1 - beta) / (1 - beta^n_k), of mean 1 over the labels (Cui et al., 2019,
      https://arxiv.org/abs/1901.05555): further units of a frequent label count for less. Beta 0
      weighs all labels the same, beta near 1 is ``balanced`` but for scale;
    - ``none``: 1.

    Candidate labels of a text (multi-label) are counted apart, each its yes and its no; so are
    units of several kinds, each with its own labels. A label that no unit has weighs 1: no loss is
    ever taken at it, but label smoothing moves mass to it.

    Args:
        episodes: the texts, with gold labels.
        kind: which.
        beta: of ``effective``, in [0, 1).

    Returns:
        [R, K]; R is the number of candidate labels, which are a text's units, and else 1.

    Raises:
        ValueError: labels are an episode's own candidates, which have no counts over texts.
    """
    space = episodes.space
    if space.form == "candidates":
        raise ValueError(
            f"class_weights {kind!r} counts labels over texts, and the labels of this task are "
            "each text's own candidates: use class_weights='none'"
        )
    roles, labels = (len(space.roles) if space.form == "text" else 1), len(space)
    every = np.zeros(roles * labels, np.int64)
    bounds = episodes.unit_bounds
    for first in range(0, len(episodes), _TEXTS):  # piece by piece: millions of texts lie on disk
        part = bounds[first : first + _TEXTS + 1]
        gold = episodes.gold[part[0] : part[-1]]
        unit = np.arange(part[0], part[-1]) - np.repeat(part[:-1], np.diff(part))
        place = np.where(roles > 1, unit, 0) * labels + gold
        every += np.bincount(place[gold >= 0], minlength=roles * labels)
    counts = every.reshape(roles, labels)
    owner = np.zeros(labels, np.int32) if space.kind_of_label is None else space.kind_of_label
    weights = np.ones((roles, labels))
    for row, own in enumerate(counts):
        for part in np.unique(owner):
            seen = (owner == part) & (own > 0)
            if seen.any():
                weights[row, seen] = _weights(own[seen], kind, beta)
    return weights


def _weights(counts: np.ndarray, kind: ClassWeights, beta: float) -> FloatArray:
    """The weights [K] of labels that counts [K] units have, none of them 0."""
    if kind == "none":
        return np.ones(len(counts))
    if kind == "effective":
        weights = (1 - beta) / (1 - beta**counts)
        return weights / weights.mean()
    balanced = counts.sum() / (len(counts) * counts)
    return balanced if kind == "balanced" else np.sqrt(balanced)
