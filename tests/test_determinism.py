"""One seed, one result, whatever the process is; and the process's random states are left alone."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from lingym.agents import PPO, Labeller, OnlineLearner
from lingym.agents.run_state import flat, global_noise
from lingym.envs import Dataset, LabelEnv, LabelVectorEnv
from lingym.files import sha256_of
from lingym.scripts.cli import main
from lingym.scripts.options_determinism import WORKSPACE, Determinism, in_one_order
from lingym.scripts.train import Train
from tests.agents.test_resume import CASES, make
from tests.determined import commands as little_commands
from tests.determined import weights_of

IMPORTS = """
import importlib, pkgutil, random, sys
import numpy, torch
def now():
    numbers = numpy.random.get_state()
    return [random.getstate(), numbers[1].tolist(), numbers[2:], torch.get_rng_state().tolist()]
before = now()
import lingym
names = [each.name for each in pkgutil.walk_packages(lingym.__path__, "lingym.")]
for name in names:
    importlib.import_module(name)
assert len(names) > 300, len(names)
assert now() == before
assert not torch.cuda.is_initialized()
"""


def started(*words: str, hashes: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hashes, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *words],
        env=environment,
        cwd=Path(__file__).parents[1],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def ended(process: subprocess.Popen[str]) -> str:
    said, wrong = process.communicate(timeout=300)
    assert process.returncode == 0, wrong
    return said


def states() -> dict[str, torch.Tensor]:
    """The random states of this process."""
    tensors, values = flat(global_noise(torch.device("cpu")))
    text = repr(values).encode()
    return {**tensors, "values": torch.frombuffer(bytearray(text), dtype=torch.uint8)}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)


def test_processes_and_orders_of_sets_change_nothing() -> None:
    runs = [started("-m", "tests.determined", hashes=each) for each in ("0", "4711")]
    one, other = (json.loads(ended(run)) for run in runs)
    assert one.keys() > CASES.keys()
    assert len({json.dumps(each) for each in one.values()}) == len(one)  # each learned its own
    assert one == other


def test_imports_leave_random_states_alone() -> None:
    ended(started("-c", IMPORTS, hashes="0"))


def test_this_file_sees_a_change() -> None:
    before = states()
    assert same(before, states())
    for draw in (random.random, np.random.random, lambda: torch.rand(1)):
        now = states()
        draw()
        assert not same(now, states())


@pytest.mark.parametrize("case", CASES)
def test_making_saving_and_training_an_agent_leave_random_states_alone(
    case: str, tmp_path: Path
) -> None:
    data = little_commands()
    before = states()
    agent, _ = make(case, data, tmp_path / "log")
    assert same(before, states())
    agent.set_random_seed(5)
    agent.set_reference()
    agent.learn(total_episodes=12)
    agent.save(tmp_path / "agent.zip")
    type(agent).load(tmp_path / "agent.zip", env=agent.env)
    assert same(before, states())


def test_so_do_environments_labellers_and_what_learns_online(
    commands_of: Dataset, tmp_path: Path
) -> None:
    before = states()
    env = LabelEnv(dataset=commands_of)
    env.reset(seed=3)
    env.action_space.seed(3)
    env.step(env.action_space.sample())
    rows = LabelVectorEnv(dataset=commands_of, num_envs=2, reward="noisy(accuracy, p=0.2)")
    rows.reset(seed=3)
    agent = PPO("LabelPolicy", rows, policy_kwargs={"encoder": "tiny"}, device="cpu", seed=None)
    labeller = Labeller(agent.policy, "tagging", commands_of.tokenizer, 64)
    labeller.save(tmp_path / "model")
    loaded = Labeller.load(tmp_path / "model", "cpu")
    OnlineLearner(loaded).label(["turn the light on"])
    assert same(before, states())
    assert weights_of(loaded.policy) == weights_of(agent.policy)


def test_an_agent_without_a_seed_is_another_each_time(commands_of: Dataset) -> None:
    def made() -> str:
        torch.manual_seed(0)
        env = LabelVectorEnv(dataset=commands_of)
        kwargs = {"encoder": "tiny"}
        return weights_of(PPO("LabelPolicy", env, policy_kwargs=kwargs, device="cpu").policy)

    assert made() != made()


@pytest.mark.parametrize("case", ["supervised-robust", "reinforce-dropout"])
def test_what_the_program_draws_changes_nothing(
    case: str, commands_of: Dataset, tmp_path: Path
) -> None:
    def learned(disturb: Callable[[], object]) -> str:
        disturb()
        agent, _ = make(case, commands_of, tmp_path / "log")
        disturb()
        agent.learn(total_episodes=12)
        disturb()
        agent.learn(total_episodes=12, reset_num_timesteps=False)
        return weights_of(agent.policy)

    once = learned(lambda: None)
    assert learned(lambda: (torch.rand(7), random.random(), np.random.random())) == once  # noqa: NPY002
    other, _ = make(case, commands_of, tmp_path / "log", seed=4)
    other.learn(total_episodes=12)
    other.learn(total_episodes=12, reset_num_timesteps=False)
    assert weights_of(other.policy) != once


def test_two_agents_learn_side_by_side_as_each_would_alone(
    commands_of: Dataset, tmp_path: Path
) -> None:
    alone, _ = make("supervised", commands_of, tmp_path)
    alone.learn(total_episodes=12)
    one, _ = make("supervised", commands_of, tmp_path)
    other, _ = make("supervised", commands_of, tmp_path, seed=8)
    other.learn(total_episodes=12)
    one.learn(total_episodes=12)
    assert weights_of(one.policy) == weights_of(alone.policy) != weights_of(other.policy)


LITTLE = (
    "--corpus synthetic:commands?train=24&dev=8&test=8 --encoder tiny --rollout 8 --batch-size 8 "
    "--episodes 16 --seed 3"
)


def run_of(out: Path, *more: str) -> dict[str, str]:
    """A run of the command line: its weights and its measurements."""
    before = torch.are_deterministic_algorithms_enabled()
    main(["train", "--out", str(out), *LITTLE.split(), *more])
    assert torch.are_deterministic_algorithms_enabled() == before
    metrics = json.loads((out / "metrics.json").read_text())
    config = json.loads((out / "config.json").read_text())
    assert config["arguments"]["determinism"] == {"deterministic": "--deterministic" in more}
    curve = [point["metrics"] for point in metrics["curve"]]
    return {
        "weights": sha256_of(out / "model" / "model.safetensors"),
        "heads": sha256_of(out / "model" / "policy.safetensors"),
        "measured": json.dumps([metrics["dev"], metrics["test"], curve]),
    }


@pytest.mark.parametrize("agent", ["supervised", "ppo"])
def test_the_switch_changes_nothing_on_a_cpu(
    agent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(WORKSPACE, raising=False)
    more = ("--agent", agent, "--device", "cpu")
    plain = run_of(tmp_path / "plain", *more)
    assert WORKSPACE not in os.environ
    assert run_of(tmp_path / "switched", *more, "--deterministic") == plain
    assert os.environ.pop(WORKSPACE) == ":4096:8"


def test_the_switch_is_on_for_the_length_of_a_run_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WORKSPACE, ":16:8")
    seen = []

    @in_one_order
    def run(arguments: Train) -> None:
        seen.append(torch.are_deterministic_algorithms_enabled())
        raise OSError(str(arguments.out))

    for wanted in (True, False):
        own = Train(out=Path("run"), determinism=Determinism(deterministic=wanted))
        with pytest.raises(OSError, match="run"):
            run(own)
    assert seen == [True, False] and not torch.are_deterministic_algorithms_enabled()


def test_a_setting_that_stands_against_the_switch_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(WORKSPACE, ":0:0")
    with pytest.raises(ValueError, match="--deterministic needs CUBLAS_WORKSPACE_CONFIG=:4096:8 "):
        Train(out=Path("run"), determinism=Determinism(deterministic=True)).check()
    Train(out=Path("run")).check()


@pytest.mark.gpu
@pytest.mark.parametrize("agent", ["supervised", "ppo", "reinforce", "expected_reward"])
def test_two_runs_on_a_gpu_are_equal_to_the_bit(agent: str, tmp_path: Path) -> None:
    more = ("--agent", agent, "--device", "cuda", "--deterministic")
    assert run_of(tmp_path / "one", *more) == run_of(tmp_path / "other", *more)


@pytest.fixture(scope="module")
def commands_of() -> Dataset:
    """A few generated commands."""
    return little_commands()
