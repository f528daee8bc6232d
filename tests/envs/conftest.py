"""Small data sets and files that the tests of the environments share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lingym.envs import Classification, Corpus, Dataset, Tagging, build, load_corpus

Write = Callable[[str, str], str]


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    return load_corpus("synthetic:commands?train=24&dev=6&test=6")


@pytest.fixture(scope="session")
def datasets(corpus: Corpus) -> dict[str, Dataset]:
    """Every task on one corpus, and both on texts that are longer than a window."""
    return {
        "tagging": build(Tagging(), corpus),
        "tagging in windows": build(Tagging(), corpus, max_tokens=8),
        "classification": build(Classification(), corpus),
        "classification in windows": build(Classification(), corpus, max_tokens=8),
    }


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file and gives its path."""

    def write(name: str, text: str) -> str:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write
