"""Sentence tagging: the units are the sentences of a document, and each gets a role."""

from collections.abc import Sequence
from typing import Any

from lingym.envs.corpora import Record
from lingym.envs.tasks.columns import label, pick, strings
from lingym.envs.tasks.task import Example, Passage, Task
from lingym.rewards import Accuracy, Reward
from lingym.types import FloatArray, IntArray, LabelSpace


class SentenceTagging(Task):
    """Give every sentence of a document a label, its rhetorical role, say.

    Each sentence begins with a separator token, which stands for it (as in Cohan et al., 2019,
    https://arxiv.org/abs/1909.04054), and sees the whole window.

    Args:
        text: the column that holds the sentences; None takes the first of ``sentences text``.
        tags: the column that holds a label for each; None takes the first of ``labels tags``.
        labels: the labels, where they are known beforehand.
        unlabelled: read documents without gold labels, for prediction.
    """

    name = "sentences"
    corpus = "synthetic:abstracts"

    def __init__(
        self,
        text: str | None = None,
        tags: str | None = None,
        labels: Sequence[str] | None = None,
        unlabelled: bool = False,
    ) -> None:
        self.text, self.tags, self.labels, self.unlabelled = text, tags, labels, unlabelled

    def example(self, record: Record) -> Example:
        """The sentences of a document, and their labels."""
        name, value = pick(record, self.text, ("sentences", "text"), "text")
        sentences = strings(record, name, value)
        passage = Passage(sentences, tuple(range(len(sentences))), marked=True)
        if self.unlabelled:
            return Example(sentences, None, record, (passage,))
        name, value = pick(record, self.tags, ("labels", "tags"), "labels")
        if not isinstance(value, list | tuple) or len(value) != len(sentences):
            found = len(value) if isinstance(value, list | tuple) else repr(value)
            raise record.error(f"{len(sentences)} sentences but {found} labels in {name!r}")
        gold = tuple(label(record, f"{name}[{place}]", item) for place, item in enumerate(value))
        return Example(sentences, gold, record, (passage,))

    def default_reward(self, space: LabelSpace) -> Reward:
        """The share of sentences with the right label."""
        return Accuracy()

    def present(
        self, example: Example, labels: IntArray, space: LabelSpace, probabilities: FloatArray
    ) -> dict[str, Any]:
        """``sentences`` and their ``labels``."""
        given = [space.names[int(k)] for k in labels]
        return {"sentences": list(example.units), "labels": given}
