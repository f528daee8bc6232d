"""The labels of a text as a set: the units are the candidate labels, each yes or no."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lingym.rewards.base import Reward, rises
from lingym.rewards.counting import count, ratio
from lingym.rewards.f_beta import check_settings, f_beta
from lingym.types import BoolArray, FloatArray, Labelings, LabelSpace

YES = "yes"


@dataclass(eq=False)
class SampleF1(Reward):
    """F-beta between the set of labels given "yes" and the gold set of one text.

    With m labels in both sets among p given and g gold ones, the score is
    (1 + b^2) m / (p + b^2 g), in [0, 1]; scikit-learn's ``average="samples"`` is its mean over
    texts.

    Attributes:
        beta: b, over 0; above 1 it weighs recall more, below 1 precision.
        empty: the score where both sets are empty, finite; scikit-learn's ``zero_division``.
        dense: score a prefix by the labels given so far against the whole gold set; else only the
            whole labelling.
    """

    beta: float = 1.0
    empty: float = 1.0
    dense: bool = False
    name = "sample_f1"
    named = True
    _yes: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse settings that give no score."""
        check_settings(self.beta, self.empty)
        self.sparse = not self.dense

    def bind(self, space: LabelSpace) -> None:
        """Look up "yes".

        Raises:
            ValueError: no label is called "yes".
        """
        super().bind(space)
        if YES not in space.places:
            raise ValueError(
                f"reward {self.name} scores the units labelled {YES!r}, and the labels are "
                f"{', '.join(space.names)}"
            )
        self._yes = space.places[YES]

    def score(self, labelings: Labelings) -> FloatArray:
        """F-beta of each text, float64 [B] in [0, 1] (or ``empty``)."""
        given, gold = self._sets(labelings)
        f = f_beta(count(given & gold), count(given), count(gold), self.beta, self.empty)
        return np.where(self.scored(labelings), f, 0.0)

    def steps(self, labelings: Labelings) -> FloatArray:
        """Rises of F-beta, float64 [B, U], in closed form."""
        if self.sparse:
            return super().steps(labelings)
        given, gold = self._sets(labelings)
        counts = (given & gold).cumsum(1), given.cumsum(1), gold.sum(1)[:, None]
        return rises(f_beta(*counts, self.beta, self.empty), labelings)

    def _sets(self, labelings: Labelings) -> tuple[BoolArray, BoolArray]:
        """Which units are labelled "yes", and which have it in the gold; bool [B, U] each."""
        _ = self.space  # an error with words where bind was forgotten
        return labelings.labels == self._yes, labelings.gold == self._yes


def multilabel_metrics(
    labelings: Labelings, roles: Sequence[str], empty: float = 0.0
) -> dict[str, float]:
    """Score the label sets of a corpus; equal to scikit-learn's on the same table of yes and no.

    Args:
        labelings: complete ones; a unit for each role, labelled 1 for yes or 0 for no.
        roles: the candidate labels.
        empty: what 0 / 0 is, scikit-learn's ``zero_division``: the F1 of a text whose two sets are
            both empty, and of a candidate that no text has in either. scikit-learn's default is 0.

    Returns:
        ``sample_f1``, the mean over texts; ``micro_f1``, over all units together; ``macro_f1``, the
        mean over candidates; ``exact_match``, the share of texts with all units right (subset
        accuracy); ``hamming``, the share of units that are wrong (Hamming loss).

    Raises:
        ValueError: there is no text, or a unit has no label or no gold label.
    """
    tables = []
    for what, labels in (("label", labelings.labels), ("gold label", labelings.gold)):
        if not len(labels):
            raise ValueError("there is nothing to measure: no text")
        table = labels[:, : len(roles)]
        wrong = (table < 0) | (table > 1)
        if table.shape[1] != len(roles) or wrong.any():
            found = labels.shape[1]
            where = f"{found} units for {len(roles)} candidates"
            if wrong.any():
                row, unit = np.argwhere(wrong)[0]
                example = labelings.examples[row]
                where = f"{table[row, unit]} for {roles[unit]!r} in example {example}"
            raise ValueError(f"wanted the {what} 0 (no) or 1 (yes) for each candidate; got {where}")
        tables.append(table == 1)
    given, gold = tables
    both = given & gold

    def f1(axis: int | None) -> FloatArray:
        matches, units = both.sum(axis), given.sum(axis) + gold.sum(axis)
        return ratio(2 * np.atleast_1d(matches), np.atleast_1d(units), empty)

    return {
        "sample_f1": float(f1(1).mean()),
        "micro_f1": float(f1(None).mean()),
        "macro_f1": float(f1(0).mean()),
        "exact_match": float((given == gold).all(1).mean()),
        "hamming": float((given != gold).mean()),
    }
