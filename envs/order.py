"""The order in which texts are played: shuffled without replacement, or by the weights of tasks."""

from collections.abc import Iterator

import numpy as np

from lingym.envs.episodes import Episodes
from lingym.types import FloatArray, IntArray, Rows


class Shuffled(Iterator[int]):
    """Indices below count without end: every one once before any comes again.

    A class and no generator, so that an environment can be copied and pickled.
    """

    def __init__(self, count: int, random: np.random.Generator) -> None:
        self.count, self.random = count, random
        self._left: Rows = np.zeros(0, np.int64)

    def __next__(self) -> int:
        """The next index."""
        return int(self.take(1)[0])

    def grow(self, count: int) -> None:
        """Take in `count` more indices: they join the round that is being played, at random."""
        new = np.arange(self.count, self.count + count)
        self.count += count
        if len(self._left):  # else the next index begins a round, which will have them
            self._left = self.random.permutation(np.concatenate([self._left, new]))

    @property
    def left(self) -> list[Rows]:
        """What is left of the round that is played, in order: [[n]]."""
        return [self._left]

    @left.setter
    def left(self, left: list[Rows]) -> None:
        (self._left,) = left

    def take(self, count: int) -> IntArray:
        """The next `count` indices, int32 [count]."""
        while len(self._left) < count:
            self._left = np.concatenate([self._left, self.random.permutation(self.count)])
        taken, self._left = self._left[:count], self._left[count:]
        return taken.astype(np.int32)


class Weighted(Iterator[int]):
    """Indices of texts of several tasks: the task by weight, then its next text.

    Args:
        parts: [E] the task of each text.
        weights: of each task, relative to each other.
        random: draws.
    """

    def __init__(self, parts: Rows, weights: FloatArray, random: np.random.Generator) -> None:
        self.random, self.weights = random, weights / weights.sum()
        self.texts = [np.flatnonzero(parts == part) for part in range(len(weights))]
        self._orders = [Shuffled(len(texts), random) for texts in self.texts]

    def grow(self, parts: Rows) -> None:
        """Take in more texts, of these tasks [n]: each joins its task's round."""
        first = sum(len(texts) for texts in self.texts)
        for part, order in enumerate(self._orders):
            new = first + np.flatnonzero(parts == part)
            self.texts[part] = np.concatenate([self.texts[part], new])
            order.grow(len(new))

    def __next__(self) -> int:
        """The next index."""
        return int(self.take(1)[0])

    @property
    def left(self) -> list[Rows]:
        """What is left of each task's round, in order: an array [n] of each."""
        return [left for order in self._orders for left in order.left]

    @left.setter
    def left(self, left: list[Rows]) -> None:
        for order, own in zip(self._orders, left, strict=True):
            order.left = [own]

    def take(self, count: int) -> IntArray:
        """The next `count` indices, int32 [count]."""
        drawn = self.random.choice(len(self.texts), count, p=self.weights)
        taken = np.zeros(count, np.int32)
        for part, texts in enumerate(self.texts):
            mine = np.flatnonzero(drawn == part)
            taken[mine] = texts[self._orders[part].take(len(mine))]
        return taken


def order(episodes: Episodes, random: np.random.Generator) -> Shuffled | Weighted:
    """The order in which texts are played: shuffled, or by the weights of the tasks they mix.

    Raises:
        ValueError: a task with a weight has no text in the split.
    """
    weights = episodes.task.weights
    if episodes.parts is None or weights is None:
        return Shuffled(len(episodes), random)
    share = np.array([weights[kind] for kind in episodes.space.kinds], np.float64)
    empty = np.flatnonzero((np.bincount(episodes.parts, minlength=len(share)) == 0) & (share > 0))
    if len(empty):
        raise ValueError(
            f"the split has no text of {episodes.space.kinds[empty[0]]}, which has a weight"
        )
    return Weighted(episodes.parts, share, random)


def grow(order: Shuffled | Weighted | None, episodes: Episodes, new: Rows) -> None:
    """Let texts that were added join the order, if there is one; new [n] are their indices."""
    if isinstance(order, Shuffled):
        order.grow(len(new))
    elif order is not None and episodes.parts is not None:
        order.grow(episodes.parts[new])
