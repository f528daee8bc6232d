"""All checks of labelled files, as one report."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from lingym.scripts.hygiene.contradictions import Contradiction, contradictions, mentions
from lingym.scripts.hygiene.counts import label_counts
from lingym.scripts.hygiene.lengths import lengths
from lingym.scripts.hygiene.odd import odd_texts
from lingym.scripts.hygiene.reading import Fault, Files
from lingym.scripts.hygiene.same import Row, Same, part_pairs, same
from lingym.scripts.hygiene.texts import gold_of, short

MOST = 1000
"""Findings of a kind that a report lists; all are counted."""


@dataclass(frozen=True)
class Sought:
    """What to look for, and how.

    Attributes:
        near: as for `lingym.scripts.hygiene.same.same`; here and below.
        near_of: ``of`` there.
        near_search: ``search`` there.
        encoder: whose tokens are counted; None counts none.
        max_tokens: tokens to a window.
    """

    near: float | None
    near_of: Any = "characters"
    near_search: Any = "exact"
    encoder: str | None = None
    max_tokens: int = 256


def check(files: Files, sought: Sought) -> dict[str, Any]:
    """Everything that there is to say of the files, as JSON values.

    The keys are ``parts``, ``faults``, ``repeats``, ``contradictions``, ``mentions``, ``labels``,
    ``lengths`` and ``odd``.
    """
    found = same(files.texts, sought.near, sought.near_of, sought.near_search)
    against = contradictions(files)
    ambiguous = mentions(files)
    odd = odd_texts(files)
    told = [{**asdict(each), "where": where(files, (each.part, each.row))} for each in odd[:MOST]]
    return {
        "task": files.task.name,
        "parts": {
            name: {
                "file": part.source,
                "rows": len(part.records),
                "texts": len(part.examples),
                "scheme": part.scheme,
            }
            for name, part in files.parts.items()
        },
        "faults": _faults(files.faults),
        "repeats": {**vars_of(sought), **_repeats(files, found)},
        "contradictions": _against(files, against),
        "mentions": {"count": len(ambiguous), "most_frequent": ambiguous[:MOST]},
        "labels": label_counts(files),
        "lengths": {
            "encoder": sought.encoder,
            "max_tokens": sought.max_tokens,
            "of": lengths(files, sought.encoder, sought.max_tokens),
        },
        "odd": {"counts": _by_part(odd), "texts": told},
    }


def vars_of(sought: Sought) -> dict[str, Any]:
    """How near repeats were looked for."""
    return {"near_from": sought.near, "of": sought.near_of, "search": sought.near_search}


def where(files: Files, row: Row) -> str:
    """The place of a text as ``file:line``."""
    return files.parts[row[0]].examples[row[1]].record.where()


def _faults(faults: Any) -> dict[str, Any]:
    counts: dict[str, Counter[str]] = {}
    for fault in faults:
        counts.setdefault(fault.kind, Counter())[fault.part] += 1
    every: list[Fault] = list(faults)
    return {
        "counts": {kind: dict(each) for kind, each in counts.items()},
        "all": [asdict(fault) for fault in every],
    }


def _by_part(odd: Any) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for each in odd:
        counts.setdefault(each.kind, Counter())[each.part] += 1
    return {kind: dict(each) for kind, each in counts.items()}


def _repeats(files: Files, found: Same) -> dict[str, Any]:
    """Counts, exact repeats (all places of each text), and the near pairs, most alike first."""
    groups = [group for group in found.groups if len(group) > 1]
    order = found.pairs.similarity.argsort(kind="stable")[::-1][:MOST]
    near = []
    for place in order.tolist():
        a, b = (found.groups[int(side[place])][0] for side in (found.pairs.left, found.pairs.right))
        near.append(
            {
                "similarity": round(float(found.pairs.similarity[place]), 4),
                "where": [where(files, a), where(files, b)],
                "texts": [short(files.texts[part][row], 200) for part, row in (a, b)],
            }
        )
    return {
        "within": {part: found.within(part) for part in files.parts},
        "between": {f"{a} {b}": found.between(a, b) for a, b in part_pairs([*files.parts])},
        "exact_texts": len(groups),
        "exact": [
            {
                "text": short(files.texts[group[0][0]][group[0][1]], 200),
                "where": [where(files, row) for row in group],
            }
            for group in groups[:MOST]
        ],
        "near_pairs": len(found.pairs.left),
        "near": near,
    }


def _against(files: Files, against: list[Contradiction]) -> dict[str, Any]:
    within = Counter(next(iter(each.parts)) for each in against if len(each.parts) == 1)
    listed = []
    for each in against[:MOST]:
        golds = []
        for rows in each.rows:
            part, row = rows[0]
            example = files.parts[part].examples[row]
            gold = gold_of(example, files.space.roles)
            golds.append({"gold": gold, "where": [where(files, r) for r in rows]})
        listed.append({"text": short(each.text, 200), "gold": golds})
    return {
        "texts": len(against),
        "within": {part: within[part] for part in files.parts},
        "between": len(against) - sum(within.values()),
        "all": listed,
    }
