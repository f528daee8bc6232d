"""How much an encoder has read, so that ways of training can be compared by what they cost."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass


@dataclass
class Work:
    """Texts and their tokens, special ones among them and padding left out, each time encoded.

    A text of several windows is one text with the tokens of all. What a gradient came back through
    is counted under ``backward`` and not under ``forward``.

    Attributes:
        texts_forward: encoded, and no gradient was taken.
        texts_backward: encoded, and a gradient came back through the encoder.
        tokens_forward: of `texts_forward`.
        tokens_backward: of `texts_backward`.
    """

    texts_forward: int = 0
    texts_backward: int = 0
    tokens_forward: int = 0
    tokens_backward: int = 0

    @property
    def tokens(self) -> int:
        """All tokens that were read."""
        return self.tokens_forward + self.tokens_backward

    def read(self, texts: int, tokens: int) -> None:
        """Count texts that were encoded."""
        self.texts_forward += texts
        self.tokens_forward += tokens

    def learned(self, texts: int, tokens: int) -> None:
        """Count a gradient through texts that `read` has counted."""
        self.read(-texts, -tokens)
        self.texts_backward += texts
        self.tokens_backward += tokens

    def begin(self) -> None:
        """Count from 0."""
        vars(self).update(vars(Work()))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave out what is encoded within."""
        before = asdict(self)
        try:
            yield
        finally:
            vars(self).update(before)
