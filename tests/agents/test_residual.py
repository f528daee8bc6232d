"""A correction of a frozen labeller: nothing at the start, then what is learned."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lingym.agents import PPO, REINFORCE, ExpectedReward, Labeller, Supervised, predict_labels
from lingym.envs import Dataset, LabelVectorEnv
from lingym.policies import LabelPolicy, ResidualPolicy
from tests.envs.every_task import FORMS, every_task

FORMS_TRIED = ("tagging", "classification", "multilabel", "spanqa", "choice", "summary", "mix")
SHARED: dict[bool, dict[str, Any]] = {False: {}, True: {"tune": "frozen"}}
AGENTS = {"supervised": Supervised, "ppo": PPO, "reinforce": REINFORCE, "expected": ExpectedReward}


def policy_of(dataset: Dataset, kind: type[LabelPolicy] = LabelPolicy, **arguments: Any) -> Any:
    env = LabelVectorEnv(dataset=dataset)
    return kind(env.single_observation_space, env.single_action_space, lambda _: 1e-3, **arguments)


@torch.no_grad()
def labeller(dataset: Dataset, folder: Path, seed: int = 0, **arguments: Any) -> Labeller:
    """A saved labeller whose heads are random, so that its labels differ from text to text."""
    torch.manual_seed(seed)
    policy = policy_of(dataset, **arguments)
    for name, parameter in policy.named_parameters():
        if not name.startswith("encoder."):
            parameter.normal_(0, 0.5)
    task = dataset.task
    one = Labeller(policy, task.name, dataset.tokenizer, 128, settings=task.saved())
    one.save(folder)
    return one


@torch.no_grad()
def scores(policy: LabelPolicy, dataset: Dataset) -> tuple[torch.Tensor, torch.Tensor | None]:
    batch = dataset["dev"].batch(np.arange(len(dataset["dev"]), dtype=np.int32))
    found = policy.distribution(policy.features(policy.texts(batch)), batch)
    return found.scores, found.transition


def agent_of(
    name: str, dataset: Dataset, base: Path, more: dict[str, Any] | None = None, **arguments: Any
) -> Any:
    kind: Any = AGENTS[name]
    reward = None if dataset.space.form == "candidates" else "accuracy"  # never 0 for long
    return kind(
        ResidualPolicy,
        LabelVectorEnv(dataset=dataset, reward=reward),
        policy_kwargs={"residual": str(base), **(more or {})},
        **{"n_steps": 12, "batch_size": 6, "seed": 0, "device": "cpu", **arguments},
    )


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("form", FORMS_TRIED)
def test_it_starts_as_the_labeller_to_the_last_bit(form: str, shared: bool, tmp_path: Path) -> None:
    dataset = every_task(form)
    base = labeller(dataset, tmp_path / "base")
    policy = policy_of(dataset, ResidualPolicy, residual=tmp_path / "base", **SHARED[shared])
    for ours, theirs in zip(scores(policy, dataset), scores(base.policy, dataset), strict=True):
        if ours is None or theirs is None:
            assert ours is theirs
        else:
            assert torch.equal(ours, theirs)
    test = dataset["test"]
    assert (predict_labels(policy, test) == predict_labels(base.policy, test)).all()
    assert policy.at_zero and policy.twin() is policy.base


@pytest.mark.parametrize("before", ["none", "previous"])
def test_history_is_the_labellers_or_is_added(
    before: Any, commands: Callable[..., Dataset], tmp_path: Path
) -> None:
    dataset = commands("tagging")
    base = labeller(dataset, tmp_path / "base", history=before)
    same = policy_of(dataset, ResidualPolicy, residual=tmp_path / "base")
    longer = policy_of(dataset, ResidualPolicy, residual=tmp_path / "base", history="previous")
    assert (same.history, longer.history) == (before, "previous")
    assert same.constrained == longer.constrained == base.policy.constrained
    wanted, transition = scores(base.policy, dataset)
    for policy in (same, longer):
        found, learned = scores(policy, dataset)
        assert torch.equal(found, wanted)
        if transition is not None:
            assert learned is not None and torch.equal(learned, transition)
        labels = predict_labels(policy, dataset["dev"])
        assert (labels == predict_labels(base.policy, dataset["dev"])).all()
    with torch.no_grad():
        longer.transition.fill_(0.25)
    moved = scores(longer, dataset)[1]
    assert not longer.at_zero
    assert moved is not None
    if transition is not None:
        assert torch.allclose(moved, transition + 0.25)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(("form", "agent"), [*(("tagging", a) for a in AGENTS), ("spanqa", "ppo")])
def test_every_agent_moves_the_correction_and_not_the_labeller(
    form: str, agent: str, shared: bool, tmp_path: Path
) -> None:
    dataset = every_task(form)
    labeller(dataset, tmp_path / "base")
    learner = agent_of(agent, dataset, tmp_path / "base", SHARED[shared], learning_rate=1e-2)
    before = {name: w.clone() for name, w in learner.policy.state_dict().items()}
    learner.learn(total_episodes=24)
    after = learner.policy.state_dict()
    moved = {name for name, weight in after.items() if not torch.equal(weight, before[name])}
    assert "label_head.weight" in moved
    assert any(name.startswith("encoder.") for name in moved) != shared
    assert not [name for name in moved if name.startswith("base.")]
    assert not learner.policy.at_zero


def test_the_head_moves_first_then_the_encoder(tmp_path: Path) -> None:
    dataset = every_task("tagging")
    labeller(dataset, tmp_path / "base")
    learner = agent_of("supervised", dataset, tmp_path / "base")
    batch = dataset["train"].batch(np.arange(8, dtype=np.int32))
    learner.loss(batch)[0].backward()
    encoder = [weight.grad for weight in learner.policy.encoder.parameters()]
    assert not any(grad is not None and bool(grad.any()) for grad in encoder)
    assert bool(learner.policy.label_head.weight.grad.any())
    learner.policy.optimizer.step()
    learner.policy.optimizer.zero_grad()
    learner.loss(batch)[0].backward()
    assert any(bool(weight.grad.any()) for weight in learner.policy.encoder.parameters())


def test_it_learns_what_its_labeller_does_not_know(identity: Dataset, tmp_path: Path) -> None:
    base = labeller(identity, tmp_path / "base")
    train = identity["train"]
    learner = agent_of(
        "supervised", identity, tmp_path / "base", learning_rate=2e-3, n_steps=64, batch_size=8
    )
    learner.learn(total_episodes=64 * 12)
    gold = train.gold_of(np.arange(len(train)), train.max_units)
    right = (predict_labels(learner.policy, train) == gold)[gold >= 0].mean()
    knew = (predict_labels(base.policy, train) == gold)[gold >= 0].mean()
    assert right > 0.9 > 0.6 > knew


def test_the_labeller_is_the_reference_and_its_encoder_runs_once_a_batch(tmp_path: Path) -> None:
    dataset = every_task("tagging")
    labeller(dataset, tmp_path / "base")
    learner = agent_of("reinforce", dataset, tmp_path / "base", kl_coef=0.5)
    learner.set_reference()
    assert learner.reference is learner.policy.base
    batch = dataset["train"].batch(np.arange(6, dtype=np.int32))
    learner.policy.features(learner.policy.texts(batch))
    read = learner.policy.work.tokens
    found = learner.reference.features(learner.reference.texts(batch))
    assert learner.policy.work.tokens == read
    assert torch.equal(found, learner.policy.base.policy.features(learner.policy.texts(batch)))
    with torch.no_grad():
        learner.policy.base.policy.encoder.embeddings.word_embeddings.weight.add_(1.0)
    assert not torch.equal(found, learner.reference.features(learner.reference.texts(batch)))
    other = dataset["train"].batch(np.arange(6, 12, dtype=np.int32))
    learner.reference.features(learner.reference.texts(other))
    assert learner.policy.work.tokens > read
    learner.learn(total_episodes=12)
    with torch.no_grad():
        learner.policy.label_head.bias.add_(1.0)
    learner.set_reference()
    assert learner.reference is not learner.policy.base  # a copy: the correction is not zero
    assert isinstance(learner.reference, ResidualPolicy)


def test_dropout_falls_on_the_correction_alone(tmp_path: Path) -> None:
    dataset = every_task("tagging")
    base = labeller(dataset, tmp_path / "base").policy
    policy = policy_of(dataset, ResidualPolicy, residual=tmp_path / "base")
    policy.train(True)
    assert policy.encoder.training and not policy.base.policy.encoder.training
    batch = dataset["train"].batch(np.arange(6, dtype=np.int32))
    with torch.no_grad():
        one, other = (policy.features(policy.texts(batch)) for _ in range(2))
        assert torch.equal(one[..., : base.width], other[..., : base.width])
        assert torch.equal(one[..., : base.width], base.features(base.texts(batch)))
        assert not torch.equal(one[..., base.width :], other[..., base.width :])


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("form", ["tagging", "multilabel", "spanqa"])
def test_by_step_and_by_episode_say_the_same(form: str, shared: bool, tmp_path: Path) -> None:
    dataset = every_task(form)
    labeller(dataset, tmp_path / "base")
    policy = policy_of(dataset, ResidualPolicy, residual=tmp_path / "base", **SHARED[shared])
    with torch.no_grad():
        policy.label_head.weight.normal_(0, 0.3)
        policy.value_head.weight.normal_(0, 0.3)
    env = LabelVectorEnv(dataset=dataset, num_envs=4)
    obs, _ = env.reset(seed=0)
    first = {name: torch.as_tensor(value) for name, value in obs.items()}
    with torch.no_grad():
        found = policy.get_distribution(first).distribution.probs
        value = policy.predict_values(first)
        batch = env.game.episodes.batch(env.game.examples)
        features = policy.features(policy.texts(batch))
        distribution = policy.distribution(features, batch)
        labels = distribution.mode()
        chances = distribution.log_probs(labels).exp()[:, 0]
        values = policy.values(features, labels, batch)[:, 0]
    width = chances.shape[-1]
    assert torch.allclose(found[:, :width], chances, atol=1e-5)
    assert torch.allclose(value[:, 0], values, atol=1e-5)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("form", ["tagging", "spanqa"])
def test_what_is_loaded_is_what_was_saved(form: str, shared: bool, tmp_path: Path) -> None:
    dataset = every_task(form)
    base = labeller(dataset, tmp_path / "base")
    learner = agent_of("ppo", dataset, tmp_path / "base", SHARED[shared], learning_rate=1e-2)
    learner.learn(total_episodes=24)
    task = dataset.task
    saved = Labeller(learner.policy, task.name, dataset.tokenizer, 128, settings=task.saved())
    saved.save(tmp_path / "run" / "model")
    (tmp_path / "base").rename(tmp_path / "gone")  # the model's folder stands alone
    loaded = Labeller.load(tmp_path / "run", device="cpu")
    loaded.save(tmp_path / "again")
    for one in (loaded, Labeller.load(tmp_path / "again", device="cpu")):
        assert isinstance(one.policy, ResidualPolicy) and one.policy.shared == shared
        weights = saved.policy.state_dict()
        assert one.policy.state_dict().keys() == weights.keys()
        assert all(torch.equal(v, weights[name]) for name, v in one.policy.state_dict().items())
        test = dataset["test"]
        assert (predict_labels(one.policy, test) == predict_labels(saved.policy, test)).all()
    inner = Labeller.load(tmp_path / "again" / "base", device="cpu")
    test = dataset["test"]
    assert (predict_labels(inner.policy, test) == predict_labels(base.policy, test)).all()


def test_a_correction_can_be_corrected(tmp_path: Path) -> None:
    dataset = every_task("tagging")
    labeller(dataset, tmp_path / "base")
    first = agent_of("supervised", dataset, tmp_path / "base", learning_rate=1e-2)
    first.learn(total_episodes=24)
    one = Labeller(first.policy, "tagging", dataset.tokenizer, 128)
    one.save(tmp_path / "one")
    second = policy_of(dataset, ResidualPolicy, residual=tmp_path / "one")
    assert torch.equal(scores(second, dataset)[0], scores(first.policy, dataset)[0])
    assert isinstance(second.base.policy, ResidualPolicy)


def test_the_zip_of_stable_baselines3_goes_on(tmp_path: Path) -> None:
    dataset = every_task("tagging")
    labeller(dataset, tmp_path / "base")
    learner = agent_of("reinforce", dataset, tmp_path / "base", learning_rate=1e-2)
    learner.learn(total_episodes=12)
    learner.save(tmp_path / "agent.zip")
    env: Any = LabelVectorEnv(dataset=dataset)
    again = REINFORCE.load(tmp_path / "agent.zip", env, device="cpu")
    weights = learner.policy.state_dict()
    assert all(torch.equal(v, weights[name]) for name, v in again.policy.state_dict().items())
    again.learn(total_episodes=12)


def test_what_does_not_go_together_is_refused(tmp_path: Path) -> None:
    dataset = every_task("tagging")
    base = tmp_path / "base"
    labeller(dataset, base, history="previous")
    for arguments, message in (
        ({"residual": tmp_path / "none"}, "is no lingym model"),
        ({"residual": base, "pooling": "mean"}, "pooling 'mean': the labeller's is 'first'"),
        (
            {"residual": base, "history": "none"},
            "history 'none': the labeller's is 'previous'",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            policy_of(dataset, ResidualPolicy, **arguments)
    with pytest.raises(ValueError, match="was trained on other labels"):
        policy_of(every_task("classification"), ResidualPolicy, residual=base)
    assert set(FORMS_TRIED) <= FORMS.keys()
