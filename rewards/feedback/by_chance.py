"""Judges that draw by chance: the same question has one answer until it is asked again."""

from typing import Any
from zlib import crc32

import numpy as np

from lingym.rewards.feedback.chance import questions, uniform
from lingym.rewards.feedback.judge import Judge
from lingym.types import FloatArray, IntArray, Labelings


class ByChance(Judge):
    """A judge that draws numbers for its verdicts; a subclass has a ``seed``.

    A question is a text with the labels up to a unit. Until the text is judged again a question has
    one answer, however often its score is computed, so steps sum to the score; labelings of a text
    that are judged together and differ have answers of their own.
    """

    seed: int
    _judged: IntArray = np.zeros(0, np.int32)  # [E] how often each text was judged; later ones: 0

    def draw(self, labelings: Labelings) -> FloatArray:
        """Numbers in [0, 1), one for each question, float64 [B, U]."""
        examples = labelings.examples
        times = self._up_to(examples)[examples]
        # The written form, so that a judge inside another of the same seed draws others.
        words = (crc32(self.to_spec().encode()), self.seed, times[:, None], examples[:, None])
        return uniform(*words, questions(labelings.labels))

    def note(self, labelings: Labelings) -> None:
        """Count the verdicts, and that these texts were judged once more."""
        super().note(labelings)
        self._judged = self._up_to(labelings.examples)
        self._judged[labelings.examples] += 1  # by one, however many samples of a text there are

    def state(self) -> dict[str, Any]:
        """How much was judged, and how often each text."""
        return {**super().state(), "judged": self._judged.tolist()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a saved state.

        Raises:
            ValueError: it is the state of another reward.
        """
        (judged,), inner = self._split_state(state, "judged")
        super().load_state(inner)
        self._judged = np.array(judged, np.int32)

    def _up_to(self, examples: IntArray) -> IntArray:
        """How often each text was judged, long enough for these."""
        missing = int(examples.max(initial=-1)) + 1 - len(self._judged)
        if missing <= 0:
            return self._judged
        return np.concatenate([self._judged, np.zeros(missing, np.int32)])
