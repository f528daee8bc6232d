"""Tags that mark spans: which scheme they follow, and the same spans as IOB2 tags.

=========  =======================================================================================
``iob2``   every span begins with B-
``iob1``   a span begins with I-; with B- only where one of the same type ends right before it
``bioes``  begin, inside, end, single (with U- ``bilou`` and L-; with M- ``bmes``; with W- ``bmew``)
``plain``  labels that mark no spans, such as parts of speech
=========  =======================================================================================

How a scheme is recognised:

1. Fewer than half of the distinct tags but O are a prefix and a type (``B-X``), and they are not
   all bare prefixes, B or I among them: plain.
2. One of the prefixes E, S, L, U, M or W occurs: the scheme that has all of the prefixes.
3. A span begins with I- somewhere, and each B-X follows a tag of type X: iob1.
4. Otherwise iob2, where an I- that begins a span is a fault.

What follows the first hyphen is the type: ``B-ORG-COMPANY`` begins an ``ORG-COMPANY``. The tag
outside of spans is a capital O.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Tags = Sequence[Sequence[str]]
"""The tags of each sentence."""

OUTSIDE = "O"

_ROLES = {  # what a prefix means: it Begins, goes on Inside, Ends, or is the Single tag of a span
    "iob2": {"B": "B", "I": "I"},
    "iob1": {"B": "B", "I": "I"},
    "bioes": {"B": "B", "I": "I", "E": "E", "S": "S"},
    "bilou": {"B": "B", "I": "I", "L": "E", "U": "S"},
    "bmes": {"B": "B", "M": "I", "E": "E", "S": "S"},
    "bmew": {"B": "B", "M": "I", "E": "E", "W": "S"},
}


class TagFault(ValueError):
    """A tag that its scheme does not allow there.

    Attributes:
        sequence: the index of the sentence.
        position: the index of the tag in the sentence.
    """

    def __init__(self, message: str, sequence: int, position: int) -> None:
        """A fault at a tag of a sentence."""
        super().__init__(message)
        self.sequence = sequence
        self.position = position


@dataclass(frozen=True)
class Converted:
    """Tags turned into IOB2, and what was done to them.

    Attributes:
        tags: the IOB2 tags of each sentence, or the labels as they were where they mark no spans.
        scheme: the scheme that was recognised or given.
        changed: how many tags are other than they were.
        repaired: how many tags did not follow the scheme.
    """

    tags: list[list[str]]
    scheme: str
    changed: int
    repaired: int

    @property
    def message(self) -> str:
        """What was recognised and done, in words."""
        if self.scheme == "plain":
            return "the labels mark no spans and are left as they are"
        text = f"the tags are {self.scheme.upper()}"
        if self.scheme != "iob2":
            text += f" and were turned into IOB2 ({self.changed} tags are written differently)"
        if self.repaired:
            text += f"; {self.repaired} of them did not follow their scheme and were repaired"
        return text


def detect_scheme(sequences: Tags) -> str:
    """Recognises ``iob2``, ``iob1``, ``bioes``, ``bilou``, ``bmes``, ``bmew`` or ``plain``.

    Prefixes that belong to no one scheme are taken for the one that has most of them.
    """
    return scheme_of(pairs_of(sequences))


def pairs_of(sequences: Iterable[Sequence[str]]) -> set[tuple[str, str]]:
    """Which tag stands after which somewhere, O before the first: all that tells the scheme."""
    return {pair for tags in sequences for pair in pairwise((OUTSIDE, *tags))}


def scheme_of(pairs: Set[tuple[str, str]]) -> str:
    """The scheme of tags of which `pairs_of` is known, be they of several parts of a text."""
    inner = {tag for _, tag in pairs} - {"O", "o"}
    parted = [pair for pair in map(_part, inner) if pair is not None]
    typed = [kind for _, kind in parted if kind]
    bare = inner <= _PREFIXES and bool(inner & {"B", "I"})
    if not bare and (not typed or 2 * len(typed) < len(inner)):
        return "plain"
    prefixes = {prefix for prefix, kind in parted if kind or bare}
    if prefixes - {"B", "I"}:
        schemes = ("bioes", "bilou", "bmes", "bmew")
        return max(schemes, key=lambda scheme: len(prefixes & _ROLES[scheme].keys()))
    starts_inside = begins_apart = False
    for before, tag in pairs:
        prefix, kind = _part(tag) or ("O", None)
        other = kind != (_part(before) or ("O", None))[1]
        starts_inside |= prefix == "I" and other
        begins_apart |= prefix == "B" and other
    return "iob1" if starts_inside and not begins_apart else "iob2"


def to_iob2(
    sequences: Tags,
    scheme: str | None = None,
    on_fault: Literal["error", "repair"] = "error",
) -> Converted:
    """Turns tags of any scheme into IOB2 tags of the same spans; plain labels stay as they are.

    Args:
        sequences: the tags of each sentence.
        scheme: the scheme of the tags; None recognises it.
        on_fault: what to do with a tag that its scheme does not allow: raise, or read it as
            conlleval does, for which a tag inside a span that has not begun begins it, and a span
            that is not ended ends before the next.

    Raises:
        TagFault: a tag is not allowed in its place, and `on_fault` is ``error``; or it is no tag of
            the scheme at all.
    """
    scheme = scheme or detect_scheme(sequences)
    if scheme == "plain":
        return Converted([list(tags) for tags in sequences], scheme, 0, 0)
    if scheme not in _ROLES:
        raise ValueError(f"scheme must be one of {', '.join(_ROLES)} or plain, got {scheme!r}")
    converted, faults = [], 0
    for sequence, tags in enumerate(sequences):
        new = []
        for position, (tag, fault) in enumerate(_convert(tags, scheme, sequence)):
            if fault and on_fault == "error":
                raise TagFault(fault, sequence, position)
            faults += bool(fault)
            new.append(tag)
        converted.append(new)
    changed = sum(
        old != new
        for tags, news in zip(sequences, converted, strict=True)
        for old, new in zip(tags, news, strict=True)
    )
    return Converted(converted, scheme, changed, faults)


def find_faults(sequences: Tags, scheme: str) -> list[TagFault]:
    """Every tag that its scheme does not allow in its place, in order; `to_iob2` raises the first.

    A tag that is none of the scheme's is looked at as though it were O.

    Args:
        sequences: the tags of each sentence.
        scheme: the scheme of the tags; ``plain`` has no faults.
    """
    faults: list[TagFault] = []
    if scheme == "plain":
        return faults
    for sequence, given in enumerate(sequences):
        tags, unknown = list(given), {}
        for position, tag in enumerate(tags):
            try:
                _read(tag, _ROLES[scheme], scheme, sequence, position)
            except TagFault as fault:
                unknown[position], tags[position] = fault, OUTSIDE
        for position, (_, message) in enumerate(_convert(tags, scheme, sequence)):
            if position in unknown:
                faults.append(unknown[position])
            elif message:
                faults.append(TagFault(message, sequence, position))
    return faults


def from_iob2(tags: Sequence[str], scheme: str) -> list[str]:
    """One sentence's IOB2 tags as tags of another scheme that mark the same spans.

    Args:
        tags: of a sentence; an I- tag must go on with a span.
        scheme: a scheme of this module; ``plain`` and ``iob2`` leave the tags as they are.
    """
    if scheme in ("plain", "iob2"):
        return list(tags)
    if scheme not in _ROLES:
        raise ValueError(f"scheme must be one of {', '.join(_ROLES)} or plain, got {scheme!r}")
    names = {role: prefix for prefix, role in _ROLES[scheme].items()}
    parts = [(tag[0], tag[2:]) for tag in tags]
    written = []
    for place, (prefix, kind) in enumerate(parts):
        if prefix == OUTSIDE:
            written.append(OUTSIDE)
            continue
        goes_on = place + 1 < len(parts) and parts[place + 1] == ("I", kind)
        if scheme == "iob1":
            before = place > 0 and parts[place - 1][0] != OUTSIDE and parts[place - 1][1] == kind
            role = "B" if prefix == "B" and before else "I"
        elif goes_on:
            role = prefix
        else:
            role = "E" if prefix == "I" else "S"
        written.append("-".join(filter(None, (names[role], kind))))
    return written


def _convert(tags: Sequence[str], scheme: str, sequence: int) -> Iterator[tuple[str, str]]:
    """Each tag as IOB2, with what is wrong with it in its place, or ""."""
    roles = _ROLES[scheme]
    must_end = "E" in roles.values()
    open_kind: str | None = None  # the type of the span that the next tag may go on with
    for position, tag in enumerate(tags):
        role, kind = _read(tag, roles, scheme, sequence, position)
        goes_on = role in "IE" and kind == open_kind
        fault = ""
        if role in "IE" and not goes_on and scheme != "iob1":
            before = f"after {tags[position - 1]!r}" if position else "at the start of a sentence"
            fault = f"{tag!r} goes on with a span that has not begun ({before}; {scheme.upper()})"
        elif must_end and open_kind is not None and not goes_on:
            fault = f"{tag!r} follows {tags[position - 1]!r}, which leaves its span without an end"
        if role == "O":
            new, open_kind = OUTSIDE, None
        else:
            new = "-".join(filter(None, ("I" if goes_on else "B", kind)))
            open_kind = None if role in "ES" else kind
        if must_end and open_kind is not None and position == len(tags) - 1 and not fault:
            fault = f"{tag!r} is the last tag, which leaves its span without an end"
        yield new, fault


def _read(
    tag: str, roles: dict[str, str], scheme: str, sequence: int, position: int
) -> tuple[str, str]:
    """The role and the type of a tag."""
    if tag == OUTSIDE:
        return "O", ""
    prefix, kind = _part(tag) or ("", "")
    if prefix not in roles:
        wanted = ", ".join(f"{each}-TYPE" for each in roles)
        raise TagFault(f"{tag!r} is no {scheme.upper()} tag (O, {wanted})", sequence, position)
    return roles[prefix], kind


def _part(tag: str) -> tuple[str, str] | None:
    """The prefix and the type, "" for a bare prefix; None for a tag that has no prefix."""
    prefix, hyphen, kind = tag.partition("-")
    return (prefix, kind) if prefix in _PREFIXES and bool(hyphen) == bool(kind) else None


_PREFIXES = {prefix for roles in _ROLES.values() for prefix in roles}
