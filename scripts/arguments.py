"""Arguments that several commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from lingym.envs.corpora import Options

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
    columns: tuple[int, int] | None = None
    """CoNLL: the columns of words and labels, from 0, or from the end if negative; by default the
    first and the last."""
    scheme: Literal["iob2", "iob1", "bioes", "bilou", "bmes", "bmew", "plain"] | None = None
    """Tagging: the scheme of the gold tags; recognised by default."""
    on_fault: Literal["error", "repair"] = "error"
    """Tagging: a tag that its scheme does not allow is an error, or is read as conlleval does."""

    def options(self) -> "Options":
        """How the corpus readers are to read."""
        from lingym.envs.corpora import Options

        return Options(format=self.format, columns=self.columns)

    def options_without_labels(self, file: str) -> "Options":
        """The same for text to be labelled: plain lines are texts, labels are not looked at.

        Args:
            file: its name, ``-`` for standard input.
        """
        from lingym.envs.corpora import Options
        from lingym.envs.corpora.sources import format_of

        if file.startswith(("synthetic:", "hf:")):
            return self.options()
        plain = file == "-" or ".txt" in Path(file).suffixes
        form = self.format or ("text" if plain else format_of(file))
        words = {"conll": 0, "conllu": 1}.get(form)
        if words is None:
            return Options(format=form, columns=self.columns)
        return Options(format=form, columns=(self.columns[0] if self.columns else words, None))

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
