"""How often each label stands in each part, and which training lacks."""

from collections import Counter
from typing import Any

from lingym.scripts.hygiene.contradictions import spans
from lingym.scripts.hygiene.reading import Files

RARE = 5
"""A label of fewer training examples is told."""


def label_counts(files: Files) -> dict[str, Any]:
    """Labels by part: spans by type, else the labels of units; of candidates none are counted.

    Returns:
        ``of`` (what is counted), ``counts`` (label -> part -> number, frequent ones first),
        ``unseen`` (labels that stand in dev or test alone, by part) and ``rare`` (labels with fewer
        than 5 training examples).
    """
    if files.space.form == "candidates":
        return {"of": None, "counts": {}, "unseen": {}, "rare": []}
    counts: dict[str, Counter[str]] = {name: Counter() for name in files.parts}
    of = "labels"
    for name, part in files.parts.items():
        spanned = part.scheme not in (None, "plain")
        for example in part.examples:
            if spanned:
                of = "spans"
                counts[name].update(kind for kind, *_ in spans(example))
                counts[name].update(
                    str(g) for g in example.gold or () if str(g).startswith("intent/")
                )
            elif files.space.roles:
                given = zip(example.units, example.gold or (), strict=True)
                counts[name].update(role for role, answer in given if answer == "yes")
            else:
                counts[name].update(str(g) for g in example.gold or ())
    total = sum(counts.values(), Counter[str]())
    order = sorted(total, key=lambda label: (-total[label], label))
    train = counts.get("train")
    unseen = {
        name: [label for label in order if counts[name][label] and not train[label]]
        for name in counts
        if train is not None and name != "train"
    }
    rare = [label for label in order if train and 0 < train[label] < RARE]
    return {
        "of": of,
        "counts": {label: {name: counts[name][label] for name in counts} for label in order},
        "unseen": {name: labels for name, labels in unseen.items() if labels},
        "rare": rare,
    }
