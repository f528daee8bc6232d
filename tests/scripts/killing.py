"""Runs of `lingym train` in processes of their own, which are killed and go on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

SHARED = (
    "--task tagging --corpus synthetic:commands?train=48&dev=12&test=12 --encoder tiny "
    "--rollout 16 --batch-size 8 --episodes 96 --eval-every 32 --device cpu --checkpoint-minutes 0"
)
AGENTS = {
    "supervised": "--agent supervised --r-drop 0.5",
    "ppo": "--agent ppo --kl-coef 0.1 --n-epochs 2 --samples 2",
    "reinforce": "--agent reinforce --samples 2 --baseline mean",
    "delay": "--agent reinforce --samples 2 --feedback-delay 20 --kl-coef 0.1",
    "dropout": "--agent reinforce --samples 2 --dropout --dropout-rate 0.1..0.3",
    "expected_reward": "--agent expected_reward --reward accuracy --kl-coef 0.1",
    "minimum_risk": "--agent minimum_risk --samples 2",
    "preference": "--agent preference --comparisons 2 --samples 2 --reward preference(accuracy)",
}
TIMES = ("seconds", "steps_per_second", "peak_memory_mb")


def words(agent: str, out: Path) -> list[str]:
    """The command of a run."""
    return ["train", "--out", str(out), *SHARED.split(), *AGENTS[agent].split()]


def started(command: list[str]) -> "subprocess.Popen[str]":
    """A process that runs a command."""
    return subprocess.Popen(
        [sys.executable, "-m", "lingym.scripts.cli", *command],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def next_command(agent: str, out: Path) -> list[str]:
    """What a person would type next."""
    begun = (out / "config.json").exists()
    return ["train", "--resume", str(out)] if begun else words(agent, out)


def killed_after(command: list[str], seconds: float) -> bool:
    """Whether a process was killed so many seconds after it began; else it had ended, well."""
    process = started(command)
    try:
        told, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return True
    assert process.returncode == 0, told
    return False


def finished(command: list[str]) -> str:
    """What a process that ends by itself says."""
    process = started(command)
    told, _ = process.communicate(timeout=300)
    assert process.returncode == 0, told
    return told


def wait_for(found: Path, process: "subprocess.Popen[str]") -> None:
    """Wait until a path is there."""
    until = time.monotonic() + 120
    while not found.exists():
        assert process.poll() is None and time.monotonic() < until, process.stdout
        time.sleep(0.005)


def outcome(out: Path) -> dict[str, Any]:
    """All of a run that must be the same: weights by their bytes, metrics, reward, and the log."""
    model = {
        file.relative_to(out).as_posix(): file.read_bytes()
        for file in sorted((out / "model").rglob("*"))
        if file.is_file()
    }
    log: dict[str, Any] = {}
    for folder in sorted((out / "tensorboard").iterdir()):
        read = EventAccumulator(str(folder), size_guidance={"scalars": 0})
        read.Reload()
        log[folder.name] = {
            tag: [(event.step, repr(event.value)) for event in read.Scalars(tag)]  # NaN is NaN
            for tag in read.Tags()["scalars"]
            if tag != "time/fps"
        }
    reward = out / "reward.json"
    return {
        "model": model,
        "metrics": timeless(json.loads((out / "metrics.json").read_text())),
        "reward": reward.read_text() if reward.exists() else None,
        "log": log,
        "left": sorted(each.name for each in out.iterdir()),
    }


def timeless(value: Any) -> Any:
    """JSON values without those that time makes."""
    if isinstance(value, dict):
        return {name: timeless(each) for name, each in value.items() if name not in TIMES}
    return [timeless(each) for each in value] if isinstance(value, list) else value
