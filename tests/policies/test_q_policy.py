"""Action values: the scores of `LabelPolicy`, masked, for every task."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from torch import Tensor

from lingym.envs import (
    Classification,
    Dataset,
    ExtractiveSummary,
    LabelVectorEnv,
    MultiLabel,
    MultipleChoice,
    Relation,
    SentenceTagging,
    SlotsAndIntent,
    SpanQA,
    Tagging,
    build,
    load_corpus,
)
from lingym.hub import encoder_path
from lingym.policies import LabelPolicy, LabelQPolicy
from lingym.policies.distribution import FORBIDDEN
from lingym.policies.encoder import load_encoder

TASKS: dict[str, Callable[[], Any]] = {
    "tagging": Tagging,
    "classification": Classification,
    "multilabel": MultiLabel,
    "spanqa": SpanQA,
    "choice": MultipleChoice,
    "choice one by one": lambda: MultipleChoice(sequential=True),
    "relation": Relation,
    "sentences": SentenceTagging,
    "slots and intent": SlotsAndIntent,
    "summary": lambda: ExtractiveSummary(sentences=2),
}
CHAINED = ("tagging", "classification", "sentences", "slots and intent")
CASES = [
    *((task, {"pooling": pooling}) for task in TASKS for pooling in ("first", "mean")),
    *((task, {"history": "previous", "constrained": False}) for task in CHAINED),
    *((task, {"history": "previous"}) for task in CHAINED),
    *((task, {"constrained": True}) for task in CHAINED),
]
ROWS = 6


@cache
def dataset_of(task: str) -> Dataset:
    made = TASKS[task]()
    return build(made, load_corpus(f"{made.corpus}?train=12&dev=4&test=4"), max_tokens=128)


@torch.no_grad()
def q_policy(task: str, **arguments: Any) -> LabelQPolicy:
    """A policy with random heads; the target network has others."""
    env = LabelVectorEnv(dataset=dataset_of(task))
    torch.manual_seed(0)
    made = LabelQPolicy(
        env.single_observation_space, env.single_action_space, lambda _: 1e-3, **arguments
    )
    for name, parameter in made.named_parameters():
        if ".encoder." not in name:
            parameter.normal_(0, 0.5)
    return made


def tensors(observation: dict[str, np.ndarray], kind: type = float) -> dict[str, Tensor]:
    return {name: torch.as_tensor(value.astype(kind)) for name, value in observation.items()}


def states(task: str, steps: int, seed: int = 0) -> Any:
    """Observations of random play, rules kept: with the game's masks and its batch of texts."""
    env = LabelVectorEnv(dataset=dataset_of(task), num_envs=ROWS)
    random = np.random.default_rng(seed)
    observation, _ = env.reset(seed=seed)
    for _ in range(steps):
        yield env, observation
        masks = env.action_masks()
        actions = np.array([random.choice(np.flatnonzero(mask)) for mask in masks])
        observation, *_ = env.step(actions)


def close(found: Tensor, wanted: Tensor) -> None:
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("task", "arguments"), CASES)
def test_values_are_the_scores_of_a_label_policy_with_the_same_weights(
    task: str, arguments: dict[str, Any]
) -> None:
    q = q_policy(task, **arguments)
    policy = LabelPolicy(q.observation_space, q.action_space, lambda _: 1e-3, **arguments)
    lacking = policy.load_state_dict(q.q_net.state_dict(), strict=False)
    assert not lacking.unexpected_keys
    assert all(name.startswith("value_") for name in lacking.missing_keys)
    seen = 0
    for env, observation in states(task, 8):
        game = env.game
        batch = env.episodes.batch(game.examples)
        with torch.no_grad():
            values = q.q_net(tensors(observation, np.int32))
            whole = policy.distribution(policy.features(policy.texts(batch)), batch)
        masks = game.action_masks() if q.q_net.constrained else game.meaningful()
        for row in range(ROWS):
            wanted = whole.scores[row, int(game.cursor[row])]
            if policy.history == "previous":
                before = observation["labels"][row, max(int(game.cursor[row]) - 1, 0)]
                start = game.cursor[row] == 0
                wanted = wanted + policy.transition[len(policy.labels) if start else before]
            mask = torch.from_numpy(masks[row])
            found = values[row]
            assert (found[~mask] == FORBIDDEN).all()
            places = mask.nonzero().flatten()
            close(found[places], wanted[places].detach())
            seen += len(places)
    assert seen > 50


