"""`lingym train --on-disk`: what is learned is what memory would have taught, bit for bit."""

import json
from pathlib import Path
from typing import Any

import pytest

from lingym.scripts.cli import parse
from lingym.scripts.training import train

COMMON = ["--encoder", "tiny", "--episodes", "8", "--batch-size", "4", "--rollout", "4"]
COMMON += ["--threads", "1", "--device", "cpu", "--eval-every", "8"]
DATA = {
    "tagging": "synthetic:commands",
    "multilabel": "synthetic:emotions",
    "spanqa": "synthetic:questions",
    "relation": "synthetic:relations",
    "summary": "synthetic:abstracts",
}
SIZES = "train=12&dev=2&test=2"
MIX = """
[slots]
task = "tagging"
corpus = "synthetic:commands?train=12&dev=2&test=2"

[mood]
task = "classification"
labels = "intent"
corpus = "synthetic:commands?train=9&dev=2&test=2&seed=1"
"""


def run(out: Path, task: str, agent: str, *more: str) -> dict[str, Any]:
    """What a run measured, and its model's bytes."""
    words = ["train", "--out", str(out), "--task", task, "--agent", agent]
    if task in DATA:
        words += ["--corpus", f"{DATA[task]}?{SIZES}"]
    arguments: Any = parse([*words, *COMMON, *more])
    arguments.check()
    metrics = train(arguments)
    model = {file.name: file.read_bytes() for file in (out / "model").iterdir() if file.is_file()}
    for point in (metrics["training"], *metrics["curve"]):
        for name in ("seconds", "steps_per_second", "peak_memory_mb"):
            point.pop(name, None)
    return {"metrics": json.loads(json.dumps(metrics, default=str)), "model": model}


@pytest.mark.parametrize(
    ("task", "agent", "more"),
    [
        ("tagging", "supervised", ("--class-weights", "balanced")),
        ("tagging", "ppo", ("--train-limit", "6")),
        ("multilabel", "reinforce", ()),
        ("spanqa", "reinforce", ()),
        ("relation", "expected_reward", ()),
        ("summary", "minimum_risk", ()),
        ("tagging", "reinforce", ("--reward", "one_score(accuracy)")),
    ],
)
def test_the_same_is_learned(task: str, agent: str, more: tuple[str, ...], tmp_path: Path) -> None:
    held = run(tmp_path / "held", task, agent, *more)
    disk = ("--on-disk", str(tmp_path / "indices"))
    assert run(tmp_path / "stored", task, agent, *more, *disk) == held
    if agent == "supervised":  # by a later run that opens what the first has read
        assert run(tmp_path / "opened", task, agent, *more, *disk) == held


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--limit-seed", "1"], "--limit-seed"),
        (["--augment", "delete(0.1)"], "--augment"),
        (["--few-shot", "2", "--task", "classification"], "--few-shot"),
    ],
)
def test_what_wants_all_texts_is_refused(more: list[str], said: str, tmp_path: Path) -> None:
    words = ["train", "--out", str(tmp_path / "run"), "--on-disk", str(tmp_path), *more]
    arguments: Any = parse(words)
    with pytest.raises(ValueError, match=f"{said} .*leave out --on-disk"):
        arguments.check()


def test_a_mix_of_tasks(tmp_path: Path) -> None:
    mix = tmp_path / "mix.toml"
    mix.write_text(MIX, encoding="utf-8")
    more = ("--mix", str(mix))
    held = run(tmp_path / "held", "multitask", "supervised", *more)
    disk = ("--on-disk", str(tmp_path / "indices"))
    for name in ("stored", "opened"):
        assert run(tmp_path / name, "multitask", "supervised", *more, *disk) == held
