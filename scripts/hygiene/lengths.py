"""How long texts are, in words and in an encoder's tokens, and how many need several windows."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lingym.envs import encode
from lingym.envs.tokenizer import UnitTokenizer, load_tokenizer
from lingym.scripts.hygiene.reading import Files
from lingym.types import DataError

PERCENTILES = (50, 90, 95, 99, 100)


def lengths(files: Files, encoder: str | None, max_tokens: int) -> dict[str, Any]:
    """Percentiles of words and tokens for each part.

    Args:
        files: the texts.
        encoder: whose tokenizer is used; None leaves tokens out.
        max_tokens: tokens to a window, special tokens among them.

    Returns:
        For each part ``words`` and ``tokens`` (percentile -> length) and ``windowed``, the texts
        that are read in several windows, whose overlaps are counted in ``tokens``.
    """
    units = None
    if encoder is not None:
        fit = next(iter(files.texts.values()))
        units = UnitTokenizer(load_tokenizer(encoder, fit))
    told: dict[str, Any] = {}
    for name, part in files.parts.items():
        words = [len(text.split()) for text in files.texts[name]]
        told[name] = {"words": _percentiles(words), "tokens": None, "windowed": None}
        if units is None:
            continue
        try:
            episodes = encode(files.task, part.examples, files.space, units, max_tokens)
        except DataError as error:  # a question that leaves no room for its context, say
            told[name]["refused"] = str(error)
            continue
        passages = np.array([len(e.read(files.space.of_text)) for e in part.examples])
        told[name]["tokens"] = _percentiles(episodes.token_counts)
        told[name]["windowed"] = int((np.diff(episodes.text_bounds) > passages).sum())
    return told


def _percentiles(values: Sequence[int] | np.ndarray) -> dict[str, int]:
    """Lengths that so many percent of the texts do not exceed."""
    found = np.percentile(np.asarray(values), PERCENTILES, method="inverted_cdf")
    return {str(percent): int(value) for percent, value in zip(PERCENTILES, found, strict=True)}
