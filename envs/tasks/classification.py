"""Classification: one unit, the text, and its label."""

from collections.abc import Sequence

from lingym.envs.corpora import Record
from lingym.envs.tasks.columns import pick
from lingym.envs.tasks.task import Example, Task
from lingym.rewards import Accuracy, Reward
from lingym.types import LabelSpace


class Classification(Task):
    """Give a whole text one label.

    Args:
        text: the column that holds the text, a string or a list of words; None takes the first of
            ``text sentence tokens words`` that is there.
        label: the column that holds the gold label; None takes the first of
            ``label intent class category``.
        labels: the label names, where they are known beforehand.
        unlabelled: read texts without gold labels, for prediction.
    """

    of_text = True

    def __init__(
        self,
        text: str | None = None,
        label: str | None = None,
        labels: Sequence[str] | None = None,
        unlabelled: bool = False,
    ) -> None:
        self.text, self.label, self.labels, self.unlabelled = text, label, labels, unlabelled

    def example(self, record: Record) -> Example:
        """One unit: the text."""
        name, text = pick(record, self.text, ("text", "sentence", "tokens", "words"), "text")
        if isinstance(text, list) and all(isinstance(word, str) for word in text):
            text = " ".join(text)
        if not isinstance(text, str) or not text.strip():
            raise record.error(f"{name!r} must be a text that is not empty, got {text!r}")
        if self.unlabelled:
            return Example((text,), None, record)
        name, label = pick(record, self.label, ("label", "intent", "class", "category"), "label")
        if isinstance(label, bool) or not isinstance(label, str | int) or label == "":
            raise record.error(
                f"{name!r} must be a label (a string or a whole number), got {label!r}"
            )
        return Example((text,), (str(label),), record)

    def default_reward(self, space: LabelSpace) -> Reward:
        """1 for the gold label, 0 for another."""
        return Accuracy()
