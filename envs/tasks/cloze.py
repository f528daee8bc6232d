"""Patterns around a text: words with a blank, which an encoder that was taught to fill in fills in.

Pattern-exploiting training, Schick and Schütze (2021), https://aclanthology.org/2021.eacl-main.20:
"{text} It was {mask}." makes a sentiment label a question that a masked-language model was trained
to answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter

from lingym.envs.corpora import Record
from lingym.envs.tasks.columns import text as text_of

TEXT, MASK = "text", "mask"


@dataclass(frozen=True)
class Cloze:
    """What stands around every window of a text.

    Attributes:
        before: texts before it; of the two sides one has two texts, with the blank between them.
        after: texts after it.
    """

    before: tuple[str, ...]
    after: tuple[str, ...]


class Pattern:
    """A text with named places, such as ``{text} It was {mask}.``.

    ``{text}`` is where the text comes, ``{mask}`` the blank; each stands once. Other names are
    those that the task knows (``{head}`` and ``{tail}`` of a relation), or columns of the data.
    Braces themselves are written twice.

    Args:
        pattern: the text.

    Raises:
        ValueError: a place is missing, or stands twice.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        try:
            self.parts = list(Formatter().parse(pattern))
        except ValueError as error:
            raise ValueError(f"pattern {pattern!r}: {error}") from None
        names = [name for _, name, _, _ in self.parts if name is not None]
        for wanted in (TEXT, MASK):
            if names.count(wanted) != 1:
                raise ValueError(
                    f"pattern {pattern!r} must have {{{wanted}}} once, and has it "
                    f"{names.count(wanted)} times"
                )
        odd = [part for part in self.parts if part[2] or part[3] or part[1] == ""]
        if odd:
            raise ValueError(f"pattern {pattern!r}: wanted names alone in braces, {{text}}")

    def around(self, record: Record, known: Mapping[str, str]) -> Cloze:
        """The pattern around a record's text, its other places filled.

        Args:
            record: the row of the corpus, for columns.
            known: what the task says of places by name.

        Raises:
            DataError: the record has no such column, or no text in it.
        """
        sides: list[list[str]] = [[""]]
        for literal, name, _, _ in self.parts:
            sides[-1][-1] += literal
            if name == TEXT:
                sides.append([""])
            elif name == MASK:
                sides[-1].append("")
            elif name is not None:
                value = known.get(name)
                sides[-1][-1] += text_of(record, name, record[name]) if value is None else value
        before, after = sides
        return Cloze(tuple(before), tuple(after))


def pieces_of(text: str, cloze: Cloze) -> tuple[str, Cloze]:
    """The text and what is around it, a blank between the two being the text's.

    Tokenizers of bytes tell a word that follows a blank from one that does not.
    """
    last = cloze.before[-1]
    if not last[-1:].isspace():
        return text, cloze
    return f" {text}", Cloze((*cloze.before[:-1], last.rstrip()), cloze.after)
