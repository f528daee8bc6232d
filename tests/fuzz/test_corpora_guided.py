"""Fuzzing guided by coverage: ten seconds a reader, where atheris is installed."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.readers import READERS


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_guided_search_finds_no_other_exception(root: Path, tmp_path: Path, name: str) -> None:
    pytest.importorskip("atheris")
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.guided", name, "10", str(tmp_path)],
        cwd=root,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=600,
    )
    assert not done.returncode, done.stderr[-4000:]
