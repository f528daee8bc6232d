"""Characters and words that seldom stand in a text on purpose."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from lingym.scripts.hygiene.reading import Files

LONG = 100
"""Characters of a very long word."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_HIDDEN = re.compile("[\u200b\u2060\u00ad]|(?<=[A-Za-z])[\u200c\u200d]|(?<=.)\ufeff")
_LONG = re.compile(rf"[^\s\u2e80-\uffff]{{{LONG},}}")  # ideographs have no spaces between words
_MOJIBAKE = re.compile("[\u00c2\u00c3\u00e2][\u0080-\u00bf\u0152-\u0192\u02c6-\u02dc\u2013-\u2122]")
_MARKUP = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]*(?: [^<>]*)?/?>|&(?:[a-z]{2,8}|#\d{1,6});")

Seen = Callable[[str], str | None]
"""What of a text is odd, if anything."""


def _pattern(pattern: re.Pattern[str]) -> Seen:
    def seen(text: str) -> str | None:
        match = pattern.search(text)
        return match and match[0]

    return seen


def _mojibake(text: str) -> str | None:
    """UTF-8 that was read as Latin-1 or Windows-1252: what reads as UTF-8 if written back."""
    for match in _MOJIBAKE.finditer(text):
        piece = text[match.start() : match.start() + 3]
        for size in (2, 3):
            for coding in ("cp1252", "latin-1"):
                try:
                    piece[:size].encode(coding).decode("utf-8")
                except (UnicodeEncodeError, UnicodeDecodeError):
                    continue
                return piece[:size]
    return None


def _nothing(text: str) -> str | None:
    return None if any(letter.isalnum() for letter in text) else text


KINDS: dict[str, tuple[Seen, bool]] = {  # and whether a text of ASCII alone may have it
    "control character": (_pattern(_CONTROL), True),
    "replacement character U+FFFD": (lambda text: "\ufffd" if "\ufffd" in text else None, False),
    "byte order mark": (lambda text: "\ufeff" if text.startswith("\ufeff") else None, False),
    "invisible character": (_pattern(_HIDDEN), False),
    "UTF-8 read as another coding": (_mojibake, False),
    "not in Unicode's form NFC": (
        lambda text: None if unicodedata.is_normalized("NFC", text) else text[:20],
        False,
    ),
    f"word of {LONG} characters or more": (_pattern(_LONG), True),
    "HTML tag or entity": (_pattern(_MARKUP), True),
    "no letter and no digit": (_nothing, True),
}
"""What is looked for."""


@dataclass(frozen=True)
class Odd:
    """An odd text.

    Attributes:
        part: where it stands.
        row: its place there.
        kind: one of `KINDS`.
        found: the first piece of it that is odd.
    """

    part: str
    row: int
    kind: str
    found: str


def odd_texts(files: Files) -> list[Odd]:
    """Texts of all parts that are odd, kind by kind."""
    found = []
    for kind, (seen, in_ascii) in KINDS.items():
        for name, texts in files.texts.items():
            for row, text in enumerate(texts):
                piece = seen(text) if in_ascii or not text.isascii() else None
                if piece is not None:
                    found.append(Odd(name, row, kind, piece))
    return found
