"""Slots and intent: the words, then the utterance; one policy labels both."""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any, Literal

from lingym.envs.corpora import Record
from lingym.envs.tasks.columns import label, pick
from lingym.envs.tasks.tagging import Tagging, iob2_transitions
from lingym.envs.tasks.task import Example, Passage, Task
from lingym.rewards import Accuracy, ByKind, EntityF1, Reward, corpus_metrics, split_kinds
from lingym.types import FloatArray, IntArray, Labelings, LabelSpace

SLOT, INTENT = "slot", "intent"


class SlotsAndIntent(Task):
    """Give every word of an utterance its slot, and then the utterance its intent.

    The utterance's feature is that of the special token before the text. Labels are named
    ``slot/B-artist`` and ``intent/play_music``; a unit never gets one of the other kind.

    Args:
        text: the column of the words; None takes the first of ``tokens words``.
        slots: the column of the slots; None takes the first of ``slots labels tags``.
        intent: the column of the intent; None takes the first of ``intent label``.
        labels: the labels of both kinds, where they are known beforehand.
        scheme: of the slots, as for `Tagging`.
        on_fault: as for `Tagging`.
        unlabelled: read utterances without gold labels, for prediction.
    """

    name = "slots_intent"

    def __init__(
        self,
        text: str | None = None,
        slots: str | None = None,
        intent: str | None = None,
        labels: Sequence[str] | None = None,
        scheme: str | None = None,
        on_fault: Literal["error", "repair"] = "error",
        unlabelled: bool = False,
    ) -> None:
        self.tagging = Tagging(text, slots, None, scheme, on_fault, unlabelled)
        self.slots, self.intent, self.labels = slots, intent, labels
        self.unlabelled = unlabelled

    def example(self, record: Record) -> Example:
        """The words and the utterance, with their labels as they stand in the file."""
        if self.slots is None:
            usual = ("slots", "labels", "tags")
            self.tagging.tags = next((name for name in usual if name in record), None)
        words = self.tagging.example(record)
        count = len(words.units)
        passage = Passage(words.units, tuple(range(count)), special=count)
        units = (*words.units, "(the utterance)")
        kinds = (*(SLOT,) * count, INTENT)
        if words.gold is None:
            return Example(units, None, record, (passage,), kinds=kinds)
        name, value = pick(record, self.intent, (INTENT, "label"), INTENT)
        gold = (*words.gold, label(record, name, value))
        return Example(units, gold, record, (passage,), kinds=kinds)

    def read(self, splits: Mapping[str, Iterable[Record]]) -> dict[str, list[Example]]:
        """The examples of every split; slots of any scheme are turned into IOB2, aloud."""
        read = super().read(splits)
        if self.unlabelled:
            return read
        words = {
            split: [replace(e, units=e.units[:-1], gold=(e.gold or ())[:-1]) for e in examples]
            for split, examples in read.items()
        }
        converted = self.tagging.converted(words)
        return {
            split: [
                replace(
                    example,
                    gold=(
                        *(f"{SLOT}/{tag}" for tag in slots.gold or ()),
                        f"{INTENT}/{(example.gold or ())[-1]}",
                    ),
                )
                for example, slots in zip(examples, converted[split], strict=True)
            ]
            for split, examples in read.items()
        }

    def in_parts(self, splits: Mapping[str, Iterable[Record]]) -> dict[str, Task]:
        """A task for each split that knows the scheme of its slots."""
        parts: dict[str, Task] = {}
        tagging = _Slots(self)
        for split, known in tagging.in_parts(splits).items():
            part = copy(self)
            part.tagging = self.tagging.part()
            part.tagging.scheme = known.scheme
            parts[split] = part
        return parts

    def label_space(self, examples: Iterable[Example]) -> LabelSpace:
        """The slots, with what may follow what, and the intents."""
        names = super().label_space(examples).names
        slots, intents = (
            tuple(name.removeprefix(f"{kind}/") for name in names if name.startswith(f"{kind}/"))
            for kind in (SLOT, INTENT)
        )
        return LabelSpace.joined(
            {SLOT: LabelSpace(slots, iob2_transitions(slots)), INTENT: LabelSpace(intents)}
        )

    def default_reward(self, space: LabelSpace) -> Reward:
        """Half entity F1 of the slots (accuracy where they are no spans), half the intent."""
        spans = space.of_kind(SLOT)[0].transitions is not None
        return ByKind({SLOT: 0.5 * (EntityF1() if spans else Accuracy()), INTENT: 0.5 * Accuracy()})

    def metrics(self, labelings: Labelings, space: LabelSpace) -> dict[str, float]:
        """Slot measures, intent accuracy, their mean, and utterances with everything right."""
        kinds = split_kinds(labelings, space)
        (slots, tags), (intents, names) = kinds[SLOT], kinds[INTENT]
        measured = corpus_metrics(slots.labels, slots.gold, tags.names)
        main = measured.get("entity_f1", measured["accuracy"])
        intent = corpus_metrics(intents.labels, intents.gold, names.names)["accuracy"]
        whole = (labelings.labels == labelings.gold).all(1).mean()
        return {
            "mean": (main + intent) / 2,
            **{f"slot_{name}" if name == "accuracy" else name: v for name, v in measured.items()},
            "intent_accuracy": intent,
            "exact_match": float(whole),
        }

    def metric(self, space: LabelSpace) -> str:
        """The mean of entity F1 and intent accuracy."""
        return "mean"

    def present(
        self, example: Example, labels: IntArray, space: LabelSpace, probabilities: FloatArray
    ) -> dict[str, Any]:
        """``tokens``, their ``slots``, and the ``intent``."""
        given = [space.names[int(k)].partition("/")[2] for k in labels]
        return {"tokens": list(example.units[:-1]), "slots": given[:-1], "intent": given[-1]}


class _Slots(Tagging):
    """The slots of utterances alone, whose scheme is to be known."""

    def __init__(self, task: SlotsAndIntent) -> None:
        own = task.tagging
        super().__init__(own.text, own.tags, None, own.scheme, own.on_fault, task.unlabelled)
        self.task = task

    def tags_of(self, record: Record) -> list[str]:
        """Without the intent."""
        return [str(tag) for tag in (self.task.example(record).gold or ())[:-1]]
