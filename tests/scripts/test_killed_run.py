"""A run that is killed at any moment, and goes on, ends as if nothing had been."""

import os
import random
import time
from pathlib import Path

import pytest

from tests.scripts.killing import (
    AGENTS,
    finished,
    killed_after,
    next_command,
    outcome,
    started,
    wait_for,
    words,
)


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    finished(words("delay", tmp_path / "whole"))
    out = tmp_path / "run"
    process = started(words("delay", out))
    wait_for(out / "checkpoints" / "48", process)
    process.kill()
    process.communicate()
    assert not (out / "metrics.json").exists()
    told = finished(["train", "--resume", str(out)])
    assert f"{out} goes on from text " in told
    assert outcome(out) == outcome(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("agent", AGENTS)
def test_killed_at_random_moments(agent: str, tmp_path: Path) -> None:
    """SIGKILL at random moments, each process once; LINGYM_KILLS of them over all agents."""
    if "LINGYM_KILLS" not in os.environ:
        pytest.skip("a quarter of an hour: `make test-slow`, or LINGYM_KILLS=100")
    kills = -(-int(os.environ["LINGYM_KILLS"]) // len(AGENTS))
    began = time.monotonic()
    finished(words(agent, tmp_path / "whole"))
    whole = outcome(tmp_path / "whole")
    seconds = time.monotonic() - began
    moments = random.Random(f"kill {agent}")
    number, done = 0, 0
    while done < kills:
        number += 1
        out = tmp_path / f"run{number}"
        # Some early, most while it learns, some while the model is saved; up to three in one run.
        for _ in range(min(kills - done, moments.randint(1, 3))):
            if not killed_after(next_command(agent, out), moments.uniform(0.3, 1.05) * seconds):
                break
            done += 1
            if (out / "metrics.json").exists():
                break
        if not (out / "metrics.json").exists():
            finished(next_command(agent, out))
        found = outcome(out)
        found["left"] = [name for name in found["left"] if name != "checkpoints"]  # killed at last
        assert found == whole, (agent, number)
        assert number < 10 * kills + 10, "no process was killed before its end"
