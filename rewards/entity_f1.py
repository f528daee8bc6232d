"""F-beta of entities within an episode."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from lingym.rewards.base import Reward, rises
from lingym.rewards.counting import Counts, count
from lingym.rewards.f_beta import Events, LabelMean, check_settings, f_beta, weights_of
from lingym.rewards.span_match import MATCHES, span_credits
from lingym.rewards.spans import Codes, Places, SpanCodes, begins
from lingym.types import FloatArray, Labelings, LabelSpace


@dataclass(eq=False)
class EntityF1(Reward):
    """F1 (or F-beta) of entities: strict IOB2 spans, all types together unless told otherwise.

    With p predicted spans, g gold ones and pairs of them that are worth m together, the score is
    (1 + b^2) m / (p + b^2 g), in [0, 1]. By default a pair is worth 1 if the spans are equal and
    all types count together: seqeval's F1 in strict mode with the scheme IOB2.

    Attributes:
        dense: score a prefix as though the units without a label were O, against the whole gold;
            else only the whole labelling.
        empty: the score where neither gold nor prediction has an entity, finite. seqeval says 0,
            which rewards nothing in a sentence without entities.
        beta: b, over 0; above 1 it weighs recall more, below 1 precision.
        match: what a pair is worth, as in SemEval-2013 task 9.1 (``span_match``): "strict": 1 for
            equal boundaries and types; "exact": 1 for equal boundaries; "partial": 1 for equal
            boundaries, 1/2 for an overlap; "type": 1 for equal types and an overlap. Each span is
            in one pair at most, and the best pairs count.
        average: "micro" counts all types together; "macro" is the mean over the types that gold or
            prediction has; "weighted" is the mean by how many gold spans a type has (0 where
            there are only predicted ones). In the means each type is scored by its spans alone.
        weights: of types by name in the macro mean, such as ``{"PER": 2.0}``; the others weigh 1,
            and a type with weight 0 is left out of the mean.
    """

    dense: bool = False
    empty: float = 1.0
    beta: float = 1.0
    match: str = "strict"
    average: str = "micro"
    weights: Mapping[str, float] | None = None
    name = "entity_f1"
    named = True
    _codes: SpanCodes = field(init=False, repr=False)
    _mean: LabelMean = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse settings that give no score."""
        check_settings(self.beta, self.empty, self.average, self.weights)
        if self.match not in MATCHES:
            raise ValueError(
                f"match is {self.match!r}: wanted 'strict', 'exact', 'partial' or 'type'"
            )
        self.sparse = not self.dense

    def bind(self, space: LabelSpace) -> None:
        """Read the tags.

        Raises:
            ValueError: a label is not O, B-x or I-x, none is B-x, or a weight is for no type.
        """
        super().bind(space)
        self._codes = SpanCodes.from_names(space.names)
        weights = weights_of(self._codes.types, self.weights, "entity type")
        self._mean = LabelMean(
            self.beta, self.empty, None if self.average == "weighted" else weights
        )

    def score(self, labelings: Labelings) -> FloatArray:
        """F of each episode, float64 [B] in [0, 1] (or ``empty``)."""
        predicted, gold = self._encode(labelings)
        by_type = self.average != "micro"
        place, start, worth = span_credits(predicted, gold, self.match, by_type, every=False)
        row, rows = place // predicted.shape[1], len(predicted)
        if by_type:
            types = len(self._codes.types)
            own = row * types + _type_at(gold, start)
            matches = np.bincount(own, worth, minlength=rows * types).reshape(rows, types)
            counts = self._counts(predicted), self._counts(gold)
            f = self._mean.of(matches, *counts)
        else:
            matches = np.bincount(row, worth, minlength=rows)
            f = f_beta(
                matches, count(begins(predicted)), count(begins(gold)), self.beta, self.empty
            )
        return np.where(self.scored(labelings), f, 0.0)

    def steps(self, labelings: Labelings) -> FloatArray:
        """Rises of F, float64 [B, U], in closed form.

        A span that is still open when a prefix ends counts as though it ended there. So a pair of
        spans that start together is equal in all prefixes from the last unit of both on if they
        end together; in that one prefix only if the gold one ends first; and else in none. A pair
        that overlaps does so in all prefixes from its first common unit on.
        """
        if self.sparse:
            return super().steps(labelings)
        predicted, gold = self._encode(labelings)
        by_type = self.average != "micro"
        place, start, worth = span_credits(predicted, gold, self.match, by_type, every=True)
        if by_type:
            begun = np.flatnonzero(begins(predicted))
            row, unit = np.divmod(np.concatenate([begun, place]), predicted.shape[1])
            label = np.concatenate([_type_at(predicted, begun), _type_at(gold, start)])
            new = np.repeat([1, 0], [len(begun), len(place)])
            met = np.concatenate([np.zeros(len(begun)), worth])
            events = Events(row, label, unit, new, met)
            scores = self._mean.of_prefixes(events, self._counts(gold), predicted.shape[1])
        else:
            matches = np.bincount(place, worth, minlength=predicted.size).reshape(predicted.shape)
            spans = begins(predicted).cumsum(1), begins(gold).sum(1)[:, None]
            scores = f_beta(matches.cumsum(1), *spans, self.beta, self.empty)
        return rises(scores[:, :-1], labelings)

    def _encode(self, labelings: Labelings) -> tuple[Codes, Codes]:
        """Codes of the labels and of the gold, int16 [B, U + 1] each."""
        _ = self.space  # an error with words where bind was forgotten
        return self._codes.encode(labelings.labels), self._codes.encode(labelings.gold)

    def _counts(self, codes: Codes) -> Counts:
        """How many spans of each type the episodes have, int64 [B, types]."""
        rows, types = len(codes), len(self._codes.types)
        begun = np.flatnonzero(begins(codes))
        own = begun // codes.shape[1] * types + _type_at(codes, begun)
        return np.bincount(own, minlength=rows * types).reshape(rows, types)


def _type_at(codes: Codes, places: Places) -> Places:
    """The types of the spans that have these flat positions, from 0 on."""
    return (codes.reshape(-1)[places] >> 1).astype(np.intp) - 1
