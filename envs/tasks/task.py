"""What a labelling task is: the units of a text, their gold labels, and what may follow what."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lingym.envs.corpora import Record
from lingym.rewards import Reward
from lingym.types import LabelSpace


@dataclass(frozen=True)
class Example:
    """One text of a corpus, cut into its units.

    Attributes:
        units: the text of each unit, in the order in which they are labelled.
        gold: the gold label of each unit, or None where the text has none (prediction).
        record: where the example was read.
    """

    units: tuple[str, ...]
    gold: tuple[str, ...] | None
    record: Record


class Task:
    """A labelling task. A subclass says what `example` is; everything else has a default.

    Attributes:
        labels: the label names, where they are fixed beforehand; None takes the union over the
            splits, sorted. A gold label outside a fixed set is an error with its file and line.
        of_text: True where the one unit is the whole text, which then also owns the special
            tokens; False where units are words.
    """

    labels: Sequence[str] | None = None
    of_text: bool = False

    def example(self, record: Record) -> Example:
        """Cut one record of a corpus into units and gold labels.

        Raises:
            DataError: the record does not hold what the task needs.
        """
        raise NotImplementedError(f"{type(self).__name__} must define example(record)")

    def read(self, splits: Mapping[str, Iterable[Record]]) -> dict[str, list[Example]]:
        """The examples of every split; override where one record cannot be read without others."""
        return {name: [self.example(record) for record in rows] for name, rows in splits.items()}

    def label_space(self, examples: Iterable[Example]) -> LabelSpace:
        """The labels of the task, fixed or sorted by name, and which may follow which.

        Raises:
            ValueError: the fixed labels name one twice.
        """
        names = self.labels
        if names is None:
            names = sorted({label for example in examples for label in example.gold or ()})
        if len(set(names)) < len(names):
            raise ValueError(f"every label must be named once, got {', '.join(names)}")
        return LabelSpace(tuple(names), of_text=self.of_text)

    def default_reward(self, space: LabelSpace) -> Reward:
        """The reward of an environment that was given none."""
        raise NotImplementedError(f"{type(self).__name__} names no default reward: give reward=")
