"""Explanations as one HTML page that stands alone: nothing is fetched, nothing is run."""

from importlib.resources import files

import numpy as np

from lingym.scripts.compare.markup import Markup, join, tag
from lingym.scripts.explain_texts import Explained, Text, Unit
from lingym.scripts.explain_words import short
from lingym.types import FloatArray

TOLD = {
    "integrated-gradients": "Integrated gradients: the scores of a text's words sum to what the "
    "policy says of the label less what it says when all words are blank.",
    "gradient-x-input": "Gradient times input: how the label would change if a word's embedding "
    "grew.",
    "leave-one-out": "Leave one out: how much less the policy says so when the word is blank.",
    "rollout": "Attention rollout: how much of a word has come through to the feature that the "
    "label is told from. It has no sign, and is the same for every label of a unit.",
    "random": "Random scores, which mean nothing.",
}
AGAINST = {
    "best": "the gold label where it is wrong, the policy's next choice where it is right",
    "gold": "the gold label",
    "second": "the policy's next choice",
    "nothing": "the label that says nothing",
}
NONE = "\N{EN DASH}"
LEAST = 0.04
"""Parts of the strongest score below this are left without a colour."""


def page(explained: Explained) -> str:
    """Explained texts as a page."""
    count = len(explained.texts)
    sheet = files("lingym.scripts").joinpath("explain.css").read_text(encoding="utf-8")
    title = f"Why these labels? {count} text{'s' * (count != 1)}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title} · lingym"),
        tag("style", Markup(sheet)),
    )
    method = explained.explainer.method
    about = [tag("p", f"{TOLD[method]} Explained is the {explained.explainer.of}.", class_="about")]
    if explained.reward is not None:
        how = {"exact": "exactly", "leave-one-out": "by leaving one out", "shapley": "by Shapley"}
        about.append(
            tag(
                "p",
                f"A label's worth is what the reward {explained.reward} would lose with another "
                f"label in its place: {AGAINST[explained.against]}. Found "
                f"{how[explained.how or 'exact']}.",
                class_="about",
            )
        )
    top = tag("header", tag("h1", title), *about, _legend(method == "rollout"))
    body = tag("main", top, *(_article(text) for text in explained.texts))
    return f"<!doctype html>\n{tag('html', head, tag('body', body), lang='en')}\n"


def _legend(signless: bool) -> Markup:
    """The scale of colours, from against to for."""
    parts = np.linspace(0, 1, 5) if signless else np.linspace(-1, 1, 9)
    boxes = [tag("span", **_colour(float(part))) for part in parts]
    ends = ("none", "most") if signless else ("against the label", "for the label")
    return tag(
        "div",
        tag("span", ends[0]),
        tag("span", *boxes, class_="scale", aria_hidden="true"),
        tag("span", ends[1]),
        tag("span", "the strongest word of each label has the full colour", class_="note"),
        class_="legend",
    )


def _article(text: Text) -> Markup:
    """A text: a block for each label that is explained, then all of them together."""
    found = text.found
    blocks = [_block(text, place) for place in range(len(found.units))]
    score = "" if text.score is None else f" · score {text.score:.4g}"
    more = []
    if len(found.units) > 1:
        more.append(tag("details", tag("summary", "All labels and words"), _matrix(text)))
    if text.score is not None:
        more.append(_units(text))
    return tag("article", tag("h2", f"{text.name}{score}"), *blocks, *more)


