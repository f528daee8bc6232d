"""In every task whose labels are not counted, the exact expected reward is the mean of samples."""

from typing import Any

import numpy as np
import pytest
import torch

from lingym.agents import ExpectedReward
from lingym.agents.update_parts import repeat
from lingym.envs import LabelVectorEnv
from tests.envs.every_task import FORMS, every_task

SAMPLES = 2000


@pytest.mark.parametrize("form", FORMS)
def test_the_expected_reward_is_the_mean_of_samples(form: str) -> None:
    dataset = every_task(form)
    space = dataset.space
    each = ", ".join(f"{kind}=accuracy" for kind in space.kinds)
    env = LabelVectorEnv(dataset=dataset, reward=f"by_kind({each})" if space.kinds else "accuracy")
    history = "previous" if space.form == "units" and space.quota is None else "none"
    arguments: dict[str, Any] = {"policy_kwargs": {"history": history}, "seed": 0, "device": "cpu"}
    if space.quota is not None:
        with pytest.raises(ValueError, match=r"where labels are counted \(a quota\)"):
            ExpectedReward("LabelPolicy", env, **arguments)
        return
    agent = ExpectedReward("LabelPolicy", env, **arguments)
    with torch.no_grad():
        for name, parameter in agent.policy.named_parameters():
            if name.startswith(("label_head", "transition")):
                parameter.normal_(0, 0.5)
    agent._setup_learn(1)
    batch = dataset["train"].batch(range(3))
    _, log = agent.loss(batch)
    with torch.no_grad():
        distribution = agent.policy.distribution(
            agent.policy.features(agent.policy.texts(batch)), batch
        )
        drawn = distribution.sample(SAMPLES, torch.Generator().manual_seed(0))
    labels = drawn.flatten(0, 1).numpy().astype(np.int32)
    scores = env.play(labels, repeat(batch, SAMPLES)).sum(1).reshape(SAMPLES, 3)
    error = np.sqrt(scores.var(0).sum() / SAMPLES) / 3
    assert error > 0
    assert log["expected_reward"] == pytest.approx(scores.mean(), abs=4 * error)
