"""How many of each type a text has, and not where."""

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from lingym.rewards.counting import count_labels, ratio, units_of_text
from lingym.rewards.feedback.judge import Judge, Verdicts, last_units
from lingym.rewards.spans import SpanCodes
from lingym.types import Labelings, LabelSpace, Rows

Score = Literal["f1", "l1"]


@dataclass(eq=False)
class Counts(Judge):
    """Told at the end how well the numbers of each type fit, as someone would who knows only these.

    Types are entity types where labels are IOB2 tags (a B- tag is one more of its type), and else
    labels; of units of several kinds, each kind's own. With p_t given and g_t gold ones of type t,

        f1: 2 sum_t min(p_t, g_t) / (sum_t p_t + sum_t g_t), 1 where there is none of either
        l1: 1 - sum_t |p_t - g_t| / (2 U), U units in the text

    both in [0, 1]. Learning from label proportions: Quadrianto et al., 2009,
    https://jmlr.org/papers/v10/quadrianto09a.html.

    Attributes:
        ignore: names of labels that are not counted.
        score_by: ``f1`` or ``l1``.
    """

    ignore: tuple[str, ...] = ()
    score_by: Score = "f1"
    name = "counts"
    named = True
    _types: Rows = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse a measure that is none."""
        self.sparse = True
        if not isinstance(self.ignore, tuple):  # a lone name would count letter by letter
            raise ValueError(f"ignore is {self.ignore!r}: wanted a tuple such as ('O',)")
        if self.score_by not in get_args(Score):
            raise ValueError(
                f"score_by is {self.score_by!r}: wanted {' or '.join(get_args(Score))}"
            )

    def bind(self, space: LabelSpace) -> None:
        """See what the labels are.

        Raises:
            ValueError: ``ignore`` names a label that is none, or leaves nothing to count.
        """
        super().bind(space)
        unknown = [name for name in self.ignore if name not in space.places]
        if unknown:
            raise ValueError(
                f"reward {self.name}: ignore names {', '.join(map(repr, unknown))}, and the labels "
                f"are {', '.join(space.names)}"
            )
        kinds = [space.of_kind(kind) for kind in space.kinds] or [(space, np.arange(len(space)))]
        types = np.concatenate([ids[_counted(own.names)] for own, ids in kinds])
        types = types[~np.isin(types, [space.places[name] for name in self.ignore])]
        if not len(types):
            raise ValueError(f"reward {self.name}: ignore leaves no label to count")
        self._types = types

    def verdicts(self, labelings: Labelings) -> Verdicts:
        """How well the numbers fit, at the last unit of each complete labelling."""
        number = len(self.space)
        given = count_labels(labelings.labels, number)[:, self._types]
        gold = count_labels(labelings.gold, number)[:, self._types]
        if self.score_by == "f1":
            both = np.minimum(given, gold).sum(1)
            score = ratio(2 * both, given.sum(1) + gold.sum(1), 1.0)
        else:
            score = 1 - np.abs(given - gold).sum(1) / (2 * units_of_text(labelings))
        last = last_units(labelings)
        return Verdicts(np.where(last, score[:, None], 0.0), last, np.ones(len(score)))


def _counted(names: tuple[str, ...]) -> Rows:
    """The places of the labels that are counted."""
    try:
        SpanCodes.from_names(names)
    except ValueError:  # no tags of spans
        return np.arange(len(names))
    return np.array([place for place, name in enumerate(names) if name.partition("-")[0] == "B"])
