"""Where the words of a text stand among the tokens that an encoder reads."""

import re
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from lingym.envs.encode import Reader
from lingym.envs.episodes import Episodes
from lingym.envs.tasks import Passage
from lingym.envs.tokenizer import Pieces, UnitTokenizer
from lingym.types import NO_UNIT, BoolArray, IntArray

WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class Layout:
    """The words of one text, and the word of every token.

    A word is what stands between blanks; a unit may have several (a sentence) or be one. What is
    read twice (a question before every window, a word where two windows overlap, a context before
    every choice) is one word with the tokens of all its places.

    Attributes:
        words: the W words, in the order of reading.
        groups: int32 [W] the group (unit or candidate) of each word, -1 for context.
        marks: bool [W] words that stand in no text, such as the markers of a relation's ends.
        lines: places [start, end) of the words that stand together: a question, a text, a sentence.
        tokens: int32 [T] the word of each token of the text's windows, one window after another; -1
            for special tokens.
    """

    words: tuple[str, ...]
    groups: IntArray
    marks: BoolArray
    lines: tuple[tuple[int, int], ...]
    tokens: IntArray


def layout(episodes: Episodes, row: int) -> Layout:
    """The layout of one text of a split.

    Args:
        episodes: the split.
        row: the place of the text in it.

    Raises:
        ValueError: its tokens were made in another way than `episodes.encoding` says.
    """
    encoding, example = episodes.encoding, episodes.examples[row]
    reader = Reader(encoding.units, encoding.max_tokens, encoding.overflow)
    page = _Page()
    tokens: list[int] = []
    for passage in example.read(episodes.space.of_text):
        before = []
        if passage.before:
            before = page.read(encoding.units, Passage((passage.before,), whole=True)).ids
        pieces = reader.marked(passage, page.read(encoding.units, passage))
        for ids, _ in reader.windows(example, passage, pieces, before):
            tokens += ids
    count = int(episodes.token_counts[row])
    if len(tokens) != count:
        raise ValueError(
            f"{example.record.where()}: its windows have {count} tokens, and read again it has "
            f"{len(tokens)}: the episodes' tokenizer is not that which they were made with"
        )
    # Tokens of words were numbered below 0; what the reader put between them is a token's id.
    return Layout(
        tuple(page.words),
        np.array(page.groups, np.int32),
        np.array(page.marks, np.bool_),
        tuple(page.lines),
        np.array([-1 - token if token < 0 else -1 for token in tokens], np.int32),
    )


@dataclass
class _Page:
    """The words that were read so far."""

    words: list[str] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    marks: list[bool] = field(default_factory=list)
    lines: list[tuple[int, int]] = field(default_factory=list)
    known: dict[tuple[bool, tuple[str, ...]], Pieces] = field(default_factory=dict)

    def read(self, units: UnitTokenizer, passage: Passage) -> Pieces:
        """A passage whose token ids are -1 - w, w the token's word."""
        whole, texts = passage.whole, passage.words
        if (whole, texts) not in self.known:
            pieces = units.whole([" ".join(texts)])[0] if whole else units([texts])[0]
            spans = units.spans(texts, whole)
            groups, marks = passage.groups, passage.marks
            if whole:
                texts, groups = (" ".join(texts),), (NO_UNIT,)
            starts, ends = [], []
            for place, text in enumerate(texts):
                found = [match.span() for match in WORD.finditer(text)] or [(0, len(text))]
                starts.append(len(self.words))
                ends.append(np.array([end for _, end in found]))
                self.words += [text[start:end] for start, end in found]
                self.groups += [groups[place]] * len(found)
                self.marks += [place in marks] * len(found)
            bounds = [*starts, len(self.words)]
            if not passage.marked:
                bounds = [bounds[0], bounds[-1]]
            self.lines += [*pairwise(bounds)]
            ids = []
            for owner, (start, end) in zip(pieces.units, spans, strict=True):
                # The word of the last character; a blank belongs to the word after it.
                inside = np.searchsorted(ends[owner], max(start, end - 1), side="right")
                ids.append(-1 - starts[owner] - min(int(inside), len(ends[owner]) - 1))
            self.known[whole, passage.words] = Pieces(ids, pieces.units)
        return self.known[whole, passage.words]
