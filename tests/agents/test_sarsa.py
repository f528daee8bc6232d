"""SARSA(lambda): hand-computed updates, its two ends, known values, and what it refuses."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from lingym.agents.features import OneHot, Tiles
from lingym.agents.sarsa import SARSA, Traces

KINDS: list[Traces] = ["true-online", "accumulating", "replacing"]


class Script(gymnasium.Env[Any, Any]):
    """Goes through given states and rewards again and again, whatever the action."""

    def __init__(
        self, states: Sequence[int], rewards: Sequence[float], actions: int = 1, cut: bool = False
    ) -> None:
        self.states, self.rewards, self.cut = states, rewards, cut
        self.observation_space = spaces.Discrete(max(states) + 1)
        self.action_space = spaces.Discrete(actions)
        self.place = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.place = 0
        return self.states[0], {}

    def step(self, action: Any) -> Any:
        self.place += 1
        over = self.place == len(self.rewards)
        ends = (False, over) if self.cut else (over, False)
        return self.states[self.place], self.rewards[self.place - 1], *ends, {}


class Walk(gymnasium.Env[Any, Any]):
    """Five states in a row; a coin moves. 1 for leaving to the right, else 0 (Sutton, 1988)."""

    observation_space = spaces.Discrete(7)
    action_space = spaces.Discrete(1)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.state = 3
        return self.state, {}

    def step(self, action: Any) -> Any:
        self.state += int(self.np_random.integers(2)) * 2 - 1
        return self.state, float(self.state == 6), self.state in (0, 6), False, {}


class Corridor(gymnasium.Env[Any, Any]):
    """A line from 0 to 1 by tenths, left or right; every step costs 1, the right end is home."""

    def __init__(self, discrete: bool) -> None:
        self.discrete = discrete
        self.action_space = spaces.Discrete(2, start=5)
        self.observation_space: Any = (
            spaces.Discrete(11) if discrete else spaces.Box(0, 1, (2,), np.float32)
        )

    def _observe(self) -> Any:
        return self.state if self.discrete else np.array([self.state / 10, 0.5], np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.state = int(self.np_random.integers(10))
        return self._observe(), {}

    def step(self, action: Any) -> Any:
        self.state = max(0, self.state + (1 if action == 6 else -1))
        return self._observe(), -1.0, self.state == 10, False, {}


# States 0, 1, 0 with rewards 1, 2, 4; learning rate .5, gamma .5, lambda .5; by hand.
# Step 1: target 1 + .5 * 0 = 1, so w0 = .5 * 1 * 1 = .5; the trace of 0 is 1.
# Step 2: traces .25, 1; target 2 + .5 * .5 = 2.25, w0 = .5 + .5 * 2.25 * .25, w1 = .5 * 2.25.
#         With true-online traces the error is the same (w1 was 0, and so was its old value).
# Step 3: target 4; w0 is .78125. Traces of 0: .0625 + 1 (accumulating), 1 (replacing),
#         .0625 + 1 - .5 * .0625 (true-online); of 1: .25.
#         True-online: the old value of 0 was .5, as step 2 saw it before its update.
GOLDEN: dict[Traces, tuple[float, float]] = {
    "accumulating": (0.78125 + 0.5 * 3.21875 * 1.0625, 1.125 + 0.5 * 3.21875 * 0.25),
    "replacing": (0.78125 + 0.5 * 3.21875, 1.125 + 0.5 * 3.21875 * 0.25),
    "true-online": (
        0.78125 + 0.5 * (3.21875 + 0.28125) * 1.03125 - 0.5 * 0.28125,
        1.125 + 0.5 * (3.21875 + 0.28125) * 0.25,
    ),
}


@pytest.mark.parametrize("traces", KINDS)
def test_three_steps_by_hand(traces: Traces) -> None:
    agent = SARSA(
        Script([0, 1, 0, 1], [1, 2, 4]), learning_rate=0.5, gamma=0.5, lambda_=0.5, traces=traces
    )
    agent.learn(3)
    assert agent.weights[0] == pytest.approx(GOLDEN[traces], abs=1e-12)
    assert agent.episode_returns == [7.0]


@pytest.mark.parametrize(("cut", "value"), [(False, 1.0), (True, 1.0 + 0.5 * 3.0)])
def test_a_cut_episode_is_worth_what_follows(cut: bool, value: float) -> None:
    """Terminated: nothing beyond the end; truncated: the last state's value."""
    agent = SARSA(Script([0, 1], [1], cut=cut), learning_rate=1.0, gamma=0.5, lambda_=0.0)
    agent.weights[0] = [0.0, 3.0]
    agent.learn(1)
    assert agent.weights[0].tolist() == [value, 3.0]


