"""A ``tokenizer.json`` that somebody else made: looked at before it is built."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from lingym.trusted import read_json

MOST_GROWTH = 1024
"""How many times as long a text may get by normalising."""
MOST_PIECES = 64
"""Parts of a post-processor's template."""


def read_tokenizer(file: Path) -> Tokenizer:
    """The tokenizer of a file.

    Raises:
        ValueError: the file cannot be read, is no tokenizer, or would make texts enormous.
    """
    state = read_json(file)
    if not isinstance(state, dict):
        raise ValueError(f"{file} holds no tokenizer, which is a JSON object")
    fault = _fault(state)
    if fault:
        raise ValueError(f"{file}: {fault}")
    with panics(f"{file} cannot be read"):
        return Tokenizer.from_str(json.dumps(state))


@contextmanager
def panics(what: str) -> Iterator[None]:
    """Turn what the tokenizers library raises, bare exceptions and Rust's panics, into words."""
    try:
        yield
    except BaseException as error:
        panic = type(error).__name__ == "PanicException"  # beside Exception, so nobody catches it
        # TypeError: a text with half a surrogate pair, which Rust's strings cannot hold
        if type(error) not in (Exception, TypeError) and not panic:
            raise
        raise ValueError(f"{what}: {str(error)[:200]}") from None


def _fault(state: dict[str, Any]) -> str:
    """What of a tokenizer would make texts enormous; "" for nothing."""
    growth = _growth(state.get("normalizer"))
    if growth > MOST_GROWTH:
        return f"its normalizer may make a text {growth:,} times as long, or more"
    pieces = max((len(part) for part in _lists(state.get("post_processor"))), default=0)
    if pieces > MOST_PIECES:
        return f"its post-processor has a template of {pieces:,} parts"
    return ""


def _growth(part: Any) -> int:
    """At most how many times as many characters a normalizer makes of a text, from 1 on."""
    if isinstance(part, list):
        grown = 1
        for each in part:
            grown = min(grown * _growth(each), 1 << 62)
        return grown
    if not isinstance(part, dict):
        return 1
    grown = _growth(part.get("normalizers"))
    content, pattern = part.get("content"), part.get("pattern")
    if part.get("type") == "Replace" and isinstance(content, str):
        plain = pattern.get("String") if isinstance(pattern, dict) else None
        if isinstance(plain, str) and plain:
            return max(1, -(-len(content) // len(plain)))
        return 1 + len(content)  # a pattern that matches nothing matches everywhere
    if part.get("type") == "Precompiled":
        return _longest(part.get("precompiled_charsmap"))
    if part.get("type") == "Prepend" and isinstance(part.get("prepend"), str):
        return 1 + len(part["prepend"]) // MOST_PIECES
    return grown


def _longest(charsmap: Any) -> int:
    """The longest text that a compiled map of characters has for one of them, at least 1.

    The map is the size of a trie, four bytes, the trie, and texts that end with NUL.
    """
    try:
        content = base64.b64decode(charsmap, validate=False)
    except (TypeError, ValueError):  # which the tokenizers library refuses, too
        return 1
    texts = content[4 + int.from_bytes(content[:4], "little") :].split(b"\0")
    return max(1, *(len(text.decode("utf-8", "replace")) for text in texts))


def _lists(part: Any) -> Iterator[list[Any]]:
    if isinstance(part, list):
        yield part
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    for each in inner:
        yield from _lists(each)
