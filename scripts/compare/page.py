"""A report as one HTML file: nothing is fetched, nothing is run."""

from functools import singledispatch
from importlib.resources import files

from lingym.scripts.compare.blocks import (
    Block,
    Cell,
    Code,
    Figure,
    Fold,
    Panel,
    Report,
    Section,
    Table,
    Terms,
    Words,
)
from lingym.scripts.compare.figures import key
from lingym.scripts.compare.markup import Markup, join, tag
from lingym.scripts.compare.wording import SHAPES

CLASSES = {"better": "better", "worse": "worse", "no difference seen": "none"}


def sheet(name: str) -> Markup:
    """A style sheet that lies beside this file."""
    return Markup(files("lingym.scripts.compare").joinpath(name).read_text(encoding="utf-8"))


def page(report: Report) -> str:
    """A report as a page that stands alone."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{report.title} · lingym"),
        tag("style", sheet("figures.css"), sheet("page.css")),
    )
    links = [tag("li", tag("a", s.title, href=f"#{s.id}")) for s in report.sections]
    contents = tag("nav", tag("ol", *links), aria_label="Contents")
    top = tag(
        "header",
        tag("p", report.over, class_="over"),
        tag("h1", report.title),
        tag("p", report.about, class_="about") if report.about else "",
        tag("div", *(tag("p", each) for each in report.answer), class_="answer"),
        *(tag("p", notice, class_="warning") for notice in report.notices),
        tag("p", report.made, class_="made"),
    )
    body = tag("main", top, *(_section(section) for section in report.sections))
    whole = tag("html", head, "\n", tag("body", contents, body), lang="en")
    return f"<!doctype html>\n{whole}\n"


def _section(section: Section) -> Markup:
    """A section with its heading."""
    heading = tag("h2", section.title)
    shown = [show(block) for block in section.blocks]
    return join([tag("section", heading, *shown, id=section.id), "\n"])


@singledispatch
def show(block: Block) -> Markup:
    """A block as HTML.

    Raises:
        TypeError: it is no block.
    """
    raise TypeError(f"{block!r} is no block of a report")


@show.register
def _(block: Words) -> Markup:
    return tag("p", block.text, class_=block.kind or None)


@show.register
def _(block: Terms) -> Markup:
    pairs = [tag("div", tag("dt", name), tag("dd", told)) for name, told in block.pairs]
    return tag("dl", *pairs)


@show.register
def _(block: Code) -> Markup:
    return tag("pre", tag("code", block.text), tabindex=0)


@show.register
def _(block: Fold) -> Markup:
    shown = [show(each) for each in block.blocks]
    return tag("details", tag("summary", block.title), *shown)


@show.register
def _(block: Table) -> Markup:
    align = block.align
    heads = [_cell(c, "th", a, scope="col") for c, a in zip(block.columns, align, strict=True)]
    rows = []
    for row in block.rows:
        if isinstance(row, str):
            heading = tag("th", row, colspan=len(block.columns), scope="colgroup")
            rows.append(tag("tr", heading, class_="group"))
            continue
        cells = [_cell(row[0], "th", align[0], scope="row")]
        for cell, side, head in zip(row[1:], align[1:], block.columns[1:], strict=True):
            name = head if isinstance(head, str) else head.text
            cells.append(_cell(cell, "td", side, data_head=name if block.cards else None))
        rows.append(tag("tr", *cells))
    parts = tag("thead", tag("tr", *heads)), tag("tbody", *rows)
    table = tag("table", *parts, class_="cards" if block.cards else None)
    return tag("div", table, class_="scroll", tabindex=0)


def _cell(cell: Cell | str, name: str, align: str, **attributes: object) -> Markup:
    """A cell with what stands before its text and below it."""
    given = Cell(cell) if isinstance(cell, str) else cell
    parts: list[object] = []
    classes = ["r"] if align == "r" else []
    if given.arm is not None:
        parts.append(key(given.arm))
        classes.append("arm")
    shown: object = given.drawing if given.drawing is not None else given.text
    if given.verdict:
        shape = tag("span", SHAPES[given.verdict], " ", class_="shape", aria_hidden="true")
        shown = tag("span", shape, shown, class_="verdict")
    parts.append(shown)
    if given.detail:
        parts.append(tag("small", given.detail))
    classes += [CLASSES[given.verdict]] if given.verdict else []
    return tag(name, *parts, class_=" ".join(classes) or None, **attributes)


@show.register
def _(block: Figure) -> Markup:
    names = [tag("li", key(number), name) for number, name in block.arms]
    legend = tag("ul", *names, class_="arms") if names else ""
    panels = tag("div", *(_panel(p) for p in block.panels), class_=f"panels of{block.columns}")
    return tag("figure", legend, panels, tag("figcaption", block.caption))


def _panel(panel: Panel) -> Markup:
    """A panel below its title."""
    box = f"0 0 {panel.width:g} {panel.height:g}"
    drawing = tag("svg", panel.body, viewBox=box, role="img", aria_label=panel.says)
    return tag("div", tag("h3", panel.title), drawing, class_="panel")
