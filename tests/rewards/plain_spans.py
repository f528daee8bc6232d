"""How spans match, written out one pair at a time: what the fast way is compared with."""

import numpy as np
from scipy.optimize import linear_sum_assignment

Span = tuple[str, int, int]


def spans_of(tags: list[str]) -> list[Span]:
    """Type, first unit and the one after the last of every strict IOB2 span."""
    found: list[Span] = []
    open_ = False
    for unit, tag in enumerate(tags):
        prefix, _, kind = tag.partition("-")
        if prefix == "I" and open_ and found[-1][0] == kind:
            found[-1] = (kind, found[-1][1], unit + 1)
            continue
        open_ = prefix == "B"
        if open_:
            found.append((kind, unit, unit + 1))
    return found


def worth(one: Span, other: Span, match: str) -> float:
    """What a pair of spans is worth by the definitions of SemEval-2013 task 9.1."""
    same_type, same_ends = one[0] == other[0], one[1:] == other[1:]
    overlap = max(one[1], other[1]) < min(one[2], other[2])
    return {
        "strict": float(same_type and same_ends),
        "exact": float(same_ends),
        "partial": 1.0 if same_ends else 0.5 * overlap,
        "type": float(same_type and overlap),
    }[match]


def matched(given: list[Span], gold: list[Span], match: str) -> float:
    """The most that any one-to-one pairing is worth, by the Hungarian method."""
    if not given or not gold:
        return 0.0
    table = np.array([[worth(p, g, match) for g in gold] for p in given])
    return float(table[linear_sum_assignment(table, maximize=True)].sum())


def f_beta(given: list[Span], gold: list[Span], match: str, beta: float, empty: float) -> float:
    """From precision and recall; ``empty`` where there is no span at all."""
    if not given and not gold:
        return empty
    found = matched(given, gold, match)
    precision, recall = found / max(len(given), 1), found / max(len(gold), 1)
    if found == 0:
        return 0.0
    return (1 + beta**2) * precision * recall / (beta**2 * precision + recall)


def averaged(
    given: list[str], gold: list[str], match: str, average: str, beta: float, empty: float
) -> float:
    """The score of a sentence's tags."""
    p, g = spans_of(given), spans_of(gold)
    if average == "micro" or not p + g:
        return f_beta(p, g, match, beta, empty)
    kinds = sorted({kind for kind, *_ in p + g})

    def own(spans: list[Span], kind: str) -> list[Span]:
        return [span for span in spans if span[0] == kind]

    each = [f_beta(own(p, kind), own(g, kind), match, beta, empty) for kind in kinds]
    if average == "macro":
        return sum(each) / len(each)
    support = [len(own(g, kind)) for kind in kinds]
    return float(np.average(each, weights=support)) if any(support) else 0.0
