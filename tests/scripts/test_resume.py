"""`lingym train --resume`: what it takes, what it refuses, and how a run that stops says so."""

import errno
import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from lingym.agents import checkpoint, labeller
from lingym.scripts.alone import alone
from lingym.scripts.cli import main
from lingym.scripts.going_on import can_go_on
from lingym.scripts.resume import options_of, read_config
from lingym.scripts.run_files import changed, files_of
from lingym.scripts.signals import Stop
from lingym.scripts.sweep import run_once
from lingym.scripts.train import Train
from tests.scripts.killing import outcome

LITTLE = (
    "--corpus synthetic:commands?train=24&dev=8&test=8 --encoder tiny --agent supervised "
    "--rollout 8 --batch-size 8 --device cpu --checkpoint-every 8"
)


def refused(command: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(command.split())
    return str(ended.value)


@pytest.fixture
def stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Path:
    """A run whose disk was full from its third checkpoint on."""
    real: Any = checkpoint.save_file
    written: list[int] = []

    def full(*arguments: Any) -> None:
        written.append(1)
        if len(written) > 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save_file", full)
        said = refused(f"train --out {tmp_path / 'run'} {LITTLE} --episodes 32")
    assert "the run stops after 24 texts, because its checkpoint could not be written" in said
    assert "No space left on device" in said
    assert f"the checkpoint {tmp_path / 'run' / 'checkpoints' / '16'} stands" in said
    assert f"go on with: lingym train --resume {tmp_path / 'run'}" in capsys.readouterr().err
    return tmp_path / "run"


def test_a_full_disk_stops_the_run_with_words_and_it_goes_on(
    stopped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["train", f"--resume={stopped}"])
    assert f"{stopped} goes on from text 16" in capsys.readouterr().err
    whole = stopped.with_name("whole")
    main(f"train --out {whole} {LITTLE} --episodes 32".split())
    assert outcome(stopped) == outcome(whole)
    assert "has ended: its metrics.json is there" in refused(f"train --resume {stopped}")


def test_a_run_without_a_checkpoint_whose_model_found_no_room_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise Exception("No space left on device (os error 28)")  # the tokenizers library's own

    few = LITTLE.replace("--checkpoint-every 8", "--episodes 16")
    run, whole = tmp_path / "run", tmp_path / "whole"
    with monkeypatch.context() as patch:
        patch.setattr(labeller, "save_policy", full)
        said = refused(f"train --out {run} {few}")
    assert f"{run / 'model'} could not be written: No space left on device" in said
    assert f"go on with: lingym train --resume {run}" in capsys.readouterr().err
    main(["train", "--resume", str(run)])
    assert f"{run} has no checkpoint yet: it begins anew" in capsys.readouterr().err
    main(f"train --out {whole} {few}".split())
    assert outcome(run) == outcome(whole)


def test_a_torn_checkpoint_is_told_and_the_one_before_used(
    stopped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (stopped / "checkpoints" / "16" / "state.json").write_text("{")
    main(["train", "--resume", str(stopped)])
    told = capsys.readouterr().err
    assert "16 is torn: state.json is not what was written: the one before it is looked" in told
    assert "goes on from text 8" in told
    assert not (stopped / "checkpoints").exists()


def test_what_cannot_go_on_is_refused(stopped: Path, tmp_path: Path) -> None:
    assert "leave out --seed 2" in refused(f"train --resume {stopped} --seed 2")
    assert "takes all options from RUN/config.json" in refused("train --resume")
    assert "holds no run that has begun" in refused(f"train --resume {tmp_path}")
    assert f"there is no folder {tmp_path}/none:" in refused(f"train --resume {tmp_path}/none")
    config = stopped / "config.json"
    saved = json.loads(config.read_text())
    config.write_text(json.dumps({**saved, "python": "other"}))
    assert "is of another run, or the run's config.json was changed" in refused(
        f"train --resume {stopped}"
    )
    config.write_text(json.dumps({**saved, "arguments": {**saved["arguments"], "sede": 1}}))
    assert "has an option that this lingym has not: sede" in refused(f"train --resume {stopped}")
    config.write_text("{}")
    assert "is not what a run of this lingym wrote" in refused(f"train --resume {stopped}")
    message = "--resume takes all options from the run: leave out the others"
    with pytest.raises(ValueError, match=message):
        Train(
            out=tmp_path, saving=options_of({"resume": "x"}, type(Train(tmp_path).saving))
        ).check()


def test_only_one_process_goes_on_with_a_run(stopped: Path, tmp_path: Path) -> None:
    told = "is being worked on by another process"
    with alone(stopped):
        assert told in refused(f"train --resume {stopped}")
    assert (stopped / "checkpoints" / "16").is_dir()
    (tmp_path / "new").mkdir()
    with alone(tmp_path / "new"):
        assert told in refused(f"train --out {tmp_path / 'new'} {LITTLE} --episodes 8")
    assert not (tmp_path / "new" / "config.json").exists()
    with alone(stopped):  # the refused ones hold nothing
        pass


def test_a_run_of_a_sweep_goes_on_where_files_and_versions_are_the_same(
    stopped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = read_config(stopped)
    arguments = options_of(config["arguments"])
    assert can_go_on(arguments, config)
    assert not can_go_on(arguments, {**config, "files": {"gone.conll": "0"}})
    assert not can_go_on(arguments, {**config, "versions": {**config["versions"], "torch": "0"}})
    with alone(stopped), pytest.raises(ValueError, match="is being worked on by another process"):
        run_once(arguments)
    metrics = run_once(arguments)
    told = capsys.readouterr().err
    assert f"{stopped} was broken off: it goes on" in told and "goes on from text 16" in told
    assert metrics == json.loads((stopped / "metrics.json").read_text())
    whole = stopped.with_name("whole")
    main(f"train --out {whole} {LITTLE} --episodes 32".split())
    assert outcome(stopped) == outcome(whole)


def test_what_moved_and_what_is_newer_is_told(
    stopped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = stopped / "config.json"
    saved = json.loads(config.read_text())
    gone = {**saved, "folder": "/gone", "files": {"data.conll": "0"}}
    config.write_text(json.dumps(gone))
    told = refused(f"train --resume {stopped}")
    assert f"{stopped} cannot go on as it began: data.conll is gone since then" in told
    assert "The run began in /gone, which is gone: go on from where its paths hold" in told
    config.write_text(json.dumps({**saved, "versions": {**saved["versions"], "torch": "0.1"}}))
    refused(f"train --resume {stopped}")
    told = capsys.readouterr().err
    assert "the run began with torch 0.1, and goes on with torch " in told
    assert "lingym" not in told.partition("what is learned may differ")[0]


def test_files_are_those_that_the_run_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data.conll").write_text("a B-x\n\n")
    (tmp_path / "own.py").write_text("def mine(labelings): ...\n")
    (tmp_path / "warm" / "model").mkdir(parents=True)
    (tmp_path / "warm" / "model" / "weights").write_text("1")
    (tmp_path / "mix.toml").write_text('[a]\ntask = "tagging"\ntrain = "data.conll"\n')
    run = Train(
        out=tmp_path / "run",
        train=str(tmp_path / "data.conll"),
        reward=f"{tmp_path / 'own.py'}:mine",
        warm_start=tmp_path / "warm",
    )
    files = files_of(run)
    assert {Path(name).name for name in files} == {"data.conll", "own.py", "weights"}
    assert changed(files) == []
    mixed = options_of({"out": "x", "options": {"mix": str(tmp_path / "mix.toml")}})
    assert {Path(name).name for name in files_of(mixed)} == {"mix.toml", "data.conll"}
    (tmp_path / "data.conll").write_text("a B-y\n\n")
    (tmp_path / "own.py").unlink()
    told = changed(files)
    assert len(told) == 2
    assert f"{tmp_path / 'data.conll'} was changed" in told
    assert f"{tmp_path / 'own.py'} is gone" in told


def test_files_without_an_ending_are_theirs_and_an_index_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts").write_text("a B-x\n\n")
    for folder in ("encoder", "index", "tiny"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.bin").write_text("1")
    run = Train(
        *(Path("run"), "tagging", None, "texts"),
        encoder="encoder",
        disk=options_of({"on_disk": "index"}, type(Train(Path("run")).disk)),
    )
    assert set(files_of(run)) == {"texts", "encoder/a.bin"}
    assert files_of(Train(Path("run"), encoder="tiny")) == {}


def test_a_folder_that_may_not_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    def no_folder(path: Path, *_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", no_folder)
        said = refused(f"train --out {tmp_path / 'run'} {LITTLE} --episodes 32")
    assert said == f"lingym: error: {tmp_path / 'run'}: Read-only file system"
    monkeypatch.setattr(os, "replace", read_only)
    said = refused(f"train --out {tmp_path / 'run'} {LITTLE} --episodes 32")
    assert "config.json could not be written: Read-only file system" in said


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_saves_and_says_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], number: int, code: int
) -> None:
    out = tmp_path / "run"
    before = signal.getsignal(number)

    def send() -> None:
        while not (out / "checkpoints").exists():
            time.sleep(0.005)
        os.kill(os.getpid(), number)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    with pytest.raises(SystemExit) as ended:
        main(f"train --out {out} {LITTLE} --episodes 40000".split())
    sender.join()
    told = capsys.readouterr().err
    assert ended.value.code == code, told
    assert "asked to stop: a checkpoint is written when this rollout is over" in told
    assert f"go on with: lingym train --resume {out}" in told
    assert (out / "checkpoints").is_dir() and not (out / "metrics.json").exists()
    assert signal.getsignal(number) == before


def test_a_signal_that_comes_as_its_stream_is_written_to_stops_the_run() -> None:
    def busy(line: str) -> None:
        raise RuntimeError("reentrant call inside <_io.BufferedWriter name='<stderr>'>")

    stop = Stop(busy)
    with stop.listening(), stop.waiting():
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop() == signal.SIGTERM


def test_a_second_signal_ends_at_once_and_so_does_one_before_learning() -> None:
    stop = Stop()
    with stop.listening():
        with pytest.raises(SystemExit) as ended:
            os.kill(os.getpid(), signal.SIGTERM)
        assert ended.value.code == 143 and stop() is None
        with stop.waiting():
            os.kill(os.getpid(), signal.SIGINT)
            assert stop() == signal.SIGINT
            with pytest.raises(SystemExit) as ended:
                os.kill(os.getpid(), signal.SIGINT)
    assert ended.value.code == 130
