"""Generated corpora: ``synthetic:NAME[?seed=0&train=2000&dev=400&test=400&noise=0.0]``.

==============  ================================================  =====================
name            records                                           written in
==============  ================================================  =====================
``commands``    spoken commands with slots and an intent          `utterances`
``emotions``    messages and the feelings they tell of            `emotions`
``questions``   paragraphs, and a question of each                `questions`
``dialogues``   dialogues, and a question with three choices      `dialogues`
``relations``   sentences with two marked nouns                   `relations`
``abstracts``   abstracts with sentence roles and a summary       `abstracts`
==============  ================================================  =====================

The same name gives the same corpus everywhere. No text of train stands in dev or test, nor one of
dev in test; a larger `train` continues a smaller one. `noise` is the rate of wrong labels in train;
it changes labels, never words. dev and test stay clean.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl

from lingym.envs.corpora import abstracts, dialogues, emotions, questions, relations, utterances
from lingym.envs.corpora.grammar import Fields, Grammar, stream
from lingym.envs.corpora.record import Record

PREFIX = "synthetic:"
"""What a name of this module begins with."""

GRAMMARS: dict[str, Grammar] = {
    "commands": utterances.GRAMMAR,
    "emotions": emotions.GRAMMAR,
    "questions": questions.GRAMMAR,
    "dialogues": dialogues.GRAMMAR,
    "relations": relations.GRAMMAR,
    "abstracts": abstracts.GRAMMAR,
}
"""The generated corpora by name."""

_SPLITS = ("train", "dev", "test")


@dataclass(frozen=True)
class Spec:
    """What a name asks for; see the module."""

    corpus: str
    seed: int = 0
    train: int = 2000
    dev: int = 400
    test: int = 400
    noise: float = 0.0

    def __post_init__(self) -> None:
        """Refuses what cannot be generated."""
        if min(self.seed, self.train, self.dev, self.test) < 0 or not 0 <= self.noise <= 1:
            raise ValueError(f"wanted counts and a seed from 0 and a noise in [0, 1], got {self}")


def parse(source: str) -> Spec:
    """Reads a name as the module describes it; any setting may be absent.

    Raises:
        ValueError: another name, an unknown setting, or a value that is no number.
    """
    name, _, query = source.removeprefix(PREFIX).partition("?")
    if name not in GRAMMARS:
        raise ValueError(
            f"{source}: there is no such generated corpus; known are "
            f"{', '.join(PREFIX + each for each in GRAMMARS)}"
        )
    settings: dict[str, float] = {}
    try:
        for key, value in parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)):
            kind = {**dict.fromkeys(("seed", *_SPLITS), int), "noise": float}[key]
            settings[key] = kind(value)
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"{source}: wanted seed, train, dev, test or noise and a number for each, got {error}"
        ) from None
    return Spec(name, **settings)  # type: ignore[arg-type]  # each value has the type of its field


def splits(source: str) -> tuple[str, ...]:
    """The splits that are not empty."""
    sizes = vars(parse(source))
    return tuple(name for name in _SPLITS if sizes[name])


def read(source: str, split: str = "train") -> Iterator[Record]:
    """Yields the records of a split; the line of each is its number, from 1."""
    if split not in _SPLITS:
        raise ValueError(f"{source}: wanted one of {', '.join(_SPLITS)}, got {split!r}")
    spec = parse(source)
    grammar = GRAMMARS[spec.corpus]
    rows: Iterable[Fields] = _generate(grammar, spec, split)
    if split == "train" and spec.noise:
        rows = list(rows)
        grammar.corrupt(rows, spec.noise, stream(spec.seed, len(_SPLITS)))
    for number, fields in enumerate(rows, start=1):
        named = {"id": f"{split}-{number}", **fields} if grammar.numbered else fields
        yield Record(named, f"{PREFIX}{spec.corpus}[{split}]", (number,))


def _generate(grammar: Grammar, spec: Spec, split: str) -> Iterator[Fields]:
    """Test is drawn freely, dev avoids test's texts, and train those of both."""
    rank = ("test", "dev", "train").index(split)
    others = ("test", "dev")[:rank]
    taken = {grammar.text(each) for other in others for each in _generate(grammar, spec, other)}
    draw = stream(spec.seed, _SPLITS.index(split))
    left: int = vars(spec)[split]
    while left:
        fields = grammar.write(draw, split)
        if grammar.text(fields) not in taken:
            yield fields
            left -= 1
