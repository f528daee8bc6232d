"""Answers as text: the spans of a question's context, scored as SQuAD's evaluation scripts do.

Rajpurkar et al., 2016, https://aclanthology.org/D16-1264/, and 2018 (unanswerable questions),
https://aclanthology.org/P18-2124/.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lingym.types import FloatArray, IntArray, Labelings

_PUNCTUATION = frozenset(string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b", re.UNICODE)
_MOST_KNOWN = 1_000_000  # scores to remember: about 200 MB


def normalize_answer(text: str) -> str:
    """Lower case, without punctuation and articles, white space made one blank."""
    kept = "".join(ch for ch in text.lower() if ch not in _PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", kept).split())


def answer_scores(predicted: str, gold: Sequence[str]) -> tuple[float, float]:
    """Token F1 and exact match of an answer, each the maximum over the gold answers.

    The rules are those of SQuAD v2, which on answerable questions are also those of v1.1: gold
    answers of which normalisation leaves nothing do not count; where none is left, only an answer
    that also leaves nothing is right.
    """
    wanted = [kept for answer in gold if (kept := normalize_answer(answer))] or [""]
    found = normalize_answer(predicted)
    f1 = max(_token_f1(found.split(), answer.split()) for answer in wanted)
    return f1, float(found in wanted)


def _token_f1(predicted: list[str], gold: list[str]) -> float:
    if not predicted or not gold:
        return float(predicted == gold)
    same = (Counter(predicted) & Counter(gold)).total()
    if same == 0:
        return 0.0
    precision, recall = same / len(predicted), same / len(gold)
    return 2 * precision * recall / (precision + recall)


@dataclass(eq=False)
class Answers:
    """What the candidates of each question say, and what its right answers are.

    Candidate 0 means "no answer"; candidate c, from 1 on, is word c - 1 of the context.

    Attributes:
        contexts: the text of each example.
        words: of each example int [C - 1, 2], the first character of each word and the one after
            its last.
        gold: the right answers of each example; empty where the question has none.
    """

    contexts: Sequence[str]
    words: Sequence[IntArray]
    gold: Sequence[Sequence[str]]
    _known: dict[tuple[int, int, int], tuple[float, float]] = field(
        init=False, repr=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        """Refuse lists of different lengths, and words that are not in their text."""
        if not len(self.contexts) == len(self.words) == len(self.gold):
            raise ValueError(
                f"found {len(self.contexts)} contexts, words of {len(self.words)} and gold answers "
                f"of {len(self.gold)}: wanted them for the same examples"
            )
        for example, (context, words) in enumerate(zip(self.contexts, self.words, strict=True)):
            bad = (words[:, 0] < 0) | (words[:, 1] < words[:, 0]) | (words[:, 1] > len(context))
            if bad.any():
                word = int(bad.argmax())
                raise ValueError(
                    f"word {word} of example {example} is at {words[word].tolist()}: wanted "
                    f"[start, end) within its text of {len(context)} characters"
                )

    def joined(self, other: "Answers") -> "Answers":
        """These examples, and others after them."""
        return Answers(
            [*self.contexts, *other.contexts],
            [*self.words, *other.words],
            [*self.gold, *other.gold],
        )

    def possible(self, example: int, start: int, end: int) -> bool:
        """Whether the candidates are a span: both 0, or a word and one that is not before it."""
        return 0 == start == end or 0 < start <= end <= len(self.words[example])

    def text(self, example: int, start: int, end: int) -> str:
        """The text from one candidate to another; "" for no answer and where no span is."""
        if start == 0 or not self.possible(example, start, end):
            return ""
        words = self.words[example]
        return self.contexts[example][words[start - 1, 0] : words[end - 1, 1]]

    def scores(self, labels: IntArray, examples: IntArray) -> FloatArray:
        """Token F1 and exact match of spans, float64 [B, 2].

        Candidates that are no span are no answer either, so they are wrong even where the question
        has none. A score is worked out once.

        Args:
            labels: int32 [B, 2], the first and the last candidate.
            examples: int32 [B].
        """
        known = self._known
        if len(known) > _MOST_KNOWN:
            known.clear()
        keys = zip(examples.tolist(), labels[:, 0].tolist(), labels[:, 1].tolist(), strict=True)
        scores = np.empty((len(examples), 2))
        for row, key in enumerate(keys):
            if key not in known:
                known[key] = (0.0, 0.0)
                if self.possible(*key):
                    known[key] = answer_scores(self.text(*key), self.gold[key[0]])
            scores[row] = known[key]
        return scores

    def of(self, labelings: Labelings) -> FloatArray:
        """``scores`` of the labelings that have both labels, 0 of the others; float64 [B, 2]."""
        scores = np.zeros((len(labelings.examples), 2))
        rows = np.flatnonzero((labelings.decided >= 2) & (labelings.lengths >= 2))
        if len(rows):
            scores[rows] = self.scores(labelings.labels[rows, :2], labelings.examples[rows])
        return scores
