"""Few examples a label, drawn so that a smaller draw is the beginning of a larger one."""

import logging
from collections import Counter
from collections.abc import Sequence

import numpy as np

from lingym.envs.label_names import subjects, uncounted
from lingym.envs.tasks import Example
from lingym.types import LabelSpace

logger = logging.getLogger("lingym")

YES = "yes"


def few_shot(
    examples: Sequence[Example], n: int, seed: int, space: LabelSpace | None = None
) -> list[Example]:
    """Some of the examples, so that n of them hold each label, where there are as many.

    The examples are shuffled by the seed. In round r = 1, ..., n the labels are gone through from
    the rarest to the most frequent, ties by name, and each that is held by fewer than r of the
    drawn examples gets the first one in the shuffled order that holds it and is not drawn yet. This
    is the greedy sampling of Yang and Katiyar (2020, https://aclanthology.org/2020.emnlp-main.516,
    algorithm 1), by rounds, and counting texts and not spans: each label is held by at least n
    texts, frequent ones perhaps by more. Where a text has one label, it is n texts a label exactly.
    The draw of n is the beginning of the draw of n + 1.

    What counts as a label is what `labels_of` says. Where labels are a text's own candidates, or
    counted (answers, choices, summaries), nothing can be counted: n texts are drawn.

    Args:
        examples: with gold labels.
        n: examples a label.
        seed: of the draw.
        space: the labels; labels in it that too few examples hold are told aloud. None: the labels
            that the examples hold, each taken by its whole name, O too.

    Returns:
        The examples in the order in which they were drawn.

    Raises:
        ValueError: n is below 1, or no example has gold labels.
    """
    if n < 1:
        raise ValueError(f"n must be 1 or more, got {n}")
    order = np.random.default_rng(seed).permutation(len(examples)).tolist()
    if space is not None and uncounted(space):
        return [examples[place] for place in order[:n]]
    about = () if space is None else subjects(space)
    held = [labels_of(example, space, about) for example in examples]
    if not any(example.gold is not None for example in examples):
        raise ValueError("few examples a label: no text has gold labels")
    of_label: dict[str, list[int]] = {}
    for place in order:
        for label in held[place]:
            of_label.setdefault(label, []).append(place)
    rarest = sorted(of_label, key=lambda label: (len(of_label[label]), label))
    queues = {label: iter(of_label[label]) for label in rarest}
    drawn: dict[int, None] = {}
    shown: Counter[str] = Counter()
    for wanted in range(1, n + 1):
        for label in rarest:
            if shown[label] >= min(wanted, len(of_label[label])):
                continue
            place = next(place for place in queues[label] if place not in drawn)
            drawn[place] = None
            shown.update(held[place])
    known = [label for label in about if label is not None]
    _tell(n, {label: len(of_label.get(label, ())) for label in (*rarest, *known)})
    return [examples[place] for place in drawn]


def labels_of(
    example: Example, space: LabelSpace | None, about: Sequence[str | None] | None = None
) -> frozenset[str]:
    """The labels that an example holds, as they are counted; none where it has no gold labels.

    - one label a text (classification, relations): that label;
    - several yes-or-no labels: those that fit (a text that none fits holds none);
    - IOB2 tags: the types of its spans; O is in every text and counts for nothing;
    - other labels of units (parts of speech, sentences): each that a unit has;
    - units of several kinds, and mixes: all of these, named ``kind/label``.

    Args:
        example: the text.
        space: the labels; None: each gold label by its whole name.
        about: `lingym.envs.label_names.subjects` of the space, if it is at hand.
    """
    gold = [str(label) for label in example.gold or ()]
    if space is None:
        return frozenset(gold)
    if space.form == "text":
        fitting = zip(example.units, gold, strict=False)
        return frozenset(role for role, label in fitting if label == YES)
    about = subjects(space) if about is None else about
    places = (space.places.get(label) for label in gold)
    found = (about[place] for place in places if place is not None)
    return frozenset(label for label in found if label is not None)


def _tell(n: int, found: dict[str, int]) -> None:
    """Say which labels too few texts hold."""
    few = {label: count for label, count in found.items() if count < n}
    if few:
        told = ", ".join(f"{label} ({count})" for label, count in sorted(few.items()))
        logger.warning(
            "%d of %d labels are in fewer than %d texts, all of which are taken: %s",
            *(len(few), len(found), n, told),
        )
