"""What is wrong with predicted spans: of each kind of error, how many.

Every predicted and every gold span of a text is in one pair at the most. Pairs are made in four
rounds, each of spans that no round before has paired, from left to right:

1. ``right``: boundaries and types are equal;
2. ``type``: boundaries are equal, types are not;
3. ``boundary``: the spans share a unit and the type, boundaries are not equal;
4. ``both``: the spans share a unit, and neither boundaries nor types are equal.

A gold span in no pair is ``missed``, a predicted one ``spurious``. So

    right + type + boundary + both + missed   = gold spans,
    right + type + boundary + both + spurious = predicted spans.

These are the kinds of Nejadgholi et al. (2020, Extensive error analysis and a learning-based
evaluation of medical entity recognition systems, https://aclanthology.org/2020.clinicalnlp-1.19/),
after the categories of MUC-5 and SemEval-2013 task 9.1 (https://aclanthology.org/S13-2056/), which
the package nervaluate counts. There a span may be in several pairs; here a second predicted span on
one gold span is spurious, and a second gold span under one predicted span missed, so that the kinds
add up. In a round, pairing from left to right makes as many pairs as can be (`span_match`).
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from lingym.envs import Abstaining, Task
from lingym.envs.tasks.slots_intent import SLOT
from lingym.envs.tuning.measures import are_tags
from lingym.rewards import split_kinds
from lingym.rewards.span_match import starts
from lingym.rewards.spans import SpanCodes, begins
from lingym.types import UNDECIDED, Labelings, LabelSpace

KINDS = ("right", "missed", "spurious", "type", "boundary", "both")
"""What a span can be."""

Numbers = npt.NDArray[np.int64]


def span_errors(labelings: Labelings, task: Task, space: LabelSpace) -> dict[str, Numbers] | None:
    """Spans of each kind, by text.

    Args:
        labelings: complete ones; only units with a gold label are looked at.
        task: what was labelled. An abstained unit has a wrong label; of slots and an intent, the
            slots are looked at.
        space: the labels.

    Returns:
        int64 [N] for each of `KINDS`; None where the labels are no IOB2 tags.
    """
    if isinstance(task, Abstaining):
        labelings, space = task.alone(labelings, space)
    if space.kinds == (SLOT, "intent"):
        labelings, space = split_kinds(labelings, space)[SLOT]
    if not are_tags(space.names):
        return None
    codes = SpanCodes.from_names(space.names)
    labels = np.where(labelings.gold >= 0, labelings.labels, np.int32(UNDECIDED))
    predicted, gold = codes.encode(labels), codes.encode(labelings.gold)
    width = predicted.shape[1]
    heads = starts(predicted), starts(gold)
    kinds = {kind: np.zeros(len(labels), np.int64) for kind in KINDS}
    free = [{int(head) for head in np.flatnonzero(begins(x))} for x in (predicted, gold)]
    pairs = list(_pairs(heads, (predicted.reshape(-1), gold.reshape(-1))))
    for kind in ("right", "type", "boundary", "both"):
        for given, wanted, of in pairs:
            if of == kind and given in free[0] and wanted in free[1]:
                kinds[kind][given // width] += 1
                free[0].remove(given)
                free[1].remove(wanted)
    for kind, rest in (("spurious", free[0]), ("missed", free[1])):
        rows = np.array(sorted(rest), np.int64) // width
        kinds[kind] += np.bincount(rows, minlength=len(labels))
    return kinds


def _pairs(
    heads: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]],
    codes: tuple[npt.NDArray[np.int16], npt.NDArray[np.int16]],
) -> Iterator[tuple[int, int, str]]:
    """Every predicted and gold span that share a unit, by where they begin, and of which kind.

    Args:
        heads: flat [B (U + 1)] where the predicted and the gold span of a unit begins, -1 for none.
        codes: their codes, flat.
    """
    given, wanted = heads
    sizes = [np.bincount(head[head >= 0], minlength=len(head)) for head in heads]
    here = np.arange(len(given))
    meet = (np.minimum(given, wanted) >= 0) & (np.maximum(given, wanted) == here)
    for place in np.flatnonzero(meet):
        one, other = int(given[place]), int(wanted[place])
        same_type = codes[0][one] == codes[1][other]
        same_place = one == other and sizes[0][one] == sizes[1][other]
        if same_place:
            yield one, other, "right" if same_type else "type"
        else:
            yield one, other, "boundary" if same_type else "both"
