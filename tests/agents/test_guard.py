"""Numbers that go wrong: no step is taken, and the texts are named and kept."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch

from lingym.agents import (
    PPO,
    REINFORCE,
    SARSA,
    ExpectedReward,
    Guard,
    Labeller,
    LabelVecEnv,
    MinimumRisk,
    NonFiniteError,
    OnlineLearner,
    OnlineSettings,
    PreferenceLearning,
    Supervised,
)
from lingym.agents.episodic import EpisodicAlgorithm
from lingym.envs import Dataset, LabelVectorEnv
from lingym.rewards import Accuracy, Preference, Reward, RewardError
from lingym.types import FloatArray, Labelings

Make = Callable[..., EpisodicAlgorithm]
AGENTS: dict[str, Any] = {
    "supervised": (Supervised, {}),
    "ppo": (PPO, {"samples": 2, "baseline": "leave-one-out"}),
    "ppo_value": (PPO, {}),
    "reinforce": (REINFORCE, {"samples": 2}),
    "delayed": (REINFORCE, {"samples": 2, "feedback_delay": 8}),
    "expected_reward": (ExpectedReward, {}),
    "minimum_risk": (MinimumRisk, {"samples": 2}),
    "preference": (PreferenceLearning, {"samples": 2, "comparisons": 2, "model_updates": 2}),
}
BAD = 5


class Sour(Accuracy):
    """Accuracy, but on one text, where it is what it is told to be."""

    bad: int = BAD
    worth: float = math.nan

    def score(self, labelings: Labelings) -> FloatArray:
        score = super().score(labelings)
        return np.where((labelings.examples == self.bad) & (score >= 0), self.worth, score)

    def steps(self, labelings: Labelings) -> FloatArray:
        return Reward.steps(self, labelings)

    def table(self, labelings: Labelings, count: int) -> FloatArray | None:
        table = super().table(labelings, count)
        assert table is not None
        table[labelings.examples == self.bad] *= self.worth
        return table


@pytest.fixture
def make(commands: Callable[..., Dataset], vec_env: Callable[..., LabelVecEnv]) -> Make:
    def make(name: str, reward: Any = None, **given: Any) -> EpisodicAlgorithm:
        kind, own = AGENTS[name]
        if reward is None:
            reward = Accuracy(dense=True)
        if name == "preference":
            reward = Preference(reward)
        if name == "ppo_value":
            own = {"baseline": "value"}
        agent: EpisodicAlgorithm = kind(
            "LabelPolicy",
            vec_env(commands("tagging"), reward),
            n_steps=16,
            batch_size=8,
            policy_kwargs={"encoder": "tiny"},
            seed=0,
            device="cpu",
            **{"learning_rate": 1e-3, **own, **given},
        )
        return agent

    return make


def kept(agent: EpisodicAlgorithm) -> tuple[dict[str, Any], dict[Any, Any]]:
    """Copies of the weights, and of the optimiser's moments."""
    weights = {name: value.clone() for name, value in agent.policy.state_dict().items()}
    moments = {
        weight: {key: torch.as_tensor(value).clone() for key, value in state.items()}
        for weight, state in agent.policy.optimizer.state.items()
    }
    return weights, moments


def assert_same(one: tuple[Any, Any], other: tuple[Any, Any]) -> None:
    assert all(torch.equal(one[0][name], other[0][name]) for name in one[0])
    assert {*one[1]} == {*other[1]}
    for weight, state in one[1].items():
        assert all(torch.equal(state[key], other[1][weight][key]) for key in state)


@pytest.mark.parametrize("worth", [math.nan, math.inf, 1e300])
@pytest.mark.parametrize("name", ["ppo", "reinforce", "delayed", "minimum_risk"])
def test_a_reward_that_is_no_number_stops_the_run_and_names_the_text(
    make: Make, tmp_path: Path, name: str, worth: float
) -> None:
    reward = Sour()
    reward.worth = worth
    agent = make(name, reward)
    agent.guard = Guard(folder=tmp_path)
    where = agent.label_env.episodes.names[BAD]
    with pytest.raises(RewardError, match=f"accuracy.* example {BAD} .*no step was taken") as error:
        agent.learn(total_episodes=64)
    assert where in str(error.value) and str(tmp_path / "nonfinite.json") in str(error.value)
    (step,) = json.loads((tmp_path / "nonfinite.json").read_text())["steps"]
    (text,) = step["texts"]
    example = agent.label_env.episodes.examples[BAD]
    assert (text["where"], text["example"]) == (where, BAD)
    assert text["units"] == list(example.units) and text["text"].split() == list(example.units)
    assert text["gold"] == list(example.gold or ())
    labelings = text["given"]
    assert len(labelings) == 2 and all(len(row) == len(example.units) for row in labelings)
    assert {label for row in labelings for label in row} <= {*agent.label_env.episodes.space.names}


