"""Random labelings of every task's shape, for what holds of every reward."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from lingym.rewards import ABSTAIN, Answers, References
from lingym.types import Facts, Labelings, LabelSpace, Quota, stopped

EXAMPLES = 12  # of a split that has facts

TAGS = LabelSpace(("B-LOC", "B-PER", "I-LOC", "I-PER", "O"))
SETS = LabelSpace(("no", "yes"), form="text", of_text=True, roles=tuple("abcde"))
SPANS = LabelSpace((), form="candidates", roles=("start", "end"), span=3)
CHOICES = LabelSpace((), form="candidates", roles=("answer",))
SENTENCES = LabelSpace(("in", "out", "stop"), stop=2, quota=Quota(0, 2, required=True))
RELATIONS = LabelSpace(("A-B(e1,e2)", "A-B(e2,e1)", "C-D(e1,e2)", "C-D(e2,e1)", "Other"))
KINDS = LabelSpace.joined({"slot": TAGS, "intent": LabelSpace(("ask", "play", "stop"))})


@dataclass(frozen=True, eq=False)
class World:
    """The labels of a task, and its episodes by chance.

    Attributes:
        space: the labels.
        draw_: labels, gold and kinds [B, U] of episodes with these lengths, before padding.
        facts: what the split knows.
        units: the episodes' only length, where they have one.
    """

    space: LabelSpace
    draw_: Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray | None]]
    facts: Facts = field(default_factory=dict)
    units: int | None = None

    def draw(self, seed: int, episodes: int, units: int) -> Labelings:
        """Complete episodes of 1 .. units units, or of as many as they have in this world."""
        rng = np.random.default_rng(seed)
        units = self.units or units
        lengths = rng.integers(self.units or 1, units + 1, episodes).astype(np.int32)
        examples = rng.integers(0, EXAMPLES, episodes).astype(np.int32)
        labels, gold, kinds = self.draw_(rng, lengths, examples, units)
        after = np.arange(units) >= lengths[:, None]
        lengths = stopped(labels.astype(np.int32), lengths, self.space.stop)
        labels[np.arange(units) >= lengths[:, None]] = -1
        gold[after] = -1
        if kinds is not None:
            kinds = np.where(after, -1, kinds).astype(np.int32)
        return Labelings(
            *(labels.astype(np.int32), gold.astype(np.int32), lengths, lengths, examples, kinds),
            facts=self.facts,
        )


def _mostly(rng, gold: np.ndarray, number: int | np.ndarray) -> np.ndarray:
    """About two thirds of the gold labels, and else any."""
    return np.where(rng.random(gold.shape) < 2 / 3, gold, rng.integers(0, number, gold.shape))


def _named(number: int, rare: float = 0.0):
    """Labels of units; the last is the only one in a share of the episodes."""

    def draw(rng, lengths, examples, units):
        gold = rng.integers(0, number, (len(lengths), units))
        gold[rng.random(len(lengths)) < rare] = number - 1
        labels = _mostly(rng, gold, number)
        labels[rng.random(len(lengths)) < rare] = number - 1
        return labels, gold, None

    return draw


def _answers() -> tuple[Answers, np.ndarray]:
    rng = np.random.default_rng(0)
    contexts, golds, ends = [], [], []
    for _ in range(EXAMPLES):
        contexts.append(" ".join(rng.choice(["the", "cat", "sat", "on", "mat"], 6)))
        start = int(rng.integers(0, 6))
        end = min(start + int(rng.integers(0, 3)), 6) if start else 0
        ends.append((start, end))
        golds.append([" ".join(contexts[-1].split()[start - 1 : end])] if start else [])
    words = []
    for context in contexts:
        lengths = np.array([len(word) for word in context.split()])
        starts = np.cumsum(lengths + 1) - lengths - 1
        words.append(np.stack([starts, starts + lengths], 1).astype(np.int32))
    return Answers(contexts, words, golds), np.array(ends)


ANSWERS, GOLD_SPANS = _answers()


def _spans(rng, lengths, examples, units):
    """Also ends before their start, beyond the text, and half of no answer."""
    gold = GOLD_SPANS[examples]
    return _mostly(rng, gold, 9), gold, None


def _references() -> References:
    rng = np.random.default_rng(1)

    def text(most: int) -> str:
        return " ".join(rng.choice(list("abcdefgh"), rng.integers(0, most)))

    documents = [[text(8) for _ in range(8)] for _ in range(EXAMPLES)]
    return References.of(documents, [[text(12)] * (1 + i % 3) for i in range(EXAMPLES)])


def _kinds(rng, lengths, examples, units):
    """Slots, then the intent; some episodes have one kind alone."""
    last = np.arange(units) == lengths[:, None] - 1
    only_slots = rng.random(len(lengths)) < 0.2
    kinds = (last & ~only_slots[:, None]).astype(int)
    gold = np.where(kinds, 5 + rng.integers(0, 3, kinds.shape), rng.integers(0, 5, kinds.shape))
    return _mostly(rng, gold, 8), gold, kinds  # labels of the wrong kind too


def _abstaining(number: int):
    """Labels of units, with some that are left to an annotator: the last label, never gold."""

    def draw(rng, lengths, examples, units):
        gold = rng.integers(0, number, (len(lengths), units))
        return _mostly(rng, gold, number + 1), gold, None

    return draw


WORLDS = {
    "tags": World(TAGS, _named(5, rare=0.3)),
    "sets": World(SETS, _named(2), units=5),
    "choices": World(CHOICES, _named(4), units=1),
    "spans": World(SPANS, _spans, {"answers": ANSWERS}, units=2),
    "sentences": World(SENTENCES, _named(3), {"references": _references()}),
    "relations": World(RELATIONS, _named(5), {"label_counts": np.array([400, 50, 30, 20, 200])}),
    "kinds": World(KINDS, _kinds),
    "abstaining": World(LabelSpace((*TAGS.names, ABSTAIN)), _abstaining(5)),
    "abstaining sets": World(replace(SETS, names=(*SETS.names, ABSTAIN)), _abstaining(2), units=5),
}
