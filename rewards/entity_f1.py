"""F1 of entities within an episode."""

from dataclasses import dataclass, field

import numpy as np

from lingym.rewards.base import Reward, rises
from lingym.rewards.counting import count, ratio
from lingym.rewards.spans import Codes, SpanCodes, begins, partings
from lingym.types import FloatArray, Labelings, LabelSpace


@dataclass(eq=False)
class EntityF1(Reward):
    """F1 of entities: strict IOB2 spans, all types together, as in seqeval's strict mode.

    With m equal spans among p predicted and g gold ones, the score is 2 m / (p + g).

    Attributes:
        dense: score a prefix as though the units without a label were O, against the whole gold;
            else only the whole labelling.
        empty: the score where neither gold nor prediction has an entity, finite. seqeval says 0,
            which rewards nothing in a sentence without entities.
    """

    dense: bool = False
    empty: float = 1.0
    name = "entity_f1"
    named = True
    _codes: SpanCodes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse an ``empty`` that is no score."""
        if not np.isfinite(self.empty):
            raise ValueError(f"empty is {self.empty}: wanted a finite score")
        self.sparse = not self.dense

    def bind(self, space: LabelSpace) -> None:
        """Read the tags.

        Raises:
            ValueError: a label is not O, B-x or I-x, or none is B-x.
        """
        super().bind(space)
        self._codes = SpanCodes.from_names(space.names)

    def score(self, labelings: Labelings) -> FloatArray:
        """F1 of each episode, float64 [B] in [0, 1] (or ``empty``)."""
        predicted, gold = self._encode(labelings)
        found = partings(predicted, gold)
        equal = found.end[found.equal] // predicted.shape[1]
        # An end may be the separator column, which is still the sentence's own row.
        matches = np.bincount(equal, minlength=len(predicted))
        spans = count(begins(predicted)) + count(begins(gold))
        f1 = ratio(2 * matches, spans, self.empty)
        return np.where(self.scored(labelings), f1, 0.0)

    def steps(self, labelings: Labelings) -> FloatArray:
        """Rises of F1, float64 [B, U], in closed form.

        A span that is still open when a prefix ends counts as though it ended there. So a pair of
        spans that start together is equal in all prefixes from the last unit of both on if they
        end together; in that one prefix only if the gold one ends first; and else in none.
        """
        if self.sparse:
            return super().steps(labelings)
        predicted, gold = self._encode(labelings)
        found = partings(predicted, gold)
        matches = np.zeros(predicted.size, np.int64)
        matches[found.end[found.equal] - 1] = 1
        matches = matches.reshape(predicted.shape).cumsum(1)
        passing = found.end[found.predicted_goes_on] - 1  # so the gold one has ended
        matches.reshape(-1)[passing] += 1
        spans = begins(predicted).cumsum(1) + begins(gold).sum(1)[:, None]
        return rises(ratio(2 * matches, spans, self.empty)[:, :-1], labelings)

    def _encode(self, labelings: Labelings) -> tuple[Codes, Codes]:
        """Codes of the labels and of the gold, int16 [B, U + 1] each."""
        _ = self.space  # an error with words where bind was forgotten
        return self._codes.encode(labelings.labels), self._codes.encode(labelings.gold)
