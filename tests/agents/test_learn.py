"""`learn` keeps Stable-Baselines3's manners: totals, callbacks, logs, saving and its guards."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3.common.callbacks import (
    BaseCallback,
    CheckpointCallback,
    ProgressBarCallback,
    StopTrainingOnMaxEpisodes,
)

from lingym.agents import PPO, REINFORCE, ExpectedReward, LabelVecEnv, MinimumRisk, Supervised
from lingym.envs import Dataset, LabelVectorEnv
from lingym.rewards import Reward, RewardError
from lingym.types import FloatArray, Labelings

AGENTS = {"ppo": PPO, "reinforce": REINFORCE, "supervised": Supervised}
Make = Callable[..., Any]


@pytest.fixture
def agent(identity: Dataset, vec_env: Callable[..., LabelVecEnv]) -> Make:
    """A small agent: ``agent(name, rows, **arguments)``."""

    def make(name: str, rows: int = 1, reward: Any = "accuracy", **arguments: Any) -> Any:
        settings = {"n_steps": 16 // rows, "batch_size": 8, "seed": 0, "device": "cpu"}
        env = vec_env(identity, reward, rows)
        return AGENTS[name]("LabelPolicy", env, **{**settings, **arguments})

    return make


class Steps(BaseCallback):
    """Counts what a callback sees."""

    def __init__(self, stop_at: int | None = None) -> None:
        super().__init__()
        self.stop_at = stop_at
        self.steps = self.rollouts = self.ended = 0

    def _on_step(self) -> bool:
        self.steps += 1
        self.ended += int(np.sum(self.locals["dones"]))
        return self.steps != self.stop_at

    def _on_rollout_end(self) -> None:
        self.rollouts += 1


@pytest.mark.parametrize("name", AGENTS)
@pytest.mark.parametrize("rows", [1, 4])
def test_total_episodes_is_exact(agent: Make, name: str, rows: int) -> None:
    seen = Steps()
    learner = agent(name, rows, n_steps=16 // rows)
    learner.learn(total_episodes=40, callback=seen)
    assert learner.num_episodes == 40
    assert seen.rollouts == 3  # 16, 16 and 8 texts
    assert learner.num_timesteps == rows * seen.steps
    assert seen.ended in range(40 * learner.samples_per_text + 1)[-rows:]  # the rest is uncounted


@pytest.mark.parametrize("name", AGENTS)
def test_total_timesteps_is_reached_with_whole_rollouts(agent: Make, name: str) -> None:
    learner = agent(name)
    learner.learn(100)
    texts = learner.num_episodes
    assert learner.num_timesteps >= 100 and texts % 16 == 0
    again = agent(name)
    again.learn(total_episodes=texts)  # the same texts hold as many labels
    assert again.num_timesteps == learner.num_timesteps
    fewer = agent(name)
    fewer.learn(total_episodes=texts - 16)  # nothing at all, where one rollout was enough
    assert fewer.num_timesteps < 100
    assert fewer.learn(0).num_timesteps == 0


def test_one_total_is_wanted(agent: Make) -> None:
    for totals in ({}, {"total_timesteps": 5, "total_episodes": 5}):
        with pytest.raises(ValueError, match="give total_timesteps or total_episodes, and not"):
            agent("ppo").learn(**totals)


@pytest.mark.parametrize("name", AGENTS)
def test_learning_twice_goes_on_or_begins_anew(agent: Make, name: str) -> None:
    learner = agent(name)
    learner.learn(total_episodes=16)
    labels = learner.num_timesteps
    learner.learn(total_episodes=16, reset_num_timesteps=False)
    assert learner.num_episodes == 32 and learner.num_timesteps > labels
    learner.learn(60, reset_num_timesteps=False)
    assert learner.num_episodes > 32 and learner.num_timesteps >= labels + 60
    learner.learn(total_episodes=16)
    assert learner.num_episodes == 16


@pytest.mark.parametrize("name", AGENTS)
def test_a_callback_stops_training(agent: Make, name: str) -> None:
    learner, seen = agent(name), Steps(stop_at=30)
    before = learner.policy.label_head.weight.clone()
    learner.learn(total_episodes=1000, callback=seen)
    assert (seen.steps, learner.num_timesteps) == (30, 30)
    assert torch.equal(before, learner.policy.label_head.weight)  # stopped within the first rollout


def test_stable_baselines3_callbacks_work(agent: Make, tmp_path: Path) -> None:
    learner = agent("ppo")
    learner.learn(total_episodes=64, callback=StopTrainingOnMaxEpisodes(20))
    lengths = learner.label_env.episodes.lengths[learner.rollout.examples]
    assert learner.num_episodes == 32
    assert learner.num_timesteps < 20 * lengths.max()

    learner = agent("ppo")
    learner.learn(
        total_episodes=32, callback=CheckpointCallback(50, str(tmp_path), name_prefix="agent")
    )
    assert {file.name for file in tmp_path.iterdir()} == {
        f"agent_{50 * count}_steps.zip" for count in range(1, learner.num_timesteps // 50 + 1)
    }


@pytest.mark.filterwarnings("ignore::Warning")  # tqdm calls its own bar experimental
def test_the_progress_bar_counts_labels(
    agent: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bars: list[tuple[int, int]] = []
    end = ProgressBarCallback._on_training_end

    def note(callback: ProgressBarCallback) -> None:
        bars.append((callback.pbar.total, callback.pbar.n))
        end(callback)

    monkeypatch.setattr(ProgressBarCallback, "_on_training_end", note)
    learner = agent("ppo")
    learner.learn(100, progress_bar=True)
    first = learner.num_timesteps
    learner.learn(100, progress_bar=True, reset_num_timesteps=False)
    assert bars == [(100, first), (100, learner.num_timesteps - first)]
    assert first >= 100
    capsys.readouterr()


@pytest.mark.parametrize(
    ("name", "own"),
    [
        (
            "ppo",
            "approx_kl clip_fraction clip_range entropy_loss explained_variance "
            "policy_gradient_loss value_loss",
        ),
        ("reinforce", "entropy_loss policy_gradient_loss advantage_std"),
        ("supervised", ""),
    ],
)
def test_tensorboard_has_the_names_of_stable_baselines3(
    agent: Make, tmp_path: Path, name: str, own: str
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reward = "0.5 * accuracy + 0.5 * cross_entropy"
    learner = agent(name, reward=reward, tensorboard_log=str(tmp_path))
    learner.learn(total_episodes=48)
    assert [folder.name for folder in tmp_path.iterdir()] == [f"{AGENTS[name].__name__}_1"]
    events = EventAccumulator(str(next(tmp_path.iterdir())))
    events.Reload()
    wanted = {f"train/{scalar}" for scalar in (own + " grad_norm learning_rate loss").split()}
    wanted |= {"time/fps"}
    if name != "supervised":
        wanted |= {"rollout/ep_rew_mean", "rollout/ep_len_mean"}
        wanted |= {"reward/accuracy", "reward/cross_entropy"}
    assert wanted <= set(events.Tags()["scalars"])
    steps = [event.step for event in events.Scalars("train/loss")]
    assert len(steps) == 3 and steps[-1] == learner.num_timesteps
    assert all(np.isfinite(event.value) for event in events.Scalars("train/loss"))


@pytest.mark.parametrize("name", AGENTS)
def test_save_and_load_go_on_where_training_stood(agent: Make, name: str, tmp_path: Path) -> None:
    policy = {"history": "previous"}
    learner = agent(name, policy_kwargs=policy)
    learner.learn(total_episodes=32)
    learner.save(tmp_path / "agent")
    kind = AGENTS[name]
    with pytest.raises(ValueError, match="no environment"):
        kind.load(tmp_path / "agent", device="cpu").learn(total_episodes=1)
    loaded = kind.load(tmp_path / "agent", env=learner.env, device="cpu")
    assert (loaded.num_episodes, loaded.num_timesteps) == (32, learner.num_timesteps)
    for key, value in learner.policy.state_dict().items():
        assert torch.equal(value, loaded.policy.state_dict()[key]), key
    steps = {state["step"].item() for state in loaded.policy.optimizer.state.values()}
    assert steps == {4 * learner.n_epochs if name == "ppo" else 4}
    batch = learner.label_env.episodes.batch(range(8))
    assert (learner.policy.label(batch) == loaded.policy.label(batch)).all()
    loaded.learn(total_episodes=16, reset_num_timesteps=False)
    assert loaded.num_episodes == 48


class Broken(Reward):
    """A reward that forgets to guard a division."""

    name = "broken"

    def score(self, labelings: Labelings) -> FloatArray:
        return np.full(len(labelings.lengths), np.nan)


@pytest.mark.parametrize("name", ["ppo", "reinforce"])
def test_a_reward_that_is_no_number_stops_the_run_by_name(agent: Make, name: str) -> None:
    learner = agent(name, reward=Broken())
    with pytest.raises(RewardError, match="broken"):
        learner.learn(total_episodes=16)


@pytest.mark.parametrize("name", AGENTS)
def test_a_gradient_that_is_no_number_stops_the_run_before_the_step(agent: Make, name: str) -> None:
    learner = agent(name)
    learner.policy.label_head.weight.register_hook(lambda gradient: gradient * torch.nan)
    before = {key: value.clone() for key, value in learner.policy.state_dict().items()}
    with pytest.raises(FloatingPointError, match="the gradient is not finite"):
        learner.learn(total_episodes=16)
    for key, value in learner.policy.state_dict().items():
        assert torch.equal(value, before[key]), key


def test_an_environment_of_another_kind_is_refused() -> None:
    with pytest.raises(TypeError, match="need a lingym environment, got CartPoleEnv"):
        PPO("LabelPolicy", gymnasium.make("CartPole-v1").unwrapped)


def test_one_epoch_is_every_text_once(identity: Dataset) -> None:
    count = len(identity["train"])
    env = LabelVectorEnv(dataset=identity, num_envs=4)  # its rows hold texts that nobody labels
    learner = Supervised("LabelPolicy", env, n_steps=count, batch_size=8, seed=0, device="cpu")
    learner.learn(total_episodes=count)
    assert sorted(learner.rollout) == list(range(count))


def test_rows_play_the_texts_of_one_environment(identity: Dataset) -> None:
    env = LabelVectorEnv(dataset=identity, num_envs=4)
    learner = PPO("LabelPolicy", env, n_steps=16, batch_size=8, seed=0, device="cpu", n_epochs=1)
    learner.learn(total_episodes=60)
    assert sorted(set(learner.rollout.examples)) == sorted(learner.rollout.examples)
    assert len(learner.rollout.examples) == 60


def test_a_run_that_goes_on_has_the_rates_and_the_progress_of_its_second_half(
    agent: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = agent("reinforce", learning_rate=lambda left: 1e-3 * left)
    told: list[float] = []
    rates: list[float] = []
    step = learner._step

    def spy(*gradient: Any) -> float:
        rates.append(learner.policy.optimizer.param_groups[0]["lr"])
        return float(step(*gradient))

    monkeypatch.setattr(learner, "_step", spy)
    monkeypatch.setattr(learner.label_env.reward, "advance", told.append)
    learner.learn(total_episodes=32)
    assert told[0] == 0.0
    learner.learn(total_episodes=32, reset_num_timesteps=False)
    assert told[2] == 0.5 and told == sorted(told[:2]) + sorted(told[2:])
    assert max(rates[4:]) <= 0.5e-3 < max(rates[:4])
    with pytest.raises(ValueError, match="totals are 0 or more, got -5"):
        learner.learn(total_episodes=-5)


def test_what_a_reward_learned_survives_loading_without_an_environment(
    agent: Make, tmp_path: Path
) -> None:
    text = "corpus_f1(unit='label', half_life=20)"
    learner = agent("reinforce", reward=text)
    learner.learn(total_episodes=32)
    state = learner.label_env.reward.state()
    learner.save(tmp_path / "agent")
    alone = REINFORCE.load(tmp_path / "agent", device="cpu")
    alone.save(tmp_path / "again")
    other = REINFORCE.load(tmp_path / "again", device="cpu")
    env = agent("reinforce", reward=text).env
    assert env.env.reward.state() != state
    other.set_env(env)
    assert env.env.reward.state() == state


@pytest.mark.parametrize(
    ("kind", "own"),
    [
        (REINFORCE, {"feedback_delay": 20, "baseline": "mean"}),
        (ExpectedReward, {"ent_coef": 0.1}),
        (MinimumRisk, {"samples": 3}),
    ],
)
def test_a_seed_fixes_all_weights(
    identity: Dataset, vec_env: Callable[..., LabelVecEnv], kind: Any, own: dict[str, Any]
) -> None:
    def weights(seed: int) -> torch.Tensor:
        size = {"n_steps": 16, "batch_size": 8, "device": "cpu", "learning_rate": 1e-3}
        made = kind("LabelPolicy", vec_env(identity, "accuracy"), seed=seed, **size, **own)
        made.learn(total_episodes=48)
        return torch.cat([p.detach().flatten() for p in made.policy.parameters()])

    assert torch.equal(weights(3), weights(3))
    assert not torch.equal(weights(3), weights(4))