def test_an_expectation_of_what_is_no_number_is_refused(make: Make) -> None:
    with pytest.raises(RewardError, match=f"table of reward accuracy .* example {BAD} is not"):
        make("expected_reward", Sour(dense=True)).learn(total_episodes=64)


@pytest.mark.parametrize("name", ["ppo", "reinforce", "delayed", "minimum_risk", "expected_reward"])
def test_skipped_rewards_leave_out_the_step_and_the_run_goes_on(make: Make, name: str) -> None:
    agent = make(name, Sour(dense=True))
    said: list[str] = []
    agent.guard = Guard("skip", tell=said.append)
    start = kept(agent)
    agent.learn(total_episodes=128)  # each of 64 texts twice
    assert agent.num_episodes == 128
    assert agent.guard.skipped == 2
    (message,) = said
    assert f"example {BAD}" in message and "train/skipped" in message
    now = kept(agent)
    assert any(not torch.equal(start[0][key], now[0][key]) for key in start[0])
    assert all(value.isfinite().all() for value in now[0].values())


def test_a_rollout_of_nothing_but_bad_texts_is_no_rollout(make: Make) -> None:
    class Broken(Accuracy):
        def steps(self, labelings: Labelings) -> FloatArray:
            return np.full(labelings.labels.shape, np.nan)

    agent = make("ppo", Broken())
    agent.guard = Guard("skip", tell=lambda _: None)
    before = kept(agent)
    agent.learn(total_episodes=32)
    assert agent.guard.skipped == 2
    assert_same(before, kept(agent))


