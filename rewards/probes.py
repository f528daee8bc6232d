"""Labelings that show what a reward is worth: worse and worse ones, shifted spans, lazy ones.

Sizes: B episodes, U units, K labels. Labels are -1 after an episode's last unit.
"""

from collections.abc import Iterator

import numpy as np

from lingym.rewards.spans import SpanCodes
from lingym.types import UNDECIDED, BoolArray, FloatArray, IntArray, LabelSpace, Rows

NOTHING = ("O", "no", "out", "Other")
"""Labels that say of a unit that there is nothing to say."""


def to_corrupt(random: np.random.Generator, real: BoolArray, share: float) -> BoolArray:
    """Units to be labelled wrongly, each with probability ``share``, bool [B, U].

    For a generator in one state, those of a smaller share are among those of a greater one, so that
    one labelling is worse than another in every episode and not only on the whole.

    Args:
        random: where the draws come from.
        real: [B, U] the units that there are.
        share: 0 to 1.
    """
    wrong: BoolArray = (random.random(real.shape) < share) & real
    return wrong


def shifted(labels: IntArray, space: LabelSpace) -> IntArray:
    """The same spans of IOB2 tags, each with its end moved by one unit, int32 [B, U].

    A span goes on by one unit where that is outside; else it loses its last unit, unless that is
    its only one. Where units are of several kinds, those whose labels are IOB2 tags are shifted.

    Args:
        labels: [B, U] valid IOB2.
        space: the labels.

    Raises:
        ValueError: no labels are IOB2 tags with O among them.
    """
    moved = labels.copy()
    tagged = False
    for own, ids in _kinds(space):
        try:
            codes = SpanCodes.from_names(own.names)
        except ValueError:
            continue
        if "O" in own.places:
            tagged = True
            _shift(moved, labels, own, ids, codes)
    if not tagged:
        raise ValueError(f"labels {', '.join(space.names)} are no IOB2 tags with O: no spans")
    return moved


def _kinds(space: LabelSpace) -> Iterator[tuple[LabelSpace, Rows]]:
    """The labels of each kind, and their ids; all of them where there are no kinds."""
    if space.kinds:
        for kind in space.kinds:
            yield space.of_kind(kind)
    else:
        yield space, np.arange(len(space))


def _shift(moved: IntArray, labels: IntArray, own: LabelSpace, ids: Rows, codes: SpanCodes) -> None:
    code = np.zeros(len(ids) and ids.max() + 2, np.int32)  # by label; the last is for label -1
    code[ids] = codes.of_label[:-1]
    outside = ids[own.places["O"]]
    inside_of = np.full(len(codes.types) + 1, UNDECIDED, np.int32)  # I-x by type
    for label, of_label in zip(ids, codes.of_label[:-1], strict=True):
        if of_label & 1:
            inside_of[of_label >> 1] = label
    known = np.where(labels < len(code) - 1, labels, UNDECIDED)  # of another kind: as none
    of_unit = code[known]
    after = np.zeros_like(of_unit)
    after[:, :-1] = of_unit[:, 1:]
    ends = (of_unit > 0) & ~((after & 1 == 1) & (after >> 1 == of_unit >> 1))
    free = np.zeros(labels.shape, np.bool_)  # the unit after it is outside
    free[:, :-1] = labels[:, 1:] == outside
    row, unit = np.nonzero(ends & free & (inside_of[of_unit >> 1] >= 0))
    moved[row, unit + 1] = inside_of[of_unit[row, unit] >> 1]
    stuck = ends & ~(free & (inside_of[of_unit >> 1] >= 0)) & (of_unit & 1 == 1)
    moved[stuck] = outside


def commonest(gold: IntArray, group: IntArray, count: int) -> IntArray:
    """The label that each unit's group has most often, the first of several, int32 [B, U].

    Args:
        gold: [B, U] gold label ids, -1 where there is none.
        group: [B, U] which units are counted together (those of a role, or of a kind).
        count: K.
    """
    there = gold >= 0
    groups = int(group.max(initial=0)) + 1
    number = np.bincount(group[there] * count + gold[there], minlength=groups * count)
    most = number.reshape(groups, count).argmax(1).astype(np.int32)
    return np.where(there, most[group], UNDECIDED)


def silent(space: LabelSpace) -> IntArray:
    """The label that says "nothing" for units of each kind, int32 [kinds, or 1]; -1 for none."""
    if space.form == "candidates":
        return np.array([0 if space.span is not None else UNDECIDED], np.int32)
    found = []
    for own, ids in _kinds(space):
        known = [ids[own.places[name]] for name in NOTHING if name in own.places]
        found.append(known[0] if known else UNDECIDED)
    return np.array(found, np.int32)


def rank_correlation(one: FloatArray, other: FloatArray) -> float:
    """Spearman's rank correlation, ties at their mean rank; 0 where either is constant."""
    first, second = (_ranks(values) for values in (one, other))
    spread = first.std() * second.std()
    if not spread:
        return 0.0
    return float(((first - first.mean()) * (second - second.mean())).mean() / spread)


def _ranks(values: FloatArray) -> FloatArray:
    _, place, number = np.unique(values, return_inverse=True, return_counts=True)
    ranks: FloatArray = (np.cumsum(number) - (number - 1) / 2)[place]
    return ranks


def differing(scores: FloatArray, least: float = 1e-12) -> BoolArray:
    """The texts of which some labelings score differently, bool [B]; scores [S, B].

    Only these have an advantage over the mean of the others (leave-one-out) that is not 0, and so
    only these teach a policy anything.
    """
    return np.ptp(scores, axis=0) > least
