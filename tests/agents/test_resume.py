"""Every agent goes on, to the bit, where it was stopped: weights, optimiser, log, reward."""

import copy
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import lingym.agents
from lingym.agents import (
    PPO,
    REINFORCE,
    Consolidation,
    ExpectedReward,
    MinimumRisk,
    PreferenceLearning,
    Robustness,
    Supervised,
)
from lingym.agents.callbacks import DevCallback
from lingym.agents.checkpoints import Checkpoints, RunStopped
from lingym.agents.delay import LateFeedback
from lingym.agents.episodic import EpisodicAlgorithm
from lingym.agents.one_update import OneUpdate
from lingym.agents.resumable import _in, _out
from lingym.agents.run_state import flat
from lingym.envs import Dataset, LabelVectorEnv

JUDGE = "preference(accuracy)"
ROBUST = Robustness(
    adversarial="freelb", r_drop=0.5, dropout_rate=(0.1, 0.3), weight_decay_end=0.1, l2_start=0.1
)
CASES: dict[str, tuple[type[EpisodicAlgorithm], str, dict[str, Any]]] = {
    "supervised": (Supervised, "accuracy", {"class_weights": "sqrt"}),
    "supervised-robust": (Supervised, "accuracy", {"robust": ROBUST}),
    "ppo": (PPO, "normalized(entity_f1)", {"kl_coef": 0.1, "samples": 2}),
    "ppo-dropout": (
        PPO,
        "noisy(bandit, p=0.2)",
        {"dropout": True, "baseline": "group", "samples": 2},
    ),
    "reinforce-mean": (REINFORCE, "corpus_f1(half_life=50)", {"baseline": "mean"}),
    "reinforce-delay": (REINFORCE, "accuracy", {"feedback_delay": 20, "kl_coef": 0.1}),
    "reinforce-dropout": (REINFORCE, "accuracy", {"dropout": True, "robust": ROBUST}),
    "expected": (ExpectedReward, "accuracy", {"kl_coef": 0.1, "dropout": True}),
    "minimum-risk": (MinimumRisk, "constrained(accuracy, entity_f1, at_least=0.5)", {}),
    "preference": (PreferenceLearning, JUDGE, {"comparisons": 2, "model_updates": 2}),
}
ABSTRACT = {OneUpdate, LateFeedback}


def below(kind: type) -> set[type]:
    return {each for sub in kind.__subclasses__() for each in {sub, *below(sub)}}


def test_every_agent_of_the_library_has_a_case() -> None:
    ours = {kind for kind in below(EpisodicAlgorithm) if kind.__module__.startswith("lingym.")}
    public = {getattr(lingym.agents, name) for name in lingym.agents.__all__}
    assert ours - ABSTRACT == {kind for kind, _, _ in CASES.values()}
    assert {kind for kind in ours if kind in public} == ours - ABSTRACT


def scalars(folder: Path) -> dict[str, list[tuple[int, str]]]:
    """What a TensorBoard log says, but for times."""
    read = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    read.Reload()
    return {
        tag: [(event.step, repr(event.value)) for event in read.Scalars(tag)]
        for tag in read.Tags()["scalars"]
        if tag != "time/fps"
    }


def all_of(agent: EpisodicAlgorithm) -> dict[str, torch.Tensor]:
    """Whatever moves in a run, as tensors."""
    tensors, values = flat({**agent.run_state(), "callbacks": {}, "log": None})
    text = repr(values).encode()
    return {**tensors, "values": torch.frombuffer(bytearray(text), dtype=torch.uint8)}


