"""The official measure of SemEval-2010 task 8: relations that have a direction.

Hendrickx et al., 2010, https://aclanthology.org/S10-1006/. The score is the macro F1 over the
relations, their directions taken into account and Other left out: both directions of a relation are
counted together, and a label with the wrong direction is a wrong prediction and a missed gold one.
It is the mean over the relations that the gold labels have.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lingym.rewards.base import Reward, RewardError
from lingym.rewards.corpus import CorpusF1
from lingym.rewards.counting import Counts, correct, ratio, summed
from lingym.rewards.metrics import corpus_metrics
from lingym.rewards.relations import OTHER, relations_of
from lingym.types import FloatArray, IntArray, Labelings, LabelSpace


@dataclass(eq=False)
class RelationF1(Reward):
    """What a label is worth to the corpus's macro F1, to first order.

    Macro F1 is a measure of a corpus, so an episode has none of its own. Where every relation r has
    as many predictions as its g_r gold labels and the F1 is F for all, one more label changes the
    sum of the F1 by

        sum over r of [2 tp - F (predicted + gold)] / (2 g_r),

    where tp, predicted and gold say (0 or 1) whether the label is a right one of r, is one of r,
    and whether the gold one is. The score is this times m / (1 - F), with m the mean of the g_r:
    a right label of an average relation is worth 1, and more where the relation is rare. Missing
    an average relation costs F / 2 / (1 - F), and so does one where there is none; a wrong relation
    or direction costs both. Other for Other is worth 0. It is the gradient at one fixed point, not
    the measure: the mean of this reward is no macro F1.

    Relations without gold labels have no F1; predicting one costs only what is missed.

    Attributes:
        operating_point: F, at least 0 and below 1: the F1 that the labeller is about to have. None
            measures the F1 of each relation as the run goes on: the score is then that of
            ``corpus_f1(unit="relation", average="macro")``, in its unit (see `CorpusF1`).
    """

    operating_point: float | None = 0.8
    name = "relation_f1"
    sparse = False
    named = True
    _running: CorpusF1 | None = field(default=None, init=False, repr=False)
    _relation: npt.NDArray[np.intp] = field(init=False, repr=False)  # [K] -1 for Other
    _number: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse a point at which nothing can be gained."""
        if self.operating_point is None:
            self._running = CorpusF1(unit="relation", average="macro", dense=True)
        elif not 0 <= self.operating_point < 1:
            raise ValueError(
                f"operating_point is {self.operating_point}: wanted 0 <= operating_point < 1"
            )

    @property
    def inner(self) -> tuple[Reward, ...]:
        """The reward of running counts, where there is no fixed point."""
        return () if self._running is None else (self._running,)

    def measure(self) -> float | None:
        """The macro F1 of the episodes observed, where the point is not fixed."""
        return None if self._running is None else self._running.measure()

    def bind(self, space: LabelSpace) -> None:
        """Read the relations.

        Raises:
            ValueError: a label is neither a directed relation nor Other.
        """
        super().bind(space)
        relations, self._relation = relations_of(space.names)
        self._number = len(relations)
        for reward in self.inner:
            reward.bind(space)

    def score(self, labelings: Labelings) -> FloatArray:
        """The worth of the labels given, summed, float64 [B]."""
        if self._running is not None:
            return self._running.score(labelings)
        return summed(self.steps(labelings))

    def steps(self, labelings: Labelings) -> FloatArray:
        """The worth of each label, float64 [B, U]; 0 where none was given."""
        if self._running is not None:
            return self._running.steps(labelings)
        point = self.operating_point or 0.0
        share = self._shares(labelings, point)
        gold, given = share.take(labelings.gold), share.take(labelings.labels)
        worth = (2 * correct(labelings) - point) * gold - point * given
        within = np.arange(worth.shape[1]) < labelings.decided[:, None]
        return np.where(within, worth, 0.0)

    def table(self, labelings: Labelings, count: int) -> FloatArray | None:
        """The worth of every label, float64 [B, U, K]."""
        if self._running is not None:
            return self._running.table(labelings, count)
        point = self.operating_point or 0.0
        share, gold = self._shares(labelings, point), labelings.gold[..., None]
        right = gold == np.arange(count)
        worth = (2 * right - point) * share.take(gold) - point * share[:count]
        return np.where(gold >= 0, worth, 0.0)

    def _shares(self, labelings: Labelings, point: float) -> FloatArray:
        """M / (1 - F) / (2 g_r) of each label's relation, float64 [K + 1]; 0 for Other and -1."""
        size = len(self.space)
        counts = np.asarray(self.fact(labelings, "label_counts"))
        if counts.shape != (size,):
            raise RewardError(
                f"reward {self.name}: facts['label_counts'] has the shape {list(counts.shape)}: "
                f"wanted [{size}], the gold labels of each name"
            )
        gold = _by_relation(counts, self._relation, self._number)
        mean = gold[gold > 0].mean() if gold.any() else 0.0
        share = ratio(np.full(len(gold), mean / 2 / (1 - point)), gold, 0.0)
        return np.append(np.where(self._relation >= 0, share[self._relation], 0.0), 0.0)


def semeval_metrics(predicted: IntArray, gold: IntArray, names: Sequence[str]) -> dict[str, float]:
    """Score the relations of a corpus as semeval2010_task8_scorer-v1.2.pl does, as fractions.

    Args:
        predicted: int32 [B, U] label ids wherever gold has one; else ignored.
        gold: int32 [B, U] label ids; -1 after the last unit.
        names: the K labels: directed relations and Other.

    Returns:
        ``semeval_f1``, the official score; ``precision`` and ``recall``, macro averages likewise;
        ``micro_f1`` over the labels that are not Other; ``accuracy`` of all labels.

    Raises:
        ValueError: a name is neither a directed relation nor Other, no gold label is a relation, or
            as for ``corpus_metrics``.
    """
    relations, relation = relations_of(names)
    accuracy = corpus_metrics(predicted, gold, names)["accuracy"]
    within, number = gold >= 0, len(relations)
    given, wanted = predicted[within], gold[within]
    matches, chosen, there = (
        _by_relation(np.bincount(labels, minlength=len(names)), relation, number)
        for labels in (wanted[given == wanted], given, wanted)
    )
    seen = there > 0
    if not seen.any():
        raise ValueError(f"there is nothing to measure: every gold label is {OTHER}")
    measures = {
        "semeval_f1": ratio(2 * matches, chosen + there, 0.0),
        "precision": ratio(matches, chosen, 0.0),
        "recall": ratio(matches, there, 0.0),
    }
    metrics = {name: float(values[seen].mean()) for name, values in measures.items()}
    total = (chosen + there)[seen].sum()
    return metrics | {"micro_f1": float(2 * matches[seen].sum() / total), "accuracy": accuracy}


def _by_relation(counts: Counts, relation: npt.NDArray[np.intp], number: int) -> Counts:
    """Counts of labels summed over the directions of each relation, int64 [number]."""
    totals = np.zeros(number, np.int64)
    directed = relation >= 0
    np.add.at(totals, relation[directed], counts[directed])
    return totals
