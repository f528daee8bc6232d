"""Writes the corpus ``synthetic:commands``: spoken commands, their intents and their slots.

Each record holds ``tokens``, their IOB2 slot ``labels``, the ``text`` (the tokens joined by blanks)
and its ``intent``. The grammar is in `commands`. What makes it worth learning:

- words whose label only the words around them tell;
- slots of several words, slots next to each other, and slots that hold names of others;
- names that the train split never shows: dev and test each draw `UNSEEN` of their names from
  a list of their own (where train has such a word at all, it is another kind of name);
- intents whose frequency falls as 1 / rank, and slots that are rare.

Noise gives one span of a sentence another slot, or takes its label or its last word away, and,
drawn apart and just as likely, makes the intent another.
"""

import re

import numpy as np

from lingym.envs.corpora.commands import INTENTS, NAMES, RULES
from lingym.envs.corpora.grammar import Draw, Fields, Grammar, choose, skewed, uniform

UNSEEN = 0.4
"""How often dev and test draw a name from their own list."""

_SYMBOL = re.compile(r"([<{])(\w+)[>}](\S*)")


def _write(draw: Draw, split: str) -> Fields:
    weights = np.cumsum([1 / (rank + 1) for rank in range(len(INTENTS))])
    intent = [*INTENTS][int(np.searchsorted(weights, draw() * weights[-1], side="right"))]
    pairs = _expand(skewed(INTENTS[intent], draw), draw, split)
    words = [word for word, _ in pairs]
    return {
        "tokens": words,
        "labels": [label for _, label in pairs],
        "text": " ".join(words),
        "intent": intent,
    }


def _expand(text: str, draw: Draw, split: str) -> list[tuple[str, str]]:
    """The words of an expansion, each with its label."""
    pairs: list[tuple[str, str]] = []
    for part in choose(text, draw).split():
        symbol = _SYMBOL.fullmatch(part)
        if symbol is None:
            pairs.append((part, "O"))
            continue
        bracket, name, ending = symbol.groups()  # the ending of <noun>s or <first>'s
        inner = _expand(_rule(name, draw, split), draw, split)
        if ending:
            inner[-1] = (inner[-1][0] + ending, inner[-1][1])
        if bracket == "{":
            inner = [(word, f"{'I' if i else 'B'}-{name}") for i, (word, _) in enumerate(inner)]
        pairs += inner
    return pairs


def _rule(name: str, draw: Draw, split: str) -> str:
    if name in RULES:
        return skewed(RULES[name], draw)
    own = {"dev": 3, "test": 4}.get(split)
    if own is not None and draw() < UNSEEN:
        return uniform(NAMES[name][own::5], draw)
    return uniform([value for i, value in enumerate(NAMES[name]) if i % 5 < 3], draw)


def _corrupt(rows: list[Fields], noise: float, draw: Draw) -> None:
    slots = sorted({label[2:] for row in rows for label in row["labels"] if label != "O"})
    for row in rows:
        if draw() < noise:
            _corrupt_span(row["labels"], slots, draw)
        if draw() < noise:
            row["intent"] = uniform([each for each in INTENTS if each != row["intent"]], draw)


def _corrupt_span(labels: list[str], slots: list[str], draw: Draw) -> None:
    """Gives a span another slot, or takes it or its last word away."""
    starts = [i for i, label in enumerate(labels) if label.startswith("B-")]
    start = starts[int(len(starts) * draw())]
    end = start + 1
    while end < len(labels) and labels[end].startswith("I-"):
        end += 1
    kind = uniform(("slot", "none", "shorter"), draw)
    if kind == "slot":
        other = uniform([slot for slot in slots if slot != labels[start][2:]], draw)
        labels[start:end] = [f"{label[:2]}{other}" for label in labels[start:end]]
    elif kind == "shorter":
        labels[end - 1] = "O"
    else:
        labels[start:end] = ["O"] * (end - start)


GRAMMAR = Grammar(_write, lambda fields: fields["text"], _corrupt, numbered=False)
"""See the module."""