def make(
    case: str, data: Dataset, out: Path, rows: int = 1, **more: Any
) -> tuple[EpisodicAlgorithm, DevCallback]:
    kind, reward, own = CASES[case]
    env = LabelVectorEnv(dataset=data, reward=reward, num_envs=rows)
    given = {
        **{"n_steps": 12 // rows, "batch_size": 4, "seed": 3, "device": "cpu"},
        **{"learning_rate": 1e-3, "policy_kwargs": {"encoder": "tiny"}},
        **{"tensorboard_log": str(out), **own, **more},
    }
    agent: EpisodicAlgorithm = kind("LabelPolicy", env, **given)
    return agent, DevCallback(data["dev"], "accuracy", every=16)


def stop_and_go_on(case: str, data: Dataset, tmp_path: Path, rounds: int, **more: Any) -> None:
    """Learn 36 texts in one go, and again with a stop after some rollouts; compare all."""
    whole, dev = make(case, data, tmp_path / "whole", **more)
    whole.learn(total_episodes=36, callback=dev)

    first, first_dev = make(case, data, tmp_path / "parts", **more)
    kept = Checkpoints(
        tmp_path / "kept", 0.0, asked=lambda: 2 if first.num_episodes >= 12 * rounds else None
    )
    with pytest.raises(RunStopped, match="stopped after") as stopped:
        first.learn(total_episodes=36, callback=[first_dev, kept])
    assert stopped.value.signal == 2 and stopped.value.checkpoint.is_dir()
    assert 0 < stopped.value.episodes < 36
    # What was learned after the checkpoint by a process that was killed, and its log, is undone.
    first.logger.record("train/lost", 1.0)
    first.logger.dump(first.num_timesteps + 1)

    np.random.seed(99)  # noqa: NPY002
    torch.manual_seed(99)
    random.seed(99)
    second, second_dev = make(case, data, tmp_path / "parts", **more)
    kept = Checkpoints(tmp_path / "kept")
    second.learn(resume=kept.last(), callback=[second_dev, kept])

    mine, theirs = all_of(second), all_of(whole)
    assert mine.keys() == theirs.keys()
    different = [name for name in mine if not torch.equal(mine[name], theirs[name])]
    assert not different
    state = second.policy.state_dict()
    assert all(torch.equal(state[name], value) for name, value in whole.policy.state_dict().items())
    assert [(p.episodes, p.steps, p.metrics, p.readings, p.tokens) for p in second_dev.curve] == [
        (p.episodes, p.steps, p.metrics, p.readings, p.tokens) for p in dev.curve
    ]
    (folder,) = (tmp_path / "whole").iterdir()
    (other,) = (tmp_path / "parts").iterdir()
    assert scalars(other) == scalars(folder)
    assert folder.name == other.name


@pytest.mark.parametrize("case", CASES)
def test_an_agent_goes_on_to_the_bit(
    case: str, commands: Callable[..., Dataset], tmp_path: Path
) -> None:
    stop_and_go_on(case, commands("tagging"), tmp_path, rounds=2)


@pytest.mark.parametrize(
    ("case", "more"),
    [
        ("ppo", {"rows": 3}),
        ("supervised", {"policy_kwargs": {"encoder": "tiny", "tune": "top:1"}}),
        ("reinforce-delay", {"policy_kwargs": {"encoder": "tiny", "history": "previous"}}),
        ("preference", {"policy_kwargs": {"encoder": "tiny", "tune": "frozen"}}),
        ("expected", {"policy_kwargs": {"encoder": "tiny", "tune": "bitfit"}, "seed": None}),
    ],
)
def test_so_do_other_policies_and_rows(
    case: str, more: dict[str, Any], commands: Callable[..., Dataset], tmp_path: Path
) -> None:
    if more.get("seed", 0) is None:  # two runs differ anyway; one that goes on has all weights
        data = commands("tagging")
        agent, _ = make(case, data, tmp_path, **more)
        kept = Checkpoints(tmp_path / "kept", None, every=12)
        agent.learn(total_episodes=24, callback=kept)
        other, _ = make(case, data, tmp_path, **more)
        other.learn(resume=kept.last(), callback=Checkpoints(tmp_path / "kept"))
        state = other.policy.state_dict()
        mine = agent.policy.state_dict()
        assert all(torch.equal(state[name], value) for name, value in mine.items())
        return
    stop_and_go_on(case, commands("tagging"), tmp_path, rounds=1, **more)


def test_a_consolidation_goes_on_and_must_be_there(
    commands: Callable[..., Dataset], tmp_path: Path
) -> None:
    data = commands("tagging")

    def held(agent: EpisodicAlgorithm, size: float) -> EpisodicAlgorithm:
        fisher = {n: torch.full_like(w, size) for n, w in agent.policy.named_parameters()}
        agent.consolidation = Consolidation(agent.policy, fisher, 1.0)
        return agent

    whole = held(make("supervised", data, tmp_path / "a")[0], 2.0)
    kept = Checkpoints(tmp_path / "kept", None, every=24)
    whole.learn(total_episodes=48, callback=kept)
    other = held(make("supervised", data, tmp_path / "a")[0], 1.0)
    other.learn(resume=kept.last())
    state = other.policy.state_dict()
    mine = whole.policy.state_dict()
    assert all(torch.equal(state[name], value) for name, value in mine.items())
    with pytest.raises(ValueError, match="had a Consolidation as consolidation, and this"):
        make("supervised", data, tmp_path / "a")[0].learn(resume=kept.last())


def test_writing_checkpoints_changes_nothing(
    commands: Callable[..., Dataset], tmp_path: Path
) -> None:
    data = commands("tagging")
    without, _ = make("ppo", data, tmp_path / "a")
    without.learn(total_episodes=36)
    beside, _ = make("ppo", data, tmp_path / "b")
    beside.learn(total_episodes=36, callback=Checkpoints(tmp_path / "kept", 0.0))
    mine, theirs = all_of(beside), all_of(without)
    assert not [name for name in mine if not torch.equal(mine[name], theirs[name])]
    assert sorted(each.name for each in (tmp_path / "kept").iterdir()) == ["12", "24"]


def test_an_attribute_that_is_no_data_is_refused_before_a_text_is_learned(
    commands: Callable[..., Dataset], tmp_path: Path
) -> None:
    agent, _ = make("reinforce-mean", commands("tagging"), tmp_path)
    agent.forgotten = object()  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="agent/forgotten is a object, which a checkpoint cannot"):
        agent.learn(total_episodes=12, callback=Checkpoints(tmp_path / "kept"))
    assert agent.num_episodes == 0


