"""A study that is killed, whichever process and whenever: no cell is lost, none done twice."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from lingym.scripts.compare import looks, table
from lingym.scripts.compare.cells import plan
from lingym.scripts.compare.study_file import read_study
from tests.scripts.compare.tiny_study import write_study

RUN = "from lingym.scripts.cli import main; main()"


def begin(study, out, *more):
    words = ["bench", "compare", str(study), "--out", str(out), *more]
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(what, seconds=120.0):
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)
    return found


def at_work(out, but=()):
    """A cell in the midst of its training, with its process."""
    for config in sorted((out / "cells").rglob("config.json")):
        folder = config.parent
        id = folder.relative_to(out / "cells").as_posix()
        if folder.name != "model" and id not in but and not (folder / "row.json").exists():
            return id, int((out / "locks" / f"{id}.lock").read_text().split()[1])
    return None


def alive(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_killed_children_and_parents_lose_nothing(tmp_path):
    study_file, out = write_study(tmp_path), tmp_path / "out"
    cells = plan(read_study(study_file))
    first = begin(study_file, out, "--jobs", "2")
    killed, pid = until(lambda: at_work(out))
    os.kill(pid, signal.SIGKILL)  # a child: the others go on
    error = out / "cells" / killed / "error.txt"
    until(error.exists)
    assert "signal 9" in error.read_text()
    pid = until(lambda: at_work(out, but={killed}))[1]
    first.kill()  # the parent: its children die too, whatever they are at
    first.communicate()
    until(lambda: not alive(pid), 20)
    done = {row["cell"]: row for row in table.read(out)}
    assert killed not in done
    assert len(done) < len(cells)
    rows = out / "rows.jsonl"
    if done:  # a line torn by a kill in the midst of its writing
        last = list(done)[-1]
        rows.write_bytes(rows.read_bytes()[:-40])
        assert last not in {row["cell"] for row in table.read(out)}

    both = [begin(study_file, out), begin(study_file, out)]  # two at once split what is left
    said = [process.communicate(timeout=240) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert Counter(json.loads(line)["cell"] for line in rows.read_text().splitlines()) == Counter(
        cell.id for cell in cells
    )
    now = {row["cell"]: row for row in table.read(out)}
    assert {id: now[id] for id in done} == done  # nothing that was done was done again
    told = sum(text.count("commands/s0/rl/score") for _, text in said)
    assert told == 1  # each cell was done, and told of, by one of the two
    assert looks.summary(out, now.values()) == {
        "first": 4,
        "again": [],
        "unshown": [],
        "intact": True,
    }
    assert said[0][0].startswith("| data set, metric |")
    for cell in cells:  # the models that were not chosen are gone
        if cell.kind == "train" and not cell.chosen:
            score = next(c for c in cells if (c.kind, c.arm, c.seed) == ("score", cell.arm, 0))
            chosen = now[score.id]["chosen"] == cell.settings
            assert (cell.folder(out) / "model").exists() == chosen

    before = rows.read_bytes()
    again = begin(study_file, out)
    assert "12 of 12 cells are done already" in again.communicate(timeout=120)[1]
    assert again.returncode == 0
    assert rows.read_bytes() == before

    text = study_file.read_text()
    study_file.write_text(text.replace("samples: 2", "samples: 3"))
    changed = begin(study_file, out)
    message = changed.communicate(timeout=60)[1]
    assert changed.returncode == 1
    assert "holds 5 cells that were made with other options" in message  # and what was made of them
    assert "samples 2, now 3" in message
