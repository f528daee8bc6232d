"""ROUGE of a summary that is made of a document's own sentences."""

from dataclasses import dataclass, field

import numpy as np

from lingym.rewards.base import Reward
from lingym.rewards.references import References
from lingym.types import BoolArray, FloatArray, Labelings, LabelSpace

TYPES = ("1", "2", "l")


@dataclass(eq=False)
class Rouge(Reward):
    """Mean of ROUGE-1, -2 and -L F of the sentences labelled in, against the references.

    The summary is the chosen sentences in order; see ``References`` for the measure. An empty
    summary scores 0.

    Attributes:
        label: the label that puts a sentence into the summary.
        types: which ROUGE to take the mean of: "1", "2", "l".
        dense: score the sentences chosen so far; else only the whole labelling.
    """

    label: str = "in"
    types: tuple[str, ...] = TYPES
    dense: bool = False
    name = "rouge"
    named = True
    _label: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse types that are none."""
        known = isinstance(self.types, tuple) and set(self.types) <= set(TYPES)
        if not known or not self.types or len(set(self.types)) < len(self.types):
            raise ValueError(f"types is {self.types!r}: wanted a tuple out of {TYPES}, each once")
        self._columns = [TYPES.index(kind) for kind in self.types]
        self.sparse = not self.dense

    def bind(self, space: LabelSpace) -> None:
        """Look up the label.

        Raises:
            ValueError: ``label`` is not a label of the task.
        """
        super().bind(space)
        if self.label not in space.places:
            raise ValueError(
                f"reward {self.name}: label {self.label!r} is none of the task's: "
                f"{', '.join(space.names)}"
            )
        self._label = space.places[self.label]

    def score(self, labelings: Labelings) -> FloatArray:
        """Mean F of each summary, float64 [B] in [0, 1]."""
        chosen = self._chosen(labelings)
        rows = np.flatnonzero(self.scored(labelings) & chosen.any(1))
        score = np.zeros(len(chosen))
        score[rows] = self._mean(labelings, chosen[rows], rows)
        return score

    def steps(self, labelings: Labelings) -> FloatArray:
        """Rises of the mean F, float64 [B, U]: only a chosen sentence changes it."""
        if self.sparse:
            return super().steps(labelings)
        chosen = self._chosen(labelings)
        rows, units = np.nonzero(chosen)
        so_far = chosen[rows] & (np.arange(chosen.shape[1]) <= units[:, None])
        scores = self._mean(labelings, so_far, rows)
        before = np.concatenate([[0.0], scores])[:-1] if len(scores) else scores
        first = np.diff(rows, prepend=-1) > 0
        steps = np.zeros(chosen.shape)
        steps[rows, units] = scores - np.where(first, 0.0, before)
        return steps

    def _mean(self, labelings: Labelings, chosen: BoolArray, rows: np.ndarray) -> FloatArray:
        """Mean F of summaries [n, U] of the episodes in these rows."""
        references: References = self.fact(labelings, "references")
        return references.scores(chosen, labelings.examples[rows])[:, self._columns].mean(1)

    def _chosen(self, labelings: Labelings) -> BoolArray:
        """The sentences labelled in, bool [B, U]."""
        _ = self.space  # an error with words where bind was forgotten
        chosen: BoolArray = labelings.labels == self._label
        return chosen


def rouge_metrics(labelings: Labelings, label: int) -> dict[str, float]:
    """ROUGE of a corpus: the means over its documents.

    Args:
        labelings: complete ones, with the fact ``references``.
        label: the id of the label that puts a sentence into the summary.

    Returns:
        ``rouge1``, ``rouge2``, ``rougeL`` (F), ``rouge`` (their mean), and how many ``sentences``
        and ``words`` (tokens of ROUGE) a summary has.

    Raises:
        ValueError: there is no document.
    """
    return summary_metrics(
        labelings.facts["references"], labelings.labels == label, labelings.examples
    )


def summary_metrics(
    references: References, chosen: BoolArray, examples: np.ndarray | None = None
) -> dict[str, float]:
    """ROUGE of chosen sentences, as ``rouge_metrics`` gives it.

    Args:
        references: what the split's summaries are compared with.
        chosen: bool [B, U].
        examples: int [B]; if not given, row b is example b.

    Raises:
        ValueError: there is no document.
    """
    if not len(chosen):
        raise ValueError("there is nothing to measure: no document")
    examples = np.arange(len(chosen)) if examples is None else examples
    one, two, longest = references.scores(chosen, examples).mean(0).tolist()
    return {
        "rouge1": one,
        "rouge2": two,
        "rougeL": longest,
        "rouge": (one + two + longest) / 3,
        "sentences": float(chosen.sum(1).mean()),
        "words": float(references.words_of(chosen, examples).mean()),
    }
