"""Labels now, feedback later: what is remembered, what is learned, and going on after a stop."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lingym.agents import Labeller, OnlineLearner, OnlineSettings
from lingym.agents.losses import clipped_surrogate, masked_mean
from lingym.agents.replay import off_policy_loss, together
from lingym.envs import Dataset, LabelVectorEnv
from lingym.policies import LabelPolicy
from lingym.types import DataError
from tests.envs.every_task import FORMS, every_task

TEXTS = ["wake me at seven", "play jordan in chicago", "stop", "what is the weather in rome"]


@pytest.fixture
def labeller(
    commands: Callable[..., Dataset], randomise: Callable[[LabelPolicy, int], None]
) -> Callable[..., Labeller]:
    def make(task: str = "tagging", **policy: Any) -> Labeller:
        return of(commands(task), randomise, **policy)

    return make


def of(dataset: Dataset, randomise: Callable[[LabelPolicy, int], None], **policy: Any) -> Labeller:
    torch.manual_seed(0)
    env = LabelVectorEnv(dataset=dataset)
    space = (env.single_observation_space, env.single_action_space)
    made = LabelPolicy(*space, lambda _: 0.0, **policy)
    randomise(made, 0)
    kept = dataset.task.saved()
    return Labeller(made, dataset.task.name, dataset.tokenizer, 256, settings=kept)


def weights(learner: OnlineLearner) -> list[torch.Tensor]:
    return [value.clone() for value in learner.policy.state_dict().values()]


def same(one: OnlineLearner, two: OnlineLearner) -> bool:
    pairs = zip(weights(one), weights(two), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("temperature", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("history", ["none", "previous"])
def test_what_was_shown_is_remembered_with_its_probabilities(
    labeller: Callable[..., Labeller], temperature: float, history: str
) -> None:
    learner = OnlineLearner(
        labeller(history=history), OnlineSettings(temperature=temperature, seed=3)
    )
    rows = learner.label(TEXTS)
    assert [row["id"] for row in rows] == [0, 1, 2, 3]
    assert [row["tokens"] for row in rows] == [text.split() for text in TEXTS]
    shown = list(learner.waiting.values())
    names = learner.policy.labels.names
    assert [[names[k] for k in each.labels] for each in shown] == [row["labels"] for row in rows]
    whole = learner.labeller.read(learner.labeller.records(TEXTS), unlabelled=True).batch(range(4))
    for name in ("input_ids", "unit_of_token", "lengths", "gold"):
        again = shown[0].text.joined(*(each.text for each in shown[1:])).batch(range(4))
        np.testing.assert_array_equal(getattr(again, name), getattr(whole, name))
    labels = np.full(whole.gold.shape, -1)
    for row, each in zip(labels, shown, strict=True):
        row[: len(each.labels)] = each.labels
    policy = learner.policy
    with torch.no_grad():
        distribution = policy.distribution(policy.features(policy.texts(whole)), whole)
        given = torch.from_numpy(labels)
        every = distribution.log_probs(given)
        heated = (every / (temperature or 1)).log_softmax(-1)
    mask = labels >= 0
    own = np.concatenate([each.log_probs for each in shown])
    drawn = np.concatenate([each.behaviour for each in shown])
    taken = every.gather(-1, given.clamp(min=0)[..., None])[..., 0].numpy()
    sharpened = heated.gather(-1, given.clamp(min=0)[..., None])[..., 0].numpy()
    np.testing.assert_allclose(own, taken[mask], atol=1e-5)
    np.testing.assert_allclose(drawn, sharpened[mask] if temperature else 0.0, atol=1e-4)
    if not temperature:
        assert [row["labels"] for row in rows] == [
            row["labels"] for row in learner.labeller.predict(TEXTS)
        ]


def test_an_update_follows_the_formulas(labeller: Callable[..., Labeller]) -> None:
    learner = OnlineLearner(labeller(), OnlineSettings(batch_size=2, replay=0.5, ent_coef=0.1))
    learner.label(TEXTS)
    for id, score in ((2, 1.0), (0, 0.0)):
        log = learner.feedback(id, score)
    assert log["reward"] == 0.5
    assert learner.updates == 1
    assert learner.mean == 0.5
    learner.ready = [learner.waiting.pop(1), learner.waiting.pop(3)]
    learner.ready = [
        type(each)(**{**vars(each), "rewards": np.full(len(each.labels), 0.2)})
        for each in learner.ready
    ]
    old = learner.memory.items
    assert {each.id for each in old} == {0, 2}
    texts = together([*learner.ready, *old], "cpu")
    loss, logged = learner.loss(texts, 2, torch.full((4, 1), 0.5))
    now, entropy, _ = learner.policy.evaluate_labels(texts.batch, texts.labels)
    mask = texts.labels >= 0
    returns = texts.rewards.flip(1).cumsum(1).flip(1)
    advantages = torch.where(mask, returns - 0.5, 0.0)
    ratio = torch.where(mask, now - texts.log_probs, 0.0).exp()
    new = clipped_surrogate(ratio[:2], advantages[:2], mask[:2], 0.2) * mask[:2].sum()
    replayed = off_policy_loss(now[2:], texts.behaviour[2:], advantages[2:], mask[2:])
    wanted = (new + replayed * mask[2:].sum()) / mask.sum() - 0.1 * masked_mean(entropy, mask)
    torch.testing.assert_close(loss, wanted)
    assert logged["loss"] == pytest.approx(wanted.item(), rel=1e-5)


def test_a_labeller_learns_from_right_and_wrong_alone(commands: Callable[..., Dataset]) -> None:
    dataset = commands("classification")
    torch.manual_seed(0)
    env = LabelVectorEnv(dataset=dataset)
    policy = LabelPolicy(env.single_observation_space, env.single_action_space, lambda _: 0.0)
    labeller = Labeller(policy, "classification", dataset.tokenizer, 64)
    settings = OnlineSettings(batch_size=8, learning_rate=2e-3, ent_coef=0.03)
    learner = OnlineLearner(labeller, settings)
    wanted = dict(zip(TEXTS[:3], policy.labels.names[2:], strict=False))
    scores = []
    for _ in range(120):
        for row in learner.label(TEXTS[:3]):
            right = float(row["label"] == wanted[row["text"]])
            learner.feedback(row["id"], right)
            scores.append(right)
    # One of nine labels by chance; two of the three texts are learned at the least.
    assert np.mean(scores[-60:]) > 0.6 > 0.35 > np.mean(scores[:60])
    assert learner.updates == 360 // 8


@pytest.mark.parametrize("form", FORMS)
def test_every_task_learns_online(
    form: str, randomise: Callable[[LabelPolicy, int], None], tmp_path: Path
) -> None:
    """Kinds, candidates, quotas and labels that stop: remembered, replayed, saved."""
    dataset = every_task(form)
    settings = OnlineSettings(batch_size=3, replay=0.5, kl_coef=0.1, baseline="value")
    learner = OnlineLearner(of(dataset, randomise), settings)
    records = [example.record for example in dataset["train"].examples]
    for start in range(0, 12, 4):
        rows = learner.label(records[start : start + 4])
        for row in rows:
            count = len(learner.waiting[row["id"]].labels)
            if row["id"] % 2:
                learner.feedback(row["id"], 0.5)
            else:
                learner.feedback(row["id"], [1.0 / count] * count)
    assert learner.updates == 4
    assert len(learner.memory) == 12
    assert all(np.isfinite(value) for value in learner.update().values())
    learner.save(tmp_path / "run")
    other = OnlineLearner.load(tmp_path / "run", "cpu")
    assert other.label(records[12:15]) == learner.label(records[12:15])


@pytest.mark.parametrize("setting", [{}, {"kl_coef": 0.5, "weights": "clipped", "n_epochs": 2}])
def test_a_stopped_run_goes_on_as_if_it_had_not(
    labeller: Callable[..., Labeller], tmp_path: Path, setting: dict[str, Any]
) -> None:
    settings = OnlineSettings(batch_size=4, learning_rate=1e-3, memory=5, **setting)
    learner = OnlineLearner(labeller(), settings)

    def serve(learner: OnlineLearner, rounds: range) -> list[Any]:
        given = []
        for turn in rounds:
            rows = learner.label(TEXTS)
            given.append([row["labels"] for row in rows])
            for row in rows[: 3 if turn % 2 else 4]:  # some never get feedback
                given.append(learner.feedback(row["id"], len(row["labels"]) / 10))
        return given

    serve(learner, range(5))
    assert learner.waiting and learner.ready and len(learner.memory) == 5
    learner.save(tmp_path / "run")
    other = OnlineLearner.load(tmp_path / "run", "cpu")
    assert same(learner, other)
    assert other.settings == learner.settings
    assert list(other.waiting) == list(learner.waiting)
    assert serve(other, range(5, 9)) == serve(learner, range(5, 9))
    assert same(learner, other)
    assert other.feedback(next(iter(other.waiting)), 1.0) == learner.feedback(
        next(iter(learner.waiting)), 1.0
    )
    other.save(tmp_path / "run")  # over the older one
    assert Labeller.load(tmp_path / "run", "cpu").predict(TEXTS) == other.labeller.predict(TEXTS)


def test_feedback_that_cannot_be(labeller: Callable[..., Labeller]) -> None:
    learner = OnlineLearner(labeller(), OnlineSettings(pending=3))
    learner.label(TEXTS)
    assert (list(learner.waiting), learner.given_up) == ([1, 2, 3], 1)
    with pytest.raises(ValueError, match="text 0 had its feedback, or was given up"):
        learner.feedback(0, 1.0)
    with pytest.raises(ValueError, match="no text has the id 4: 4 were labelled, from 0 on"):
        learner.feedback(4, 1.0)
    with pytest.raises(ValueError, match="has 2 numbers and the text 1 labels"):
        learner.feedback(2, [1.0, 0.0])
    learner.feedback(2, [1.0])  # the wrong one was not taken
    with pytest.raises(ValueError, match="text 2 had its feedback"):
        learner.feedback(2, 1.0)
    with pytest.raises(DataError, match="text:1"):
        learner.label([""])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"replay": 1.0}, "replay cannot be 1.0"),
        ({"batch_size": 0}, "batch_size cannot be 0"),
        ({"weights": "plain"}, "one of tapered, truncated, clipped, got 'plain'"),
        ({"baseline": "greedy"}, "mean or value, got 'greedy'"),
        ({"temperature": float("nan")}, "temperature cannot be nan"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OnlineSettings(**settings)


def test_a_folder_without_a_learner_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"it has no online/state.json"):
        OnlineLearner.load(tmp_path)