@pytest.mark.parametrize(("task", "arguments"), CASES)
def test_whole_texts_get_the_labels_of_greedy_steps(task: str, arguments: dict[str, Any]) -> None:
    q = q_policy(task, **arguments)
    env = LabelVectorEnv(dataset=dataset_of(task), num_envs=12)
    examples = np.arange(12)
    wanted = q.label(env.episodes.batch(examples.astype(np.int32)))
    observation, _ = env.reset(options={"example": examples.tolist()})
    found, active = np.full_like(wanted, -1), np.ones(12, bool)
    for unit in range(wanted.shape[1]):
        actions, _ = q.predict(observation, deterministic=True)
        found[active, unit] = actions[active]
        observation, _, done, _, _ = env.step(actions)
        active &= ~done
    assert not active.any()
    assert np.array_equal(found, wanted)


@pytest.mark.parametrize("task", ["spanqa", "choice one by one", "slots and intent", "summary"])
def test_what_is_forbidden_has_no_value_and_no_gradient(task: str) -> None:
    q = q_policy(task)
    forbidden = 0
    for env, observation in states(task, 6):
        masks = torch.from_numpy(env.game.meaningful())
        values = q.q_net(tensors(observation))
        forbidden += int((~masks).sum())
        assert (values[~masks] == FORBIDDEN).all()
        assert (values[masks] > FORBIDDEN / 2).all()
        q.q_net.zero_grad()
        (values * ~masks).sum().backward()
        for parameter in q.q_net.parameters():
            assert parameter.grad is None or (parameter.grad == 0).all()
    assert forbidden > 0


def test_a_transition_that_was_tried_in_spite_of_its_mask_moves_nothing() -> None:
    q = q_policy("tagging", history="previous")
    for env, observation in states("tagging", 3):
        masks = torch.from_numpy(env.action_masks())
        assert not masks.all()
        q.q_net.zero_grad()
        (q.q_net(tensors(observation)) * ~masks).sum().backward()
        assert q.q_net.transition.grad is not None
        assert (q.q_net.transition.grad == 0).all()


def test_where_nothing_is_allowed_values_are_finite() -> None:
    q = q_policy("choice one by one", epsilon=1.0)
    _, observation = next(iter(states("choice one by one", 1)))
    observation["allowed"][:] = 0
    observation["cursor"][:] = observation["labels"].shape[1]  # all are labelled
    values = q.q_net_target(tensors(observation))
    assert (values == FORBIDDEN).all()
    assert (0.0 * values.max(1).values + 1 == 1).all()  # DQN's target at an episode's end
    assert set(q.predict(observation, deterministic=False)[0]) <= {0, 1}


def test_transitions_never_leave_a_unit_without_a_label() -> None:
    q = q_policy("slots and intent", constrained=True)
    _, observation = next(iter(states("slots and intent", 1)))
    names = q.labels.names
    inside = next(i for i, name in enumerate(names) if "/I-" in name)
    observation["allowed"][:] = np.arange(len(names)) == inside  # and may not start an episode
    assert (q.predict(observation)[0] == inside).all()


