"""The few numbers of a frozen labeller that are tuned; at 0 it labels as it always did.

A kind of parameter changes logits [S, K]; the label of a unit is then its largest logit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lingym.envs.tuning.measures import are_tags
from lingym.envs.tuning.scores import Floats, Scores
from lingym.types import IntArray, Rows

Values = npt.NDArray[np.float64]
KINDS = ("bias", "threshold", "thresholds", "temperature", "subspace")
"""What a parameter can be; a plus sign joins several: ``thresholds+temperature``."""


class Kind(Protocol):
    """Parameters of one sort."""

    @property
    def names(self) -> tuple[str, ...]:
        """One name a parameter."""

    def apply(self, logits: Floats, scores: Scores, values: Values) -> Floats:
        """Logits [S, K] under the values; the ones given are left as they are."""


@dataclass(frozen=True, eq=False)
class Bias:
    """A number added to the logits of a group of labels: those of one entity type, or one label."""

    names: tuple[str, ...]
    group: Rows  # [K] the parameter of each label

    @classmethod
    def of(cls, scores: Scores) -> "Bias":
        """One parameter for each entity type and one for O; elsewhere one for each label."""
        groups = scores.names
        if are_tags(groups):
            groups = tuple(name.partition("-")[2] or name for name in groups)
        order = tuple(dict.fromkeys(groups))
        places = np.array([order.index(name) for name in groups])
        return cls(tuple(f"bias {name}" for name in order), places)

    def apply(self, logits: Floats, scores: Scores, values: Values) -> Floats:
        """Add each label's number."""
        return logits + values[self.group].astype(np.float32)


@dataclass(frozen=True, eq=False)
class Threshold:
    """How sure the labeller must be for the second of two labels, in log-odds; 0 is one half."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, scores: Scores, each: bool) -> "Threshold":
        """One threshold, or one for each role.

        Raises:
            ValueError: there are not two labels, or there are no roles to have one each.
        """
        if len(scores.names) != 2:
            raise ValueError(
                f"a threshold chooses between two labels, and there are {len(scores.names)}: "
                "tune a bias"
            )
        if not each:
            return cls((f"threshold {scores.names[1]}",))
        if not scores.roles:
            raise ValueError("thresholds need several labels to a text: tune one threshold")
        return cls(tuple(f"threshold {role}" for role in scores.roles))

    def apply(self, logits: Floats, scores: Scores, values: Values) -> Floats:
        """Take the threshold from the second label's logits."""
        moved = logits.copy()
        if len(values) == 1:
            moved[:, 1] -= values[0]
        else:
            moved[:, 1] -= np.tile(values, len(scores))
        return moved


@dataclass(frozen=True)
class Temperature:
    """The logits are divided by exp(value), before biases or thresholds are added to them.

    Alone it changes no label, since the largest logit stays the largest. Beside biases or
    thresholds it moves all of them at once.
    """

    names: tuple[str, ...] = ("log temperature",)

    def apply(self, logits: Floats, scores: Scores, values: Values) -> Floats:
        """Divide."""
        return logits * np.float32(np.exp(-values[0]))


