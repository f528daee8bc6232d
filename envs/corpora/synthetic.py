"""A generated corpus of spoken commands: ``synthetic:commands[?seed=0&train=2000&noise=0.0...]``.

Each record holds ``tokens``, their IOB2 slot ``labels``, the ``text`` (the tokens joined by blanks)
and its ``intent``. The grammar is in `commands`. What makes it worth learning:

- words whose label only the words around them tell;
- slots of several words, slots next to each other, and slots that hold names of others;
- names that the train split never shows: dev and test each draw `UNSEEN` of their names from
  a list of their own (where train has such a word at all, it is another kind of name);
- intents whose frequency falls as 1 / rank, and slots that are rare;
- noise, where asked for, in the train split alone: with probability `noise` one span of
  a sentence gets another slot, loses its label or its last word, and, drawn apart and just as
  likely, the intent becomes another. dev and test stay clean.

The same name gives the same corpus everywhere. No sentence of train stands in dev or test; a larger
`train` continues a smaller one, and `noise` changes labels, never words.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

import numpy as np

from lingym.envs.corpora.commands import INTENTS, NAMES, RULES
from lingym.envs.corpora.record import Record

PREFIX = "synthetic:"
"""What a name of this module begins with."""

UNSEEN = 0.4
"""How often dev and test draw a name from their own list."""

_SPLITS = ("train", "dev", "test")
_CHOICE = re.compile(r"\(([^()]*)\)")
_SYMBOL = re.compile(r"([<{])(\w+)[>}](\S*)")

Draw = Callable[[], float]
"""Gives the next number of a random stream, in [0, 1)."""


@dataclass(frozen=True)
class Spec:
    """What a name asks for; see the module."""

    seed: int = 0
    train: int = 2000
    dev: int = 400
    test: int = 400
    noise: float = 0.0

    def __post_init__(self) -> None:
        """Refuses what cannot be generated."""
        if min(self.seed, self.train, self.dev, self.test) < 0 or not 0 <= self.noise <= 1:
            raise ValueError(f"wanted counts and a seed from 0 and a noise in [0, 1], got {self}")


@dataclass
class _Command:
    words: list[str]
    labels: list[str]
    intent: str


def parse(source: str) -> Spec:
    """Reads ``synthetic:commands?seed=0&train=2000&dev=400&test=400&noise=0.0``; all may be absent.

    Raises:
        ValueError: another name, an unknown setting, or a value that is no number.
    """
    name, _, query = source.removeprefix(PREFIX).partition("?")
    if name != "commands":
        raise ValueError(f"{source}: the only generated corpus is {PREFIX}commands")
    settings: dict[str, float] = {}
    try:
        for key, value in parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)):
            kind = {**dict.fromkeys(("seed", *_SPLITS), int), "noise": float}[key]
            settings[key] = kind(value)
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"{source}: wanted seed, train, dev, test or noise and a number for each, got {error}"
        ) from None
    return Spec(**settings)  # type: ignore[arg-type]  # each value has the type of its field


def splits(source: str) -> tuple[str, ...]:
    """The splits that are not empty."""
    sizes = vars(parse(source))
    return tuple(name for name in _SPLITS if sizes[name])


def read(source: str, split: str = "train") -> Iterator[Record]:
    """Yields the records of a split; the line of each is its number, from 1."""
    if split not in _SPLITS:
        raise ValueError(f"{source}: wanted one of {', '.join(_SPLITS)}, got {split!r}")
    spec = parse(source)
    commands = list(_generate(spec, split))
    if split == "train" and spec.noise:
        _corrupt(commands, spec)
    place = f"{source.partition('?')[0]}[{split}]"
    for number, command in enumerate(commands, start=1):
        yield Record(
            {
                "tokens": command.words,
                "labels": command.labels,
                "text": " ".join(command.words),
                "intent": command.intent,
            },
            place,
            (number,),
        )


def _generate(spec: Spec, split: str) -> Iterator[_Command]:
    """Test is drawn freely, dev avoids test's sentences, and train those of both."""
    rank = ("test", "dev", "train").index(split)
    others = ("test", "dev")[:rank]
    taken = {" ".join(each.words) for other in others for each in _generate(spec, other)}
    draw = _stream(spec.seed, _SPLITS.index(split))
    left = vars(spec)[split]
    while left:
        command = _command(draw, split)
        if " ".join(command.words) not in taken:
            yield command
            left -= 1


def _stream(*seed: int) -> Draw:
    return np.random.Generator(np.random.PCG64(seed)).random


def _command(draw: Draw, split: str) -> _Command:
    weights = np.cumsum([1 / (rank + 1) for rank in range(len(INTENTS))])
    intent = [*INTENTS][int(np.searchsorted(weights, draw() * weights[-1], side="right"))]
    pairs = _expand(_skewed(INTENTS[intent], draw), draw, split)
    return _Command([word for word, _ in pairs], [label for _, label in pairs], intent)


def _expand(text: str, draw: Draw, split: str) -> list[tuple[str, str]]:
    """The words of an expansion, each with its label."""
    while choice := _CHOICE.search(text):
        chosen = _uniform(choice[1].split("|"), draw)
        text = text[: choice.start()] + chosen + text[choice.end() :]
    pairs: list[tuple[str, str]] = []
    for part in text.split():
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
        return _skewed(RULES[name], draw)
    own = {"dev": 3, "test": 4}.get(split)
    if own is not None and draw() < UNSEEN:
        return _uniform(NAMES[name][own::5], draw)
    return _uniform([value for i, value in enumerate(NAMES[name]) if i % 5 < 3], draw)


def _skewed(values: Sequence[str], draw: Draw) -> str:
    return values[int(len(values) * min(draw(), draw()))]


def _uniform(values: Sequence[str], draw: Draw) -> str:
    return values[int(len(values) * draw())]


def _corrupt(commands: list[_Command], spec: Spec) -> None:
    """Puts wrong labels and intents into some commands, in place."""
    draw = _stream(spec.seed, len(_SPLITS))
    slots = sorted({label[2:] for each in commands for label in each.labels if label != "O"})
    for command in commands:
        if draw() < spec.noise:
            _corrupt_span(command.labels, slots, draw)
        if draw() < spec.noise:
            command.intent = _uniform([each for each in INTENTS if each != command.intent], draw)


def _corrupt_span(labels: list[str], slots: list[str], draw: Draw) -> None:
    """Gives a span another slot, or takes it or its last word away."""
    starts = [i for i, label in enumerate(labels) if label.startswith("B-")]
    start = starts[int(len(starts) * draw())]
    end = start + 1
    while end < len(labels) and labels[end].startswith("I-"):
        end += 1
    kind = _uniform(("slot", "none", "shorter"), draw)
    if kind == "slot":
        other = _uniform([slot for slot in slots if slot != labels[start][2:]], draw)
        labels[start:end] = [f"{label[:2]}{other}" for label in labels[start:end]]
    elif kind == "shorter":
        labels[end - 1] = "O"
    else:
        labels[start:end] = ["O"] * (end - start)
