"""Explanations as one HTML page that stands alone: nothing is fetched, nothing is run."""

from importlib.resources import files

import numpy as np

from lingym.scripts.compare.markup import Markup, join, tag
from lingym.scripts.explain_tables import colour, matrix, units
from lingym.scripts.explain_texts import Explained, Text, Unit
from lingym.scripts.explain_words import short, signed

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
    about = [
        tag(
            "p",
            f"{TOLD[method]} Explained is each label's {explained.explainer.of}.",
            class_="about",
        )
    ]
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
    of = explained.explainer.of.removeprefix("log-")
    body = tag("main", top, *(_article(text, of) for text in explained.texts))
    return f"<!doctype html>\n{tag('html', head, tag('body', body), lang='en')}\n"


def _legend(signless: bool) -> Markup:
    """The scale of colours, from against to for."""
    parts = np.linspace(0, 1, 5) if signless else np.linspace(-1, 1, 9)
    boxes = [tag("span", **colour(float(part))) for part in parts]
    ends = ("none", "most") if signless else ("against the label", "for the label")
    return tag(
        "div",
        tag("span", ends[0]),
        tag("span", *boxes, class_="scale", aria_hidden="true"),
        tag("span", ends[1]),
        tag("span", "the strongest word of each label has the full colour", class_="note"),
        class_="legend",
    )


def _article(text: Text, of: str) -> Markup:
    """A text: a block for each label that is explained, then all of them together."""
    found = text.found
    blocks = [_block(text, place, of) for place in range(len(found.units))]
    score = "" if text.score is None else f" · score {text.score:.4g}"
    more = []
    if len(found.units) > 1:
        more.append(tag("details", tag("summary", "All labels and words"), matrix(text)))
    if text.score is not None and len(text.units) > 1:
        more.append(units(text))
    return tag("article", tag("h2", f"{text.name}{score}"), *blocks, *more)


def _block(text: Text, place: int, of: str) -> Markup:
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
        facts.append(tag("span", f"worth {signed(unit.worth)} against {unit.other}"))
    most = float(np.abs(scores).max(initial=0)) or 1.0
    lines = []
    for start, end in found.layout.lines:
        words = []
        whole = end - start > 1 and own.issuperset(range(start, end))  # a sentence: one frame
        for word in range(start, end):
            attributes = colour(scores[word] / most)
            if word in own and not whole:
                attributes["class_"] += " own"
            if found.layout.marks[word]:
                attributes["class_"] += " mark"
            words.append(
                tag("span", found.layout.words[word], **attributes, title=signed(scores[word]))
            )
        lines.append(tag("p", join(words, " "), class_="own" if whole else None))
    view = tag("div", *lines, class_="view")
    notes = f"With all words blank the {of} would be {_said(found.empty[place], of)}."
    if found.error is not None:
        notes += f" The scores miss their sum by {found.error[place]:.1%}."
    return tag("section", heading, tag("p", *facts, class_="facts"), view, _note(notes))


def _said(value: float, of: str) -> str:
    """What the policy says, as a person reads it: a log-probability as a probability."""
    return f"{value:.3g}" if of == "logit" else f"{np.exp(value):.3f}"


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
