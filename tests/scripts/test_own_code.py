"""A reward file runs when a user names it, and never because a folder does."""

import json
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lingym.agents.checkpoint import checkpoints
from lingym.cache import cache_folder
from lingym.files import sha256_of
from lingym.rewards import from_spec
from lingym.rewards.own import places
from lingym.scripts.cli import main, parse
from lingym.scripts.own_code import MARK, check_own
from lingym.scripts.run_files import changed
from lingym.scripts.run_folder import begin_run
from lingym.scripts.signals import Stop
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


SPELLINGS = (
    "evil.py:worth",
    "own ['evil.py:worth']",
    "own[('evil.py:worth')]",
    "own['evil' '.py:worth']",
    "own[r'evil.py:worth']",
    "own['''evil.py:worth''']",
    "(own)['evil.py:worth']",
    "own['evil\\x2epy:worth']",
    "\uff4f\uff57\uff4e['evil.py:worth']",  # which Python reads as own
    "0.5*accuracy+0.5*own [u'evil.py:worth']",
    "normalized(own ['evil.py:worth'])",
    "by_kind(slot=own ['evil.py:worth'])",
    "own ['evil:worth']()",
)


@pytest.mark.parametrize("spec", SPELLINGS)
def test_code_is_found_however_it_is_spelled(run: tuple[Path, Path], spec: str) -> None:
    """The hole: what named code was looked for by a pattern, and read by Python's grammar."""
    folder, marker = run
    assert len(places(spec)) == 1
    ended(folder)
    change(folder, arguments={"reward": spec})
    with pytest.raises(ValueError, match="is code, and this user did not begin the run"):
        main_error(f"train --resume {folder}")
    data = ["--file", CORPUS.replace("train=16&", "train=16&test=4&"), "--limit", "2"]
    with pytest.raises(ValueError, match="is code"):
        parse(["explain", str(folder), *data, "--method", "leave-one-out"]).run()
    assert not marker.exists()


def test_a_metric_that_is_code_runs_under_the_users_own_mark_only(run: tuple[Path, Path]) -> None:
    folder, marker = run
    ended(folder)
    change(folder, arguments={"reward": None, "metric": SPEC})
    with pytest.raises(ValueError, match=r"the run's metric evil\.py:worth is code, and this user"):
        main_error(f"train --resume {folder}")
    main(f"evaluate {folder} --data {CORPUS}&test=4".split())
    assert not marker.exists()
    main(f"evaluate {folder} --data {CORPUS}&test=4 --metric {SPEC}".split())
    assert marker.read_text() == "ran"


def test_a_text_that_is_no_expression_names_no_code() -> None:
    assert places("evil.py :worth") == [] == places("(") == places("0.5*accuracy")
    with pytest.raises(ValueError, match=r"nested too deeply|is not an expression"):
        from_spec("(" * 5000)
    assert places("  accuracy ") == []


def ended(folder: Path) -> None:
    """Make of a run that has ended one that has not, with no checkpoint."""
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    (folder / "metrics.json").unlink(missing_ok=True)


def change(folder: Path, **entries: Any) -> None:
    """Change a run's ``config.json``."""
    file = folder / "config.json"
    said = json.loads(file.read_text())
    for name, value in entries.items():
        said[name] = {**said[name], **value} if isinstance(value, dict) else value
    file.write_text(json.dumps(said))


