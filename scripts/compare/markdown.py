"""A report as Markdown, with its figures beside it."""

import re
from functools import singledispatch
from html import escape
from pathlib import Path

from lingym.scripts.compare.blocks import (
    Block,
    Cell,
    Code,
    Figure,
    Fold,
    Report,
    Table,
    Terms,
    Words,
)
from lingym.scripts.compare.figures_file import drawing
from lingym.scripts.compare.wording import SHAPES


def write_markdown(report: Report, out: Path) -> Path:
    """Write ``report.md`` and ``figures/*.svg``.

    Args:
        report: what it says.
        out: the folder; figures of an earlier report are replaced.

    Returns:
        The Markdown file.
    """
    folder = out / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    for section in report.sections:
        for figure in _figures(section.blocks):
            (folder / f"{figure.name}.svg").write_text(drawing(figure), encoding="utf-8")
    file = out / "report.md"
    file.write_text(markdown(report), encoding="utf-8")
    return file


def markdown(report: Report) -> str:
    """A report as Markdown that links to its figures."""
    parts = [f"# {plain(report.title)}", plain(report.about)]
    parts += [f"**{plain(sentence)}**" for sentence in report.answer]
    parts += [f"> {plain(notice)}" for notice in report.notices]
    parts.append(plain(report.made))
    for section in report.sections:
        parts.append(f"## {plain(section.title)}")
        parts += [tell(block) for block in section.blocks]
    return "\n\n".join(part for part in parts if part) + "\n"


def plain(text: str) -> str:
    """Text in which nothing is Markdown or HTML, in one line."""
    one_line = " ".join(escape(text, quote=False).split())
    marked = re.sub(r"([\\`*|#~]|(?<=\])[(\[:])", r"\\\1", one_line)
    # Between letters an underscore means nothing, and names are easier to read without.
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", marked)


@singledispatch
def tell(block: Block) -> str:
    """A block as Markdown.

    Raises:
        TypeError: it is no block.
    """
    raise TypeError(f"{block!r} is no block of a report")


@tell.register
def _(block: Words) -> str:
    return f"> {plain(block.text)}" if block.kind == "warning" else plain(block.text)


@tell.register
def _(block: Terms) -> str:
    return "\n".join(f"- **{plain(name)}**: {plain(told)}" for name, told in block.pairs)


@tell.register
def _(block: Code) -> str:
    longest = max((len(run) for run in re.findall(r"`+", block.text)), default=0)
    fence = "`" * max(longest + 1, 3)
    return f"{fence}{block.language}\n{block.text.rstrip()}\n{fence}"


@tell.register
def _(block: Fold) -> str:
    inner = "\n\n".join(tell(each) for each in block.blocks)
    title = escape(block.title, quote=False)
    return f"<details><summary>{title}</summary>\n\n{inner}\n\n</details>"


@tell.register
def _(block: Table) -> str:
    # What only a page can draw is left out.
    drawn = {
        n
        for row in block.rows
        if not isinstance(row, str)
        for n, cell in enumerate(row)
        if isinstance(cell, Cell) and cell.drawing is not None
    }
    kept = [n for n in range(len(block.columns)) if n not in drawn]
    rows = [_row([_cell(block.columns[n]) for n in kept])]
    rows.append("|" + "|".join("---:" if block.align[n] == "r" else "---" for n in kept) + "|")
    for row in block.rows:
        if isinstance(row, str):
            rows.append(_row([f"**{plain(row)}**", *[""] * (len(kept) - 1)]))
        else:
            rows.append(_row([_cell(row[n]) for n in kept]))
    return "\n".join(rows)


def _row(cells: list[str]) -> str:
    """A row of a table."""
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell | str) -> str:
    """A cell's text and what stands below it, in one line."""
    if isinstance(cell, str):
        return plain(cell)
    shape = f"{SHAPES[cell.verdict]} " if cell.verdict else ""
    return shape + " · ".join(plain(text) for text in (cell.text, cell.detail) if text)


@tell.register
def _(block: Figure) -> str:
    name = plain(block.name)
    return f"![{name}](figures/{block.name}.svg)\n\n{plain(block.caption)}"


def _figures(blocks: object) -> list[Figure]:
    """The figures among blocks, those in folds too."""
    found: list[Figure] = []
    for block in blocks if isinstance(blocks, list | tuple) else ():
        if isinstance(block, Figure):
            found.append(block)
        if isinstance(block, Fold):
            found += _figures(block.blocks)
    return found
