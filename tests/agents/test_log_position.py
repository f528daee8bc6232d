"""The log of a run that goes on: cut back, told where it is lost, and none where there is none."""

import re
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lingym.agents import Supervised
from lingym.agents.checkpoints import Checkpoints
from lingym.envs import Dataset, LabelVectorEnv


def make(data: Dataset, log: Path | None) -> Supervised:
    env = LabelVectorEnv(dataset=data)
    encoder = {"encoder": "tiny"}
    folder = None if log is None else str(log)
    own = {"n_steps": 8, "policy_kwargs": encoder, "seed": 1, "device": "cpu"}
    return Supervised("LabelPolicy", env, tensorboard_log=folder, **own)  # type: ignore[arg-type]


def test_a_lost_log_is_told_with_the_way_out(
    commands: Callable[..., Dataset], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data, log = commands("tagging"), tmp_path / "log"
    kept = Checkpoints(tmp_path / "kept", None, every=8)
    make(data, log).learn(total_episodes=24, callback=kept)
    (events,) = (log / "Supervised_1").iterdir()
    events.write_bytes(b"")
    with pytest.raises(ValueError, match=r"0 bytes of \d+: .* remove .*Supervised_1 to go"):
        make(data, log).learn(resume=kept.last())
    shutil.rmtree(log / "Supervised_1")
    agent = make(data, log).learn(resume=kept.last())
    agent.logger.close()
    assert agent.num_episodes == 24
    assert "Supervised_1 is gone: the log begins where the run goes on" in caplog.text
    assert len(list((log / "Supervised_1").iterdir())) == 1


def test_an_agent_without_a_log_leaves_no_folder(
    commands: Callable[..., Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    agent = make(commands("tagging"), None)
    agent.learn(total_episodes=8)
    agent.learn(total_episodes=8, reset_num_timesteps=False)
    assert agent.logger.dir is None and not list(tmp_path.iterdir())


def written_after(ahead: int, data: Dataset, tmp_path: Path) -> tuple[list[str], str]:
    """Go on with a log whose file was made ``ahead`` seconds from now; names in order, and it."""
    log = tmp_path / "log"
    kept = Checkpoints(tmp_path / "kept", None, every=8)
    make(data, log).learn(total_episodes=16, callback=kept)
    (events,) = (log / "Supervised_1").iterdir()
    # By its name alone, the file would be read behind any other of its second.
    first = events.rename(events.with_name(f"events.out.tfevents.{int(time.time()) + ahead}.~.9.9"))
    state = kept.last()
    assert state is not None
    state["log"]["files"] = {first.name: state["log"]["files"][events.name]}
    make(data, log).learn(resume=state)
    return sorted(each.name for each in first.parent.iterdir()), first.name


def test_a_log_that_goes_on_within_one_second_is_read_in_order(
    commands: Callable[..., Dataset], tmp_path: Path
) -> None:
    names, first = written_after(0, commands("tagging"), tmp_path)
    assert len(names) == 2 and names[0] == first


def test_a_clock_that_stands_behind_the_log_is_told(
    commands: Callable[..., Dataset], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    names, first = written_after(3600, commands("tagging"), tmp_path)
    assert len(names) == 2 and names[1] == first
    assert re.search(r"begun 3(600|59\d) s after this machine's time", caplog.text)
