"""What is known of the texts of a step that went wrong: where they stand, labels, rewards."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from lingym.agents.out_of_memory import TextTooLarge
from lingym.envs import Episodes
from lingym.types import FloatArray, Rows

WORDS = 6  # of a text, where a message names it


@dataclass(frozen=True, eq=False)
class Judged:
    """Labelings as they were last given to be judged; B texts, S labelings of each, U units.

    Attributes:
        examples: [B] the texts.
        labels: [S, B, U], -1 as padding.
        rewards: [S, B, U] if they came.
    """

    examples: Rows
    labels: Tensor
    rewards: Tensor | FloatArray | None = None

    def of(self, example: int) -> tuple[list[list[int]], list[list[float]] | None]:
        """The labelings [n, U] of a text, and their rewards."""
        places = np.flatnonzero(self.examples == example)
        labels = [row[row >= 0].tolist() for row in _rows(self.labels, places)]
        if self.rewards is None:
            return labels, None
        rewards = _rows(self.rewards, places)
        ends = [len(row) for row in labels]
        return labels, [row[:end].tolist() for row, end in zip(rewards, ends, strict=True)]


def _rows(values: Tensor | FloatArray, places: Rows) -> Any:
    """[S * n, U] of [S, B, U]."""
    array = values.detach().cpu().numpy() if isinstance(values, Tensor) else values
    return array[:, places].reshape(-1, array.shape[-1])


def where(episodes: Episodes, example: int) -> str:
    """Where a text was read, ``file:line``, or its number where that is not known."""
    record = episodes.examples[example].record
    return record.where() if record.lines else f"example {example}"


def opening(text: str) -> str:
    """The first words of a text, in quotation marks."""
    words = text.split()
    return repr(" ".join(words[:WORDS]) + (" ..." if len(words) > WORDS else ""))


def too_large(episodes: Episodes, example: int, error: BaseException) -> TextTooLarge:
    """The error for a text that does not fit into memory alone."""
    start, end = episodes.text_bounds[example : example + 2].tolist()
    return TextTooLarge(
        f"out of memory on one text alone: {where(episodes, example)} "
        f"({opening(' '.join(episodes.examples[example].units))}), of "
        f"{episodes.token_counts[example]} tokens in {end - start} windows: leave it out, or take "
        f"a smaller encoder ({error})"
    )


def inspected(
    episodes: Episodes, examples: Rows, judged: Judged | None = None
) -> list[dict[str, Any]]:
    """What is known of texts, as JSON values.

    Args:
        episodes: those that they are of.
        examples: [B] which ones.
        judged: their labelings, if there are; other texts' may be among them.

    Returns:
        Of each text where it stands, its number, the text, the gold labels if they are there, the
        labels given in each labelling, and the rewards of these labels.
    """
    found = []
    for example in np.unique(np.asarray(examples)).tolist():
        text = episodes.examples[example]
        told: dict[str, Any] = {
            "where": where(episodes, example),
            "example": example,
            "text": " ".join(" ".join(p.words) for p in text.read(episodes.space.of_text)),
            "units": list(text.units),
        }
        start, end = episodes.unit_bounds[example : example + 2].tolist()
        gold = episodes.gold[start:end]
        if (gold >= 0).any():
            told["gold"] = [text.label(int(k), episodes.space) for k in gold if k >= 0]
        if judged is not None and example in judged.examples:
            labels, rewards = judged.of(example)
            told["given"] = [[text.label(k, episodes.space) for k in row] for row in labels]
            if rewards is not None:
                told["rewards"] = rewards
        found.append(told)
    return found
