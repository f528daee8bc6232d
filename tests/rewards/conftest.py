"""Random labelings, and every reward that the relations must hold for."""

from collections.abc import Callable

import numpy as np
import pytest

from lingym.types import Labelings

TAGS = ("B-LOC", "B-PER", "I-LOC", "I-PER", "O")


def _random_labelings(
    seed: int, labels: int, episodes: int, units: int, outside: float = 0.0
) -> Labelings:
    """Complete episodes of 1 .. units units, about two thirds of them right.

    The last label is drawn with the extra probability ``outside``, so that some episodes have
    nothing else; everything else is uniform, so that most tag sequences are not valid.
    """
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, units + 1, episodes).astype(np.int32)
    after = np.arange(units) >= lengths[:, None]

    def draw() -> np.ndarray:
        drawn = rng.integers(0, labels, (episodes, units))
        rare = rng.random((episodes, 1)) < outside
        return np.where(rng.random((episodes, units)) < rare * 0.95, labels - 1, drawn)

    gold = draw()
    given = np.where(rng.random((episodes, units)) < 2 / 3, gold, draw())
    gold[after] = given[after] = -1
    examples = rng.permutation(1000 + episodes)[:episodes].astype(np.int32)
    return Labelings(given.astype(np.int32), gold.astype(np.int32), lengths, lengths, examples)


def _labelings(given: list[list[str]], gold: list[list[str]], names: tuple[str, ...]) -> Labelings:
    """Complete episodes from label names."""
    units = max(len(row) for row in gold)

    def ids(rows: list[list[str]]) -> np.ndarray:
        padded = np.full((len(rows), units), -1, np.int32)
        for row, labels in zip(padded, rows, strict=True):
            row[: len(labels)] = [names.index(label) for label in labels]
        return padded

    lengths = np.array([len(row) for row in gold], np.int32)
    examples = np.arange(len(gold), dtype=np.int32)
    return Labelings(ids(given), ids(gold), lengths, lengths, examples)


def _names(labelings: Labelings, names: tuple[str, ...]) -> tuple[list[list[str]], list[list[str]]]:
    """Label names of complete episodes, given and gold, without padding."""
    given, gold = (
        [[names[i] for i in row[:n]] for row, n in zip(ids, labelings.lengths, strict=True)]
        for ids in (labelings.labels, labelings.gold)
    )
    return given, gold


@pytest.fixture(scope="session")
def tags() -> tuple[str, ...]:
    return TAGS


@pytest.fixture(scope="session")
def random_labelings() -> Callable[..., Labelings]:
    return _random_labelings


@pytest.fixture(scope="session")
def labelings() -> Callable[..., Labelings]:
    return _labelings


@pytest.fixture(scope="session")
def names_of() -> Callable[..., tuple[list[list[str]], list[list[str]]]]:
    return _names