def test_what_a_user_begins_has_the_mark(
    run: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Train(out=tmp_path / "mine", reward=SPEC)
    begin_run(tmp_path / "mine", mine)
    said = json.loads((tmp_path / "mine" / "config.json").read_text())
    assert not changed(said["files"])
    check_own(mine, said)
    other: Any
    for other in (
        {**said, "files": {}},
        {**said, "folder": "/"},
        {**said, MARK: said[MARK][2:]},
        {**said, "arguments": {**said["arguments"], "seed": 1}},
        {**said, MARK: None},
    ):
        with pytest.raises(ValueError, match="did not begin the run"):
            check_own(mine, other)
        check_own(replace(mine, reward="accuracy"), other)
    (tmp_path / "other").mkdir()
    check_own(replace(mine, out=tmp_path / "other"), said)  # it was moved, and is this user's
    monkeypatch.setenv("LINGYM_CACHE", str(tmp_path / "another"))
    with pytest.raises(ValueError, match="did not begin the run"):
        check_own(mine, said)
    assert (cache_folder() / "key").is_file()


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of somebody else's, that was stopped at a checkpoint and has a log."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINGYM_CACHE", str(tmp_path / "theirs"))
    words = f"train --corpus {CORPUS} --encoder tiny --agent reinforce --episodes 32 --out run"
    calls = iter([None, None, signal.SIGTERM])
    monkeypatch.setattr(Stop, "__call__", lambda stop: next(calls, signal.SIGTERM))
    with pytest.raises(SystemExit):
        parse([*words.split(), "--rollout", "8", "--checkpoint-minutes", "0"]).run()
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINGYM_CACHE", str(tmp_path / "mine"))
    assert checkpoints(tmp_path / "run" / "checkpoints")
    return tmp_path / "run"


def test_a_run_of_somebody_elses_goes_on_where_it_is_data(foreign: Path) -> None:
    main_error(f"train --resume {foreign}")
    assert (foreign / "metrics.json").is_file()


@pytest.mark.parametrize("what", ["checkpoints", "tensorboard"])
def test_a_foreign_runs_links_lead_nowhere(foreign: Path, tmp_path: Path, what: str) -> None:
    """Old checkpoints, and the end of a log, are removed when a run goes on."""
    victim = tmp_path / "victim"
    (foreign / what).rename(victim)
    (foreign / what).symlink_to(victim)
    before = sorted(victim.rglob("*"))
    with pytest.raises(ValueError, match="is a link that leads out of"):
        main_error(f"train --resume {foreign}")
    assert sorted(victim.rglob("*")) == before


def forge(run: Path, **entries: dict[str, Any]) -> None:
    """Change the states of a run's checkpoints, and what is told of their hashes."""
    for folder in checkpoints(run / "checkpoints"):
        state = json.loads((folder / "state.json").read_text())
        for name, values in entries.items():
            state[name] |= values
        (folder / "state.json").write_text(json.dumps(state))
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["files"]["state.json"] = {
            "sha256": sha256_of(folder / "state.json"),
            "bytes": (folder / "state.json").stat().st_size,
        }
        (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("name", ["tensorboard_log", "_custom_logger", "policy_kwargs", "env"])
def test_a_checkpoint_sets_nothing_that_an_agent_makes_itself(foreign: Path, name: str) -> None:
    forge(foreign, agent={name: "/elsewhere"})
    with pytest.raises(ValueError, match=f"the state holds {name}, which no agent writes"):
        main_error(f"train --resume {foreign}")


@pytest.mark.parametrize("named", ["../../victim", "absolute", "..", "linked"])
def test_a_checkpoint_names_no_log_elsewhere(foreign: Path, tmp_path: Path, named: str) -> None:
    """The end of the log is cut off, in the folder of the log and in no other."""
    victim = tmp_path / "victim"
    victim.mkdir()
    kept = victim / "events.out.tfevents.1"
    kept.write_text("years of work")
    (own,) = (foreign / "tensorboard").iterdir()
    if named == "linked":
        own.rename(foreign / "tensorboard" / "real")
        own.symlink_to("real")
        victim, kept = (
            foreign / "tensorboard" / "real",
            next((foreign / "tensorboard" / "real").iterdir()),
        )
    before = kept.read_bytes()
    place = {"absolute": str(victim), "linked": own.name}.get(named, named)
    forge(foreign, log={"folder": place, "files": {}})
    with pytest.raises(ValueError, match=r"is no plain name|is a link"):
        main_error(f"train --resume {foreign}")
    assert kept.read_bytes() == before


@pytest.mark.parametrize(
    "options", [{"disk": {"on_disk": "{0}"}}, {"tuning": {"feature_cache": "{0}"}}]
)
def test_a_foreign_run_writes_nowhere_else(
    foreign: Path, tmp_path: Path, options: dict[str, Any]
) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    group, given = next(iter(options.items()))
    named = {name: value.format(victim) for name, value in given.items()}
    said = json.loads((foreign / "config.json").read_text())
    change(foreign, arguments={group: {**said["arguments"][group], **named}})
    with pytest.raises(ValueError, match=r"the run writes to .*victim .*did not begin the run"):
        main_error(f"train --resume {foreign}")
    assert not any(victim.iterdir())
