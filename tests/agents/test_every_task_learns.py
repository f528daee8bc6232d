"""Every task is learned: few texts by heart from gold labels, and better labels from rewards."""

from typing import Any

import numpy as np
import pytest

from lingym.agents import PPO, REINFORCE, Supervised, evaluate
from lingym.envs import LabelVectorEnv
from tests.envs.every_task import FORMS, every_task

pytestmark = pytest.mark.slow
PASSES = {"multilabel": 150, "choice": 120}
COMMON: dict[str, Any] = {"learning_rate": 1e-3, "n_steps": 24, "batch_size": 8, "device": "cpu"}


def best(form: str) -> tuple[str, float]:
    """The deciding metric of a task, and what its gold labels get on the training texts."""
    episodes = every_task(form)["train"]
    gold = episodes.gold_of(np.arange(len(episodes)), episodes.max_units)
    metric = episodes.task.metric(episodes.space)
    return metric, episodes.task.metrics(episodes.complete(gold), episodes.space)[metric]


@pytest.mark.parametrize("form", FORMS)
def test_gold_labels_are_learned_by_heart(form: str) -> None:
    dataset = every_task(form)
    metric, most = best(form)
    agent = Supervised("LabelPolicy", LabelVectorEnv(dataset=dataset), seed=0, **COMMON)
    before = evaluate(agent.policy, dataset["train"])[metric]
    agent.learn(total_episodes=24 * PASSES.get(form, 60))
    after = evaluate(agent.policy, dataset["train"])[metric]
    assert before < 0.8 * most
    assert after > 0.95 * most


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        *((form, REINFORCE) for form in FORMS),
        *((form, PPO) for form in ("multilabel", "spanqa", "choice one by one", "summary")),
    ],
)
def test_rewards_are_learned_from(form: str, kind: Any) -> None:
    dataset = every_task(form)
    env = LabelVectorEnv(dataset=dataset)
    # Without entropy a policy that walks the choices may settle on always answering at one place.
    several = {"samples": 8, "baseline": "leave-one-out", "ent_coef": 0.05}
    agent = kind("LabelPolicy", env, seed=0, **several, **COMMON)
    batch = dataset["train"].batch(range(24))

    def worth() -> float:
        labels = agent.policy.label(batch)
        return float(env.play(labels, batch).sum(1).mean())

    before = worth()
    agent.learn(total_episodes=24 * (20 if kind is PPO else 50))
    assert worth() > before + 0.1
