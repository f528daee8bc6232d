"""Every task on a small generated corpus, some of them in several forms."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from lingym.envs import (
    Classification,
    Corpus,
    Dataset,
    ExtractiveSummary,
    MultiLabel,
    MultipleChoice,
    MultiTask,
    Relation,
    SentenceTagging,
    SlotsAndIntent,
    SpanQA,
    Tagging,
    Task,
    build,
    load_corpus,
    mixed,
)
from lingym.envs.tokenizer import train_tokenizer

SIZES = "train=24&dev=6&test=6"


@dataclass(frozen=True)
class Form:
    """A task with arguments, and the corpus that it reads."""

    environment: str  # the registered id, without namespace and version
    make: Callable[[], Task]
    corpus: str
    window: int = 24  # tokens to a window that cut some of its texts, in small pieces

    @property
    def id(self) -> str:
        """The environment's registered id."""
        return f"lingym/{self.environment}-v0"


def _mix() -> Task:
    return MultiTask({"slots": Tagging(), "mood": Classification(), "roles": SentenceTagging()})


FORMS = {
    "tagging": Form("Tagging", Tagging, "commands", 12),
    "classification": Form("Classification", Classification, "commands", 12),
    "multilabel": Form("MultiLabel", MultiLabel, "emotions", 16),
    "spanqa": Form("SpanQA", lambda: SpanQA(max_answer=4), "questions", 64),
    "choice": Form("MultipleChoice", MultipleChoice, "dialogues", 40),
    "choice one by one": Form(
        "MultipleChoice", lambda: MultipleChoice(sequential=True), "dialogues", 40
    ),
    "relation": Form("Relation", Relation, "relations", 16),
    "summary": Form("ExtractiveSummary", ExtractiveSummary, "abstracts", 96),
    "summary of 2": Form(
        "ExtractiveSummary", lambda: ExtractiveSummary(2, oracle="rouge"), "abstracts", 96
    ),
    "summary in words": Form(
        "ExtractiveSummary", lambda: ExtractiveSummary(words=30, oracle="rouge"), "abstracts", 96
    ),
    "sentences": Form("SentenceTagging", SentenceTagging, "abstracts", 72),
    "slots and intent": Form("SlotsAndIntent", SlotsAndIntent, "commands", 12),
    "mix": Form("MultiTask", _mix, "mix", 72),
}
"""Forms by name; the first words of a name are the task."""


@cache
def corpus_of(name: str) -> Corpus:
    """The generated corpus of a form, 24 training texts and 6 each to develop and to test."""
    if name == "mix":
        third = "train=8&dev=2&test=2"
        return mixed(
            {
                "slots": load_corpus(f"synthetic:commands?{third}"),
                "mood": load_corpus(f"synthetic:commands?{third}&seed=1"),
                "roles": load_corpus(f"synthetic:abstracts?{third}"),
            }
        )
    return load_corpus(f"synthetic:{name}?{SIZES}")


@cache
def every_task(name: str, windows: bool = False) -> Dataset:
    """A form as a data set; with `windows`, of small pieces and windows that cut long texts."""
    form = FORMS[name]
    corpus = corpus_of(form.corpus)
    if not windows:
        return build(form.make(), corpus)
    texts = [str(value) for record in corpus.train for value in record.fields.values()]
    return build(form.make(), corpus, train_tokenizer(texts, vocab_size=150), form.window)
