"""A figure as a file of its own."""

from lingym.scripts.compare.blocks import Figure
from lingym.scripts.compare.figures import LINE, mark, words, wrapped
from lingym.scripts.compare.markup import Markup, tag
from lingym.scripts.compare.page import sheet

GAP, ROOM = 28.0, 20.0
"""Pixels between panels, and around all of them."""


def drawing(figure: Figure) -> str:
    """A figure as an SVG file: its key, then its panels in rows."""
    columns = min(figure.columns, len(figure.panels))
    width = max(panel.width for panel in figure.panels)
    whole = columns * width + (columns - 1) * GAP + 2 * ROOM
    drawn: list[Markup] = []
    x, y = ROOM, ROOM
    for number, name in figure.arms:
        room = 26 + 7.2 * len(name)
        if x > ROOM and x + room > whole - ROOM:
            x, y = ROOM, y + 20
        drawn += [mark(x + 5, y, number), words(name, x + 16, y + 4, kind="name")]
        x += room
    y += 22 if figure.arms else 0
    for first in range(0, len(figure.panels), columns):
        row = figure.panels[first : first + columns]
        titles = [wrapped(panel.title, width * 0.9) for panel in row]
        below = y + LINE * max(len(lines) for lines in titles) + 6
        for n, (panel, lines) in enumerate(zip(row, titles, strict=True)):
            left = ROOM + n * (width + GAP)
            for number, text in enumerate(lines):
                drawn.append(words(text, left, y + LINE * (number + 0.8), kind="title"))
            box = f"0 0 {panel.width:g} {panel.height:g}"
            size = {"width": panel.width, "height": panel.height, "viewBox": box}
            drawn.append(tag("svg", panel.body, x=left, y=below, **size))
        y = below + max(panel.height for panel in row) + 18
    ground = tag("rect", width=whole, height=y, class_="ground")
    box = f"0 0 {whole:g} {y:g}"
    xmlns = "http://www.w3.org/2000/svg"
    content = [tag("style", sheet("figures.css")), ground, *drawn]
    return tag("svg", *content, xmlns=xmlns, viewBox=box, width=whole, height=y) + "\n"
