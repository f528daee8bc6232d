"""Tag schemes: recognised, turned into IOB2 and back, and every fault found where it is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lingym.envs.corpora import Record, TagFault, detect_scheme, to_iob2

SPELLING = {  # begin, inside, end, single
    "bioes": ("B", "I", "E", "S"),
    "bilou": ("B", "I", "L", "U"),
    "bmes": ("B", "M", "E", "S"),
    "bmew": ("B", "M", "E", "W"),
}

Span = tuple[str, int]
"""The type of a span, "" for a stretch outside of any, and its length."""

spans = st.tuples(st.sampled_from(["", "PER", "ORG-COMPANY", "B"]), st.integers(1, 4))
sentences = st.lists(st.lists(spans, max_size=6), max_size=5)


def written(sentence: list[Span], scheme: str) -> list[str]:
    """The tags of spans, spelled from the definition of each scheme."""
    tags: list[str] = []
    before = ""
    for kind, length in sentence:
        if not kind:
            tags += ["O"] * length
        elif scheme == "iob2":
            tags += [f"B-{kind}"] + [f"I-{kind}"] * (length - 1)
        elif scheme == "iob1":
            tags += [f"{'B' if kind == before else 'I'}-{kind}"] + [f"I-{kind}"] * (length - 1)
        else:
            begin, inside, end, single = SPELLING[scheme]
            letters = [single] if length == 1 else [begin, *[inside] * (length - 2), end]
            tags += [f"{letter}-{kind}" for letter in letters]
        before = kind
    return tags


@pytest.mark.parametrize("scheme", ["iob1", "iob2", *SPELLING])
@settings(max_examples=50, deadline=None)
@given(sentences=sentences)
def test_every_scheme_marks_the_same_spans(scheme: str, sentences: list[list[Span]]) -> None:
    gold = [written(sentence, "iob2") for sentence in sentences]
    converted = to_iob2([written(sentence, scheme) for sentence in sentences], scheme)
    assert converted.tags == gold
    assert converted.repaired == 0


@pytest.mark.parametrize("scheme", ["iob1", "iob2", *SPELLING])
def test_every_scheme_is_recognised(scheme: str) -> None:
    text: list[Span] = [("PER", 1), ("PER", 3), ("ORG", 2), ("", 2), ("LOC", 1)]
    assert detect_scheme([written(text, scheme), ["O"]]) == scheme


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        (["NOUN", "X", "O", "I-adj", "E"], "plain"),  # parts of speech, though some look like tags
        (["N", "V", "O", "S", "U", "L", "M"], "plain"),
        (["O", "O"], "plain"),
        ([], "plain"),
        (["S", "O"], "plain"),
        (["B", "I", "O"], "iob2"),
        (["B", "E", "S", "O"], "bioes"),
        (["I-PER", "O"], "iob1"),
        (["O", "B-PER", "I-PER"], "iob2"),
        (["B-PER", "O", "I-PER"], "iob2"),  # faulty: B- does not follow a span, so it is not IOB1
        (["B-PER", "I-PER", "o"], "iob2"),  # faulty, but not plain
        (["S-PER", "O"], "bioes"),
        (["U-PER", "O"], "bilou"),
        (["B-PER", "M-PER", "E-PER"], "bmes"),
    ],
)
def test_detection(tags: list[str], scheme: str) -> None:
    assert detect_scheme([tags]) == scheme


def test_a_type_may_be_bare_or_hyphenated() -> None:
    assert to_iob2([["S", "B", "E", "O"]]).tags == [["B", "B", "I", "O"]]
    assert to_iob2([["S-ORG-CO", "O"]]).tags == [["B-ORG-CO", "O"]]
    assert to_iob2([["I-ORG-CO", "I-ORG-X"]]).tags == [["B-ORG-CO", "B-ORG-X"]]


@pytest.mark.parametrize(
    ("scheme", "tags", "position", "message", "repaired"),
    [
        (
            "iob2",
            ["B-A", "O", "I-A"],
            2,
            "'I-A' goes on with a span that has not begun (after 'O'; IOB2)",
            ["B-A", "O", "B-A"],
        ),
        (
            "iob2",
            ["I-A", "I-A"],
            0,
            "'I-A' goes on with a span that has not begun (at the start of a sentence; IOB2)",
            ["B-A", "I-A"],
        ),
        (
            "iob2",
            ["B-A", "I-B"],
            1,
            "'I-B' goes on with a span that has not begun (after 'B-A'; IOB2)",
            ["B-A", "B-B"],
        ),
        (
            "bioes",
            ["B-A", "I-A", "O"],
            2,
            "'O' follows 'I-A', which leaves its span without an end",
            ["B-A", "I-A", "O"],
        ),
        (
            "bioes",
            ["S-A", "E-A"],
            1,
            "'E-A' goes on with a span that has not begun (after 'S-A'; BIOES)",
            ["B-A", "B-A"],
        ),
        (
            "bmes",
            ["B-A"],
            0,
            "'B-A' is the last tag, which leaves its span without an end",
            ["B-A"],
        ),
    ],
)
def test_faults(
    scheme: str, tags: list[str], position: int, message: str, repaired: list[str]
) -> None:
    with pytest.raises(TagFault) as fault:
        to_iob2([["O"], tags], scheme)
    assert (fault.value.sequence, fault.value.position) == (1, position)
    assert str(fault.value) == message
    converted = to_iob2([["O"], tags], scheme, on_fault="repair")
    assert converted.tags == [["O"], repaired]
    assert converted.repaired == 1


@pytest.mark.parametrize("odd", ["o", "PER", "B-", "b-PER", "", "E-PER"])
def test_what_is_no_tag_cannot_be_repaired(odd: str) -> None:
    with pytest.raises(TagFault) as fault:
        to_iob2([["B-PER", odd]], "iob2", on_fault="repair")
    assert str(fault.value) == f"{odd!r} is no IOB2 tag (O, B-TYPE, I-TYPE)"
    assert fault.value.position == 1


def test_a_fault_becomes_a_place_in_the_file() -> None:
    record = Record({"labels": ["O", "I-A"]}, "a.conll", (7, 8))
    with pytest.raises(TagFault) as fault:
        to_iob2([record["labels"]], "iob2")
    assert str(record.error(str(fault.value), fault.value.position)) == (
        "a.conll:8: 'I-A' goes on with a span that has not begun (after 'O'; IOB2)"
    )


def test_plain_labels_are_left_alone_and_said_so() -> None:
    converted = to_iob2([["NOUN", "VERB"]])
    assert (converted.tags, converted.scheme) == ([["NOUN", "VERB"]], "plain")
    assert converted.message == "the labels mark no spans and are left as they are"


def test_what_was_done_is_said() -> None:
    assert to_iob2([["I-A", "I-A", "O"]]).message == (
        "the tags are IOB1 and were turned into IOB2 (1 tags are written differently)"
    )
    assert to_iob2([["B-A", "O", "I-A"]], on_fault="repair").message == (
        "the tags are IOB2; 1 of them did not follow their scheme and were repaired"
    )


def test_an_unknown_scheme() -> None:
    with pytest.raises(ValueError, match="scheme must be one of iob2, iob1, bioes"):
        to_iob2([["O"]], "iob3")
