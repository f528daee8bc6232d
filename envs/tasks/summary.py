"""Extractive summarisation: the units are sentences, each in or out, within a budget."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np

from lingym.envs.corpora import Record
from lingym.envs.tasks.columns import pick, strings
from lingym.envs.tasks.stored_facts import StoredReferences
from lingym.envs.tasks.task import Example, Passage, Task
from lingym.rewards import References, Reward, Rouge, oracle, rouge_metrics
from lingym.types import Facts, FloatArray, IntArray, Labelings, LabelSpace, Quota

IN, OUT, STOP = "in", "out", "stop"
NAMES = (IN, OUT, STOP)


class ExtractiveSummary(Task):
    """Choose the sentences of a document that make its summary.

    The agent walks the sentences and says ``in`` or ``out`` of each, or ``stop``, which leaves the
    rest out. A summary has at least one sentence and keeps within the budget: both are masks.

    The gold labels are those of the file, or the sentences that a greedy search finds best by
    ROUGE (Nallapati et al., 2017, https://arxiv.org/abs/1611.04230); after the last ``in`` they
    say ``stop``.

    Args:
        sentences: the most sentences that a summary may have; None sets no limit.
        words: the most words (between blanks) that a summary may have; it takes the place of
            `sentences`.
        text: the column of the list of sentences; None takes the first of ``sentences source``.
        labels: the column of a 0 or 1 for each sentence; None takes the first of ``oracle labels
            source_labels`` that is there.
        references: the column of one summary or several; None takes the first of ``references
            target summary highlights``.
        oracle: whether gold labels are ``given`` by the file (where it has them) or found by
            ``rouge``.
        unlabelled: read documents without gold labels, for prediction.
    """

    name = "summary"
    corpus = "synthetic:abstracts"
    settings = ("sentences", "words")

    def __init__(
        self,
        sentences: int | None = 1,
        words: int | None = None,
        text: str | None = None,
        labels: str | None = None,
        references: str | None = None,
        oracle: Literal["given", "rouge"] = "given",
        unlabelled: bool = False,
    ) -> None:
        if oracle not in ("given", "rouge"):
            raise ValueError(f"oracle must be given or rouge, got {oracle!r}")
        for name, limit in (("sentences", sentences), ("words", words)):
            if limit is not None and limit < 1:
                raise ValueError(f"{name} must be 1 or more, got {limit}")
        self.sentences, self.words = None if words else sentences, words
        self.text, self.gold, self.references = text, labels, references
        self.oracle, self.unlabelled = oracle, unlabelled

    def example(self, record: Record) -> Example:
        """The sentences of a document, and which of them the gold summary takes."""
        name, value = pick(record, self.text, ("sentences", "source"), "text")
        units = strings(record, name, value)
        title = record.fields.get("title")
        before = title if isinstance(title, str) else ""
        passage = Passage(units, tuple(range(len(units))), before=before, marked=True)
        costs = None if self.words is None else tuple(len(unit.split()) for unit in units)
        gold = None
        if not self.unlabelled:
            chosen = self._chosen(record, units)
            cost = sum((costs or (1,) * len(units))[place] for place in chosen)
            limit = self.words or self.sentences
            if limit is not None and cost > limit:
                unit = "words" if self.words else "sentences"
                raise record.error(
                    f"the gold summary takes {cost} {unit} and the budget is {limit}: raise it in "
                    f"training (--{unit}), or look for the best summary within it (--oracle rouge)"
                )
            last = max(chosen)
            gold = tuple(IN if place in chosen else OUT for place in range(last + 1))
            gold = (*gold, STOP) if last + 1 < len(units) else gold
        return Example(units, gold, record, (passage,), costs=costs)

    def label_space(self, examples: Iterable[Example]) -> LabelSpace:
        """``in``, which the budget counts and one sentence must get, ``out`` and ``stop``."""
        limit = self.words or self.sentences
        return LabelSpace(NAMES, stop=2, quota=Quota(0, limit, required=True))

    def facts(self, examples: Sequence[Example], space: LabelSpace) -> Facts:
        """The n-gram counts of sentences and reference summaries."""
        if self.unlabelled:
            return {}
        references = [self.reference_texts(example.record) for example in examples]
        return {"references": References.of([example.units for example in examples], references)}

    def stored_facts(self, examples: Sequence[Example], gold: IntArray, space: LabelSpace) -> Facts:
        """The same, counted anew for the documents that are asked for."""
        if self.unlabelled:
            return {}
        return {"references": StoredReferences(examples, self.reference_texts)}

    def joined_facts(self, old: Facts, new: Facts) -> Facts:
        """The counts of both."""
        return {"references": old["references"].joined(new["references"])}

    def default_reward(self, space: LabelSpace) -> Reward:
        """The mean of ROUGE-1, -2 and -L F against the references."""
        return Rouge(label=IN)

    def metrics(self, labelings: Labelings, space: LabelSpace) -> dict[str, float]:
        """ROUGE-1, -2 and -L F, their mean, and the size of the summaries."""
        return rouge_metrics(labelings, space.places[IN])

    def metric(self, space: LabelSpace) -> str:
        """The mean of ROUGE-1, -2 and -L F."""
        return "rouge"

    def present(
        self, example: Example, labels: IntArray, space: LabelSpace, probabilities: FloatArray
    ) -> dict[str, Any]:
        """The ``summary``, and the places of the ``sentences`` that make it."""
        chosen = [place for place, k in enumerate(labels) if space.names[int(k)] == IN]
        return {"summary": " ".join(example.units[place] for place in chosen), "sentences": chosen}

    def render(self, example: Example, gold: IntArray, labels: IntArray, space: LabelSpace) -> str:
        """The title, the sentences, and the reference summaries."""
        shown = super().render(example, gold, labels, space)
        title = [example.passages[0].before] if example.passages[0].before else []
        references = [] if self.unlabelled else self.reference_texts(example.record)
        return "\n".join([*title, shown, *(f"reference: {text}" for text in references)])

    @classmethod
    def of_space(cls, space: LabelSpace, **arguments: Any) -> "ExtractiveSummary":
        """The task of a saved model; its labels are always the same."""
        return cls(**arguments)

    def _chosen(self, record: Record, units: tuple[str, ...]) -> set[int]:
        """The places of the gold summary's sentences."""
        usual = ("oracle", "labels", "source_labels")
        there = self.gold is not None or any(name in record for name in usual)
        if self.oracle == "rouge" or not there:
            costs = None
            if self.words is not None:
                costs = np.array([[len(unit.split()) for unit in units]], np.int32)
            counts = References.of([units], [self.reference_texts(record)])
            best = np.flatnonzero(oracle(counts, self.words or self.sentences, costs)[0])
            if not len(best):
                raise record.error(f"no sentence fits a budget of {self.words} words: raise it")
            return {int(place) for place in best}
        name, value = pick(record, self.gold, usual, "labels")
        listed = isinstance(value, list | tuple) and len(value) == len(units)
        if not listed or any(flag not in (0, 1) for flag in value):
            raise record.error(
                f"{name!r} must be a 0 or 1 for each of {len(units)} sentences, got {value!r}"
            )
        chosen = {place for place, flag in enumerate(value) if flag}
        if not chosen:
            raise record.error(
                f"{name!r} takes no sentence: a summary has one at least (--oracle rouge finds it)"
            )
        return chosen

    def reference_texts(self, record: Record) -> tuple[str, ...]:
        """The reference summaries of a document."""
        usual = ("references", "target", "summary", "highlights")
        name, value = pick(record, self.references, usual, "references")
        return strings(record, name, [value] if isinstance(value, str) else value)
