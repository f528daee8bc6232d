"""What every test may use, and what a machine without the data or a GPU leaves out."""

import os
import random
import sys
import tempfile
from pathlib import Path

import pytest

# Before any import of Hugging Face code: no test asks the Hub, and forked tokenizers stay quiet.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("MPLBACKEND", "Agg")
# Features of frozen encoders are kept in a folder of the tests' own.
CACHE = tempfile.TemporaryDirectory(prefix="lingym-tests-")
os.environ["LINGYM_CACHE"] = CACHE.name
# Tiny models gain nothing from a second thread, and two spinning ones lose much on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data sets: LINGYM_DATA, else shared/data beside the repository."""
    named = os.environ.get("LINGYM_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is no folder (set LINGYM_DATA)")
    return folder


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Global generators begin alike in every test, so that what passes once passes again."""
    random.seed(0)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(0)
    if torch := sys.modules.get("torch"):  # a run of light tests should not wait for it
        torch.manual_seed(0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is marked gpu where there is no CUDA device."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch  # only here: a run of light tests should not wait for it

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))
