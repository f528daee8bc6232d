"""ROUGE of any choice of sentences, without touching a string."""

from functools import cached_property
from typing import NamedTuple

import numpy as np

from lingym.rewards.lcs import lcs_lengths, words_for
from lingym.rewards.ragged import Ragged, spread, starts
from lingym.rewards.reference_ids import Ids, ReferenceIds, bigram_key
from lingym.types import BoolArray, FloatArray, Rows

_BATCH = 128  # summaries at once: all take as long as the longest, and larger batches gain nothing


class _Pairs(NamedTuple):
    """Summaries beside references: each of P pairs is one summary and one of its references."""

    row: Ids  # [P] the summary
    reference: Ids  # [P]
    first: Ids  # [B] the first pair of each summary
    precision: FloatArray  # [3, P] of ROUGE-1, -2 and -L
    recall: FloatArray  # [3, P]
    f1: FloatArray  # [3, P]


class References(ReferenceIds):
    """The sentences and the reference summaries of a split's examples, read by ``of``.

    ROUGE-1, -2 and -L (Lin, 2004, https://aclanthology.org/W04-1013/) as the package rouge-score
    has them, without its stemmer: a summary is its sentences in order, with a blank between; of
    several references the one with the highest F counts, for each type on its own.
    """

    def scores(self, chosen: BoolArray, examples: Rows) -> FloatArray:
        """F of ROUGE-1, -2 and -L, float64 [B, 3]; of each the maximum over the references.

        Args:
            chosen: bool [B, U], the sentences in the summary.
            examples: int [B].

        Raises:
            ValueError: a sentence is chosen that the example does not have.
        """
        rows, units = np.nonzero(chosen)
        sentences = self._sentences(rows, units, examples)
        more = np.bincount(rows, minlength=len(examples)) != 1
        kept = more[rows]
        scores = np.empty((len(examples), 3))
        scores[~more] = self._scores_alone(sentences[~kept], examples[~more])
        new_rows = (np.cumsum(more) - 1)[rows[kept]]
        scores[more] = self._scores(new_rows, sentences[kept], examples[more])
        return scores

    @cached_property
    def _remembered(self) -> tuple[BoolArray, FloatArray]:
        """Which sentences were scored alone, bool [S], and their scores [S, 3]."""
        return np.zeros(len(self.words), np.bool_), np.zeros((len(self.words), 3))

    def _scores_alone(self, sentences: Ids, examples: Rows) -> FloatArray:
        """Scores of summaries of one sentence, which are worked out once; float64 [n, 3]."""
        known, scores = self._remembered
        new = ~known[sentences]
        if new.any():
            place = sentences[new]
            scores[place] = self._scores(np.arange(len(place)), place, examples[new])
            known[place] = True
        return scores[sentences]

    def _scores(self, rows: Ids, sentences: Ids, examples: Rows) -> FloatArray:
        """Scores of summaries [B, 3] from the row, ascending, and the place of each sentence."""
        scores = np.empty((len(examples), 3))
        for start in range(0, len(examples), _BATCH):
            batch = slice(start, start + _BATCH)
            some = slice(*np.searchsorted(rows, (start, start + _BATCH)))
            pairs = self._pairs(rows[some] - start, sentences[some], examples[batch])
            scores[batch] = np.maximum.reduceat(pairs.f1, pairs.first, axis=1).T
        return scores

    def precision_recall_f1(self, chosen: BoolArray, examples: Rows) -> FloatArray:
        """Precision, recall and F (last axis) of ROUGE-1, -2 and -L, float64 [B, 3, 3].

        They are of the reference with the highest F for the type, the first of such.
        """
        rows, units = np.nonzero(chosen)
        pairs = self._pairs(rows, self._sentences(rows, units, examples), examples)
        place = np.arange(len(pairs.row)) - pairs.first[pairs.row]
        table = np.full((len(examples), place.max(initial=0) + 1, 3), -1.0)
        table[pairs.row, place] = pairs.f1.T
        best = pairs.first[:, None] + table.argmax(1)  # [B, 3]
        types = np.arange(3)
        every = (pairs.precision, pairs.recall, pairs.f1)
        return np.stack([measure[types, best] for measure in every], -1)

    def words_of(self, chosen: BoolArray, examples: Rows) -> Ids:
        """The number of tokens in each summary, int64 [B]; arguments as for ``scores``."""
        rows, units = np.nonzero(chosen)
        return self._words(rows, self._sentences(rows, units, examples), len(examples))

    def _words(self, rows: Ids, sentences: Ids, number: int) -> Ids:
        words = np.bincount(rows, self.words[sentences], minlength=number)
        return words.astype(np.int64)

    def _pairs(self, rows: Ids, sentences: Ids, examples: Rows) -> _Pairs:
        """Compare each summary with each of its references."""
        first = self.first_reference[examples]
        each = self.first_reference[examples + 1] - first
        reference, row = spread(first, each)
        given = self._words(rows, sentences, len(examples))[row]
        wanted = self._wanted[reference]
        tokens, owners = self._tokens.take(sentences)
        tokens_of = rows[owners]
        bigrams, owners = self._bigrams.take(sentences)
        bigrams_of = rows[owners]
        between, between_of = self._between(rows, sentences, examples)
        overlaps = np.stack(
            [
                _overlap(tokens, tokens_of, self._token_counts, row, reference),
                _overlap(
                    np.concatenate([bigrams, between]),
                    np.concatenate([bigrams_of, between_of]),
                    *(self._bigram_counts, row, reference),
                ),
                self._common(tokens, tokens_of, row, reference, len(examples)),
            ]
        )
        less = np.array([[0], [1], [0]])  # n tokens are n - 1 bigrams
        precision = overlaps / np.maximum(given - less, 1)
        recall = overlaps / np.maximum(wanted - less, 1)
        f1 = np.zeros(overlaps.shape)
        both = precision + recall
        np.divide(2 * precision * recall, both, out=f1, where=both > 0)
        return _Pairs(row, reference, starts(each), precision, recall, f1)

    def _sentences(self, rows: Ids, units: Ids, examples: Rows) -> Ids:
        """The chosen sentences' places among all."""
        of_example = examples[rows]
        sentences = self.first_sentence[of_example] + units
        beyond = sentences >= self.first_sentence[of_example + 1]
        if beyond.any():
            place = beyond.argmax()
            example = of_example[place]
            number = self.first_sentence[example + 1] - self.first_sentence[example]
            raise ValueError(
                f"sentence {units[place]} of example {example} is chosen, which has {number}"
            )
        return sentences

    def _between(self, rows: Ids, sentences: Ids, examples: Rows) -> tuple[Ids, Ids]:
        """Ids and rows of the bigrams from one chosen sentence to the next that has a token."""
        spoken = self.words[sentences] > 0
        rows, sentences = rows[spoken], sentences[spoken]
        row, example = rows[:-1], examples[rows[:-1]].astype(np.int64)
        last, first = self._outer[sentences[:-1], 1], self._outer[sentences[1:], 0]
        key = bigram_key(example, last, first)
        place = np.searchsorted(self._keys, key)
        known = self._keys.take(place, mode="clip") == key if len(self._keys) else key < 0
        known &= row == rows[1:]
        return (place - self._first_key[example] + 1)[known], row[known]

    def _common(self, tokens: Ids, of: Ids, row: Ids, reference: Ids, number: int) -> Ids:
        """Length of each pair's longest common subsequence, int64 [P]."""
        each = np.bincount(of, minlength=number)
        table = np.zeros((each.max(initial=0), number), np.int64)
        table[np.arange(len(of)) - starts(each).take(of), of] = tokens
        places = table.take(row, 1)  # [T, P]
        places += self._token_counts.starts.take(reference)
        # Most references need only the first word of bits.
        used = words_for(self._wanted[reference].max(initial=0))
        return lcs_lengths(self._masks[:used].take(places, 1).transpose(1, 2, 0))


def _overlap(ids: Ids, of: Ids, counts: Ragged, row: Ids, reference: Ids) -> Ids:
    """How many of each summary's ids, by number, its reference has; int64 [P].

    Args:
        ids: the ids of all summaries.
        of: the summary that each id is of.
        counts: by reference how often it has each id.
        row: [P] the summary of each pair.
        reference: [P] the reference of each pair.
    """
    wanted = counts.padded(reference)
    rows, width = row.max(initial=-1) + 1, wanted.shape[1]
    found = np.bincount(of * width + ids, minlength=rows * width).reshape(rows, width)
    return np.minimum(found.take(row, 0), wanted).sum(1)
