"""What a frozen labeller says of every unit of a split, beside the gold labels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lingym.types import BoolArray, IntArray, Labelings, Rows

Floats = npt.NDArray[np.float32]
TOLERANCE = 1e-2
"""How far logits may lie from what features and head give: bfloat16 encoders, other BLAS."""


@dataclass(frozen=True, eq=False)
class Scores:
    """A labeller's logits for E texts of S units together, K labels; units stand text after text.

    Attributes:
        logits: float32 [S, K] logits or log-probabilities; only their differences count.
        gold: int32 [S] gold label ids.
        lengths: int32 [E] units of each text.
        names: the K labels.
        roles: where the units are the candidate labels of a multi-label task, their names; the two
            labels are then no and yes, in this order.
        features: float32 [S, D] what the head read of each unit, for parameters of its weight.
        weight: float32 [K, D] the head's weight.
        bias: float32 [K] the head's bias.

    Raises:
        ValueError: sizes that do not belong together, logits that are not finite, a unit without
            gold label, or features from which the head makes other logits.
    """

    logits: Floats
    gold: IntArray
    lengths: IntArray
    names: tuple[str, ...]
    roles: tuple[str, ...] = ()
    features: Floats | None = None
    weight: Floats | None = None
    bias: Floats | None = None

    def __post_init__(self) -> None:
        """Refuse what does not belong together."""
        units, labels = len(self.gold), len(self.names)
        if self.logits.shape != (units, labels) or self.gold.ndim != 1:
            raise ValueError(
                f"logits are {list(self.logits.shape)} for {units} gold labels and {labels} names: "
                "wanted [units, labels]"
            )
        if not len(self.lengths) or self.lengths.min() < 1 or self.lengths.sum() != units:
            raise ValueError(
                f"lengths are of {len(self.lengths)} texts with {int(self.lengths.sum())} units "
                f"for {units} gold labels: wanted texts of one unit or more, as many units in all"
            )
        if labels < 2 or self.gold.min() < 0 or self.gold.max() >= labels:
            raise ValueError(
                f"gold labels lie in {self.gold.min()} .. {self.gold.max()}: wanted 0 .. "
                f"{labels - 1} for every unit, of two labels or more"
            )
        if not np.isfinite(self.logits).all():
            unit = int(np.flatnonzero(~np.isfinite(self.logits).all(1))[0])
            raise ValueError(f"logits of unit {unit} are not finite: {self.logits[unit].tolist()}")
        if self.roles and (labels != 2 or (self.lengths != len(self.roles)).any()):
            raise ValueError(
                f"a text has {self.lengths.min()} .. {self.lengths.max()} units with {labels} "
                f"labels: wanted a unit with two labels for each of {len(self.roles)} roles"
            )
        self._check_head()

    def _check_head(self) -> None:
        if self.features is None or self.weight is None or self.bias is None:
            if not (self.features is self.weight is self.bias is None):
                raise ValueError(
                    "features, weight and bias of the head come together or not at all"
                )
            return
        sizes = [list(a.shape) for a in (self.features, self.weight, self.bias)]
        width = self.features.shape[-1]
        wanted = [[len(self.gold), width], [len(self.names), width], [len(self.names)]]
        if sizes != wanted:
            raise ValueError(f"features, weight and bias are {sizes}: wanted {wanted}")
        seen = slice(0, 256)  # enough to notice another head; the rest is the encoder's work
        given = self.features[seen] @ self.weight.T + self.bias
        # Log-probabilities differ from logits by a number for each unit.
        apart = given - self.logits[seen]
        apart = np.abs(apart - apart.mean(1, keepdims=True)).max()
        if not apart <= TOLERANCE * max(1.0, float(np.abs(given).max())):
            raise ValueError(f"the head gives other logits from these features, by up to {apart}")

    def __len__(self) -> int:
        """E, the number of texts."""
        return len(self.lengths)

    @cached_property
    def bounds(self) -> npt.NDArray[np.int64]:
        """[E + 1] text e has the units ``bounds[e] .. bounds[e + 1] - 1``."""
        return np.concatenate([[0], np.cumsum(self.lengths, dtype=np.int64)])

    @cached_property
    def inside(self) -> BoolArray:
        """[E, U] which places of a padded matrix hold a unit."""
        return np.arange(self.lengths.max()) < self.lengths[:, None]

    @cached_property
    def padded_gold(self) -> IntArray:
        """Gold labels [E, U], -1 after a text's last unit."""
        return self.padded(self.gold)

    def padded(self, labels: IntArray) -> IntArray:
        """Labels [S] as a matrix [E, U], -1 after a text's last unit."""
        matrix = np.full(self.inside.shape, -1, np.int32)
        matrix[self.inside] = labels
        return matrix

    def labelings(self, labels: IntArray) -> Labelings:
        """The finished labelings that labels [S] are."""
        examples = np.arange(len(self), dtype=np.int32)
        padded = self.padded(labels)
        return Labelings(padded, self.padded_gold, self.lengths, self.lengths, examples)

    def take(self, texts: Sequence[int] | Rows) -> "Scores":
        """The scores of these texts, in this order."""
        rows = np.asarray(texts, np.int64)
        lengths = self.lengths[rows]
        ends = np.cumsum(lengths, dtype=np.int64)
        shift = np.repeat(self.bounds[rows] - (ends - lengths), lengths)
        units = np.arange(ends[-1] if len(ends) else 0) + shift
        features = None if self.features is None else self.features[units]
        logits, gold = self.logits[units], self.gold[units]
        return replace(self, logits=logits, gold=gold, lengths=lengths, features=features)

    def halves(self, random: np.random.Generator) -> tuple["Scores", "Scores"]:
        """The texts in two random halves.

        Raises:
            ValueError: there is one text only.
        """
        if len(self) < 2:
            raise ValueError("one text cannot be halved")
        order = random.permutation(len(self))
        return self.take(order[: len(self) // 2]), self.take(order[len(self) // 2 :])
