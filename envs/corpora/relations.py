"""Writes the corpus ``synthetic:relations``: how two marked nouns of a sentence are related.

Each record holds ``id``, ``text``, ``head`` and ``tail`` (the first and the second marked noun),
``head_span`` and ``tail_span`` ([start, end) in characters) and a ``label``: one of five relations
of SemEval-2010 task 8 (Hendrickx et al., 2010), as in ``Cause-Effect(e1,e2)`` (the head is the
cause) and ``Cause-Effect(e2,e1)``, or ``Other``. Either noun of a relation could stand in either
role, so only the wording tells the direction, and at times only the order of its words: "the fire
is what caused the panic", "the panic is what the fire caused". A third noun may stand in the
sentence, so that only the marks tell which pair is asked for.

Noise makes the label another.
"""

from lingym.envs.corpora.grammar import (
    Draw,
    Fields,
    Grammar,
    corrupt_each,
    fill,
    skewed,
    some,
    uniform,
)

_RELATIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    # The most frequent first. {x} has the first role of the relation's name, {y} the second.
    "Cause-Effect": (
        "storm flood fire fear debt illness stress strike war hunger shortage delay noise panic",
        (
            "the {x} (caused|triggered|led to) the {y}",
            "the {y} was (caused|triggered) by the {x}",
            "the {y} (resulted|came) from the {x}",
            "the {x} is what caused the {y}",
            "the {y} is what the {x} caused",
        ),
    ),
    "Component-Whole": (
        "frame door lid box machine engine handle wheel cabin tower lamp chain case lock panel",
        (
            "the {x} is (a|one) part of the {y}",
            "the {y} (has|comes with) a {x}",
            "the {x} of the {y} was broken",
            "the {x} is what is part of the {y}",
            "the {y} is what the {x} is part of",
        ),
    ),
    "Content-Container": (
        "box bag jar bottle basket case bucket chest tin purse sack crate drawer parcel",
        (
            "the {x} was (found|left|put) in the {y}",
            "the {y} (held|contained) a {x}",
            "the {y} was (opened|emptied), and a {x} fell out",
            "the {x} is what the {y} held",
            "the {y} is what held the {x}",
        ),
    ),
    "Product-Producer": (
        "machine robot studio company workshop tool program team factory engine school device",
        (
            "the {x} was (made|built|created) by the {y}",
            "the {y} (made|built|created) the {x}",
            "the {x} is what the {y} made",
            "the {y} is what made the {x}",
        ),
    ),
    "Message-Topic": (
        "book letter film song speech report poem story play article lecture essay debate",
        (
            "the {x} (is about|deals with|describes) the {y}",
            "the {y} is (discussed|described) in the {x}",
            "the {x} is what describes the {y}",
            "the {y} is what the {x} describes",
        ),
    ),
}
_UNRELATED = (
    "the {x} was (made|found|opened|described|caused) before the {y}",
    "the {x} and the {y} were (made|found|opened|discussed) by nobody",
    "the {x} (came|lay) near the {y}",
    "the {x} is no part of the {y}",
    "the {x} is not (about|in|from) the {y}",
)
# Around the sentence {s}, with or without a third noun {z}.
_FRAMES = (
    "{s}",
    "(they say|it is known) that {s}",
    "not far from the {z}, {s}",
    "{s}, (while|and) the {z} was forgotten",
    "the {z} was old, but {s}",
)
OTHER = "Other"
"""The label of what is related in none of these ways."""

LABELS = (*(f"{name}({way})" for name in _RELATIONS for way in ("e1,e2", "e2,e1")), OTHER)
"""All labels."""

_UNRELATED_RATE = 0.12
_ASTRAY_RATE = 0.25
"""How often, where there is a third noun, it is one of the marked ones."""


def _write(draw: Draw, split: str) -> Fields:
    name = skewed([*_RELATIONS], draw)
    nouns, templates = _RELATIONS[name]
    related = draw() >= _UNRELATED_RATE
    sentence = uniform(templates if related else _UNRELATED, draw)
    sentence = f"{uniform(_FRAMES, draw).replace('{s}', sentence)}."
    values = dict(zip("xyz", some(nouns.split(), 3, draw), strict=True))
    text, spans = fill(sentence, values, draw)
    marked = ["x", "y"]
    if "z" in spans and draw() < _ASTRAY_RATE:
        marked = ["z", uniform(("x", "y"), draw)]
        related = False
    first, second = sorted(marked, key=lambda role: spans[role])
    way = "e1,e2" if first == "x" else "e2,e1"
    return {
        "text": text,
        "head": values[first],
        "tail": values[second],
        "head_span": list(spans[first]),
        "tail_span": list(spans[second]),
        "label": f"{name}({way})" if related else OTHER,
    }


def _change(fields: Fields, draw: Draw) -> None:
    fields["label"] = uniform([each for each in LABELS if each != fields["label"]], draw)


GRAMMAR = Grammar(_write, lambda fields: fields["text"], corrupt_each(_change))
"""See the module."""
