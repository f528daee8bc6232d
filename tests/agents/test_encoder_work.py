"""What agents have their encoders read, exactly; evaluation and padding are left out."""

from collections.abc import Callable
from typing import Any

import pytest

from lingym.agents import (
    PPO,
    REINFORCE,
    ExpectedReward,
    LabelVecEnv,
    MinimumRisk,
    PreferenceLearning,
    Supervised,
)
from lingym.agents.callbacks import DevCallback
from lingym.envs import Dataset

N = 64  # all training texts, each once


@pytest.mark.parametrize(
    ("kind", "own", "forward", "backward"),
    [
        (Supervised, {}, 0, 1),
        (PPO, {"n_epochs": 2}, 1, 2),
        (PPO, {"n_epochs": 2, "dropout": True}, 1, 2),
        (PPO, {"n_epochs": 3, "samples": 4, "baseline": "leave-one-out"}, 1, 3),
        (PPO, {"n_epochs": 2, "kl_coef": 0.1, "gold_coef": 0.5}, 3, 2),
        (REINFORCE, {"samples": 2}, 0, 1),
        (REINFORCE, {"samples": 9, "baseline": "greedy", "gold_coef": 1.0}, 0, 1),
        (REINFORCE, {"baseline": "value", "kl_coef": 0.1, "dropout": True}, 1, 1),
        (REINFORCE, {"feedback_delay": 16}, 1, 1),
        (ExpectedReward, {"kl_coef": 0.1}, 1, 1),
        (MinimumRisk, {"include_gold": True}, 0, 1),
    ],
)
def test_texts_and_tokens_of_a_run(
    commands: Callable[..., Dataset],
    vec_env: Callable[..., LabelVecEnv],
    kind: Any,
    own: dict[str, Any],
    forward: int,
    backward: int,
) -> None:
    dataset = commands("tagging")
    tokens = int(dataset["train"].token_counts.sum())
    env = vec_env(dataset, "accuracy")
    agent = kind("LabelPolicy", env, n_steps=N, batch_size=16, seed=0, device="cpu", **own)
    dev = DevCallback(dataset["dev"], "accuracy", every=N)
    agent.learn(total_episodes=N, callback=dev)
    wanted = {
        "texts_forward": forward * N,
        "texts_backward": backward * N,
        "tokens_forward": forward * tokens,
        "tokens_backward": backward * tokens,
    }
    assert vars(agent.policy.work) == wanted
    assert [point.tokens for point in dev.curve] == [0, (forward + backward) * tokens]
    agent.learn(total_episodes=N, reset_num_timesteps=False)
    assert vars(agent.policy.work) == {name: 2 * count for name, count in wanted.items()}
    agent.learn(total_episodes=N)  # counts begin anew, as those of texts and labels do
    assert vars(agent.policy.work) == wanted


def test_updates_that_are_left_out_are_no_backward(
    commands: Callable[..., Dataset], vec_env: Callable[..., LabelVecEnv]
) -> None:
    env = vec_env(commands("tagging"), "accuracy")
    agent = PPO(
        *("LabelPolicy", env), n_steps=N, batch_size=16, target_kl=1e-12, seed=0, device="cpu"
    )
    agent.learn(total_episodes=N)
    work = agent.policy.work
    # Labelled; one minibatch is learned from, and the next is read and found to be too far off.
    assert (work.texts_forward, work.texts_backward) == (N + 16, 16)


def test_a_reward_model_reads_too(
    commands: Callable[..., Dataset], vec_env: Callable[..., LabelVecEnv]
) -> None:
    env = vec_env(commands("tagging"), "preference(accuracy)")
    own = {"comparisons": 1, "model_updates": 2, "kl_coef": 0.0}
    agent = PreferenceLearning(
        *("LabelPolicy", env), n_steps=N, batch_size=32, seed=0, device="cpu", **own
    )
    agent.learn(total_episodes=N)
    work = agent.policy.work
    # Two minibatches for the reward model, then every text once for the policy.
    assert work.texts_backward == 2 * 32 + N
    # Drawn by the policy; compared by the model, and priced by it in the policy's update.
    assert work.texts_forward == 3 * N
