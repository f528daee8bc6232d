"""The kinds of errors of spans: by hand, by a slow reading of the definition, and in sum."""

import numpy as np
import pytest

from lingym.envs import Abstaining, Classification, SlotsAndIntent, Tagging, build, load_corpus
from lingym.rewards import span_report
from lingym.scripts.compare.span_errors import KINDS, span_errors
from lingym.types import Labelings, LabelSpace

TAGS = ("O", "B-x", "I-x", "B-y", "I-y")
SPACE = LabelSpace(TAGS)


def tagged(predicted, gold, names=TAGS):
    """Labelings of texts that are strings of tags."""
    rows = [
        ([names.index(t) for t in p.split()], [names.index(t) for t in g.split()])
        for p, g in zip(predicted, gold, strict=True)
    ]
    lengths = np.array([len(g) for _, g in rows], np.int32)
    both = np.full((2, len(rows), lengths.max()), -1, np.int32)
    for row, pair in enumerate(rows):
        for of, labels in enumerate(pair):
            both[of, row, : len(labels)] = labels
    return Labelings(both[0], both[1], lengths, lengths, np.arange(len(rows), dtype=np.int32))


def kinds_of(predicted, gold):
    found = span_errors(tagged([predicted], [gold]), Tagging(), SPACE)
    return {kind: int(number[0]) for kind, number in found.items() if number[0]}


@pytest.mark.parametrize(
    ("predicted", "gold", "kinds"),
    [
        ("O O O", "O O O", {}),
        ("B-x I-x O", "B-x I-x O", {"right": 1}),
        ("O O O", "B-x I-x O", {"missed": 1}),
        ("O O B-y", "O O O", {"spurious": 1}),
        ("B-y I-y O", "B-x I-x O", {"type": 1}),
        ("B-x O O", "B-x I-x O", {"boundary": 1}),
        ("O B-x I-x", "B-x I-x O", {"boundary": 1}),
        ("B-y O O", "B-x I-x O", {"both": 1}),
        ("B-x O B-y", "O B-x B-y", {"right": 1, "missed": 1, "spurious": 1}),
        # Side by side is no overlap.
        ("B-x O", "O B-x", {"missed": 1, "spurious": 1}),
        # Two predicted on one gold span: the second has none left; the first is what it is.
        ("B-x B-x", "B-x I-x", {"boundary": 1, "spurious": 1}),
        ("B-y B-x", "B-x I-x", {"boundary": 1, "spurious": 1}),
        ("B-y B-y", "B-x I-x", {"both": 1, "spurious": 1}),
        # One predicted over two gold spans.
        ("B-x I-x", "B-x B-x", {"boundary": 1, "missed": 1}),
        ("B-x I-x I-x", "B-y B-x B-y", {"boundary": 1, "missed": 2}),
        # The same type is paired before another type that comes first ...
        ("B-y B-x I-x", "B-x I-x I-x", {"boundary": 1, "spurious": 1}),
        # ... and a chain makes as many pairs as it can.
        ("B-x I-x B-x I-x", "O B-x I-x B-x", {"boundary": 2}),
        ("B-x I-x B-y I-y", "O B-x I-x B-y", {"boundary": 2}),
        ("B-x I-x B-x I-x", "O B-y I-y B-y", {"both": 2}),
        # A stray I- begins nothing.
        ("I-x I-x", "B-x I-x", {"missed": 1}),
        ("B-x I-y", "B-x I-x", {"boundary": 1}),
    ],
)
def test_errors_by_hand(predicted, gold, kinds):
    assert kinds_of(predicted, gold) == kinds


def test_texts_are_counted_apart():
    found = span_errors(tagged(["B-x", "B-x O", "O"], ["B-x", "O B-y", "B-y"]), Tagging(), SPACE)
    assert list(found) == list(KINDS)
    assert found["right"].tolist() == [1, 0, 0]
    assert found["missed"].tolist() == [0, 1, 1]
    assert found["spurious"].tolist() == [0, 1, 0]


