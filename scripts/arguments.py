"""Arguments that several commands share."""

from dataclasses import dataclass
from typing import Any, Literal

TaskName = Literal["tagging", "classification"]
AgentName = Literal["supervised", "ppo", "reinforce"]


@dataclass(frozen=True)
class Reading:
    """How a file is read."""

    text: str | None = None
    """Column of the words or the text; by default the first usual name that is there."""
    labels: str | None = None
    """Column of the gold labels; by default the first usual name that is there."""
    format: str | None = None
    """conll, conllu, jsonl, csv, tsv or text, where the file's name does not tell."""
    scheme: Literal["iob2", "iob1", "bioes", "bilou", "bmes", "bmew", "plain"] | None = None
    """Tagging: the scheme of the gold tags; recognised by default."""
    on_fault: Literal["error", "repair"] = "error"
    """Tagging: a tag that its scheme does not allow is an error, or is read as conlleval does."""

    def arguments(self, task: TaskName) -> dict[str, Any]:
        """The arguments of the task's class."""
        if task == "classification":
            return {"text": self.text, "label": self.labels}
        return {
            "text": self.text,
            "tags": self.labels,
            "scheme": self.scheme,
            "on_fault": self.on_fault,
        }
