"""Ways of training together: a part of the encoder, a correction, perturbations, a saved agent."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lingym.agents import PPO, REINFORCE, Labeller, Robustness, Supervised
from lingym.agents.scores import scores_of
from lingym.envs import Classification, Dataset, LabelVectorEnv, build
from lingym.envs.tokenizer import load_tokenizer
from lingym.envs.verbaliser import word_ids
from lingym.policies import LabelPolicy, ResidualPolicy, frozen_copy, light_copy
from tests.policies.masked import PATTERN, WORDS, made_corpus, save_masked

pytest.importorskip("peft")


def policy_of(dataset: Dataset, kind: type[LabelPolicy] = LabelPolicy, **arguments: Any) -> Any:
    env = LabelVectorEnv(dataset=dataset)
    return kind(env.single_observation_space, env.single_action_space, lambda _: 1e-3, **arguments)


@torch.no_grad()
def disturb(policy: LabelPolicy, seed: int = 0) -> None:
    """Move all that is trained."""
    generator = torch.Generator().manual_seed(seed)
    for weight in policy.parameters():
        if weight.requires_grad:
            weight.add_(0.2 * torch.randn(weight.shape, generator=generator))


@torch.no_grad()
def scores(policy: LabelPolicy, dataset: Dataset) -> torch.Tensor:
    batch = dataset["test"].batch(range(6))
    return policy.distribution(policy.features(policy.texts(batch)), batch).scores


def saved(policy: LabelPolicy, dataset: Dataset, folder: Path) -> Path:
    disturb(policy)
    Labeller(policy, "tagging", dataset.tokenizer, max_tokens=64).save(folder)
    return folder


@pytest.fixture
def dataset(commands: Callable[..., Dataset]) -> Dataset:
    return commands("tagging")


@pytest.fixture
def whole(dataset: Dataset, tmp_path: Path) -> Path:
    """A whole model, with history."""
    return saved(policy_of(dataset, history="previous"), dataset, tmp_path / "whole")


@pytest.mark.parametrize("correction", [False, True])
@pytest.mark.parametrize("tune", ["lora", "adapter", "prompt"])
def test_a_copy_runs_its_own_parts(
    dataset: Dataset, whole: Path, tune: str, correction: bool
) -> None:
    """Adapters and prompts are hooks, which must not go on calling what they were copied from."""
    more: dict[str, Any] = {"kind": ResidualPolicy, "residual": whole} if correction else {}
    policy = policy_of(dataset, tune=tune, **more)
    disturb(policy)
    first = scores(policy, dataset)
    for make in (copy.deepcopy, light_copy, frozen_copy):
        own = make(policy)
        assert torch.equal(scores(own, dataset), first)
        with torch.no_grad():
            for name, weight in own.encoder.named_parameters():
                if name in policy.encoder_trained:
                    weight.add_(0.3)
        moved = scores(own, dataset)
        assert not torch.equal(moved, first)
        assert torch.equal(scores(policy, dataset), first)
        disturb(policy, seed=1)
        first = scores(policy, dataset)
        assert torch.equal(scores(own, dataset), moved)


@pytest.mark.parametrize("tune", ["lora", "adapter", "prompt"])
def test_a_zip_of_a_part_trained_correction_goes_on(
    dataset: Dataset, whole: Path, tmp_path: Path, tune: str
) -> None:
    env = LabelVectorEnv(dataset=dataset, reward="accuracy")
    kind: Any = REINFORCE
    agent = kind(
        *(ResidualPolicy, env),
        **dict(n_steps=8, batch_size=8, seed=0, device="cpu", kl_coef=0.1, learning_rate=1e-2),
        policy_kwargs={"residual": str(whole), "tune": tune},
    )
    agent.learn(total_episodes=16)
    agent.save(tmp_path / "agent.zip")
    again = kind.load(tmp_path / "agent.zip", env, device="cpu")
    assert torch.equal(scores(again.policy, dataset), scores(agent.policy, dataset))
    learned = [[w.requires_grad for w in one.policy.parameters()] for one in (agent, again)]
    assert learned[0] == learned[1]
    again.learn(total_episodes=8)


@pytest.mark.parametrize("tune", ["lora", "adapter", "full", "frozen"])
def test_a_correction_of_a_part_trained_labeller_finds_its_base_where_it_moved(
    dataset: Dataset, whole: Path, tmp_path: Path, tune: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINGYM_CACHE", str(tmp_path / "cache"))  # which notes where bases were
    part = policy_of(dataset, encoder=str(whole), tune="lora", history="previous")
    labeller = saved(part, dataset, tmp_path / "labeller")
    policy = policy_of(dataset, ResidualPolicy, residual=labeller, tune=tune)
    model = saved(policy, dataset, tmp_path / "model")
    labeller.rename(tmp_path / "gone")  # a copy of it is in the model's folder
    wanted = scores(policy, dataset)
    assert torch.equal(scores(Labeller.load(model, device="cpu").policy, dataset), wanted)
    whole.rename(tmp_path / "moved")
    loaded = Labeller.load(model, device="cpu", base=str(tmp_path / "moved"))
    assert torch.equal(scores(loaded.policy, dataset), wanted)
    with pytest.raises(ValueError, match="holds only what was trained, on the base"):
        Labeller.load(model, device="cpu")


def test_a_model_is_not_saved_over_its_base(dataset: Dataset, whole: Path) -> None:
    policy = policy_of(dataset, encoder=str(whole), tune="lora")
    with pytest.raises(ValueError, match="holds the base of this model"):
        saved(policy, dataset, whole)
    Labeller.load(whole, device="cpu")
    policy.merge()  # which needs it no more
    wanted = scores(policy, dataset)
    Labeller(policy, "tagging", dataset.tokenizer, max_tokens=64).save(whole)
    assert torch.equal(scores(Labeller.load(whole, device="cpu").policy, dataset), wanted)


def hooks(policy: LabelPolicy) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in policy.modules())


@pytest.mark.parametrize("tune", ["lora", "prompt"])
def test_a_correction_bears_perturbations_and_masks_and_leaves_no_hook(
    dataset: Dataset, whole: Path, tune: str
) -> None:
    kwargs = {"residual": str(whole), "tune": tune}
    kind: Any = PPO
    agent = kind(
        *(ResidualPolicy, LabelVectorEnv(dataset=dataset, reward="accuracy")),
        **dict(n_steps=8, batch_size=8, seed=0, device="cpu", n_epochs=2, learning_rate=1e-2),
        **dict(dropout=True, samples=2, baseline="leave-one-out", kl_coef=0.1, gold_coef=0.1),
        policy_kwargs=kwargs,
        robust=Robustness("fgm", r_drop=1.0),
    )
    ratios: list[float] = []
    loss = agent.loss

    def watched(rows: np.ndarray) -> Any:
        found = loss(rows)
        if not agent.passes.again and not ratios:
            ratios.append(found[1]["approx_kl"])
        return found

    agent.loss = watched
    before, count = copy.deepcopy(agent.policy.state_dict()), hooks(agent.policy)
    agent.learn(total_episodes=16)
    assert ratios == [pytest.approx(0.0, abs=1e-6)]  # the mask is that of the rollout
    assert hooks(agent.policy) == count
    after = agent.policy.state_dict()
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert moved and not any(name.startswith("base.") for name in moved)
    assert any(name.startswith("encoder.") for name in moved)


def test_what_has_no_use_for_a_correction_is_refused(dataset: Dataset, whole: Path) -> None:
    env = LabelVectorEnv(dataset=dataset)
    kwargs = {"residual": str(whole), "tune": "frozen"}
    for robust in (Robustness(r_drop=1.0), Robustness(dropout_rate=0.2)):
        with pytest.raises(ValueError, match="reads its frozen labeller's own features"):
            Supervised(ResidualPolicy, env, policy_kwargs=kwargs, robust=robust)
    with pytest.raises(ValueError, match="a correction has a linear head, and a verbaliser fills"):
        policy_of(dataset, ResidualPolicy, residual=whole, verbaliser=((1,), (2,)))


def test_a_head_that_fills_in_a_blank_is_neither_corrected_nor_tuned(tmp_path: Path) -> None:
    save_masked(tmp_path / "masked", steps=0)
    tokenizer = load_tokenizer(str(tmp_path / "masked"))
    dataset = build(Classification(pattern=PATTERN), made_corpus(12, 0), tokenizer, 48)
    words = word_ids(tokenizer, dataset.space, WORDS)
    policy = policy_of(dataset, encoder=str(tmp_path / "masked"), verbaliser=words)
    with pytest.raises(ValueError, match="only one with a linear head can be tuned"):
        scores_of(policy, dataset["dev"])
    task = dataset.task
    one = Labeller(policy, task.name, tokenizer, 48, settings=task.saved())
    one.save(tmp_path / "model")
    with pytest.raises(
        ValueError, match="a correction has a linear head, and the labeller's fills"
    ):
        policy_of(dataset, ResidualPolicy, residual=tmp_path / "model")
