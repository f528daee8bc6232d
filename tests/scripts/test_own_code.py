"""A reward file runs when a user names it, and never because a folder does."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from lingym.cache import cache_folder
from lingym.scripts.cli import main, parse
from lingym.scripts.own_code import MARK, check_own, mark_of
from lingym.scripts.run_files import changed
from lingym.scripts.run_folder import begin_run
from lingym.scripts.train import Train

CORPUS = "synthetic:commands?train=16&dev=8"
SPEC = "evil.py:worth"
CODE = """
from pathlib import Path
Path({marker!r}).write_text("ran")
from lingym.rewards import Accuracy
class worth(Accuracy):
    name = "worth"
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A run that says of itself that it was trained on a file that writes a marker."""
    monkeypatch.chdir(tmp_path)
    words = f"train --corpus {CORPUS} --encoder tiny --agent supervised --episodes 16 --out run"
    main(words.split())
    marker = tmp_path / "marker"
    (tmp_path / "evil.py").write_text(CODE.format(marker=str(marker)))
    file = tmp_path / "run" / "config.json"
    said = json.loads(file.read_text())
    said["arguments"] |= {"reward": SPEC, "agent": "reinforce"}
    file.write_text(json.dumps(said))
    kept = {"reward": SPEC, "state": {"x": 1}}
    (tmp_path / "run" / "reward.json").write_text(json.dumps(kept))
    return tmp_path / "run", marker


def test_a_run_that_is_explained_does_not_get_its_reward_run(run: tuple[Path, Path]) -> None:
    folder, marker = run
    data = ["--file", CORPUS.replace("train=16&", "train=16&test=4&"), "--limit", "2"]
    words = ["explain", str(folder), *data, "--method", "leave-one-out"]
    with pytest.raises(ValueError, match=r"evil\.py:worth is code.*--reward evil\.py:worth"):
        parse(words).run()
    assert not marker.exists()
    main([*words, "--reward", "none"])
    assert not marker.exists()
    (folder / "reward.json").unlink()
    main([*words, "--reward", SPEC])
    assert marker.read_text() == "ran"


def test_a_warm_start_does_not_get_its_reward_run(run: tuple[Path, Path], tmp_path: Path) -> None:
    folder, marker = run
    words = f"train --corpus {CORPUS} --warm-start {folder} --agent reinforce --out new"
    main(words.split())
    main(f"evaluate {folder} --data {CORPUS}&test=4".split())
    main(f"merge {folder} --out merged".split())
    assert not marker.exists()


@pytest.mark.parametrize("mark", [None, "", "zz", "00" * 32, 3])
def test_a_run_goes_on_with_code_only_under_the_users_own_mark(
    run: tuple[Path, Path], tmp_path: Path, mark: Any
) -> None:
    folder, marker = run
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    (folder / "metrics.json").unlink()
    if mark is not None:
        file = folder / "config.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), MARK: mark}))
    with pytest.raises(ValueError, match="did not begin the run"):
        main_error(f"train --resume {folder}")
    assert not marker.exists()


def main_error(line: str) -> None:
    """Run a command whose error is wanted as it is."""
    from lingym.scripts.resume import resume_of

    asked = resume_of(line.split())
    assert asked is not None
    asked.run()


def test_what_a_user_begins_has_the_mark(
    run: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin_run(tmp_path / "mine", Train(out=tmp_path / "mine", reward=SPEC))
    said = json.loads((tmp_path / "mine" / "config.json").read_text())
    assert not changed(said["files"])
    check_own(SPEC, said)
    for other in ({**said, "files": {}}, {**said, MARK: said[MARK][2:]}, {"files": {}}):
        with pytest.raises(ValueError, match="did not begin the run"):
            check_own(SPEC, other)
    with pytest.raises(ValueError, match="did not begin the run"):
        check_own("other.module:worth", said)
    check_own("accuracy", {"files": {}})
    check_own(None, {"files": {}})
    assert mark_of("accuracy", {}) == {}
    monkeypatch.setenv("LINGYM_CACHE", str(tmp_path / "another"))
    with pytest.raises(ValueError, match="did not begin the run"):
        check_own(SPEC, said)
    assert (cache_folder() / "key").is_file()