def test_a_plain_attribute_of_a_new_agent_is_kept_without_a_word(
    commands: Callable[..., Dataset], tmp_path: Path
) -> None:
    class Counting(REINFORCE):
        """A later agent, which nobody told of checkpoints."""

        def train(self) -> None:
            self.seen: Any = {"sum": self.seen["sum"] + self._random.random()}
            super().train()

    def counting() -> Counting:
        env = LabelVectorEnv(dataset=commands("tagging"), reward="accuracy")
        agent = Counting("LabelPolicy", env, n_steps=12, policy_kwargs={"encoder": "tiny"}, seed=1)
        agent.seen = {"sum": np.float64(0)}
        return agent

    whole = counting()
    kept = Checkpoints(tmp_path / "kept", None, every=24)
    whole.learn(total_episodes=48, callback=kept)
    other = counting()
    other.learn(resume=kept.last())
    assert other.seen == whole.seen and whole.seen["sum"] > 0


def test_checkpoints_are_the_last_callback_and_of_one_run(
    commands: Callable[..., Dataset], tmp_path: Path
) -> None:
    data = commands("tagging")
    agent, dev = make("supervised", data, tmp_path)
    kept = Checkpoints(tmp_path / "kept", None, every=12)
    with pytest.raises(ValueError, match="must be the last callback, and DevCallback comes after"):
        agent.learn(total_episodes=24, callback=[kept, dev])
    agent.learn(total_episodes=36, callback=[dev, kept])
    assert sorted(each.name for each in (tmp_path / "kept").iterdir()) == ["12", "24"]
    again, dev = make("supervised", data, tmp_path)
    with pytest.raises(ValueError, match=r"24 is of a run that is further .* at text 0"):
        again.learn(total_episodes=24, callback=[dev, kept])
    (tmp_path / "kept" / "24" / "state.json").write_text("{")
    again, dev = make("supervised", data, tmp_path)
    again.learn(resume=kept.last(), callback=[dev, kept])
    assert again.num_episodes == 36


def test_a_tensor_comes_back_where_it_lay() -> None:
    class Agent:
        device = torch.device("meta")  # stands for a GPU

    agent: Any = Agent()
    kept = _out(torch.ones(2), set())
    assert kept["state"]["device"] == "cpu"
    _in(agent, "weights", kept, set())
    assert agent.weights.device.type == "cpu"
    kept["state"]["device"] = "cuda"
    _in(agent, "weights", kept, set())
    assert agent.weights.device.type == "meta"


def test_what_does_not_fit_is_refused(commands: Callable[..., Dataset], tmp_path: Path) -> None:
    data = commands("tagging")
    agent, dev = make("ppo", data, tmp_path)
    kept = Checkpoints(tmp_path / "kept", None, every=12)
    agent.learn(total_episodes=24, callback=[dev, kept])
    state = kept.last()
    assert state is not None
    with pytest.raises(ValueError, match="is a PPO's and not a REINFORCE's"):
        make("reinforce-mean", data, tmp_path)[0].learn(resume=copy.deepcopy(state))
    with pytest.raises(ValueError, match="totals of a run that goes on are known"):
        make("ppo", data, tmp_path)[0].learn(total_episodes=24, resume=state)
    with pytest.raises(ValueError, match=r"had a callback DevCallback\.0, and this one has none"):
        make("ppo", data, tmp_path)[0].learn(resume=copy.deepcopy(state))
    with pytest.raises(ValueError, match=r"the weight .* is not the same"):
        wide = {"encoder": "tiny", "history": "previous"}
        make("ppo", data, tmp_path, policy_kwargs=wide)[0].learn(resume=copy.deepcopy(state))
    with pytest.raises(ValueError, match="the state is of 64 texts, and there are 16"):
        env = LabelVectorEnv(dataset=data, split="test", reward=CASES["ppo"][1])
        PPO(
            *("LabelPolicy", env),
            seed=3,
            samples=2,
            kl_coef=0.1,
            device="cpu",
            policy_kwargs={"encoder": "tiny"},
        ).learn(resume=copy.deepcopy(state), callback=dev)
    with pytest.raises(ValueError, match="minutes must be 0 or more"):
        Checkpoints(tmp_path, -1)
    with pytest.raises(ValueError, match="keep must be 1 or more"):
        Checkpoints(tmp_path, keep=0)