@pytest.mark.parametrize("name", AGENTS)
def test_a_loss_that_is_no_number_stops_the_run_and_is_kept(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    agent = make(name)
    agent.guard = Guard(folder=tmp_path)
    compute = agent.loss

    def infinite(*given: Any) -> Any:
        loss, log = compute(*given)
        return loss + math.inf, {**log, "loss": math.inf}

    monkeypatch.setattr(agent, "loss", infinite)
    before = kept(agent)
    with pytest.raises(NonFiniteError, match=r"the loss is not finite \(loss inf\) after 16 texts"):
        agent.learn(total_episodes=16)
    assert_same(before, kept(agent))
    text = (tmp_path / "nonfinite.json").read_text()
    (step,) = json.loads(text, parse_constant=lambda name: pytest.fail(name))["steps"]
    assert step["loss"]["loss"] == "inf" and step["learning_rate"] == 1e-3
    assert len(step["texts"]) == 8
    names = agent.label_env.episodes.names
    for told in step["texts"]:
        assert told["where"] == names[told["example"]]
        if name != "supervised":
            assert len(told["given"]) == (1 if name in ("expected_reward", "ppo_value") else 2)
            assert np.shape(told["rewards"]) == np.shape(told["given"])


@pytest.mark.parametrize("name", AGENTS)
def test_skipping_leaves_weights_and_optimiser_as_they_were(make: Make, name: str) -> None:
    agent = make(name)
    agent.learn(total_episodes=16)  # so that the optimiser has moments
    agent.guard = Guard("skip", tell=lambda _: None)
    weight = agent.policy.label_head.weight
    handle = weight.register_hook(lambda gradient: gradient * math.nan)
    before = kept(agent)
    agent.learn(total_episodes=16, reset_num_timesteps=False)
    assert_same(before, kept(agent))
    updates = 8 if name.startswith("ppo") else 2
    assert agent.guard.skipped == updates
    assert agent.guard.found[0]["what"].startswith("the gradient is not finite")
    assert agent.guard.found[0]["grad_norm"] == "nan"
    handle.remove()
    agent.learn(total_episodes=16, reset_num_timesteps=False)
    after = kept(agent)
    assert any(not torch.equal(before[0][key], after[0][key]) for key in before[0])
    assert agent.guard.skipped == updates


def test_too_many_skipped_steps_end_the_run(make: Make) -> None:
    agent = make("supervised")
    agent.guard = Guard("skip", most_skipped=3, tell=lambda _: None)
    agent.policy.label_head.weight.register_hook(lambda gradient: gradient * math.nan)
    with pytest.raises(NonFiniteError, match="3 steps were left out before, and no more may be"):
        agent.learn(total_episodes=64)
    assert agent.guard.skipped == 3


@pytest.mark.parametrize("name", AGENTS)
@pytest.mark.parametrize("mode", ["stop", "skip"])
def test_a_learning_rate_that_explodes_ends_with_words(make: Make, name: str, mode: Any) -> None:
    agent = make(name, learning_rate=1e38)
    agent.guard = Guard(mode, most_skipped=4, tell=lambda _: None)
    with pytest.raises((NonFiniteError, RewardError), match=r"not finite|no longer finite"):
        agent.learn(total_episodes=160)


def test_a_reward_model_that_breaks_is_named(make: Make) -> None:
    agent: Any = make("preference")
    agent.reward_model.scorer.label_head.weight.register_hook(lambda gradient: gradient * math.nan)
    before = {name: value.clone() for name, value in agent.reward_model.state_dict().items()}
    with pytest.raises(NonFiniteError, match="the reward model's gradient is not finite"):
        agent.learn(total_episodes=16)
    for key, value in agent.reward_model.scorer.encoder.state_dict().items():
        assert torch.equal(value, before[f"scorer.encoder.{key}"])
    agent = make("preference")
    score = agent.reward_model.steps
    agent.reward_model.steps = lambda *given: score(*given) * math.inf
    with pytest.raises(NonFiniteError, match="the reward model's loss is not finite"):
        agent.learn(total_episodes=16)
    batch = agent.label_env.episodes.batch([3, 4])
    labels = torch.from_numpy(batch.gold).long()[None]
    with pytest.raises(RewardError, match="the reward model's score of example 3 is not finite"):
        agent._rewards(batch, labels)
    assert agent.spread is None  # what is kept from batch to batch is not spoiled


def test_advantages_that_are_no_numbers_are_named(make: Make) -> None:
    agent = make("ppo_value")
    with torch.no_grad():
        agent.policy.value_head.bias.fill_(math.inf)
    with pytest.raises(NonFiniteError, match="values and advantages and returns of a rollout"):
        agent.learn(total_episodes=16)


def test_a_guard_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="on_nonfinite must be stop or skip, got 'go'"):
        Guard("go")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="most_skipped must be 0 or more, got -1"):
        Guard(most_skipped=-1)


def test_a_guard_goes_on_from_its_state(tmp_path: Path) -> None:
    guard = Guard("skip", folder=tmp_path, tell=lambda _: None)
    guard.refuse("the loss is not finite", [], {"loss": {"loss": math.nan}})
    guard.earned.add(np.array([1.0, 3.0]))
    other = Guard("skip", folder=tmp_path)
    other.load_run_state(json.loads(json.dumps(guard.run_state())))
    assert (other.skipped, other.found) == (1, guard.found)
    assert other.earned.take() == (2.0, pytest.approx(math.sqrt(0.5)))


@pytest.mark.parametrize("mode", ["stop", "skip"])
def test_the_online_learner_takes_no_such_step(
    commands: Callable[..., Dataset], tmp_path: Path, mode: Any
) -> None:
    dataset = commands("tagging")
    policy = Supervised(
        "LabelPolicy",
        LabelVecEnv(LabelVectorEnv(dataset=dataset)),
        policy_kwargs={"encoder": "tiny"},
        seed=0,
        device="cpu",
    ).policy
    labeller = Labeller(policy, "tagging", dataset.tokenizer, max_tokens=64)
    learner = OnlineLearner(labeller, OnlineSettings(batch_size=2))
    learner.guard = Guard(mode, folder=tmp_path, tell=lambda _: None)
    ids = [told["id"] for told in learner.label(["wake me at seven", "play some jazz"])]
    policy.label_head.weight.register_hook(lambda gradient: gradient * math.nan)
    before = {name: value.clone() for name, value in policy.state_dict().items()}
    assert learner.feedback(ids[0], 1.0) == {}
    if mode == "stop":
        with pytest.raises(NonFiniteError, match=r"gradient is not finite .* text 0, text 1"):
            learner.feedback(ids[1], 0.0)
    else:
        assert learner.feedback(ids[1], 0.0) == {}
        assert learner.guard.skipped == 1
    assert learner.updates == 0 and not len(learner.memory)
    assert all(torch.equal(value, before[name]) for name, value in policy.state_dict().items())
    assert not policy.optimizer.state
    (step,) = json.loads((tmp_path / "nonfinite.json").read_text())["steps"]
    assert [text["rewards"][0][-1] for text in step["texts"]] == [1.0, 0.0]