def _block(text: Text, place: int) -> Markup:
    """One label, what is known of it, and the words coloured by what they did."""
    found = text.found
    unit, target = text.units[found.units[place]], text.targets[place]
    scores = found.scores[place]
    own = _own_words(text, place)
    heading = tag("h3", short(unit.name, 120), " ", tag("span", target, class_="label"))
    facts = [tag("span", f"probability {found.probabilities[place]:.3f}")]
    if target != unit.label:
        facts.append(tag("span", f"given: {unit.label}"))
    facts += _gold(unit)
    if unit.worth is not None and target == unit.label:
        facts.append(tag("span", f"worth {unit.worth:+.3g} against {unit.other}"))
    most = float(np.abs(scores).max(initial=0)) or 1.0
    lines = []
    for start, end in found.layout.lines:
        words = []
        for word in range(start, end):
            attributes = _colour(scores[word] / most)
            if word in own:
                attributes["class_"] += " own"
            if found.layout.marks[word]:
                attributes["class_"] += " mark"
            words.append(
                tag("span", found.layout.words[word], **attributes, title=f"{scores[word]:+.3g}")
            )
        lines.append(tag("p", join(words, " ")))
    view = tag("div", *lines, class_="view")
    notes = f"All words blank: {found.empty[place]:.3g}; the whole text: {found.whole[place]:.3g}."
    if found.error is not None:
        notes += f" The scores miss their sum by {found.error[place]:.1%}."
    return tag("section", heading, tag("p", *facts, class_="facts"), view, _note(notes))


def _note(text: str) -> Markup:
    return tag("p", text, class_="note")


def _gold(unit: Unit) -> list[Markup]:
    """Whether the label is the gold one."""
    if unit.gold is None:
        return []
    if unit.gold == unit.label:
        return [tag("span", "✓ gold", class_="right")]
    return [tag("span", f"✗ gold: {unit.gold}", class_="wrong")]


def _own_words(text: Text, place: int) -> set[int]:
    """The words that the label is of: those of the unit, or of the candidate."""
    found, form = text.found, text.form
    if form == "text":
        return set()
    group = found.targets[place] if form == "candidates" else found.units[place]
    return set(np.flatnonzero((found.layout.groups == group) & ~found.layout.marks).tolist())


def _colour(part: float) -> dict[str, str]:
    """The class and the strength of a score, given as a part of the strongest one, -1 to 1."""
    if abs(part) < LEAST:
        return {"class_": "w"}
    return {"class_": "w for" if part > 0 else "w against", "style": f"--a:{abs(part):.2f}"}


def _matrix(text: Text) -> Markup:
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
        tag("td", tag("span", **_colour(float(score) / most), title=f"{score:+.3g}"))
        for score in scores
    ]


def _units(text: Text) -> Markup:
    """Every unit with its label, the gold one, its probability, and what it was worth."""
    known = [abs(unit.worth) for unit in text.units if unit.worth is not None]
    most = max(known, default=0.0) or 1.0
    shares = any(unit.share is not None for unit in text.units)
    heads = ["Unit", "Label", "Gold", "Probability", *(["Share of the score"] * shares), "Worth"]
    numbers = {"Probability", "Share of the score", "Worth"}
    rows = []
    for unit in text.units:
        worth: list[object] = [NONE]
        if unit.worth is not None:
            part = unit.worth / most
            side = None if part > 0 else "against"
            bar = tag("span", tag("i", class_=side, style=f"--a:{abs(part):.2f}"), class_="bar")
            worth = [f"{unit.worth:+.3g}", Markup(" "), tag("span", f"/ {unit.other}"), bar]
        gold = unit.gold if unit.gold is not None else NONE
        wrong = "wrong" if unit.gold not in (None, unit.label) else None
        cells = [tag("td", unit.label), tag("td", gold, class_=wrong)]
        cells.append(tag("td", f"{unit.probability:.3f}", class_="n"))
        if shares:
            cells.append(tag("td", f"{unit.share:.3g}", class_="n"))
        cells.append(tag("td", *worth, class_="n"))
        rows.append(tag("tr", tag("th", short(unit.name, 80), scope="row"), *cells))
    columns = [tag("th", h, scope="col", class_="n" if h in numbers else None) for h in heads]
    table = tag("table", tag("thead", tag("tr", *columns)), tag("tbody", *rows))
    title = tag("summary", "What each label was worth")
    return tag("details", title, tag("div", table, class_="scroll", tabindex=0), open=True)
