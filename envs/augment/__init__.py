"""Augmentation of training texts that keeps gold labels right, and noise to test labellers with."""

from collections.abc import Callable

import numpy as np

from lingym.envs.augment.base import Augmentation, Chain, Mix, Perturbation, WordAugmentation
from lingym.envs.augment.copies import Copies, augment, copies
from lingym.envs.augment.mentions import Mentions, Pool, mentions_of, read_mentions
from lingym.envs.augment.noise import Casing, DeletedWords, SwappedWords, Typos
from lingym.envs.augment.spec import AUGMENTATIONS, from_spec
from lingym.envs.augment.synonyms import Synonyms
from lingym.envs.augment.translate import BackTranslation
from lingym.envs.augment.unseen import UnseenEntities
from lingym.envs.tasks import Example

__all__ = [
    "AUGMENTATIONS",
    "PERTURBATIONS",
    "Augmentation",
    "BackTranslation",
    "Casing",
    "Chain",
    "Copies",
    "DeletedWords",
    "Mentions",
    "Mix",
    "Perturbation",
    "Pool",
    "SwappedWords",
    "Synonyms",
    "Typos",
    "UnseenEntities",
    "WordAugmentation",
    "augment",
    "copies",
    "from_spec",
    "mentions_of",
    "read_mentions",
]


def _perturbation(kind: Callable[[float], Augmentation]) -> Perturbation:
    """An augmentation that needs nothing but its rate, as a function."""

    def perturb(example: Example, strength: float, rng: np.random.Generator) -> Example:
        return kind(strength)(example, rng)

    return perturb


PERTURBATIONS: dict[str, Perturbation] = {
    kind.name: _perturbation(kind)
    for kind in (Typos, Casing, DeletedWords, SwappedWords, UnseenEntities)
}
"""The noise that needs no file: of an example, how strong (from 0 to 1), and what draws.

The task is told by the example's shape; `unseen_entities` invents names (`UnseenEntities`) and is
for tagged words alone.
"""
