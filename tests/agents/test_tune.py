"""Training a part of an encoder: with every agent, and with a reference that costs no encoder."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from lingym.agents import (
    PPO,
    REINFORCE,
    ExpectedReward,
    Labeller,
    MinimumRisk,
    OnlineLearner,
    OnlineSettings,
    PreferenceLearning,
    Supervised,
)
from lingym.agents.callbacks import DevCallback
from lingym.envs import Dataset, LabelVectorEnv
from lingym.policies import LabelPolicy, trained_parameters, trained_weights
from tests.envs.every_task import every_task

pytest.importorskip("peft")

METHODS = ("frozen", "top:1", "bitfit", "lora", "adapter", "prompt", "ia3")
AGENTS: dict[str, Any] = {
    "supervised": (Supervised, {}),
    "ppo": (PPO, {"n_epochs": 1, "samples": 2}),
    "reinforce": (REINFORCE, {"samples": 2}),
}
OTHERS: dict[str, Any] = {
    "expected_reward": (ExpectedReward, {}),
    "minimum_risk": (MinimumRisk, {"samples": 2}),
    "preference": (PreferenceLearning, {"reward": "preference(accuracy)", "comparisons": 2}),
}


def make(dataset: Dataset, name: str, tune: str, **arguments: Any) -> Any:
    kind, own = (AGENTS | OTHERS)[name]
    reward = own.get("reward", "accuracy" if dataset.space.form != "candidates" else None)
    own = {key: value for key, value in own.items() if key != "reward"}
    policy = {"encoder": "tiny", "tune": tune, **arguments.pop("policy", {})}
    return kind(
        "LabelPolicy",
        LabelVectorEnv(dataset=dataset, reward=reward),
        n_steps=8,
        batch_size=8,
        learning_rate=1e-2,
        policy_kwargs=policy,
        seed=0,
        device="cpu",
        **own,
        **arguments,
    )


def trains(agent: Any, tune: str) -> None:
    """A few updates move what is trained, and nothing else."""
    before = copy.deepcopy(agent.policy.state_dict())
    allowed = trained_weights(agent.policy).keys()
    agent.learn(total_episodes=16, log_interval=None)
    moved = {n for n, v in agent.policy.state_dict().items() if not torch.equal(v, before[n])}
    assert moved <= allowed and "label_head.weight" in moved
    assert any(name.startswith("encoder.") for name in moved) == (tune != "frozen")
    assert (agent.policy.work.texts_backward == 0) == (tune == "frozen")
    assert agent.policy.work.texts_forward + agent.policy.work.texts_backward > 0


@pytest.mark.parametrize("name", AGENTS)
@pytest.mark.parametrize("tune", METHODS)
def test_every_agent_trains_every_method(
    commands: Callable[..., Dataset], name: str, tune: str
) -> None:
    trains(make(commands("tagging"), name, tune), tune)


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("tune", ["frozen", "lora"])
def test_other_agents_too(commands: Callable[..., Dataset], name: str, tune: str) -> None:
    trains(make(commands("tagging"), name, tune), tune)


@pytest.mark.parametrize("form", ["multilabel", "spanqa"])
@pytest.mark.parametrize("tune", ["lora", "prompt", "adapter"])
def test_other_forms_too(form: str, tune: str) -> None:
    trains(make(every_task(form), "reinforce", tune), tune)


def test_the_same_seed_gives_the_same_run(commands: Callable[..., Dataset]) -> None:
    one, two = (make(commands("tagging"), "reinforce", "lora") for _ in range(2))
    for agent in (one, two):
        agent.learn(total_episodes=16, log_interval=None)
    for ours, theirs in zip(one.policy.parameters(), two.policy.parameters(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("tune", ["full", *METHODS])
def test_the_reference_costs_no_second_encoder_and_is_the_policy_as_it_was(
    commands: Callable[..., Dataset], shift: Any, randomise: Any, tune: str
) -> None:
    """Also of a policy whose LoRA (and so on) was trained before: what is added is not left out."""
    agent = make(commands("tagging"), "reinforce", tune, kl_coef=0.1)
    randomise(agent.policy, 0)
    agent.learn(total_episodes=8, log_interval=None)  # no policy of zero differences any more
    agent.set_reference()
    whole = copy.deepcopy(agent.policy).train(False).requires_grad_(False)
    trained, every = trained_parameters(agent.policy)
    held = {id(w): w.numel() for p in (agent.policy, agent.reference) for w in p.parameters()}
    assert sum(held.values()) == every + trained
    agent.learn(total_episodes=16, log_interval=None, reset_num_timesteps=False)

    batch = agent.label_env.episodes.batch(range(16))
    labels = torch.from_numpy(batch.gold).long()
    with torch.no_grad():
        log_probs = agent.policy.distribution(
            agent.policy.features(agent.policy.texts(batch)), batch
        ).log_probs(labels)
        found = agent._kl_to_reference(log_probs, labels, batch, labels >= 0)
        agent.reference = whole
        wanted = agent._kl_to_reference(log_probs, labels, batch, labels >= 0)
    assert float(found) == pytest.approx(float(wanted), abs=1e-6)
    assert wanted > 1e-4
    assert not any(weight.requires_grad for weight in whole.parameters())
    assert trained_parameters(agent.policy) == (trained, every)


def test_a_reference_of_another_policy_shares_nothing_that_changes(
    commands: Callable[..., Dataset],
) -> None:
    agent, other = (make(commands("tagging"), "reinforce", "lora") for _ in range(2))
    agent.set_reference(other.policy)
    before = copy.deepcopy(agent.reference.state_dict())
    other.learn(total_episodes=16, log_interval=None)
    for name, value in agent.reference.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("tune", ["frozen", "lora", "top:1"])
def test_only_what_is_trained_is_kept_of_the_best(
    commands: Callable[..., Dataset], tune: str
) -> None:
    dataset = commands("tagging")
    agent = make(dataset, "supervised", tune)
    best = copy.deepcopy(agent.policy.state_dict())

    class Worse(DevCallback):
        """Dev says that the start was best."""

        def _measure(self) -> None:
            super()._measure()
            if len(self.curve) > 1:
                return
            self.best = None
            worst = self.curve[0]
            self.best = type(worst)(0, 0, 0.0, {**worst.metrics, "accuracy": 2.0})

    callback = Worse(dataset["dev"], "accuracy", every=8)
    agent.learn(total_episodes=24, callback=callback, log_interval=None)
    kept = sum(value.numel() for value in callback._weights.values())
    assert kept == trained_parameters(agent.policy)[0]
    for name, value in agent.policy.state_dict().items():
        assert torch.equal(value, best[name]), name


@pytest.mark.parametrize("tune", ["lora", "prompt"])
def test_an_online_learner_goes_on_as_it_would_have(
    commands: Callable[..., Dataset], tmp_path: Any, tune: str
) -> None:
    dataset = commands("tagging")
    agent = make(dataset, "supervised", tune)
    labeller = Labeller(agent.policy, "tagging", dataset.tokenizer, 64)
    settings = OnlineSettings(batch_size=4, kl_coef=0.1, learning_rate=1e-2)
    learner = OnlineLearner(labeller, settings)
    texts = ["wake me at seven", "play jordan in chicago", "stop", "what is the weather in rome"]

    def teach(pupil: OnlineLearner) -> list[Any]:
        rows = pupil.label(texts)
        for place, row in enumerate(rows):
            pupil.feedback(row["id"], float(place % 2))
        return rows

    teach(learner)
    learner.save(tmp_path / "online")
    again = OnlineLearner.load(tmp_path / "online", device="cpu")
    assert again.policy.tune == tune
    assert teach(again) == teach(learner)
    for one, two in ((learner.policy, again.policy), (learner.reference, again.reference)):
        for name, value in one.state_dict().items():
            assert torch.equal(value, two.state_dict()[name]), name
    moved = [
        not torch.equal(v, learner.reference.state_dict()[n])
        for n, v in learner.policy.state_dict().items()
    ]
    assert any(moved) and not all(moved)


def test_stock_stable_baselines_trains_it_too(commands: Callable[..., Dataset]) -> None:
    import stable_baselines3

    from lingym.agents import LabelVecEnv

    env = LabelVecEnv(LabelVectorEnv(dataset=commands("classification"), num_envs=4))
    agent = stable_baselines3.PPO(
        LabelPolicy,
        env,
        n_steps=4,
        batch_size=16,
        n_epochs=1,
        policy_kwargs={"encoder": "tiny", "tune": "lora"},
        seed=0,
        device="cpu",
    )
    before = copy.deepcopy(agent.policy.state_dict())
    agent.learn(16)
    moved = {n for n, v in agent.policy.state_dict().items() if not torch.equal(v, before[n])}
    policy: Any = agent.policy
    assert moved <= trained_weights(policy).keys()
    assert any("lora_B" in name for name in moved)
    assert np.isfinite(float(policy.optimizer.param_groups[0]["lr"]))
