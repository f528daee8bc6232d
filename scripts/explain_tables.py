"""Tables of a page of explanations: labels by words, and what each label was worth."""

import numpy as np

from lingym.scripts.compare.markup import Markup, tag
from lingym.scripts.explain_texts import Text
from lingym.scripts.explain_words import short, signed
from lingym.types import FloatArray

NONE = "\N{EN DASH}"
LEAST = 0.04
"""Parts of the strongest score below this are left without a colour."""


def colour(part: float) -> dict[str, str]:
    """The class and the strength of a score, given as a part of the strongest one, -1 to 1."""
    if abs(part) < LEAST:
        return {"class_": "w"}
    return {"class_": "w for" if part > 0 else "w against", "style": f"--a:{abs(part):.2f}"}


def matrix(text: Text) -> Markup:
    """Labels by words; here colours compare labels with each other."""
    found = text.found
    most = float(np.abs(found.scores).max(initial=0)) or 1.0
    words = [tag("th", word, class_="word", scope="col") for word in found.layout.words]
    rows = []
    for place, number in enumerate(found.units):
        name = tag(
            "th",
            f"{short(text.units[number].name, 24)} ",
            tag("span", text.targets[place], class_="label"),
            scope="row",
        )
        rows.append(tag("tr", name, *_cells(found.scores[place], most)))
    parts = (tag("thead", tag("tr", tag("td"), *words)), tag("tbody", *rows))
    return tag("div", tag("table", *parts, class_="matrix"), class_="scroll", tabindex=0)


def _cells(scores: FloatArray, most: float) -> list[Markup]:
    return [
        tag("td", tag("span", **colour(float(score) / most), title=signed(score)))
        for score in scores
    ]


def units(text: Text) -> Markup:
    """Every unit with its label, the gold one, its probability, and what it was worth."""
    known = [abs(unit.worth) for unit in text.units if unit.worth is not None]
    most = max(known, default=0.0) or 1.0
    shares = any(unit.share is not None for unit in text.units)
    heads = ["Unit", "Label", "Gold", "Probability", *(["Share"] * shares), "Worth", "", "Against"]
    numbers = {"Probability", "Share", "Worth"}
    rows = []
    for unit in text.units:
        gain, bar = NONE, Markup("")
        if unit.worth is not None:
            part = unit.worth / most
            side = None if part > 0 else "against"
            gain = signed(unit.worth)
            bar = tag("span", tag("i", class_=side, style=f"--a:{abs(part):.2f}"), class_="bar")
        gold = unit.gold if unit.gold is not None else NONE
        wrong = "wrong" if unit.gold not in (None, unit.label) else None
        cells = [tag("td", unit.label), tag("td", gold, class_=wrong)]
        cells.append(tag("td", f"{unit.probability:.3f}", class_="n"))
        if shares:
            cells.append(tag("td", f"{unit.share:.3g}", class_="n"))
        cells += [tag("td", gain, class_="n"), tag("td", bar), tag("td", unit.other or NONE)]
        rows.append(tag("tr", tag("th", short(unit.name, 80), scope="row"), *cells))
    columns = [tag("th", h, scope="col", class_="n" if h in numbers else None) for h in heads]
    table = tag("table", tag("thead", tag("tr", *columns)), tag("tbody", *rows))
    title = tag("summary", "What each label was worth")
    return tag("details", title, tag("div", table, class_="scroll", tabindex=0), open=True)