@dataclass(frozen=True, eq=False)
class Subspace:
    """Steps of the head's weight along a few fixed random directions.

    The directions are orthonormal, times the root mean square of the weight's rows: a value of 1
    moves the weight by about the length of one label's row. After Li et al. (2018), Measuring the
    intrinsic dimension of objective landscapes, https://arxiv.org/abs/1804.08838.
    """

    names: tuple[str, ...]
    seed: int
    directions: Floats  # [n, K, D]

    @classmethod
    def of(cls, scores: Scores, size: int, seed: int) -> "Subspace":
        """The first `size` directions that the seed draws.

        Raises:
            ValueError: the scores came without features and head, or there is no such size.
        """
        if scores.weight is None:
            raise ValueError(
                "a subspace of the head needs its weight and the units' features, and the scores "
                "came without"
            )
        shape = scores.weight.shape
        if not 1 <= size <= scores.weight.size:
            raise ValueError(f"subspace size is {size}: wanted 1 .. {scores.weight.size}")
        drawn = np.random.default_rng(seed).normal(size=(size, scores.weight.size))
        basis = np.linalg.qr(drawn.T)[0].T.reshape(size, *shape)
        length = np.sqrt((scores.weight.astype(np.float64) ** 2).sum(1).mean())
        names = tuple(f"direction {number}" for number in range(1, size + 1))
        return cls(names, seed, (length * basis).astype(np.float32))

    def apply(self, logits: Floats, scores: Scores, values: Values) -> Floats:
        """Add what the moved weight gives."""
        assert scores.features is not None  # `of` has seen the weight, which never comes alone
        step = np.tensordot(values.astype(np.float32), self.directions, 1)  # [K, D]
        moved: Floats = logits + scores.features @ step.T
        return moved


@dataclass(frozen=True, eq=False)
class Parameters:
    """All parameters of a tuning, kind after kind; use `Parameters.of`.

    Attributes:
        spec: the kinds as they were asked for.
        kinds: in the order in which they are applied.
    """

    spec: str
    kinds: tuple[Kind, ...]

    @classmethod
    def of(
        cls, scores: Scores, spec: str = "bias", subspace_size: int = 4, subspace_seed: int = 0
    ) -> "Parameters":
        """The parameters that a labeller of these scores has.

        Args:
            scores: of any split.
            spec: kinds joined by a plus sign, such as ``thresholds+temperature``.
            subspace_size: directions of a subspace.
            subspace_seed: what draws them.

        Raises:
            ValueError: an unknown kind or one twice, a kind that these scores do not have, or a
                temperature alone.
        """
        wanted = [kind.strip() for kind in spec.split("+")]
        for kind in wanted:
            if kind not in KINDS:
                raise ValueError(f"no parameters {kind!r} in {spec!r}: choose {', '.join(KINDS)}")
        if len(set(wanted)) < len(wanted) or {"threshold", "thresholds"} <= set(wanted):
            raise ValueError(f"parameters {spec!r} name a kind twice")
        if not {"bias", "threshold", "thresholds"} & set(wanted) and "temperature" in wanted:
            raise ValueError(
                "a temperature alone changes no label, since the largest logit stays the largest: "
                "tune it beside a bias or thresholds, as in 'bias+temperature'"
            )
        makers: dict[str, Any] = {
            "subspace": lambda: Subspace.of(scores, subspace_size, subspace_seed),
            "temperature": Temperature,
            "bias": lambda: Bias.of(scores),
            "threshold": lambda: Threshold.of(scores, each=False),
            "thresholds": lambda: Threshold.of(scores, each=True),
        }
        return cls(spec, tuple(makers[kind]() for kind in makers if kind in wanted))

    @property
    def names(self) -> tuple[str, ...]:
        """The n parameters."""
        return tuple(name for kind in self.kinds for name in kind.names)

    def __len__(self) -> int:
        """n, the number of parameters."""
        return len(self.names)

    def logits(self, scores: Scores, values: Values | Sequence[float]) -> Floats:
        """The logits [S, K] under values [n].

        Raises:
            ValueError: not n finite values.
        """
        given = np.asarray(values, np.float64)
        if given.shape != (len(self),) or not np.isfinite(given).all():
            raise ValueError(f"values are {given}: wanted {len(self)} finite numbers")
        logits, start = scores.logits, 0
        for kind in self.kinds:
            end = start + len(kind.names)
            logits = kind.apply(logits, scores, given[start:end])
            start = end
        return logits

    def labels(self, scores: Scores, values: Values | Sequence[float]) -> IntArray:
        """The labels [S] that the tuned labeller gives: each unit's largest logit."""
        return self.logits(scores, values).argmax(1).astype(np.int32)
