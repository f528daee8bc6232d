"""What a report is made of: sections of blocks, which a page and a Markdown file both show."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from lingym.scripts.compare.markup import Markup


@dataclass(frozen=True)
class Words:
    """A paragraph.

    Attributes:
        text: plain.
        kind: "" for a paragraph, "note" for a quiet one, "warning" for one to be seen.
    """

    text: str
    kind: str = ""


@dataclass(frozen=True)
class Terms:
    """Words and what they mean, one below another."""

    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: what it says.
        detail: smaller, below it.
        verdict: draws the verdict's shape before the text.
        arm: draws the key of the arm of this number before the text.
        drawing: SVG that a page shows in place of the text.
    """

    text: str
    detail: str = ""
    verdict: str = ""
    arm: int | None = None
    drawing: Markup | None = None


Row: TypeAlias = Sequence[Cell | str] | str
"""The cells of a row; a bare string is the heading of the rows that follow."""


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        columns: their headings.
        rows: as many cells each, or a heading.
        align: a letter a column: ``l`` text, ``r`` numbers.
        cards: on a narrow screen each row becomes a card with the headings in it.
    """

    columns: Sequence[str | Cell]
    rows: Sequence[Row]
    align: str
    cards: bool = False

    def __post_init__(self) -> None:
        """Refuse rows of another width.

        Raises:
            ValueError: a row or ``align`` has another width than ``columns``.
        """
        for row in [self.align, *(row for row in self.rows if not isinstance(row, str))]:
            if len(row) != len(self.columns):
                wanted = len(self.columns)
                raise ValueError(f"a table's row {row!r} has {len(row)} cells: wanted {wanted}")


@dataclass(frozen=True)
class Panel:
    """One drawing of a figure.

    Attributes:
        title: what it shows, as text above it.
        width: in pixels of its own.
        height: likewise.
        body: what is drawn, SVG.
        says: the drawing in words, for those who do not see it.
    """

    title: str
    width: float
    height: float
    body: Markup
    says: str


@dataclass(frozen=True)
class Figure:
    """Panels side by side.

    Attributes:
        name: of its file.
        panels: one or more, of one width.
        caption: how to read it.
        arms: numbers and names of the arms that a key explains.
        columns: panels side by side where there is room.
    """

    name: str
    panels: Sequence[Panel]
    caption: str
    arms: Sequence[tuple[int, str]] = ()
    columns: int = 3


@dataclass(frozen=True)
class Code:
    """Text as it stands in a file or on a command line."""

    text: str
    language: str = "text"


@dataclass(frozen=True)
class Fold:
    """Blocks that are closed until they are asked for."""

    title: str
    blocks: Sequence["Block"]


Block: TypeAlias = Words | Terms | Table | Figure | Code | Fold


@dataclass(frozen=True)
class Section:
    """A part of the report with a heading.

    Attributes:
        id: its anchor.
        title: its heading.
        blocks: what stands in it.
    """

    id: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Report:
    """All of it.

    Attributes:
        title: the study's name.
        about: what was asked.
        answer: the answer, a sentence for each arm that was asked about.
        notices: what must be known before the answer is believed.
        made: when, where, how much.
        sections: in reading order.
        over: the question, above the title of the page.
    """

    title: str
    about: str
    answer: Sequence[str]
    notices: Sequence[str]
    made: str
    sections: Sequence[Section]
    over: str = "Does reinforcement help?"