@pytest.mark.parametrize("traces", KINDS)
def test_lambda_0_is_one_step_sarsa(traces: Traces) -> None:
    """Q(s, a) += rate * (r + gamma Q(s', a') - Q(s, a)), along the very same actions."""
    env = Witness(Corridor(discrete=True))
    agent = SARSA(env, lambda_=0.0, traces=traces, gamma=0.9, learning_rate=0.3, seed=4)
    agent.learn(500)
    table = np.zeros((2, 11))
    for place, (state, action, reward, following, ended) in enumerate(env.seen[:-1]):
        # The last action of all is chosen after the last step: no record of it.
        next_action = env.seen[place + 1][1]
        after = 0.0 if ended else table[next_action, following]
        table[action, state] += 0.3 * (reward + 0.9 * after - table[action, state])
    state, action = env.seen[-1][:2]
    assert len(agent.episode_returns) > 5
    different = np.argwhere(np.abs(agent.weights - table) > 1e-12)
    assert different.tolist() in ([], [[action, state]])


class Witness(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Notes every step."""

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self.seen: list[tuple[int, int, float, int, bool]] = []

    def reset(self, **given: Any) -> Any:
        self.state, info = self.env.reset(**given)
        return self.state, info

    def step(self, action: Any) -> Any:
        following, reward, terminated, truncated, info = self.env.step(action)
        self.seen.append((self.state, action - 5, float(reward), following, terminated))
        self.state = following
        return following, reward, terminated, truncated, info


@pytest.mark.parametrize("traces", KINDS)
def test_lambda_1_is_monte_carlo(traces: Traces) -> None:
    """Where no state comes twice, an episode moves every value to its return."""
    agent = SARSA(
        Script([0, 1, 2, 3], [1, 2, 4]), learning_rate=0.25, gamma=0.5, lambda_=1.0, traces=traces
    )
    returns, values = np.array([1 + 0.5 * (2 + 0.5 * 4), 2 + 0.5 * 4, 4.0]), np.zeros(3)
    for _ in range(4):
        agent.learn(3)
        values += 0.25 * (returns - values)
        assert agent.weights[0, :3] == pytest.approx(values, abs=1e-12)


@pytest.mark.parametrize("traces", KINDS)
@pytest.mark.parametrize("lambda_", [0.0, 0.8])
def test_random_walk_values(traces: Traces, lambda_: float) -> None:
    """The chance of leaving to the right from state k of 5 is k / 6."""
    agent = SARSA(
        Walk(), lambda_=lambda_, traces=traces, learning_rate=0.1, final_learning_rate=0, seed=0
    )
    agent.learn(30_000)
    assert agent.weights[0, 1:6] == pytest.approx(np.arange(1, 6) / 6, abs=0.04)
    assert agent.weights[0, [0, 6]].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("traces", KINDS)
@pytest.mark.parametrize("discrete", [True, False])
def test_finds_the_way_home(traces: Traces, discrete: bool, tmp_path: Path) -> None:
    env = Corridor(discrete)
    agent = SARSA(
        env, lambda_=0.7, traces=traces, learning_rate=0.2, final_learning_rate=0.01, seed=0
    ).learn(6000)
    states = np.arange(10) if discrete else np.stack([np.arange(10) / 10, np.full(10, 0.5)], 1)
    actions, _ = agent.predict(states.astype(env.observation_space.dtype))
    assert actions.tolist() == [6] * 10
    assert np.mean(agent.episode_returns[-50:]) > np.mean(agent.episode_returns[:50])
    if discrete and traces == "true-online":
        # The policy errs once in 40 steps, so every way is a little longer than the shortest.
        wanted = -(10.0 - np.arange(10)) / 0.95
        assert agent.weights[1, :10] == pytest.approx(wanted, rel=0.08)

    agent.save(tmp_path / "agent.npz")
    for again in (SARSA.load(tmp_path / "agent.npz"), SARSA.load(tmp_path / "agent.npz", env)):
        assert np.array_equal(again.weights, agent.weights)
        assert again.predict(states)[0].tolist() == [6] * 10
        assert again.predict(states[3]) == (6, None)
        assert (again.traces, again.lambda_, again.num_timesteps) == (traces, 0.7, 6000)
        assert again.features == agent.features
    again.learn(10)
    assert again.num_timesteps == 6010
    with pytest.raises(ValueError, match="load with env="):
        SARSA.load(tmp_path / "agent.npz").learn(1)
    with pytest.raises(ValueError, match="another environment"):
        SARSA.load(tmp_path / "agent.npz", Script([0, 1], [1.0]))


def test_one_seed_one_agent() -> None:
    first, same, other = (SARSA(Corridor(True), seed=s).learn(300) for s in (1, 1, 2))
    assert np.array_equal(first.weights, same.weights)
    assert not np.array_equal(first.weights, other.weights)


def test_exploration_falls() -> None:
    env = Witness(Corridor(True))
    agent = SARSA(env, learning_rate=0.0, seed=0, exploration_final_eps=0.0)
    agent.weights[1] = 1.0  # right is best everywhere
    agent.learn(4000)
    left = np.array([action == 0 for _, action, *_ in env.seen])
    assert left[:200].mean() == pytest.approx(0.5, abs=0.1)  # all random at first
    assert 0.05 < left[1000:2000].mean() < 0.25  # epsilon from .5 down to 0
    assert not left[2001:].any()
    sampled = [int(agent.predict(3, deterministic=False)[0]) for _ in range(20)]
    assert sampled == [6] * 20


def test_tiles() -> None:
    tiles = Tiles((0.0, -1.0), (1.0, 1.0), bins=4, tilings=2)
    assert (tiles.size, tiles.active) == (20, 4)
    # 0.2 of 4 bins is .8: tile 0, and tile 1 of the row that is shifted by half a tile.
    assert tiles([0.2, -1.0]).tolist() == [0, 5 + 1, 10, 15]
    assert tiles([1.0, 1.0]).tolist() == tiles([9.0, 3.0]).tolist() == [4, 9, 14, 19]
    assert len(set(tiles([0.5, 0.3]).tolist())) == 4
    assert OneHot(3, start=2)(4).tolist() == [2]
    with pytest.raises(ValueError, match="holds NaN, which lies in no tile"):
        tiles([0.2, float("nan")])


def test_a_feature_map_of_ones_own(tmp_path: Path) -> None:
    class Pairs:
        size, active = 6, 1

        def __call__(self, observation: Any) -> Any:
            return np.array([int(observation) // 2])

    agent = SARSA(Corridor(True), Pairs(), seed=0).learn(500)
    agent.save(tmp_path / "agent.npz")
    with pytest.raises(ValueError, match="no feature map: give features="):
        SARSA.load(tmp_path / "agent.npz")
    with pytest.raises(ValueError, match="weights of 6 features, and there are 11"):
        SARSA.load(tmp_path / "agent.npz", features=OneHot(11))
    again = SARSA.load(tmp_path / "agent.npz", features=Pairs())
    assert np.array_equal(again.weights, agent.weights)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"gamma": 1.1}, "gamma is 1.1"),
        ({"lambda_": -0.1}, "lambda_ is -0.1"),
        ({"exploration_fraction": float("nan")}, "exploration_fraction is nan"),
        ({"learning_rate": -1}, "learning_rate is -1"),
        ({"traces": "long"}, "traces is 'long': wanted true-online, accumulating, replacing"),
    ],
)
def test_bad_settings(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SARSA(Corridor(True), **given)


def test_bad_spaces() -> None:
    env = Corridor(True)
    env.action_space = spaces.Box(-1, 1, (2,))
    with pytest.raises(TypeError, match="needs discrete actions"):
        SARSA(env)
    env = Corridor(True)
    env.observation_space = spaces.MultiBinary(3)
    with pytest.raises(TypeError, match="no feature map"):
        SARSA(env)
    env.observation_space = spaces.Box(-np.inf, np.inf, (2,))
    with pytest.raises(ValueError, match="finite bounds"):
        SARSA(env)
