"""Classification: one unit, the text, and its label."""

from collections.abc import Sequence
from typing import Any

from lingym.envs.corpora import Record
from lingym.envs.tasks.cloze import Pattern, pieces_of
from lingym.envs.tasks.columns import label, pick, text
from lingym.envs.tasks.task import Example, Passage, Task
from lingym.rewards import Accuracy, Reward
from lingym.types import FloatArray, IntArray, LabelSpace


class Classification(Task):
    """Give a whole text one label.

    Args:
        text: the column that holds the text, a string or a list of words; None takes the first of
            ``text sentence tokens words`` that is there.
        label: the column that holds the gold label; None takes the first of
            ``label intent class category``.
        labels: the label names, where they are known beforehand.
        unlabelled: read texts without gold labels, for prediction.
        pattern: words around the text, with a blank for the encoder to fill in
            (`lingym.envs.tasks.cloze.Pattern`); None: the text alone.
    """

    name = "classification"
    of_text = True
    settings = ("pattern",)

    def __init__(
        self,
        text: str | None = None,
        label: str | None = None,
        labels: Sequence[str] | None = None,
        unlabelled: bool = False,
        pattern: str | None = None,
    ) -> None:
        self.text, self.label, self.labels, self.unlabelled = text, label, labels, unlabelled
        self.pattern, self._pattern = pattern, None if pattern is None else Pattern(pattern)

    def example(self, record: Record) -> Example:
        """One unit: the text."""
        name, value = pick(record, self.text, ("text", "sentence", "tokens", "words"), "text")
        words = text(record, name, value)
        passages: tuple[Passage, ...] = ()
        if self._pattern is not None:
            read, cloze = pieces_of(words, self._pattern.around(record, {}))
            passages = (Passage((read,), special=0, whole=True, cloze=cloze),)
        if self.unlabelled:
            return Example((words,), None, record, passages)
        name, value = pick(record, self.label, ("label", "intent", "class", "category"), "label")
        return Example((words,), (label(record, name, value),), record, passages)

    def saved(self) -> dict[str, Any]:
        """The pattern, if there is one."""
        return {} if self.pattern is None else super().saved()

    def default_reward(self, space: LabelSpace) -> Reward:
        """1 for the gold label, 0 for another."""
        return Accuracy()

    def present(
        self, example: Example, labels: IntArray, space: LabelSpace, probabilities: FloatArray
    ) -> dict[str, Any]:
        """``text``, its ``label``, and the ``probabilities`` of all by name."""
        return {
            "text": example.units[0],
            "label": space.names[int(labels[0])],
            "probabilities": dict(zip(space.names, probabilities[0].tolist(), strict=True)),
        }