def spans(labels):
    """Start, end and type of the spans of strict IOB2, one unit after another."""
    found = []
    for unit, label in enumerate(labels):
        prefix, _, kind = TAGS[label].partition("-") if label >= 0 else ("O", "", "")
        if prefix == "I" and found and found[-1][1] == unit and found[-1][2] == kind:
            found[-1] = (found[-1][0], unit + 1, kind)
        elif prefix == "B":
            found.append((unit, unit + 1, kind))
    return found


def slowly(predicted, gold):
    """The definition, read literally."""
    given, wanted = spans(predicted), spans(gold)
    numbers = dict.fromkeys(KINDS, 0)
    for kind in ("right", "type", "boundary", "both"):
        for one in list(given):
            for other in list(wanted):
                place, same = one[:2] == other[:2], one[2] == other[2]
                overlap = one[0] < other[1] and other[0] < one[1]
                of = {(1, 1): "right", (1, 0): "type", (0, 1): "boundary", (0, 0): "both"}
                if one in given and other in wanted and overlap and of[place, same] == kind:
                    numbers[kind] += 1
                    given.remove(one)
                    wanted.remove(other)
    return {**numbers, "spurious": len(given), "missed": len(wanted)}


def test_random_tags_against_the_definition_and_the_sums():
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 12, 400).astype(np.int32)
    within = np.arange(12) < lengths[:, None]
    gold = np.where(within, rng.integers(0, 5, within.shape), -1).astype(np.int32)
    near = np.where(rng.random(gold.shape) < 0.6, gold, rng.integers(0, 5, gold.shape))
    labels = np.where(within, near, -1).astype(np.int32)
    rows = np.arange(400, dtype=np.int32)
    found = span_errors(Labelings(labels, gold, lengths, lengths, rows), Tagging(), SPACE)
    for row in range(400):
        mine = {kind: int(found[kind][row]) for kind in KINDS}
        assert mine == slowly(labels[row], gold[row])
        paired = sum(mine[kind] for kind in ("right", "type", "boundary", "both"))
        assert paired + mine["missed"] == len(spans(gold[row]))
        assert paired + mine["spurious"] == len(spans(labels[row]))
    assert all(found[kind].sum() > 20 for kind in KINDS)
    report = span_report(labels, gold, TAGS)
    right = sum(row["recall"] * row["support"] for row in report.values())
    assert found["right"].sum() == pytest.approx(right)


def test_labels_in_the_padding_are_not_looked_at():
    labelings = tagged(["B-x O", "O"], ["B-x O", "O"])
    labelings.labels[1, 1] = 1
    assert span_errors(labelings, Tagging(), SPACE)["spurious"].sum() == 0


def test_labels_that_are_no_tags_have_no_spans():
    labelings = tagged(["a"], ["b"], ("a", "b"))
    assert span_errors(labelings, Classification(), LabelSpace(("a", "b"))) is None


def test_slots_are_looked_at_and_the_intent_is_not():
    data = build(SlotsAndIntent(), load_corpus("synthetic:commands?train=20&dev=1&test=1"))
    episodes = data["train"]
    gold = episodes.gold_of(np.arange(20), episodes.max_units)
    found = span_errors(episodes.complete(gold), data.task, data.space)
    tags = [name for example in episodes.examples for name in example.gold]
    assert found["right"].sum() == sum(name.startswith("slot/B-") for name in tags) > 0
    assert sum(found[kind].sum() for kind in KINDS) == found["right"].sum()


def test_an_abstained_unit_is_wrong():
    space = LabelSpace((*TAGS, "ABSTAIN"))
    labelings = tagged(["ABSTAIN B-x", "ABSTAIN"], ["B-y B-x", "O"], space.names)
    found = span_errors(labelings, Abstaining(Tagging()), space)
    assert [found[kind].sum() for kind in ("right", "missed")] == [1, 1]
