"""Tagging: the units are words, and each gets a tag."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import replace
from itertools import islice
from typing import Literal, TypeVar

import numpy as np

from lingym.envs.corpora import Record
from lingym.envs.corpora.iob import Converted, TagFault, pairs_of, scheme_of, to_iob2
from lingym.envs.tasks.columns import pick, strings
from lingym.envs.tasks.task import Example, Task
from lingym.rewards import Accuracy, EntityF1, Reward
from lingym.types import BoolArray, LabelSpace

logger = logging.getLogger("lingym")
T = TypeVar("T")
MANY = 4096
"""Texts of a part, where splits are read in parts."""


class Tagging(Task):
    """Give every word of a text a tag.

    Tags of spans (entities, slots) in any common scheme are recognised and turned into IOB2, aloud;
    an I- tag may then follow only a B- or I- tag of its type. Other tags (parts of speech) stay.

    Args:
        text: the column that holds the words; None takes the first of ``tokens words text`` that is
            there. A string is split at white space where there are no gold tags.
        tags: the column that holds the gold tags; None takes the first of
            ``labels tags slots ner_tags pos_tags upos``.
        labels: the tags, where they are known beforehand.
        scheme: the scheme of the gold tags (``iob2 iob1 bioes bilou bmes bmew plain``); None
            recognises it.
        on_fault: whether a tag that its scheme does not allow (an I- tag that continues nothing) is
            an ``error`` or is ``repair``-ed as conlleval reads it.
        unlabelled: read texts without gold tags, for prediction.
    """

    name = "tagging"

    def __init__(
        self,
        text: str | None = None,
        tags: str | None = None,
        labels: Sequence[str] | None = None,
        scheme: str | None = None,
        on_fault: Literal["error", "repair"] = "error",
        unlabelled: bool = False,
    ) -> None:
        self.text, self.tags, self.labels = text, tags, labels
        self.scheme, self.on_fault, self.unlabelled = scheme, on_fault, unlabelled
        self.aloud = True

    def example(self, record: Record) -> Example:
        """The words of a text, and its gold tags as they stand in the file."""
        name, words = pick(record, self.text, ("tokens", "words", "text"), "text")
        if isinstance(words, str) and self.unlabelled:
            words = words.split()
        words = strings(record, name, words)
        if self.unlabelled:
            return Example(words, None, record)
        usual = ("labels", "tags", "slots", "ner_tags", "pos_tags", "upos")
        name, tags = pick(record, self.tags, usual, "tags")
        tags = strings(record, name, tags)
        if len(tags) != len(words):
            raise record.error(f"{len(words)} words but {len(tags)} tags in {name!r}: one a word")
        return Example(words, tags, record)

    def read(self, splits: Mapping[str, Iterable[Record]]) -> dict[str, list[Example]]:
        """The examples of every split; each split's scheme is recognised and turned into IOB2."""
        read = super().read(splits)
        return read if self.unlabelled else self.converted(read)

    def in_parts(self, splits: Mapping[str, Iterable[Record]]) -> Mapping[str, "Tagging"]:
        """A task for each split that knows its scheme."""
        if self.unlabelled:
            return dict.fromkeys(splits, self)
        parts: dict[str, Tagging] = {}
        said = defaultdict(list)
        for split, records in splits.items():
            part = parts[split] = self.part()
            if part.scheme is None:
                part.scheme = scheme_of(pairs_of(map(part.tags_of, records)))
            changed = repaired = 0
            # IOB2 without repairs stays as it is, and plain labels do: nothing is to be counted.
            if part.scheme != "plain" and (part.scheme != "iob2" or self.on_fault == "repair"):
                for rows in batched(map(part.tags_of, records), MANY):
                    with suppress(TagFault):  # which is told with its place when it is read
                        found = to_iob2(rows, part.scheme, self.on_fault)
                        changed, repaired = changed + found.changed, repaired + found.repaired
            told = Converted([], part.scheme, changed, repaired)
            said[told.message, logging.WARNING if changed else logging.INFO].append(split)
        _say(said)
        return parts

    def part(self) -> "Tagging":
        """The same task, which says nothing of what it reads."""
        part = copy(self)
        part.aloud = False
        return part

    def tags_of(self, record: Record) -> list[str]:
        """The gold tags as they stand in the file."""
        return [str(tag) for tag in self.example(record).gold or ()]

    def converted(self, read: Mapping[str, list[Example]]) -> dict[str, list[Example]]:
        """Splits with IOB2 tags, each told by its own; what was recognised is said once."""
        converted, said = {}, defaultdict(list)
        for split, examples in read.items():
            converted[split], message, level = self._converted(examples)
            said[message, level].append(split)
        if self.aloud:
            _say(said)
        return converted

    def label_space(self, examples: Iterable[Example]) -> LabelSpace:
        """The tags, and for IOB2 tags which may follow which."""
        space = super().label_space(examples)
        return replace(space, transitions=iob2_transitions(space.names))

    def default_reward(self, space: LabelSpace) -> Reward:
        """Entity F1 for IOB2 tags, accuracy for others."""
        return Accuracy() if space.transitions is None else EntityF1()

    def metric(self, space: LabelSpace) -> str:
        """Entity F1 for IOB2 tags, accuracy for others."""
        return "accuracy" if space.transitions is None else "entity_f1"

    def _converted(self, examples: list[Example]) -> tuple[list[Example], str, int]:
        """A split with IOB2 tags, what was recognised in words, and how loudly to say it."""
        try:
            gold = [[str(tag) for tag in example.gold or ()] for example in examples]
            converted = to_iob2(gold, self.scheme, self.on_fault)
        except TagFault as fault:
            record = examples[fault.sequence].record
            raise record.error(
                f"{fault}; correct it, or read such tags as conlleval does (on_fault='repair')",
                fault.position,
            ) from None
        tagged = [
            replace(example, gold=tuple(tags))
            for example, tags in zip(examples, converted.tags, strict=True)
        ]
        return tagged, converted.message, logging.WARNING if converted.changed else logging.INFO


def batched(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of so many, the last one of what is left (`itertools.batched`, from Python 3.12)."""
    walk = iter(rows)
    while some := list(islice(walk, size)):
        yield some


def _say(said: Mapping[tuple[str, int], list[str]]) -> None:
    """Say what was recognised, and of which splits."""
    for (message, level), names in said.items():
        logger.log(level, "%s: %s", ", ".join(names), message)


def iob2_transitions(names: Sequence[str]) -> BoolArray | None:
    """Which tag may follow which, bool [K + 1, K] with the start last; None for other labels.

    Only I- tags are restricted: I-X follows B-X or I-X. Bare tags (B, I) have one type, "".
    """
    parts = [name.split("-", 1) for name in names]
    prefixes = {part[0] for part in parts}
    if "B" not in prefixes or prefixes - {"B", "I", "O"} or any(part[1:] == [""] for part in parts):
        return None
    allowed = np.ones((len(names) + 1, len(names)), np.bool_)
    for place, (prefix, *kind) in enumerate(parts):
        if prefix == "I":
            allowed[:, place] = [
                *(before in (["B", *kind], ["I", *kind]) for before in parts),
                False,
            ]
    return allowed
