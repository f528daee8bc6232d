"""Arguments that several commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

if TYPE_CHECKING:
    from lingym.envs.corpora import Options

TaskName = Literal[
    "tagging",
    "classification",
    "multilabel",
    "spanqa",
    "choice",
    "relation",
    "summary",
    "sentences",
    "slots_intent",
    "multitask",
]
AgentName = Literal[
    "supervised", "ppo", "reinforce", "expected_reward", "minimum_risk", "preference"
]

Others = Annotated[
    tuple[Path, ...], tyro.conf.arg(name="with", metavar="RUN"), tyro.conf.UseAppendAction
]
"""Further runs, by the repeated option --with."""
Metrics = Annotated[
    tuple[str, ...], tyro.conf.arg(name="metric", metavar="REWARD"), tyro.conf.UseAppendAction
]
"""Rewards to measure by, by the repeated option --metric."""
MeanName = Literal["arithmetic", "geometric"]

COLUMNS: dict[str, dict[str, str]] = {
    "tagging": {"text": "text", "labels": "tags", "scheme": "scheme", "on_fault": "on_fault"},
    "classification": {"text": "text", "labels": "label"},
    "multilabel": {"text": "text", "labels": "label"},
    "spanqa": {"question": "question", "context": "context", "labels": "answers"},
    "choice": {
        "question": "question",
        "context": "context",
        "choices": "choices",
        "labels": "answer",
    },
    "relation": {"text": "text", "head": "head", "tail": "tail", "labels": "label"},
    "summary": {
        "text": "text",
        "labels": "labels",
        "references": "references",
        "oracle": "oracle",
    },
    "sentences": {"text": "text", "labels": "tags"},
    "slots_intent": {
        "text": "text",
        "labels": "slots",
        "intent": "intent",
        "scheme": "scheme",
        "on_fault": "on_fault",
    },
    "multitask": {},
}
"""The options of `Reading` that a task has a use for, and what its class calls them."""


@dataclass(frozen=True)
class Reading:
    """How a file is read."""

    text: str | None = None
    """Column of the words, the sentences or the text; here and below, by default the first usual
    name that is there."""
    labels: str | None = None
    """Column of the gold labels: tags, slots, classes, answers, or a 0 or 1 for each sentence."""
    question: str | None = None
    """Questions: column of the question."""
    context: str | None = None
    """Questions: column of what it is about."""
    choices: str | None = None
    """Multiple choice: column of the choices."""
    head: str | None = None
    """Relations: column of the head's [start, end) in characters."""
    tail: str | None = None
    """Relations: column of the tail's [start, end) in characters."""
    references: str | None = None
    """Summaries: column of the reference summaries."""
    intent: str | None = None
    """Slots and intent: column of the intent."""
    oracle: Literal["given", "rouge"] | None = None
    """Summaries: gold labels as the file gives them (the default, where it does), or the best
    sentences within the budget by ROUGE."""
    format: str | None = None
    """conll, conllu, jsonl, csv, tsv, squad or text, where the file's name does not tell."""
    columns: tuple[int, int] | None = None
    """CoNLL: the columns of words and labels, from 0, or from the end if negative; by default the
    first and the last."""
    scheme: Literal["iob2", "iob1", "bioes", "bilou", "bmes", "bmew", "plain"] | None = None
    """Tags and slots: the scheme of the gold ones; recognised by default."""
    on_fault: Literal["error", "repair"] | None = None
    """Tags and slots: one that its scheme does not allow is an error (the default), or is read as
    conlleval does."""

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

    def arguments(self, task: str) -> dict[str, Any]:
        """The arguments of the task's class that say how to read.

        Raises:
            ValueError: an option is given that the task has no use for.
        """
        known = COLUMNS[task]
        given = {name: value for name, value in vars(self).items() if value is not None}
        unused = sorted(given.keys() - known.keys() - {"format", "columns"})
        if unused:
            raise ValueError(f"task {task} has no use for --{', --'.join(unused)}")
        return {known[name]: given[name] for name in known if name in given}


ABLE_TO_ABSTAIN = ("tagging", "classification", "multilabel", "relation", "sentences")
"""The tasks that --abstain can stand around."""


@dataclass(frozen=True)
class TaskOptions:
    """What some tasks can be told."""

    max_answer: int | None = None
    """spanqa: tokens of the longest answer; by default those of the longest gold one."""
    sequential: bool = False
    """choice: say ANSWER or CONTINUE of one choice after another."""
    sentences: int | None = None
    """summary: the most sentences; 1 by default."""
    words: int | None = None
    """summary: the most words, instead of sentences."""
    mix: Path | None = None
    """multitask: a TOML file with a table for each task: its kind (task = "tagging"), its files or
    corpus, its columns, and its weight."""
    abstain: bool = False
    """tagging, classification, multilabel, relation, sentences: one more label, ABSTAIN, leaves a
    unit to an annotator."""
    abstain_budget: int | None = None
    """With --abstain: the most units of a text that may be abstained."""
    abstain_price: float | None = None
    """With --abstain: what an answer costs, in the default reward and in the metric `utility`; by
    default 0.3."""

    def abstaining(self) -> dict[str, Any] | None:
        """The arguments of `lingym.envs.Abstaining`; None where the task cannot abstain.

        Raises:
            ValueError: there are some, and no --abstain.
        """
        budget, price = self.abstain_budget, self.abstain_price
        if not self.abstain:
            if budget is not None or price is not None:
                which = "budget" if budget is not None else "price"
                raise ValueError(f"--abstain-{which} means something with --abstain only")
            return None
        given = {"budget": budget, "price": price}
        return {name: value for name, value in given.items() if value is not None}

    def arguments(self, task: str) -> dict[str, Any]:
        """The arguments of the task's class.

        Raises:
            ValueError: an option is given that the task has no use for.
        """
        uses = {
            "spanqa": ("max_answer",),
            "choice": ("sequential",),
            "summary": ("sentences", "words"),
            "multitask": ("mix",),
        }
        wrapping = ("abstain", "abstain_budget", "abstain_price")  # `abstaining` has those
        if self.abstain and task not in ABLE_TO_ABSTAIN:
            raise ValueError(f"task {task} cannot abstain: {', '.join(ABLE_TO_ABSTAIN)} can")
        given = {k: value for k, value in vars(self).items() if value and k not in wrapping}
        unused = [name for name in given if name not in uses.get(task, ())]
        if unused:
            raise ValueError(f"task {task} has no use for --{unused[0].replace('_', '-')}")
        return {name: value for name, value in given.items() if name != "mix"}
