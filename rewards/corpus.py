"""F1, precision, recall and correlation of the whole corpus as rewards."""

import math
from dataclasses import dataclass, replace

import numpy as np

from lingym.rewards.averages import MCC, FMeasure, Measure
from lingym.rewards.corpus_counts import UNITS, Units, units_of
from lingym.rewards.corpus_reward import CorpusReward
from lingym.rewards.f_beta import AVERAGES
from lingym.types import LabelSpace


@dataclass(eq=False)
class _Averaged(CorpusReward):
    """F of a corpus with some weight of recall; see `CorpusReward` for its other settings.

    Attributes:
        unit: what is counted. "entity": strict IOB2 spans, as seqeval's strict mode. "label": the
            labels of units. "candidate": the roles of a multi-label task that got "yes".
            "relation": directed relations, Other left out, as SemEval-2010 task 8. By default what
            the labels are: tags, relations, roles, or else labels.
        average: "micro", "macro" or "weighted", as scikit-learn's over all types of the task. A
            type that was never seen has F 0.
        ignore: labels that are no type, where labels are counted; by default O.
        weights: what a type weighs in sum or mean, by its name, at least 0; 1 where not named.
    """

    unit: str | None = None
    average: str = "micro"
    ignore: tuple[str, ...] | None = None
    weights: dict[str, float] | None = None

    def __post_init__(self) -> None:
        """Refuse settings that give no score."""
        super().__post_init__()
        if self.unit not in (None, *UNITS):
            raise ValueError(f"unit is {self.unit!r}: wanted one of {', '.join(UNITS)}")
        if self.average not in AVERAGES:
            raise ValueError(f"average is {self.average!r}: wanted one of {', '.join(AVERAGES)}")
        if self.ignore is not None and not isinstance(self.ignore, tuple):
            raise ValueError(f"ignore is {self.ignore!r}: wanted a tuple such as ('O',)")
        if self.weights is not None and not isinstance(self.weights, dict):
            raise ValueError(f"weights is {self.weights!r}: wanted a dict such as {{'PER': 2.0}}")
        for name, weight in (self.weights or {}).items():
            if not isinstance(weight, int | float) or not 0 <= weight < math.inf:
                raise ValueError(f"weights: {name!r} is {weight!r}: wanted a number, at least 0")

    @property
    def _recall_share(self) -> float:
        """b^2 / (1 + b^2): 0 for precision, 1 for recall."""
        raise NotImplementedError

    def _read(self, space: LabelSpace) -> tuple[Units, Measure]:
        try:
            units = units_of(space, self.unit, self.ignore)
        except ValueError as error:
            raise ValueError(f"reward {self.name}: {error}") from error
        named = self.weights or {}
        for name in named:
            if name not in units.types:
                raise ValueError(
                    f"reward {self.name}: weights has {name!r}, which is no type: "
                    f"there are {', '.join(map(repr, units.types))}"
                )
        weights = np.array([float(named.get(name, 1.0)) for name in units.types])
        if not weights.any():
            raise ValueError(f"reward {self.name}: weights leaves no type: all of them are 0")
        return units, FMeasure(self.average, self._recall_share, weights)


@dataclass(eq=False)
class CorpusF1(_Averaged):
    """What an episode adds to the corpus's F-beta: micro, macro or weighted, of any task.

    With TP true positives, P predictions and G gold in N running episodes, and an episode's own
    dTP, dP and dG, F = (1 + b^2) TP / (P + b^2 G) and

        score = N / (P + b^2 G) * [(1 + b^2) dTP - F (dP + b^2 dG)],

    the gradient of F (Dembczynski et al., 2011, on why the F of a corpus is no mean over episodes,
    https://proceedings.neurips.cc/paper/2011/hash/71ad16ad2c4d81f348082ff6c4b20768-Abstract.html).
    For macro it is the mean over types of each type's own; for weighted, weights move with dG too.
    A right thing is always worth more than none, and a wrong one less.

    Attributes:
        beta: b, at least 0 and finite: above 1 it weighs recall more, below 1 precision, and 0 is
            precision alone. For recall alone there is `CorpusRecall`.
    """

    beta: float = 1.0
    name = "corpus_f1"

    def __post_init__(self) -> None:
        """Refuse settings that give no score."""
        super().__post_init__()
        if not 0 <= self.beta < math.inf:
            raise ValueError(f"beta is {self.beta}: wanted a finite number, at least 0")

    @property
    def _recall_share(self) -> float:
        return self.beta**2 / (1 + self.beta**2)

    def readings(self) -> dict[str, float]:
        """F, and its precision and recall by the same average."""
        found = super().readings()
        if found and isinstance(self._measure, FMeasure):
            for name, share in (("corpus_precision", 0.0), ("corpus_recall", 1.0)):
                other = replace(self._measure, recall_share=share)
                found[name] = float(other.value(self._running.totals))
        return found


@dataclass(eq=False)
class CorpusPrecision(_Averaged):
    """What an episode adds to the corpus's precision: N / P * (dTP - precision dP).

    Alone it teaches to predict little; it is meant beside other rewards, or as a constraint.
    Settings as for `CorpusF1`, whose limit it is for beta 0.
    """

    name = "corpus_precision"

    @property
    def _recall_share(self) -> float:
        return 0.0


@dataclass(eq=False)
class CorpusRecall(_Averaged):
    """What an episode adds to the corpus's recall: N / G * (dTP - recall dG).

    Alone it teaches to predict much; it is meant beside other rewards, or as a constraint.
    Settings as for `CorpusF1`, whose limit it is for infinite beta.
    """

    name = "corpus_recall"

    @property
    def _recall_share(self) -> float:
        return 1.0


@dataclass(eq=False)
class CorpusMCC(CorpusReward):
    """What an episode adds to Matthews' correlation of all unit labels, R_K in [-1, 1].

    The gradient of scikit-learn's ``matthews_corrcoef``, times the running episodes; see `MCC` for
    the formula. Every label is a class; there must be two or more. The gold labels are the best
    ones once most are right; where the running labels are skewed against a class, another label
    than the gold one may be worth more, as it is to the measure.
    """

    name = "corpus_mcc"

    def _read(self, space: LabelSpace) -> tuple[Units, Measure]:
        if len(space) < 2 or space.kinds:
            raise ValueError(
                f"reward {self.name} needs two labels or more, of units of one kind; "
                f"got {', '.join(space.names) or 'none'}"
            )
        return units_of(space, "label", ignore=()), MCC()
