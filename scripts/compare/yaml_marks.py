"""YAML whose every value knows its line, so that an error can name it."""

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

import yaml

from lingym.reading import DEEPEST, DIGITS, read_text

MERGE = "tag:yaml.org,2002:merge"
LARGEST = 1 << 18
"""Bytes of a file: PyYAML takes seconds for so many."""
MOST_VALUES = 20_000
"""With those that aliases repeat."""


@dataclass(frozen=True)
class Marked:
    """A value of a YAML file, not yet made into Python's, with its place."""

    file: str
    node: yaml.Node

    @property
    def line(self) -> int:
        """Its line, from 1."""
        return int(self.node.start_mark.line) + 1

    def fail(self, message: str) -> NoReturn:
        """Refuse it, in words that begin with its place."""
        raise ValueError(f"{self.file}:{self.line}: {message}")

    def value(self) -> Any:
        """As Python has it: numbers, texts, lists, dicts with each key once."""
        match self.node:
            case yaml.MappingNode():
                return {name: inner.value() for name, inner in self.mapping("it").items()}
            case yaml.SequenceNode():
                return [inner.value() for inner in self.items("it")]
        try:
            found = yaml.SafeLoader("").construct_document(self.node)
        # Such as the date 2026-13-40; the loader itself fails on "!!int x" and its like.
        except (yaml.YAMLError, ArithmeticError, AttributeError, LookupError, ValueError) as error:
            self.fail(f"not a value: {str(error).partition(chr(10))[0]}")
        if isinstance(found, int) and found.bit_length() > 3 * DIGITS:
            self.fail(f"a number of more than {DIGITS} digits")
        return found

    def mapping(self, what: str, known: Collection[str] | None = None) -> dict[str, "Marked"]:
        """Its values by their names; what ``<<: *other`` brings stands behind its own.

        Args:
            what: it is called in errors.
            known: the names that there can be; None: any.

        Raises:
            ValueError: it is not a table of names, or a name is no text, not known, or given twice.
        """
        if not isinstance(self.node, yaml.MappingNode):
            self.fail(f"{what} must be a table of names and values, got {_told(self.node)}")
        found: dict[str, Marked] = {}
        merged: list[Marked] = []
        for key, node in self.node.value:
            place, value = Marked(self.file, key), Marked(self.file, node)
            if key.tag == MERGE:
                merged += value.items("<<") if isinstance(node, yaml.SequenceNode) else [value]
                continue
            name = place.value() if isinstance(key, yaml.ScalarNode) else None
            if not isinstance(name, str):
                place.fail(f"{what} has a name that is not text, {_told(key)}: put it in quotes")
            if name in found:
                place.fail(f"{what} has {name!r} twice")
            if known is not None and name not in known:
                place.fail(f"{what} has no {name!r}{near(name, known)}")
            found[name] = value
        for other in merged:
            for name, value in other.mapping(what, known).items():
                found.setdefault(name, value)
        return found

    def items(self, what: str) -> list["Marked"]:
        """Its values in order.

        Raises:
            ValueError: it is not a list.
        """
        if not isinstance(self.node, yaml.SequenceNode):
            self.fail(f"{what} must be a list, got {_told(self.node)}")
        return [Marked(self.file, node) for node in self.node.value]

    def text(self, what: str) -> str:
        """A text that is not empty.

        Raises:
            ValueError: it is something else.
        """
        value = self.value()
        if not isinstance(value, str) or not value.strip():
            self.fail(f"{what} must be text, got {_told(self.node)}")
        return value

    def whole(self, what: str, least: int) -> int:
        """A whole number.

        Raises:
            ValueError: it is something else, or below the least.
        """
        value = self.value()
        if type(value) is not int or value < least:
            self.fail(f"{what} must be a whole number from {least}, got {_told(self.node)}")
        return value


class _Loader(yaml.SafeLoader):
    """Gives up on brackets in brackets, over which PyYAML takes the square of the time."""

    def fetch_flow_collection_start(self, kind: Any) -> None:
        if self.flow_level > DEEPEST:
            why = f"brackets are more than {DEEPEST} deep"
            raise yaml.scanner.ScannerError(None, None, why, self.get_mark())
        super().fetch_flow_collection_start(kind)


def read_yaml(file: str | Path) -> Marked:
    """The one document of a YAML file.

    Raises:
        ValueError: the file is missing, is not UTF-8 or YAML, or is empty.
    """
    try:
        node = yaml.compose(read_text(file, LARGEST), _Loader)
    except RecursionError:
        raise ValueError(f"{file}: not YAML that can be read: nested too deeply") from None
    except yaml.MarkedYAMLError as error:
        line = 1 + (error.problem_mark.line if error.problem_mark else 0)
        raise ValueError(f"{file}:{line}: not YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{file}: not YAML: {str(error).splitlines()[0]}") from None
    if node is None:
        raise ValueError(f"{file}:1: the file is empty")
    top = Marked(str(file), node)
    _check_size(top)
    return top


def _check_size(top: Marked) -> None:
    """Refuse what aliases (``*other``) make endless, or huge, and what is too deep."""
    seen = 0
    waiting = [(top.node, 0)]
    while waiting:
        node, depth = waiting.pop()
        seen += 1
        if depth > DEEPEST:
            Marked(top.file, node).fail(f"lists and tables are more than {DEEPEST} deep")
        if seen > MOST_VALUES:
            Marked(top.file, node).fail(f"there are more than {MOST_VALUES} values")
        if isinstance(node, yaml.MappingNode):
            waiting += [(inner, depth + 1) for pair in node.value for inner in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += [(inner, depth + 1) for inner in node.value]


def near(name: str, known: Collection[str]) -> str:
    """What was probably meant, to end an error with; else all that is known, if that is little."""
    close = get_close_matches(name, known, 3)
    if close:
        return f": did you mean {' or '.join(close)}?"
    return f": known are {', '.join(known)}" if len(known) <= 12 else ""


def _told(node: yaml.Node) -> str:
    """A node as an error shows it."""
    if isinstance(node, yaml.MappingNode):
        return "a table"
    return "a list" if isinstance(node, yaml.SequenceNode) else repr(node.value)