class Sometimes(gymnasium.Env[Any, Any]):
    """Three steps to an episode, state by state; what the second is worth is given."""

    observation_space = gymnasium.spaces.Discrete(4)
    action_space = gymnasium.spaces.Discrete(1)

    def __init__(self, *worth: float) -> None:
        self.worth = [*worth]

    def reset(self, **_: Any) -> Any:
        self.place = 0
        return 0, {}

    def step(self, action: Any) -> Any:
        self.place += 1
        reward = self.worth.pop(0) if self.place == 2 else 1.0
        return self.place, reward, self.place == 3, False, {"example": 7}


@pytest.mark.parametrize("worth", [math.nan, math.inf, -math.inf, 1e200])
def test_sarsa_learns_nothing_from_a_reward_that_is_no_number(tmp_path: Path, worth: float) -> None:
    agent = SARSA(Sometimes(worth), learning_rate=0.5, seed=0)
    agent.guard = Guard(folder=tmp_path)
    with pytest.raises(
        NonFiniteError, match=r"target of step 1 is not finite.*in .* example 7: no"
    ):
        agent.learn(3)
    assert agent.weights.tolist() == [[0.5, 0, 0, 0]]
    (step,) = json.loads((tmp_path / "nonfinite.json").read_text())["steps"]
    assert step["reward"] == (str(worth) if worth != 1e200 else worth)
    assert step["after"] == {"steps": 1, "episodes": 0}


@pytest.mark.parametrize("traces", ["true-online", "accumulating", "replacing"])
def test_sarsa_may_leave_a_step_out(traces: Any) -> None:
    """By hand: what came before it learns nothing of it, nor of what comes after it."""
    agent = SARSA(Sometimes(math.nan, 1.0), learning_rate=0.5, lambda_=1.0, traces=traces, seed=0)
    said: list[str] = []
    agent.guard = Guard("skip", tell=said.append)
    agent.learn(3)
    assert agent.weights.tolist() == [[0.5, 0, 0.5, 0]]
    assert agent.guard.skipped == 1 and len(said) == 1 and agent.num_timesteps == 3
    assert math.isnan(agent.episode_returns[0])
    agent.learn(3)
    assert agent.episode_returns[1] == 3.0
    assert agent.weights.tolist() == [[1.75, 1.0, 0.75, 0]]  # towards 3, 2 and 1, by halves
    assert agent.guard.skipped == 1


def test_sarsa_goes_on_with_no_weights_that_are_broken() -> None:
    agent = SARSA(Sometimes(math.nan, math.nan, math.nan), seed=0)
    agent.guard = Guard("skip", most_skipped=1, tell=lambda _: None)
    with pytest.raises(NonFiniteError, match="1 steps were left out before, and no more may be"):
        agent.learn(9)
    agent = SARSA(Sometimes(1.0), seed=0)
    agent.weights[0, 1] = math.nan
    agent.guard = Guard("skip", tell=lambda _: None)
    with pytest.raises(NonFiniteError, match="weights are no longer finite"):
        agent.learn(3)


def test_sarsa_ends_with_words_where_it_diverges() -> None:
    agent = SARSA(Sometimes(*[1.0] * 999), learning_rate=1e308, seed=0)
    with pytest.raises(NonFiniteError, match="target of step 0"):
        agent.learn(300)
    assert np.isfinite(agent.weights).all()
    agent = SARSA(Sometimes(*[1.0] * 999), learning_rate=300.0, seed=0)
    with pytest.raises(NonFiniteError, match="not finite, or above 1e\\+100"):
        agent.learn(2000)
    assert np.isfinite(agent.weights).all()
