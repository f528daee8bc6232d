"""PPO with dropout: a minibatch keeps its mask, so that ratios tell what the weights moved."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lingym.agents import PPO, LabelVecEnv, evaluate
from lingym.agents.masks import Masks, masked_features
from lingym.agents.minibatches import minibatches
from lingym.envs import Dataset
from lingym.policies import LabelPolicy
from lingym.scripts.train import Train
from lingym.scripts.train_check import check_use

Make = Callable[..., PPO]
TEXTS = np.arange(32)


@pytest.fixture
def agent(
    commands: Callable[..., Dataset],
    vec_env: Callable[..., LabelVecEnv],
    randomise: Callable[[LabelPolicy, int], None],
) -> Make:
    """An agent of 32 texts a rollout, 8 a minibatch, 3 epochs, with dropout and random heads."""

    def make(policy: dict[str, Any] | None = None, device: str = "cpu", **own: Any) -> PPO:
        settings = {"n_steps": 32, "batch_size": 8, "n_epochs": 3, "dropout": True, "seed": 0}
        env = vec_env(commands("tagging"), "accuracy")
        made = PPO("LabelPolicy", env, policy_kwargs=policy, device=device, **settings | own)
        randomise(made.policy, 0)
        made._setup_learn(0)  # a log, for losses outside `learn`
        return made

    return make


def logs(learner: PPO, monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[int], dict[str, float]]]:
    """The rows of every minibatch that is learned from, and what is logged of it, as it comes."""
    compute, found = learner.loss, []

    def watched(rows: Any) -> Any:
        loss, log = compute(rows)
        found.append((rows.tolist(), log))
        return loss, log

    monkeypatch.setattr(learner, "loss", watched)
    return found


def weights(learner: PPO) -> Tensor:
    return torch.cat([value.flatten() for value in learner.policy.state_dict().values()])


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
@pytest.mark.parametrize(
    ("policy", "own"),
    [
        ({}, {}),
        ({"history": "previous", "value_gradient": True}, {}),
        ({"attention_dropout": 0.0}, {"samples": 3, "baseline": "group"}),
        ({"autocast": True}, {}),
    ],
)
def test_ratios_are_1_in_every_epoch_while_the_weights_stay(
    agent: Make,
    policy: dict[str, Any],
    own: dict[str, Any],
    device: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learner = agent(policy, device, learning_rate=0.0, clip_range=1e-6, **own)
    found = logs(learner, monkeypatch)
    learner.learn(total_episodes=32)
    assert len(found) == 3 * 4
    exact = 0.0 if device == "cpu" else 1e-6
    for _, log in found:
        assert abs(log["approx_kl"]) <= exact and log["clip_fraction"] <= exact


def test_the_mask_of_an_epoch_is_the_one_that_labels_were_drawn_under(agent: Make) -> None:
    learner = agent({"history": "previous"})
    rollout, policy = learner.label_texts(TEXTS), learner.policy
    masks = rollout.masks
    assert masks is not None and len(masks.minibatches) == 4
    assert sorted(np.concatenate(masks.minibatches)) == TEXTS.tolist()
    for rows, seed in zip(masks.minibatches, masks.seeds, strict=True):
        batch = learner.label_env.episodes.batch(rollout.examples[rows])
        width = batch.gold.shape[1]
        labels, mask = rollout.labels[0][rows, :width], rollout.mask[0][rows, :width]
        features = masked_features(policy, batch, seed)
        every = policy.distribution(features, batch).log_probs(labels)
        now = every.gather(-1, labels.clamp(min=0)[..., None]).squeeze(-1)
        assert torch.equal(now[mask], rollout.log_probs[0][rows, :width][mask])
        values = policy.values(features, labels, batch)
        assert torch.equal(values[mask], rollout.values[0][rows, :width][mask])
        clean, _, others = policy.evaluate_labels(batch, labels)
        assert (clean - now)[mask].abs().max() > 0.01
        assert (others - values)[mask].abs().max() > 0.001


def test_only_the_first_minibatch_of_a_rollout_is_learned_from_at_ratios_of_1(
    agent: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = agent(learning_rate=1e-4)
    found = logs(learner, monkeypatch)
    learner.learn(total_episodes=32)
    far = [log["approx_kl"] for _, log in found]
    assert far[0] == 0 and min(far[1:]) > 0
    # What other masks would bring before any update is far more than these updates do.
    with torch.no_grad():
        labels = learner.rollout.labels
        first, second = (agent().label_texts(learner.rollout.examples, labels) for _ in range(2))
        other = agent()
        other.label_texts(TEXTS)
        third = other.label_texts(learner.rollout.examples, labels)
    assert torch.equal(first.log_probs, second.log_probs)
    assert (first.log_probs - third.log_probs).abs().max() > 0.1


def test_epochs_shuffle_minibatches_whose_texts_stay_together(
    agent: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = agent()
    found = logs(learner, monkeypatch)
    learner.learn(total_episodes=64)
    rows = [each for each, _ in found]
    epochs = [rows[start : start + 4] for start in range(0, 24, 4)]
    for rollout in (epochs[:3], epochs[3:]):
        assert all(sorted(epoch) == sorted(rollout[0]) for epoch in rollout)
        assert len({str(epoch) for epoch in rollout}) > 1
    assert sorted(epochs[0]) != sorted(epochs[3])


def test_every_minibatch_and_every_rollout_has_its_own_mask(agent: Make) -> None:
    learner = agent()
    same = np.full(32, 3)  # one text, so that minibatches differ by their masks alone
    gold = learner.label_env.episodes.batch(same).gold
    labels = torch.from_numpy(gold).long()[None]
    first, second = learner.label_texts(same, labels), learner.label_texts(same, labels)
    assert first.masks is not None and second.masks is not None
    assert len({*first.masks.seeds, *second.masks.seeds}) == 8
    read = [
        each.log_probs[0][rows]
        for each in (first, second)
        for rows in (each.masks.minibatches if each.masks else ())
    ]
    assert len(read) == 8
    for place, one in enumerate(read):
        assert all((one - other).abs().max() > 0.01 for other in read[:place])
        assert (one[0] - one[1]).abs().max() > 0.001  # nor do the texts of a minibatch share one


def test_the_random_state_and_the_mode_stay_also_after_an_error(
    agent: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = agent()
    policy, features = learner.policy, learner.policy.features
    modes = []

    def reading(texts: Any) -> Tensor:
        modes.append(policy.training and policy.encoder.training)
        read = features(texts)
        if len(modes) == 20:
            raise RuntimeError("torn")
        return read

    monkeypatch.setattr(policy, "features", reading)
    before = torch.get_rng_state()
    learner.learn(total_episodes=32)
    assert len(modes) == 4 * 4 and all(modes)
    assert torch.equal(torch.get_rng_state(), before)
    assert not any(module.training for module in policy.modules())
    with pytest.raises(RuntimeError, match="torn"):
        learner.learn(total_episodes=32)
    assert len(modes) == 20
    assert torch.equal(torch.get_rng_state(), before)
    assert not any(module.training for module in policy.modules())


def test_the_reference_has_no_dropout(agent: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    learner = agent(kl_coef=0.1, learning_rate=0.0)
    learner.set_reference()
    reference = learner.reference
    assert reference is not None
    features, read = reference.features, []

    def reading(texts: Any) -> Tensor:
        assert not any(module.training for module in reference.modules())
        read.append(features(texts))
        assert torch.equal(read[-1], features(texts))
        return read[-1]

    monkeypatch.setattr(reference, "features", reading)
    found = logs(learner, monkeypatch)
    learner.learn(total_episodes=32)
    assert len(read) == len(found) == 12
    assert all(log["reference_kl"] > 1e-3 for _, log in found)  # what the masks do, at one weight


def test_one_seed_is_one_run(agent: Make) -> None:
    one, again, other = (agent(seed=seed, learning_rate=1e-3) for seed in (0, 0, 1))
    with torch.no_grad():
        for mine, theirs in zip(other.policy.parameters(), one.policy.parameters(), strict=True):
            mine.copy_(theirs)
    one.learn(total_episodes=64)
    torch.rand(7)  # PyTorch's own random numbers are not looked at
    again.learn(total_episodes=64)
    other.learn(total_episodes=64)
    assert torch.equal(weights(one), weights(again))
    assert not torch.equal(weights(one), weights(other))


def test_without_dropout_everything_is_drawn_as_it_always_was(
    agent: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = agent(dropout=False)
    found = logs(learner, monkeypatch)
    drawn = []
    sample = learner.label_env.sample

    def sampling(count: int) -> Any:
        drawn.append(sample(count))
        return drawn[-1]

    monkeypatch.setattr(learner.label_env, "sample", sampling)
    before = torch.get_rng_state()
    learner.learn(total_episodes=64)
    assert torch.equal(torch.get_rng_state(), before)
    random = np.random.default_rng(0)
    random.integers(2**63)  # the generator of labels
    wanted = []
    for examples in (each for each in drawn if len(each) == 32):  # not what a reset draws
        costs = learner.label_env.episodes.token_counts[examples]
        minibatches(costs, 32, random)  # to label: four times as large
        for _ in range(3):
            wanted += [rows.tolist() for rows in minibatches(costs, 8, random)]
    assert [rows for rows, _ in found] == wanted and len(wanted) == 24
    assert learner._random.bit_generator.state == random.bit_generator.state
    assert learner.rollout.masks is None


def test_rows_that_are_no_minibatch_have_no_mask(agent: Make) -> None:
    learner = agent()
    learner.rollout = learner.label_texts(TEXTS)
    masks = learner.rollout.masks
    assert masks is not None
    rows = masks.minibatches[0]
    learner.loss(rows)
    for wrong in (rows[::-1].copy(), rows[:-1], rows[:0], TEXTS):
        with pytest.raises(ValueError, match="no minibatch of the rollout"):
            masks.seed_of(wrong)
    with pytest.raises(ValueError, match="no minibatch of the rollout"):
        learner.loss(TEXTS)


def test_masks_are_refused_on_other_devices(agent: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    learner = agent()
    batch = learner.label_env.episodes.batch(TEXTS[:2])
    monkeypatch.setattr(LabelPolicy, "device", torch.device("meta"))
    with pytest.raises(ValueError, match="on cpu and cuda, not on meta"):
        masked_features(learner.policy, batch, 0)


def test_masks_are_drawn_by_the_generator_that_is_given() -> None:
    rows = [np.array([2, 0]), np.array([1, 3])]
    one, same, other = (Masks.drawn(rows, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert one.seeds == same.seeds != other.seeds
    assert [one.seed_of(each) for each in rows] == list(one.seeds)
    orders = {str(one.shuffled(np.random.default_rng(seed))) for seed in range(8)}
    assert len(orders) == 2


def test_it_is_saved(agent: Make, tmp_path: Path) -> None:
    learner = agent()
    learner.learn(total_episodes=32)
    learner.save(tmp_path / "agent")
    loaded = PPO.load(tmp_path / "agent", env=learner.env, device="cpu")
    assert loaded.dropout is True
    loaded.learn(total_episodes=32)
    assert loaded.rollout.masks is not None


def test_the_command_takes_it() -> None:
    check_use(Train(out="run", agent="ppo", dropout=True))
    with pytest.raises(ValueError, match="--dropout is for --agent ppo, reinforce"):
        check_use(Train(out="run", agent="supervised", dropout=True))


@pytest.mark.slow
@pytest.mark.parametrize("history", ["none", "previous"])
def test_the_identity_labelling_is_learned(
    identity: Dataset, vec_env: Callable[..., LabelVecEnv], history: str
) -> None:
    learner = PPO(
        *("LabelPolicy", vec_env(identity, "accuracy")),
        **dict(learning_rate=3e-4, n_steps=64, batch_size=16, samples=4, baseline="leave-one-out"),
        **dict(dropout=True, seed=0, device="cpu", policy_kwargs={"history": history}),
    )
    episodes = learner.label_env.episodes
    assert evaluate(learner.policy, episodes)["accuracy"] < 0.6
    learner.learn(total_episodes=768)
    assert evaluate(learner.policy, episodes)["accuracy"] >= 0.99
