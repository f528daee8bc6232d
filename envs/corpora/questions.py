"""Writes the corpus ``synthetic:questions``: a paragraph, and a question that it may answer.

Each record holds ``id``, ``title``, ``question``, ``context`` and ``answers``: a list of one
``{"text", "start"}``, the start in characters of the context, or of none where the context does not
say. A context states 3 to 8 facts of 2 to 4 people. What is asked of one person is always told of
another too, so the answer needs the question's person and what it asks; where somebody was born
differs from when, and where they live from where they went. `UNANSWERABLE` of the questions ask
a person for something that is only told of others.

Noise makes another word of the context the answer.
"""

import re
from dataclasses import dataclass

from lingym.envs.corpora.commands import NAMES
from lingym.envs.corpora.grammar import (
    Draw,
    Fields,
    Grammar,
    Span,
    corrupt_each,
    fill,
    some,
    uniform,
)

UNANSWERABLE = 0.15
"""How many questions the context does not answer."""


@dataclass(frozen=True)
class _Fact:
    """The type of its value, and how it is told and asked for: of whom, and who it is."""

    type: str
    told: tuple[str, ...]
    asked: tuple[str, ...]
    asked_who: str


_FACTS = {
    "home": _Fact(
        "town",
        ("{who} lives in {what}", "{what} is where {who} lives", "{who} has a house in {what}"),
        ("Where does {who} live?", "In which town does {who} live?"),
        "Who lives in {what}?",
    ),
    "birthplace": _Fact(
        "town",
        ("{who} was born in {what}", "(the town|) {what} is the birthplace of {who}"),
        ("Where was {who} born?", "In which town was {who} born?"),
        "Who was born in {what}?",
    ),
    "trip": _Fact(
        "town",
        ("{who} travelled to {what}", "last year {who} went to {what}"),
        ("Where did {who} travel?", "Which town did {who} visit?"),
        "Who travelled to {what}?",
    ),
    "birth": _Fact(
        "year",
        ("{who} was born in {what}", "in {what} {who} was born"),
        ("When was {who} born?", "In which year was {who} born?"),
        "Who was born in {what}?",
    ),
    "work": _Fact(
        "job",
        ("{who} works as {what}", "{who} became {what}", "by trade {who} is {what}"),
        ("What does {who} do for a living?", "What is the job of {who}?"),
        "Who works as {what}?",
    ),
    "price": _Fact(
        "amount",
        ("{who} paid {what} for (a coat|the ticket)", "the bill of {who} was {what}"),
        ("How much did {who} pay?", "What was the bill of {who}?"),
        "Who paid {what}?",
    ),
    "arrival": _Fact(
        "day",
        ("{who} arrived on {what}", "on {what} {who} came back"),
        ("On what day did {who} arrive?", "When did {who} come back?"),
        "Who arrived on {what}?",
    ),
}

_JOBS = "a baker, a nurse, a painter, a judge, a pilot, a teacher, a cook, a miner, a tailor"
_TOWNS = "Oslo, Lima, Cairo, Boston, Vienna, Kyoto, Athens, Dublin, Delhi, Rome"
_DAYS = "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday"
_VALUES = {
    "town": tuple(_TOWNS.split(", ")),
    "year": tuple(str(year) for year in range(1960, 1970)),
    "job": tuple(_JOBS.split(", ")),
    "amount": tuple(f"{tens} dollars" for tens in range(20, 100, 10)),
    "day": tuple(_DAYS.split(", ")),
}
_PEOPLE = ("Anna", "Omar", "Ruth", "Leo", "Nina", "Carlos", "Ivy", "Frank", "Sofia", "Tom")
_TITLES = ("The {name} family", "People of {name} Street", "A history of {name} Hall")


def _write(draw: Draw, split: str) -> Fields:
    count = 3 + int(6 * draw())
    people = some(_PEOPLE, min(count - 1, 2 + int(3 * draw())), draw)
    kind = uniform([*_FACTS], draw)
    asked = (people[0], kind)
    answerable = draw() >= UNANSWERABLE
    context, values, spans = _tell(_choose(people, kind, count, answerable, draw), draw)
    template, answer = uniform(_FACTS[kind].asked, draw), "what"
    if answerable and draw() < 0.25:
        template, answer = _FACTS[kind].asked_who, "who"
    named = {"who": people[0], "what": values.get(asked, "")}
    answers = []
    if answerable:
        start, end = spans[asked][answer]
        answers.append({"text": context[start:end], "start": start})
    family = uniform(NAMES["last"], draw).title()
    return {
        "title": fill(uniform(_TITLES, draw), {"name": family}, draw)[0],
        "question": fill(template, named, draw)[0],
        "context": context,
        "answers": answers,
    }


def _choose(
    people: list[str], kind: str, count: int, answerable: bool, draw: Draw
) -> list[tuple[str, str]]:
    """What is told of whom: the kind asked for of the second person, and of the first if asked."""
    first, second, *_ = people
    others = [each for each in _FACTS if each != kind]
    told = [(second, kind), (first, kind if answerable else uniform(others, draw))]
    left = [(who, each) for who in people for each in _FACTS]
    left = [fact for fact in left if fact not in (*told, (first, kind))]
    return some(told + some(left, count - 2, draw), count, draw)


def _tell(
    facts: list[tuple[str, str]], draw: Draw
) -> tuple[str, dict[tuple[str, str], str], dict[tuple[str, str], dict[str, Span]]]:
    """The context, and the value of each fact and where it stands; no value stands twice."""
    context = ""
    values: dict[tuple[str, str], str] = {}
    spans: dict[tuple[str, str], dict[str, Span]] = {}
    for fact in facts:
        who, kind = fact
        free = [value for value in _VALUES[_FACTS[kind].type] if value not in values.values()]
        values[fact] = uniform(free, draw)
        told = f"{uniform(_FACTS[kind].told, draw)}."
        context += " " if context else ""
        sentence, spans[fact] = fill(told, {"who": who, "what": values[fact]}, draw, len(context))
        context += sentence
    return context, values, spans


def _change(fields: Fields, draw: Draw) -> None:
    right = {answer["start"] for answer in fields["answers"]}
    words = [each for each in re.finditer(r"\w+", fields["context"]) if each.start() not in right]
    word = uniform(words, draw)
    fields["answers"] = [{"text": word[0], "start": word.start()}]


GRAMMAR = Grammar(_write, lambda fields: fields["context"], corrupt_each(_change))
"""See the module."""
