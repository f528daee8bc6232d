"""Long runs: nothing grows and nothing stays open; and a soak tells where something does."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lingym.agents import Supervised
from lingym.envs import LabelVectorEnv, Tagging, build, load_corpus
from lingym.scripts.bench_disk import DiskBench, measured
from lingym.scripts.bench_soak import Soak, judged, soak, watched
from lingym.scripts.cli import parse
from lingym.scripts.memory import held
from lingym.scripts.training import train

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="wants Linux")


def grown(own: float, files: int, number: int) -> Iterator[int]:
    """An activity that keeps so many MiB and files each time."""
    kept: list[bytearray] = []
    opened: list[int] = []
    for over in range(1, number + 1):
        kept.append(bytearray(os.urandom(int(own * 2**20)) if own else b""))
        opened += [os.dup(0) for _ in range(files)]
        yield over
    for file in opened:
        os.close(file)


def test_what_grows_is_found() -> None:
    arguments = Soak(episodes=10, samples=10)
    assert not watched(arguments, grown(0, 0, 10))["faults"]
    (fault,) = watched(arguments, grown(4, 0, 10))["faults"]
    assert fault.startswith("memory rose by")
    (fault,) = watched(arguments, grown(0, 1, 10))["faults"]
    assert fault.startswith("files: ")


def test_a_thread_and_a_file_that_stay_are_found() -> None:
    now = held()
    arguments = Soak(episodes=10, samples=10)
    more = dataclasses.replace(now, files=now.files + 1, threads=now.threads + 1)
    samples = [(n, now if n < 10 else more) for n in range(1, 11)]
    assert len(judged(arguments, samples, now, more)["faults"]) == 3


def test_a_short_soak(capsys: pytest.CaptureFixture[str]) -> None:
    soak(Soak(episodes=2000, samples=10))
    said = capsys.readouterr().out
    assert "corpus_f1: 2," in said and "a second" in said
    with pytest.raises(ValueError, match="samples"):
        soak(Soak(episodes=5))


@pytest.mark.slow
@pytest.mark.parametrize("what", ["step", "supervised", "ppo", "reinforce"])
def test_a_longer_soak(what: str) -> None:
    if "LINGYM_SOAK" not in os.environ:
        pytest.skip("many minutes: `make test-slow`, or LINGYM_SOAK=20000")
    episodes = int(os.environ["LINGYM_SOAK"]) * (10 if what == "step" else 1)
    for report in soak(Soak(episodes=episodes, what=(what,))):  # type: ignore[arg-type]
        assert not report["faults"]


def test_the_bench_of_the_disk(tmp_path: Path) -> None:
    figures = measured(DiskBench(sentences=60, copies=3, batches=3, folder=tmp_path))
    assert figures["opened_sentences"] == 180
    assert figures["open_batches_per_second"] > 0
    assert not list(tmp_path.iterdir()), "the index was left behind"


def test_a_learner_that_goes_on_keeps_one_log_open(tmp_path: Path) -> None:
    dataset = build(Tagging(), load_corpus("synthetic:commands?train=8&dev=0&test=0"))
    agent = Supervised(
        "LabelPolicy",
        LabelVectorEnv(dataset=dataset),
        n_steps=4,
        policy_kwargs={"encoder": "tiny"},
        tensorboard_log=str(tmp_path),
        device="cpu",
    )
    agent.learn(total_episodes=4)
    before = held()
    for _ in range(3):
        agent.learn(total_episodes=4, reset_num_timesteps=False)
    after = held()
    assert (after.files, after.threads) == (before.files, before.threads)
    agent.logger.close()
    assert held().threads < before.threads


def test_a_run_that_ends_by_an_error_keeps_no_log_open(tmp_path: Path) -> None:
    def stop(_: object) -> None:
        raise KeyError("pruned")

    words = f"--out {tmp_path}/A --corpus synthetic:commands?train=8&dev=2&test=0 --encoder tiny"
    for name in ("first", "second"):  # the first starts threads that stay
        before = held()
        arguments: Any = parse(["train", *words.replace("A", name).split(), "--device", "cpu"])
        with pytest.raises(KeyError, match="pruned"):
            train(arguments, watch=stop)
    assert (held().files, held().threads) == (before.files, before.threads)
