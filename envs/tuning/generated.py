"""A labeller that never was: generated scores with the faults that real ones have.

Rare labels are given too rarely, some labels are favoured without reason, and confidence means
little. There is something to tune, and no data is needed.
"""

from typing import Literal

import numpy as np

from lingym.envs.tuning.scores import Scores
from lingym.types import IntArray

Form = Literal["labels", "tags", "sets"]
WIDTH = 16
SHARPNESS = 1.5
"""Logits are this much too large: probabilities mean less than they say."""


def generated_scores(form: Form = "labels", texts: int = 1024, seed: int = 0) -> Scores:
    """Scores of a linear head on noisy features.

    A unit's feature is the mean of its gold label's group plus Gaussian noise; the head is the
    best linear one for it, with biases that are off by random amounts. The labeller (means and
    biases) depends on `form` only and `seed` draws the texts, so that two seeds are two splits of
    one labeller.

    Args:
        form: ``labels``: one of five labels to a text, the commonest 20 times as common as the
            rarest; ``tags``: IOB2 tags of two types in sentences of 4 to 12 words; ``sets``: eight
            labels to a text, each yes or no.
        texts: how many.
        seed: of the texts.

    Raises:
        ValueError: an unknown form, or no texts.
    """
    if texts < 1:
        raise ValueError(f"texts is {texts}: wanted 1 or more")
    labeller, random = np.random.default_rng(1234), np.random.default_rng([seed, 99])
    names: tuple[str, ...]
    roles: tuple[str, ...] = ()
    if form == "labels":
        names = ("complaint", "other", "praise", "question", "request")
        shares = np.array([0.12, 0.6, 0.05, 0.2, 0.03])
        lengths = np.ones(texts, np.int32)
        gold = random.choice(5, texts, p=shares).astype(np.int32)
    elif form == "tags":
        names = ("B-ORG", "B-PER", "I-ORG", "I-PER", "O")
        shares = np.array([0.04, 0.08, 0.04, 0.07, 0.77])
        lengths = random.integers(4, 13, texts).astype(np.int32)
        gold = _spans(lengths, random)
    elif form == "sets":
        names, roles = ("no", "yes"), tuple(f"topic {letter}" for letter in "ABCDEFGH")
        lengths = np.full(texts, len(roles), np.int32)
        rates = np.geomspace(0.35, 0.03, len(roles))
        shares = np.array([0.85, 0.15])
        sets = random.random((texts, len(roles))) < rates
        sets[~sets.any(1), 0] = True  # no text is about nothing
        gold = sets.astype(np.int32).reshape(-1)
    else:
        raise ValueError(f"no form {form!r}: choose labels, tags or sets")
    means = labeller.normal(size=(len(names), WIDTH)).astype(np.float32)
    means *= 1.8 / np.linalg.norm(means, axis=1, keepdims=True)
    noise = random.normal(size=(len(gold), WIDTH)).astype(np.float32)
    features = means[gold] + noise
    # Linear discriminant analysis, then the faults.
    bias = np.log(shares) - (means**2).sum(1) / 2
    if not roles:
        bias += labeller.normal(0, 1.2, len(names))
    weight = SHARPNESS * means
    bias = (SHARPNESS * bias).astype(np.float32)
    logits = features @ weight.T + bias
    if roles:  # each candidate label has a head of its own, so that features say nothing here
        logits[:, 1] += np.tile(labeller.normal(0, 1.5, len(roles)), texts).astype(np.float32)
        return Scores(logits, gold, lengths, names, roles)
    return Scores(logits, gold, lengths, names, roles, features, weight, bias)


def _spans(lengths: IntArray, random: np.random.Generator) -> IntArray:
    """Gold tags [S] of sentences: a person begins at 8 of 100 free words, an organisation at 4."""
    gold = np.full(int(lengths.sum()), 4, np.int32)
    starts = set((np.cumsum(lengths) - lengths).tolist())
    draws = random.random((len(gold), 2))
    for unit, (begin, go_on) in enumerate(draws.tolist()):
        before = int(gold[unit - 1]) if unit not in starts else 4
        if before != 4 and go_on < 0.5:
            gold[unit] = 2 + before % 2
        elif begin < 0.12:
            gold[unit] = int(begin >= 0.04)
    return gold
