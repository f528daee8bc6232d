"""Which predicted spans count as which gold ones: SemEval-2013 task 9.1's four ways.

Segura-Bedmar et al., 2013, https://aclanthology.org/S13-2056/, after MUC-5 (Chinchor and Sundheim,
1993, https://aclanthology.org/M93-1007/). A pair of a predicted and a gold span is worth

- ``strict``: 1 if type and boundaries are equal;
- ``exact``: 1 if the boundaries are equal, whatever the types;
- ``partial``: 1 if the boundaries are equal and 1/2 if the spans overlap, whatever the types;
- ``type``: 1 if the types are equal and the spans overlap;

and else 0. Where a span could be in several pairs, the score is that of the best one-to-one
pairing. IOB2 spans of one side never overlap each other, so it is found from left to right: a pair
is made of the two spans that share a unit as soon as they do, if both are free. (Two spans that
share boundaries overlap no other, so only overlaps can compete, and all of these are worth the
same; and of the leftmost pair one span is in no later pair, so making it loses nothing.)

The package nervaluate gives the same counts but for "type": there a span of another type that comes
first takes the gold span away, so that fewer pairs may be made.
"""

from typing import NamedTuple

import numpy as np

from lingym.rewards.spans import Codes, Places, begins, goes_on, partings
from lingym.types import BoolArray, FloatArray

MATCHES = ("strict", "exact", "partial", "type")


class Credits(NamedTuple):
    """What pairs of spans are worth, and when that is known; arrays [N]."""

    place: Places  # flat position of the unit that brings it, in 0 .. B (U + 1) - 1
    gold: Places  # flat position where the gold span begins
    worth: FloatArray  # below 0 where a prefix loses what the one before it had

    @classmethod
    def joined(cls, *parts: "Credits") -> "Credits":
        """All of them."""
        return cls(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def halved(self) -> "Credits":
        """The same, worth half."""
        return self._replace(worth=0.5 * self.worth)


def span_credits(predicted: Codes, gold: Codes, match: str, by_type: bool, every: bool) -> Credits:
    """What the predicted spans are worth.

    Args:
        predicted: int16 [B, U + 1] from ``SpanCodes.encode``.
        gold: int16 [B, U + 1], likewise.
        match: one of ``MATCHES``.
        by_type: whether only spans of one type are paired, as when each type has its own score.
            Then "exact" is the same as "strict".
        every: also what is worth something in some prefixes only, those in which a span that goes
            on counts as though it ended.
    """
    if match == "type":
        return _overlaps(predicted, gold, same_type=True)
    equal = _equal(predicted, gold, match == "strict" or by_type, every)
    if match != "partial":
        return equal
    return Credits.joined(equal, _overlaps(predicted, gold, by_type)).halved()


def _equal(predicted: Codes, gold: Codes, same_type: bool, every: bool) -> Credits:
    """1 for every pair with equal boundaries, at its last unit."""
    if not same_type:
        predicted, gold = _without_types(predicted), _without_types(gold)
    found = partings(predicted, gold)
    last, start = found.end[found.equal] - 1, found.start[found.equal]
    equal = Credits(last, start, np.ones(len(last)))
    if not every:
        return equal
    # The gold span has ended and the predicted one goes on: equal in one prefix only.
    after, start = found.end[found.predicted_goes_on], found.start[found.predicted_goes_on]
    ones = np.ones(len(after))
    return Credits.joined(equal, Credits(after - 1, start, ones), Credits(after, start, -ones))


def _overlaps(predicted: Codes, gold: Codes, same_type: bool) -> Credits:
    """1 for every pair that overlaps, in the best one-to-one pairing, at its first common unit."""
    given, wanted = starts(predicted), starts(gold)
    here = np.arange(len(given))
    meet = (np.minimum(given, wanted) >= 0) & (np.maximum(given, wanted) == here)
    if same_type:
        meet &= ((predicted ^ gold) <= 1).reshape(-1)  # within spans: codes of one type
    place = np.flatnonzero(meet)
    given, wanted = given[place], wanted[place]
    taken = _leftmost(np.diff(given, prepend=-1) == 0, np.diff(wanted, prepend=-1) == 0)
    return Credits(place[taken], wanted[taken], np.ones(int(taken.sum())))


def _leftmost(same_predicted: BoolArray, same_gold: BoolArray) -> BoolArray:
    """Which of the overlapping pairs, from left to right, are made: those whose spans are free.

    A pair shares a span with the pair before it, or with none before it at all, and never both
    spans. One that begins such a chain is made. After a pair that was made, those that share its
    span are not; the first that no longer does, because the chain has turned from one side to the
    other one pair before, is made exactly if the pair before it was not. So in a run of pairs after
    turns, every other one is made.

    Args:
        same_predicted: bool [N] whether a pair has the predicted span of the pair before it.
        same_gold: bool [N] whether it has its gold span.
    """
    made = ~(same_predicted | same_gold)
    turned = np.zeros(len(made), np.bool_)
    turned[1:] = (same_predicted[1:] & same_gold[:-1]) | (same_gold[1:] & same_predicted[:-1])
    here = np.arange(len(made))
    before = np.maximum.accumulate(np.where(turned, -1, here))  # the last pair without a turn
    taken: BoolArray = made | (turned & ((here - before) % 2 == 1))
    return taken


def starts(codes: Codes) -> Places:
    """Where the span of each unit begins, flat positions [B (U + 1)]; -1 outside of spans."""
    here = np.arange(codes.size)
    head = np.maximum.accumulate(np.where(goes_on(codes), 0, here))
    return np.where(begins(codes).reshape(-1)[head], head, -1)


def _without_types(codes: Codes) -> Codes:
    """The codes as though all spans were of one type: 2 begins one, 3 goes on, 0 is outside."""
    heads = starts(codes)
    inside = np.where(heads == np.arange(codes.size), 2, 3)
    return np.where(heads >= 0, inside, 0).astype(np.int16).reshape(codes.shape)
