"""Documents and their reference summaries as numbers, made once from their texts."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import numpy.typing as npt

from lingym.rewards.lcs import Bits, bit_masks, words_for
from lingym.rewards.ragged import Ragged

Ids = npt.NDArray[np.int64]

_TOKEN = re.compile(r"[a-z0-9]+")
_SHIFT = 20  # bits for a token id in the key of a bigram: an example's references have fewer tokens


@dataclass(frozen=True, eq=False)
class ReferenceIds:
    """S sentences and R references of E examples.

    A token is a run of a-z and 0-9 in the lower-cased text. Its id is its place among the tokens of
    the example's references, from 1 on; the other tokens are 0, for they match nothing. Bigrams
    likewise.
    """

    words: Ids  # [S] tokens of each sentence
    first_sentence: Ids  # [E + 1] the sentences of each example
    first_reference: Ids  # [E + 1] the references of each example
    _outer: Ids  # [S, 2] ids of each sentence's first and last token
    _tokens: Ragged  # S rows: ids of a sentence's tokens, less those that are 0
    _bigrams: Ragged  # S rows: ids of a sentence's bigrams, less those that are 0
    _keys: Ids  # keys of all examples' bigrams, ascending
    _first_key: Ids  # [E + 1] the bigrams of each example
    _wanted: Ids  # [R] tokens of each reference
    _token_counts: Ragged  # R rows: how often the reference has each token id
    _bigram_counts: Ragged  # R rows: how often the reference has each bigram id
    _masks: Bits  # [words, total] where the reference has each token id, beside its counts

    @classmethod
    def of(cls, sentences: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> Self:
        """Turn texts into numbers, once.

        Args:
            sentences: of each example the sentences, which are its units.
            references: of each example one or more summaries.

        Raises:
            ValueError: an example has no sentence or no reference, or not both are for the same
                examples.
        """
        if len(sentences) != len(references):
            raise ValueError(
                f"found sentences of {len(sentences)} examples and references of "
                f"{len(references)}: wanted both for the same examples"
            )
        for what, texts in (("sentence", sentences), ("reference", references)):
            for example, some in enumerate(texts):
                if isinstance(some, str) or not some:
                    raise ValueError(
                        f"example {example} has {some!r} for its {what}s: wanted one or more texts"
                    )
        said = [[_TOKEN.findall(text.lower()) for text in texts] for texts in sentences]
        wanted = [[_TOKEN.findall(text.lower()) for text in texts] for texts in references]
        longest = max((len(tokens) for texts in wanted for tokens in texts), default=0)
        return cls._of_tokens(said, wanted, words_for(longest))

    @classmethod
    def _of_tokens(
        cls, said: list[list[list[str]]], wanted: list[list[list[str]]], bit_words: int
    ) -> Self:
        outer, tokens, bigrams, keys, masks = [], [], [], [], []
        token_counts, bigram_counts, first_key = [], [], [0]
        for example, (sentences, references) in enumerate(zip(said, wanted, strict=True)):
            known = sorted({token for reference in references for token in reference})
            ids = {token: place for place, token in enumerate(known, 1)}
            reference_ids = [[ids[token] for token in reference] for reference in references]
            seen = sorted({pair for row in reference_ids for pair in pairwise(row)})
            pairs = {pair: place for place, pair in enumerate(seen, 1)}
            keys += [bigram_key(example, *pair) for pair in seen]
            first_key.append(len(keys))
            for sentence in sentences:
                row = [ids.get(token, 0) for token in sentence]
                outer.append((row[0], row[-1]) if row else (0, 0))
                tokens.append([token for token in row if token])
                found = (pairs.get(pair, 0) for pair in pairwise(row))
                bigrams.append([pair for pair in found if pair])
            for row in reference_ids:
                token_counts.append(_counts(Counter(row), len(ids)))
                number = Counter(pairs[pair] for pair in pairwise(row))
                bigram_counts.append(_counts(number, len(pairs)))
                masks.append(bit_masks(row, len(ids) + 1, bit_words))
        return cls(
            words=np.array([len(s) for sentences in said for s in sentences], np.int64),
            first_sentence=np.cumsum([0, *map(len, said)]),
            first_reference=np.cumsum([0, *map(len, wanted)]),
            _outer=np.array(outer, np.int64).reshape(-1, 2),
            _tokens=Ragged.of(tokens),
            _bigrams=Ragged.of(bigrams),
            _keys=np.array(keys, np.int64),
            _first_key=np.array(first_key, np.int64),
            _wanted=np.array([len(r) for texts in wanted for r in texts], np.int64),
            _token_counts=Ragged.of(token_counts),
            _bigram_counts=Ragged.of(bigram_counts),
            _masks=np.concatenate([np.zeros((bit_words, 0), np.uint32), *masks], 1),
        )

    def joined(self, other: Self) -> Self:
        """These examples, and others after them."""

        def end_to_end(one: Ids, two: Ids) -> Ids:
            return np.concatenate([one, one[-1] + two[1:]])

        words = max(
            len(self._masks), len(other._masks)
        )  # longer references take more words of bits
        masks = [np.pad(m, ((0, words - len(m)), (0, 0))) for m in (self._masks, other._masks)]
        return type(self)(
            words=np.concatenate([self.words, other.words]),
            first_sentence=end_to_end(self.first_sentence, other.first_sentence),
            first_reference=end_to_end(self.first_reference, other.first_reference),
            _outer=np.concatenate([self._outer, other._outer]),
            _tokens=self._tokens.joined(other._tokens),
            _bigrams=self._bigrams.joined(other._bigrams),
            _keys=np.concatenate([self._keys, other._keys + (len(self) << 2 * _SHIFT)]),
            _first_key=end_to_end(self._first_key, other._first_key),
            _wanted=np.concatenate([self._wanted, other._wanted]),
            _token_counts=self._token_counts.joined(other._token_counts),
            _bigram_counts=self._bigram_counts.joined(other._bigram_counts),
            _masks=np.concatenate(masks, 1),
        )

    def __len__(self) -> int:
        """The number of examples."""
        return len(self.first_sentence) - 1


def _counts(counter: Counter[int], number: int) -> list[int]:
    """How often each of the ids 0 .. number is counted."""
    return [counter[place] for place in range(number + 1)]


def bigram_key(example: "int | Ids", first: "int | Ids", second: "int | Ids") -> "int | Ids":
    """A number for a bigram of an example; greater for later examples and later ids."""
    return (((example << _SHIFT) | first) << _SHIFT) | second
