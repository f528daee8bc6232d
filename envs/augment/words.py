"""What an augmentation sees of an example: words, each with its tag, some of which must stay."""

import re
from dataclasses import dataclass

_WORD = re.compile(r"\S+")
_ENTITY = re.compile(r"[BI](-.*)?", re.DOTALL)


@dataclass(frozen=True)
class Word:
    """A word of a text, with what must go with it when the text changes.

    Attributes:
        text: the word; never empty.
        before: the blanks that stand before it.
        tag: its gold tag, where words have tags; None where they have none.
        fixed: part of what the gold label is about (an answer, the head of a relation): it stays,
            and stays in its order.
    """

    text: str
    before: str = " "
    tag: str | None = None
    fixed: bool = False

    @property
    def in_entity(self) -> bool:
        """Whether the tag makes the word part of a span: ``B-X``, ``I-X``, ``B``, ``I``."""
        return self.tag is not None and _ENTITY.fullmatch(self.tag) is not None

    @property
    def loose(self) -> bool:
        """Whether the word may be taken out or moved without making another's tag wrong."""
        return not self.fixed and not self.in_entity

    @property
    def untagged(self) -> bool:
        """Whether another word may stand here: no tag was given for the sake of this one."""
        return not self.fixed and self.tag in (None, "O")


Text = tuple[Word, ...]
"""A running text: at least one word."""


def split(text: str) -> Text:
    """A text at its blanks, which the words keep."""
    words, last = [], 0
    for match in _WORD.finditer(text):
        words.append(Word(match[0], text[last : match.start()]))
        last = match.end()
    return tuple(words)


def spelled(words: Text, like: str) -> str:
    """Words as one text, with the outer blanks of the text that they were made of."""
    joined = "".join(word.before + word.text for word in words).strip()
    stripped = like.strip()
    start = like.index(stripped)
    return f"{like[:start]}{joined}{like[start + len(stripped) :]}"
