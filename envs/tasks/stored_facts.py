"""Facts of texts that lie on disk: worked out for those that a reward asks about, and not kept."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lingym.rewards import Answers, References
from lingym.types import BoolArray, FloatArray, Rows

if TYPE_CHECKING:
    from lingym.envs.corpora import Record
    from lingym.envs.tasks.task import Example


class StoredAnswers(Answers):
    """`Answers` whose contexts, words and gold answers are read when a score needs them."""

    def __post_init__(self) -> None:
        """Nothing is walked: the words were found in their texts when these were read."""


class StoredReferences:
    """`References` of documents that are counted anew each time.

    Args:
        examples: the documents.
        references: gives the reference summaries of one.
    """

    def __init__(
        self,
        examples: "Sequence[Example]",
        references: "Callable[[Record], tuple[str, ...]]",
    ) -> None:
        self.examples, self.references = examples, references

    def scores(self, chosen: BoolArray, examples: Rows) -> FloatArray:
        """As `References.scores`."""
        counts, rows = self._counted(examples)
        return counts.scores(chosen, rows)

    def precision_recall_f1(self, chosen: BoolArray, examples: Rows) -> FloatArray:
        """As `References.precision_recall_f1`."""
        counts, rows = self._counted(examples)
        return counts.precision_recall_f1(chosen, rows)

    def words_of(self, chosen: BoolArray, examples: Rows) -> Rows:
        """As `References.words_of`."""
        counts, rows = self._counted(examples)
        return counts.words_of(chosen, rows)

    def _counted(self, examples: Rows) -> tuple[References, Rows]:
        """The counts of these documents alone, and the place of each example's."""
        places, rows = np.unique(examples, return_inverse=True)
        read = [self.examples[int(place)] for place in places]
        references = [self.references(example.record) for example in read]
        return References.of([example.units for example in read], references), rows
