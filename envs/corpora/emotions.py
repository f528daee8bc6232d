"""Writes the corpus ``synthetic:emotions``: short messages and the feelings they tell of.

Each record holds a ``text`` and its ``labels``: the names of 0 to 4 feelings, or ``["neutral"]``
for a text of mere facts. A feeling that is denied, past or another person's is no label, so the
words alone do not tell: "I am not angry, I am proud" and "I am proud" are not "I am angry" - and
some words (mad, moved, sick, tears) serve several feelings. A text that only denies feelings has
none, and is not neutral either. Feelings are rarer the later they stand in `EMOTIONS`.

Noise adds one feeling or takes one away.
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

EMOTIONS: dict[str, tuple[str, ...]] = {
    "joy": ("happy about {it}", "moved to tears of joy by {it}", "in high spirits", "delighted"),
    "anger": ("angry about {it}", "mad at {who}", "furious", "sick of {who}"),
    "love": (
        "mad about {who}",
        "in love with {who}",
        "very fond of {it}",
        "head over heels for {who}",
    ),
    "sadness": (
        "sad about {it}",
        "moved to tears of grief by {it}",
        "heartbroken",
        "in low spirits",
    ),
    "surprise": ("surprised by {it}", "amazed at {who}", "astonished", "struck by {it}"),
    "gratitude": ("grateful to {who}", "thankful for {it}", "in the debt of {who}"),
    "fear": ("afraid of {it}", "sick with worry about {who}", "terrified", "scared for {who}"),
    "pride": ("proud of {who}", "full of pride in {it}", "proud of {it}"),
    "disgust": ("disgusted by {it}", "sick to the stomach", "revolted by {who}"),
}
"""What "I am ..." is completed with, by the feeling; the likeliest first."""

LABELS = (*EMOTIONS, "neutral")
"""All labels, in the order in which a record lists them."""

_FELT = (
    "I am (so|very|really|) {feeling}",
    "(today|right now) I am {feeling}",
    "honestly I am {feeling}",
    "I have never been so {feeling}",
)
_UNFELT = (
    "I am not (at all|really|) {feeling}",
    "(my brother|my sister|{who}) is {feeling}",
    "I was {feeling} (last year|once), but that is over",
    "nobody here is {feeling}",
    "I am no longer {feeling}",
)
_FACTS = (
    "{it} (starts|ends) at (six|nine|noon)",
    "{who} (moved|wrote) to {it} (last year|today)",
    "{who} (will call|is here|has the keys)",
    "{it} (is|was) on (monday|friday|sunday)",
    "(my brother|my sister) (works|waits) at {it}",
)
_PEOPLE = ("Anna", "Omar", "Ruth", "Leo", "my boss", "Nina", "the doctor", "Carlos", "you", "Ivy")
_THINGS = (
    "the party",
    "the news",
    "my exam",
    "the storm",
    "the new job",
    "the trip",
    "this film",
    "the dinner",
    "your letter",
    "the match",
    "the old house",
    "the meeting",
)
_DENIED = 0.35
_NEUTRAL = 0.1
_JOINED = (", ", ". ", ", and ", ", but ")


def _write(draw: Draw, split: str) -> Fields:
    count = skewed((2, 3, 1, 4), draw)
    clauses, labels = [], set()
    if draw() < _NEUTRAL:
        labels.add("neutral")
        clauses = [_clause(each, "", draw) for each in some(_FACTS, min(count, 2), draw)]
    else:
        told: set[str] = set()
        while len(told) < count:
            told.add(skewed([*EMOTIONS], draw))
        for name in some(sorted(told), count, draw):
            denied = draw() < _DENIED
            template = uniform(_UNFELT if denied else _FELT, draw)
            clauses.append(_clause(template, skewed(EMOTIONS[name], draw), draw))
            if not denied:
                labels.add(name)
        if draw() < 0.3:
            clauses.insert(int(draw() * 2), _clause(uniform(_FACTS, draw), "", draw))
    return {"text": _join(clauses, draw), "labels": [each for each in LABELS if each in labels]}


def _clause(template: str, feeling: str, draw: Draw) -> str:
    values = {"it": uniform(_THINGS, draw), "who": uniform(_PEOPLE, draw)}
    return fill(template.replace("{feeling}", feeling), values, draw)[0]


def _join(clauses: list[str], draw: Draw) -> str:
    text = clauses[0]
    for clause in clauses[1:]:
        joint = uniform(_JOINED, draw)
        lowered = clause if joint == ". " or clause.startswith("I ") else _lower(clause)
        text += joint + lowered
    return f"{text}."


def _lower(clause: str) -> str:
    named = any(clause.startswith(name) for name in _PEOPLE)
    return clause if named else clause[0].lower() + clause[1:]


def _change(fields: Fields, draw: Draw) -> None:
    name = uniform([*EMOTIONS], draw)
    changed = {name} ^ (set(fields["labels"]) - {"neutral"})
    fields["labels"] = [each for each in LABELS if each in changed]


GRAMMAR = Grammar(_write, lambda fields: fields["text"], corrupt_each(_change), numbered=False)
"""See the module."""
