"""Writes the corpus ``synthetic:dialogues``: two people talk, and a question with three choices.

Each record holds ``id``, a ``context`` (the turns of a man, ``M: ...``, and a woman, ``W: ...``),
a ``question``, three ``choices`` and the index of the right one as ``answer``, evenly spread. All
three choices are spoken of, so what was said of each counts: what was agreed in the end, which of
the two took what, what was wanted before and what was got.

Noise makes another choice the answer.
"""

from collections.abc import Callable

from lingym.envs.corpora.commands import NAMES
from lingym.envs.corpora.grammar import Draw, Fields, Grammar, corrupt_each, fill, some, uniform

_TIMES = "one, two, three, four, five, six, seven, eight, nine, ten, eleven, noon, midnight"
_PLACES = (
    "the museum, the park, the station, the library, the market, the beach, the garden, the zoo"
)
_DISHES = (
    "the soup, the pizza, the pasta, the rice, the fish, the salad, the cake, the bread, the stew"
)
_GIFTS = (
    "the book, the lamp, the scarf, the watch, the ring, the vase, the camera, the hat, the clock"
)

Turns = list[tuple[str, str]]
"""Who speaks, and the template of what they say of {a}, {b} and {c}."""

Scene = tuple[Turns, str, str]
"""The turns, the question, and which of a, b and c answers it."""


def _agree(draw: Draw) -> Scene:
    """Proposals, refused until one is taken - the last, or an earlier one after all."""
    one, two = some(("M", "W"), 2, draw)
    turns = [
        (one, "(Shall we say|How about|What about) {a}?"),
        (two, "(I would rather not|{a} is no good for me). (How about|What about) {b}?"),
    ]
    match int(3 * draw()):
        case 0:
            turns.append((one, "{b} is (fine|good), (much|) better than {c}."))
            right = "b"
        case 1:
            turns.append((one, "(Not again|I do not like {b}). (How about|What about) {c}?"))
            turns.append((two, "{c} (is fine|is good|it is)."))
            right = "c"
        case _:
            turns.append((one, "(Not again|I do not like {b}). Or {c}?"))
            turns.append((two, "(No|Never). Then {a} after all."))
            right = "a"
    if draw() < 0.5:
        turns.append((uniform(("M", "W"), draw), "(Good|Fine), see you."))
    return turns, "What do they agree on?", right


def _share(draw: Draw) -> Scene:
    """Each takes one, and the third is taken by nobody."""
    one, two = some(("M", "W"), 2, draw)
    turns = [
        (one, "I (will take|would like) {a}. (Will you take|Would you like) {b}?"),
        (two, uniform(("Yes, and not {c}.", "No, I (will take|would like) {c}."), draw)),
    ]
    taken = {one: "a", two: "b" if turns[1][1].startswith("Yes") else "c"}
    if draw() < 0.5:
        turns.reverse()
        turns = [
            (two, "(Will you take|Would you like) {a}?"),
            (one, "(Yes|Gladly). And (for you|you), {b} or {c}?"),
            (two, uniform(("{b}, (please|I think).", "{c}, (please|I think)."), draw)),
        ]
        taken = {one: "a", two: turns[2][1][1]}
    asked = uniform((one, two), draw)
    return turns, f"What does the {_NOUNS[asked]} take?", taken[asked]


def _change_of_mind(draw: Draw) -> Scene:
    """Wanted one, saw another, got a third: the question tells which is meant."""
    one, two = some(("M", "W"), 2, draw)
    turns = [
        (two, "(Did you find|Have you got) {a}?"),
        (one, "I (wanted|hoped for) {a}, but (they only had {b}|there was only {b})."),
        (two, "(And|So) you took {b}?"),
        (
            one,
            uniform(
                ("No, (in the end|at last) I took {c}.", "Yes, (though|but) {c} was nice."), draw
            ),
        ),
    ]
    got = "c" if turns[3][1].startswith("No") else "b"
    who = _NOUNS[one]
    if draw() < 0.4:
        return turns, f"What did the {who} want at first?", "a"
    return turns, f"What did the {who} get in the end?", got


_NOUNS = {"M": "man", "W": "woman"}
_SCENES: tuple[tuple[Callable[[Draw], Scene], tuple[str, ...]], ...] = (
    (_agree, (_TIMES, _PLACES, _DISHES)),
    (_share, (_DISHES, _GIFTS)),
    (_change_of_mind, (_DISHES, _GIFTS)),
)
_OPENINGS = ("(Hello|Hi|Good morning), {name}.", "(It is you|Nice to see you), {name}.", "{name}!")


def _write(draw: Draw, split: str) -> Fields:
    scene, topics = uniform(_SCENES, draw)
    turns, question, right = scene(draw)
    things = some(uniform(topics, draw).split(", "), 3, draw)
    values = dict(zip("abc", things, strict=True))
    if draw() < 0.6:
        turns = [("W" if turns[0][0] == "M" else "M", uniform(_OPENINGS, draw)), *turns]
    values["name"] = uniform(NAMES["first"], draw).title()
    choices = some(things, 3, draw)
    return {
        "context": [f"{who}: {fill(said, values, draw)[0]}" for who, said in turns],
        "question": question,
        "choices": choices,
        "answer": choices.index(values[right]),
    }


def _change(fields: Fields, draw: Draw) -> None:
    fields["answer"] = uniform([i for i in range(3) if i != fields["answer"]], draw)


GRAMMAR = Grammar(_write, lambda fields: "\n".join(fields["context"]), corrupt_each(_change))
"""See the module."""
