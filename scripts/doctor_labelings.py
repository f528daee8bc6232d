"""Labelings of whole batches that keep the rules of the task, for the doctor of rewards."""

from contextlib import suppress

import numpy as np

from lingym.envs import Episodes
from lingym.envs.rules import meaningful
from lingym.rewards.probes import commonest, shifted, silent, to_corrupt
from lingym.types import UNDECIDED, Batch, BoolArray, IntArray, LabelSpace

GOLD, RANDOM, SHIFTED = "gold", "random", "spans shifted by one"
SHARES = (0.01, 0.05, 0.2)


def corrupted(share: float) -> str:
    """What gold labels are called when this share of them was replaced."""
    return f"{share:.0%} wrong".replace("%", " %")


WORSENING = (GOLD, *map(corrupted, SHARES), RANDOM)
"""Labelings of which each is worse than the one before."""


class Labellers:
    """Ways to label some texts of a split, from gold labels to random ones.

    Attributes:
        batch: the texts, with their gold labels.
    """

    def __init__(self, episodes: Episodes, texts: IntArray, seed: int) -> None:
        self.space, self.count, self.seed = episodes.space, episodes.label_count, seed
        self.batch = episodes.batch(texts)
        self.real: BoolArray = np.arange(self.batch.gold.shape[1]) < self.batch.lengths[:, None]

    def all(self) -> dict[str, IntArray]:
        """The labelings by name, better ones first, lazy ones last; each [B, U]."""
        found = {GOLD: self.right(1.0, self.seed)}
        for share in SHARES:
            found[corrupted(share)] = self.right(1 - share, self.seed)
        with suppress(ValueError):  # labels that are no spans
            found[SHIFTED] = shifted(self.batch.gold, self.space)
        found[RANDOM] = self.right(0.0, self.seed + 1)
        for name, labels in self.lazy().items():
            if not any(np.array_equal(labels, other) for other in found.values()):
                found[name] = labels
        return found

    def right(self, share: float, seed: int) -> IntArray:
        """Gold labels with this probability, and else another that means something; [B, U].

        With probability 0 all meaningful labels are equally likely, the gold one too.
        """
        random = np.random.default_rng(seed)
        if not share:
            return obeying(self.space, self.count, self.batch, None, None, random)
        wrong = to_corrupt(random, self.real, 1 - share)
        return obeying(self.space, self.count, self.batch, self.batch.gold, wrong, random)

    def lazy(self) -> dict[str, IntArray]:
        """What a policy could say without reading: the commonest label, or nothing."""
        batch, found = self.batch, {}
        rows, units = batch.gold.shape
        kind: IntArray = np.zeros((rows, units), np.int32)
        if batch.kinds is not None:
            kind = np.where(batch.kinds < 0, 0, batch.kinds)
        role = np.tile(np.arange(units, dtype=np.int32), (rows, 1))
        most = commonest(batch.gold, role if self.space.roles else kind, self.count)
        ids = silent(self.space)
        if (ids >= 0).any():
            nothing = np.where(self.real, ids[kind], UNDECIDED)
            found[f"all {self._named(ids)}"] = np.where(nothing < 0, most, nothing)
        if self.space.span is None:  # no position is common
            found["commonest label"] = most
        random = np.random.default_rng(self.seed)
        space, count = self.space, self.count
        return {n: obeying(space, count, batch, k, None, random) for n, k in found.items()}

    def _named(self, ids: IntArray) -> str:
        if self.space.form == "candidates":
            return "no answer"
        return ", ".join(self.space.names[label] for label in ids if label >= 0)

    def wrong(self, labels: IntArray) -> IntArray:
        """How many units of each episode have not their gold label, [B]."""
        judged = self.batch.gold >= 0
        return ((labels != self.batch.gold) & judged).sum(1, dtype=np.int32)

    def distinct(self, labelings: list[IntArray]) -> BoolArray:
        """The texts that were not labelled alike in all of these, bool [B]."""
        first = labelings[0]
        return np.any([(labels != first).any(1) for labels in labelings[1:]], axis=0)


def obeying(
    space: LabelSpace,
    count: int,
    batch: Batch,
    wanted: IntArray | None,
    avoid: BoolArray | None,
    random: np.random.Generator,
) -> IntArray:
    """Labels that mean something, from the first unit to the last, int32 [B, U].

    Args:
        space: the labels and their rules.
        count: K.
        batch: the texts.
        wanted: [B, U] labels to give where they mean something; -1 stops the episode where it can
            be stopped. None wants nothing.
        avoid: [B, U] where another label than the wanted one is given, if there is one.
        random: of all other labels: each that means something is equally likely.
    """
    rows, units = batch.gold.shape
    labels = np.full((rows, units), UNDECIDED, np.int32)
    lengths, every = batch.lengths.copy(), np.arange(rows)
    for unit in range(units):
        here = np.full(rows, unit, np.int32)
        allowed = meaningful(
            *(space, count, labels, here, lengths, batch.groups, batch.kinds, batch.costs)
        )
        draws = random.random(allowed.shape)
        given = (draws * allowed).argmax(1)
        if wanted is not None:
            want = wanted[:, unit]
            if space.stop is not None:
                want = np.where(want < 0, space.stop, want)
            fits = (want >= 0) & allowed[every, want]
            if avoid is not None:
                others = allowed.copy()
                others[every[fits], want[fits]] = False
                other = avoid[:, unit] & others.any(1)
                given = np.where(other, (draws * others).argmax(1), given)
                fits &= ~other
            given = np.where(fits, want, given)
        going = unit < lengths
        labels[going, unit] = given[going]
        if space.stop is not None:
            lengths[going & (given == space.stop)] = unit + 1
    return labels