def test_exploration_draws_allowed_labels_only_and_all_of_them() -> None:
    q = q_policy("spanqa", epsilon=0.25)
    env, observation = next(iter(states("spanqa", 1)))
    masks = env.game.meaningful()
    assert not masks.all()
    greedy, _ = q.predict(observation, deterministic=True)
    torch.manual_seed(0)
    drawn = np.stack([q.predict(observation, deterministic=False)[0] for _ in range(600)])
    assert (q.predict(observation, deterministic=True)[0] == greedy).all()
    for row in range(ROWS):
        assert masks[row, drawn[:, row]].all()
    expected = 0.25 * (1 - 1 / masks.sum(1))
    assert (drawn != greedy).mean(0) == pytest.approx(expected, abs=0.07)
    assert len(set(drawn[:, 0])) > 30
    # Rows explore each for itself, unlike in DQN's own exploration.
    assert 0.4 < np.unique(drawn != greedy, axis=0).shape[0] / 2**ROWS < 1


def test_without_epsilon_the_policy_is_greedy() -> None:
    q = q_policy("tagging")
    _, observation = next(iter(states("tagging", 1)))
    for _ in range(20):
        found, _ = q.predict(observation, deterministic=False)
        assert (found == q.predict(observation, deterministic=True)[0]).all()


def test_a_pretrained_encoder_is_untouched(commands: Callable[..., Dataset], minilm: str) -> None:
    dataset = commands("tagging", 64, "minilm")
    env = LabelVectorEnv(dataset=dataset)
    q = LabelQPolicy(
        env.single_observation_space, env.single_action_space, lambda _: 1e-3, encoder=minilm
    )
    assert encoder_path(minilm)
    wanted = load_encoder(minilm, 30522, 64, pooler=False).state_dict()
    for network in (q.q_net, q.q_net_target):
        found = network.encoder.state_dict()
        assert found.keys() == wanted.keys()
        assert all(torch.equal(found[name], value) for name, value in wanted.items())
    ours = {parameter.data_ptr() for parameter in q.q_net.parameters()}
    assert not ours & {parameter.data_ptr() for parameter in q.q_net_target.parameters()}


def test_the_optimiser_holds_the_network_once_and_the_head_at_its_own_rate() -> None:
    q = q_policy("tagging", head_lr_scale=7.0)
    held = [p for group in q.optimizer.param_groups for p in group["params"]]
    own = dict(q.q_net.named_parameters())
    assert {id(p) for p in held} == {id(p) for p in own.values()}
    assert len(held) == len(own)
    for group in q.optimizer.param_groups:
        for parameter in group["params"]:
            name = next(name for name, value in own.items() if value is parameter)
            assert group["lr_scale"] == (1.0 if name.startswith("encoder.") else 7.0)
            assert group["weight_decay"] == (0.01 if parameter.ndim > 1 else 0.0)


def test_dropout_is_off_in_every_mode() -> None:
    q = q_policy("tagging")
    q.set_training_mode(True)
    q.q_net.set_training_mode(True)
    assert not any(module.training for module in q.modules())
    _, observation = next(iter(states("tagging", 1)))
    assert torch.equal(q.q_net(tensors(observation)), q.q_net(tensors(observation)))


def test_saves_and_loads(tmp_path: Path) -> None:
    q = q_policy("slots and intent", history="previous", epsilon=0.5, pooling="mean")
    q.save(str(tmp_path / "policy"))
    again = LabelQPolicy.load(str(tmp_path / "policy"))
    assert (again.epsilon, again.q_net.pooling, again.q_net.history) == (0.5, "mean", "previous")
    for _, observation in states("slots and intent", 4):
        given = tensors(observation)
        assert torch.equal(again.q_net(given), q.q_net(given))
        assert torch.equal(again.q_net_target(given), q.q_net_target(given))


def test_what_does_not_fit_is_refused() -> None:
    box = spaces.Box(0, 1, (3,))
    with pytest.raises(ValueError, match="needs the spaces of a lingym environment"):
        LabelQPolicy(box, spaces.Discrete(3), lambda _: 1e-3)
    with pytest.raises(ValueError, match=r"epsilon must be in 0 .. 1, got 1.5"):
        q_policy("tagging", epsilon=1.5)
    batch = dataset_of("tagging")["train"].batch(range(2))
    with pytest.raises(ValueError, match="no distribution to sample"):
        q_policy("tagging").label(batch, deterministic=False)
