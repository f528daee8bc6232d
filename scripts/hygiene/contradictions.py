"""The same text with different gold labels, and the same mention with different types."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

from lingym.envs.tasks import Example
from lingym.scripts.hygiene.reading import Files
from lingym.scripts.hygiene.same import Row


@dataclass(frozen=True)
class Contradiction:
    """A text that has several gold labellings.

    Attributes:
        text: what is the same.
        rows: where it stands, by its gold labelling; the most frequent labelling first.
    """

    text: str
    rows: tuple[tuple[Row, ...], ...]

    @property
    def parts(self) -> set[str]:
        """The parts that it stands in."""
        return {part for rows in self.rows for part, _ in rows}


def contradictions(files: Files) -> list[Contradiction]:
    """Texts with several gold labellings, in all parts together, in the order they stand there.

    The texts are the same letter by letter, spaces aside: a change of case may well change a tag.
    """
    known: dict[str, dict[Hashable, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for name, part in files.parts.items():
        for row, (text, example) in enumerate(zip(files.texts[name], part.examples, strict=True)):
            known[" ".join(text.split())][_gold(example)].append((name, row))
    return [
        Contradiction(text, tuple(map(tuple, sorted(labels.values(), key=len, reverse=True))))
        for text, labels in known.items()
        if len(labels) > 1
    ]


def _gold(example: Example) -> Hashable:
    """The gold labels; of candidates what they say, since their order may differ."""
    gold = example.gold or ()
    if not example.candidates:
        return gold
    return tuple(
        example.candidates[g] if isinstance(g, int) and g < len(example.candidates) else g
        for g in gold
    )


def mentions(files: Files) -> list[dict[str, Any]]:
    """Spans of the same words with different types, most frequent first; counts by part.

    Most are right (Washington is a person, a city and a team); they show where to look for slips.
    """
    seen: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for name, part in files.parts.items():
        if part.scheme in (None, "plain"):
            continue
        for example in part.examples:
            for kind, start, stop in spans(example):
                seen[" ".join(example.units[start:stop])][kind][name] += 1
    several = [(words, kinds) for words, kinds in seen.items() if len(kinds) > 1]
    several.sort(key=lambda each: -sum(sum(counts.values()) for counts in each[1].values()))
    return [
        {"mention": words, "types": {kind: dict(counts) for kind, counts in sorted(kinds.items())}}
        for words, kinds in several
    ]


def spans(example: Example) -> Iterator[tuple[str, int, int]]:
    """Type, first word and word after the last of each span of IOB2 tags, slots included."""
    tags = [str(tag).removeprefix("slot/") for tag in example.gold or ()]
    start = None
    for place, tag in enumerate([*tags, "O"]):
        if start is not None and not tag.startswith("I"):
            yield tags[start][2:], start, place
            start = None
        if tag == "B" or tag.startswith("B-"):
            start = place
