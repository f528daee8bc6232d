"""Text that is HTML or SVG already, and elements made of it: whatever else comes is escaped."""

from collections.abc import Iterable
from html import escape

VOID = frozenset({"br", "hr", "img", "meta"})


class Markup(str):
    """Text in which every character that means something to HTML was meant so."""

    __slots__ = ()


def safe(content: object) -> Markup:
    """A content as markup: markup as it is, anything else escaped, quotes too."""
    return content if isinstance(content, Markup) else Markup(escape(str(content)))


def join(contents: Iterable[object], between: str = "") -> Markup:
    """Contents one after another, each escaped unless it is markup."""
    return Markup(between.join(safe(content) for content in contents))


def tag(name: str, /, *contents: object, **attributes: object) -> Markup:
    """An element.

    Args:
        name: such as ``td``.
        contents: what stands in it, escaped unless it is markup.
        attributes: an underscore in a name stands for a hyphen, one at its end for nothing
            (``class_``); ``None`` and ``False`` leave the attribute out, ``True`` gives it no
            value; numbers are written with two decimals at most.
    """
    opened = name
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        opened += f" {key}" if value is True else f' {key}="{attribute(value)}"'
    if name in VOID:
        return Markup(f"<{opened}>")
    return Markup(f"<{opened}>{join(contents)}</{name}>")


def attribute(value: object) -> str:
    """An attribute's value: short numbers, and text escaped."""
    if isinstance(value, float):
        told = f"{value:.2f}".rstrip("0").rstrip(".")
        return "0" if told == "-0" else told
    return safe(value)
