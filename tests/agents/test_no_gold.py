"""Under a judge neither the policy nor the run sees a gold label: nothing but verdicts gets out."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import stable_baselines3
import torch

from lingym.agents import PPO, REINFORCE, LabelVecEnv, Supervised, ppo, reinforce
from lingym.envs import (
    Dataset,
    Episodes,
    LabelEnv,
    LabelVectorEnv,
    Tagging,
    build,
    load_corpus,
)
from lingym.envs.corpora import Record
from lingym.envs.game import OBSERVED
from lingym.policies import LabelPolicy
from lingym.rewards import Bandit, Budget, Judge, OneScore, Reward, Verdicts
from lingym.rewards.feedback.chance import questions, uniform
from lingym.rewards.feedback.judge import decided_units
from lingym.types import Batch, FloatArray, Labelings
from tests.agents.reachable import holding
from tests.envs.every_task import FORMS, every_task

OURS = {"n_steps": 8, "batch_size": 8, "learning_rate": 1e-3, "samples": 2}
STOCK = {"n_steps": 16, "batch_size": 16, "learning_rate": 1e-3, "n_epochs": 1}
AGENTS: dict[str, Callable[..., Any]] = {
    **{
        f"REINFORCE {name}": partial(REINFORCE, baseline=name, **OURS)
        for name in get_args(reinforce.Baseline)
    },
    **{
        f"PPO {name}": partial(PPO, baseline=name, n_epochs=2, **OURS)
        for name in get_args(ppo.Baseline)
    },
    "stock PPO": partial(stable_baselines3.PPO, **STOCK),
}
every_agent = pytest.mark.parametrize("name", AGENTS)
Weights = dict[str, torch.Tensor]


def trained(name: str, dataset: Dataset, reward: Reward | str) -> Any:
    """An agent after a few updates."""
    env = LabelVectorEnv(dataset=dataset, reward=reward, num_envs=2)
    tiny = {"policy_kwargs": {"encoder": "tiny"}, "seed": 0, "device": "cpu"}
    agent = AGENTS[name](LabelPolicy, LabelVecEnv(env), **tiny)
    return agent.learn(64)


def weights(agent: Any) -> Weights:
    return {name: value.clone() for name, value in agent.policy.state_dict().items()}


def equal(one: Weights, other: Weights) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.items())


def with_gold(dataset: Dataset, gold: np.ndarray) -> Dataset:
    """The same texts with other gold labels."""
    texts, names = dataset["train"], dataset.space.names
    examples = []
    for example, first, last in zip(
        texts.examples, texts.unit_bounds, texts.unit_bounds[1:], strict=False
    ):
        own = tuple(names[label] for label in gold[first:last])
        fields = {**example.record.fields, "labels": own}
        record = Record(fields, example.record.path, example.record.lines)
        examples.append(replace(example, gold=own, record=record))
    other = replace(texts, gold=gold.astype(np.int32), examples=examples)
    return replace(dataset, splits={**dataset.splits, "train": other})


@pytest.fixture(scope="module")
def two(identity: Dataset) -> tuple[Dataset, Dataset]:
    """Two data sets of the same texts, whose gold labels differ in every unit."""
    gold = identity["train"].gold
    moved = np.random.default_rng(1).integers(1, 4, gold.shape)
    return identity, with_gold(identity, (gold + moved) % 4)


class Recorded(Judge):
    """A bandit that writes its verdicts down."""

    name = "recorded"
    sparse = False

    def __init__(self) -> None:
        self.told: list[FloatArray] = []

    def verdicts(self, labelings: Labelings) -> Verdicts:
        said = Bandit.verdicts(self, labelings)  # type: ignore[arg-type]
        self.told.append(said.values)
        return said


class Replayed(Judge):
    """Says again what was said, whatever the gold labels are."""

    name = "recorded"

    def __init__(self, told: list[FloatArray]) -> None:
        self.told = list(told)

    def verdicts(self, labelings: Labelings) -> Verdicts:
        values = self.told.pop(0)
        given = decided_units(labelings)
        assert values.shape == given.shape
        return Verdicts(values, given, 1 / given_units(labelings))


def given_units(labelings: Labelings) -> FloatArray:
    return np.maximum(labelings.lengths, 1).astype(np.float64)


class Whim(Judge):
    """Verdicts by chance, from the labels alone."""

    name = "whim"

    def verdicts(self, labelings: Labelings) -> Verdicts:
        values = uniform(labelings.examples[:, None], questions(labelings.labels))
        given = decided_units(labelings)
        return Verdicts(np.where(given, values, 0.0), given, 1 / given_units(labelings))


@every_agent
def test_other_gold_labels_with_the_same_verdicts_train_the_same_policy(
    two: tuple[Dataset, Dataset], name: str
) -> None:
    one, other = two
    judge = Recorded()
    learned = weights(trained(name, one, judge))
    replay = Replayed(judge.told)
    assert equal(learned, weights(trained(name, other, replay)))
    assert not replay.told  # all of them were asked for again
    # The verdicts do tell something: by the judge of the other gold labels it learns otherwise.
    assert not equal(learned, weights(trained(name, other, Bandit())))


@every_agent
def test_verdicts_that_know_no_gold_train_the_same_policy_on_any(
    two: tuple[Dataset, Dataset], name: str
) -> None:
    one, other = (weights(trained(name, dataset, Whim())) for dataset in two)
    assert equal(one, other)


@pytest.mark.parametrize("name", ["REINFORCE value", "REINFORCE greedy", "PPO value", "stock PPO"])
def test_nothing_that_is_handed_out_has_gold(
    identity: Dataset, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: dict[str, list[Any]] = {}

    def watched(owner: type, method: str) -> None:
        original = getattr(owner, method)

        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            given = original(self, *args, **kwargs)
            handed.setdefault(f"{owner.__name__}.{method}", []).append(given)
            return given

        monkeypatch.setattr(owner, method, call)

    for owner, method in [
        (Episodes, "batch"),
        (Episodes, "gold_of"),
        (Episodes, "complete"),
        (Batch, "complete"),
        (LabelVectorEnv, "reset"),
        (LabelVectorEnv, "step"),
    ]:
        watched(owner, method)
    agent = trained(name, identity, "0.5*bandit + 0.5*noisy(bandit)")
    env = agent.env.env
    env.episodes.complete(env.episodes.gold_of(np.arange(64), env.episodes.max_units))

    stepped = name == "stock PPO"
    assert handed.keys() >= ({"LabelVectorEnv.step"} if stepped else {"Episodes.batch"})
    for batch in handed.pop("Episodes.batch", []):
        assert (batch.gold == -1).all() and not batch.facts
    for labelings in handed.pop("Episodes.complete") + handed.pop("Batch.complete", []):
        assert (labelings.gold == -1).all() and not labelings.facts
    for gold in handed.pop("Episodes.gold_of"):
        assert (gold == -1).all()
    told = {"example", "score", "bandit", "noisy", "final_obs", "final_info"}
    for given in [one for several in handed.values() for one in several]:
        observation, info = given[0], given[-1]
        assert set(observation) <= set(OBSERVED)
        assert {key.removeprefix("_") for key in (*info, *info.get("final_info", ()))} <= told
        for label in observation["labels"], *(o["labels"] for o in info.get("final_obs", []) if o):
            assert (np.diff((label >= 0).astype(int), axis=-1) <= 0).all()  # those given so far
    assert_sealed(env.episodes)
    assert (env.game.gold == -1).all()


def assert_sealed(episodes: Episodes) -> None:
    """Nothing of a split says what its gold labels are."""
    assert (episodes.gold == -1).all() and not episodes.facts and not episodes.labelled
    assert all(example.gold is None for example in episodes.examples)
    assert all(not example.record.fields for example in episodes.examples)


@pytest.mark.parametrize("name", ["REINFORCE greedy", "PPO value", "stock PPO"])
def test_gold_is_reached_through_the_reward_alone(identity: Dataset, name: str) -> None:
    texts = identity["train"]
    rows = texts.gold_of(np.arange(8), texts.max_units)
    names = {example.gold for example in texts.examples if len(example.gold or ()) > 3}
    looked_for = [texts.gold, rows], names
    agent = trained(name, identity, "noisy(one_score(accuracy))")
    reward = agent.env.env.reward
    assert not holding(*looked_for, agent, without=[reward])
    # The same walk finds it in the judge, and where it is not hidden.
    assert holding(*looked_for, reward)
    assert len(holding(*looked_for, trained(name, identity, "accuracy"))) > len(names)


def test_a_reward_that_reads_gold_is_refused_beside_a_judge(identity: Dataset) -> None:
    make = partial(LabelVectorEnv, dataset=identity)
    for text in ("0.5*bandit+0.5*accuracy", "delayed(0.9*clicks+0.1*cross_entropy)"):
        with pytest.raises(ValueError, match=r"hides the gold labels and one that reads them: put"):
            make(reward=text)
    assert_sealed(make(reward="0.5*bandit+0.01*length_cost").episodes)
    assert_sealed(make(reward="budget(noisy(one_score(accuracy), p=0.2), judgements=9)").episodes)
    assert make(reward="accuracy").episodes.labelled  # the data set keeps its own


def test_supervised_learning_is_refused(identity: Dataset) -> None:
    hidden = LabelVectorEnv(dataset=identity, reward="noisy(bandit)")
    settings: dict[str, Any] = {"policy_kwargs": {"encoder": "tiny"}, "n_steps": 8}
    message = r"learns from gold labels, which reward noisy\(bandit\) keeps to itself: give the env"
    with pytest.raises(ValueError, match=message):
        Supervised("LabelPolicy", hidden, **settings)
    agent = Supervised("LabelPolicy", LabelVectorEnv(dataset=identity), **settings)
    before = agent.env
    with pytest.raises(ValueError, match=message):
        agent.set_env(LabelVecEnv(hidden))
    assert agent.env is before


@pytest.mark.parametrize("form", FORMS)
def test_rendering_shows_no_gold(form: str) -> None:
    dataset = every_task(form)
    own = dataset.task.default_reward(dataset.space)
    env = LabelEnv(dataset=dataset, reward=OneScore(own), render_mode="ansi")
    _, info = env.reset(seed=0)
    done, random = False, np.random.default_rng(0)
    while not done:
        allowed = np.flatnonzero(env.action_masks())
        _, _, done, _, _ = env.step(int(random.choice(allowed)))
        shown = env.render()
    assert shown is not None
    example = dataset["train"].examples[info["example"]]
    assert all(" ".join(unit.split())[:30] in shown for unit in example.units)
    lines = shown.splitlines()
    table = lines[next(i for i, line in enumerate(lines) if line.startswith("  text ")) :]
    start, end = table[0].index("gold"), table[0].index("given")
    assert len(table) == 1 + len(example.units)  # no references after it
    assert not any(line[start:end].strip() for line in table[1:])
    assert not any(line.endswith((" ok", " wrong")) for line in table)
    assert "[[" not in shown and "reference:" not in shown
    assert_sealed(env.game.episodes)


class Likes(Reward):
    """A user who likes some labels: feedback that is not computed from gold labels."""

    name = "likes"
    sparse = False

    @property
    def needs_gold(self) -> bool:
        return False

    def score(self, labelings: Labelings) -> FloatArray:
        """The share of units that are labelled "yes"."""
        liked = (labelings.labels == self.space.places["yes"]).sum(1)
        return liked / np.maximum(labelings.lengths, 1)


@pytest.fixture
def unlabelled(tmp_path: Path) -> Dataset:
    """Texts that nobody has labelled, and a label set."""
    rows = [{"tokens": [f"w{(i * k) % 7}" for k in range(1, 3 + i % 4)]} for i in range(32)]
    file = tmp_path / "texts.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = Tagging(labels=["no", "yes"], unlabelled=True)
    return build(task, load_corpus(train=str(file)))


@pytest.mark.parametrize("reward", [Likes(), OneScore(Likes()), Budget(Likes(), judgements=10**6)])
def test_a_users_feedback_on_unlabelled_texts_trains(unlabelled: Dataset, reward: Reward) -> None:
    env = LabelVectorEnv(dataset=unlabelled, reward=reward)
    assert not env.episodes.labelled and not reward.hides_gold
    settings = {"n_steps": 32, "batch_size": 16, "learning_rate": 3e-3, "samples": 4, "seed": 0}
    agent = REINFORCE("LabelPolicy", env, policy_kwargs={"encoder": "tiny"}, **settings)
    agent.learn(total_episodes=256)
    batch = env.draw(32)
    features = agent.policy.features(agent.policy.texts(batch))
    best = agent.policy.distribution(features, batch).mode()
    assert (best[best >= 0] == 1).all()


def test_a_judge_of_unlabelled_texts_is_refused(unlabelled: Dataset) -> None:
    with pytest.raises(ValueError, match="reward bandit needs gold labels; these texts have none"):
        LabelVectorEnv(dataset=unlabelled, reward="bandit")


@pytest.mark.parametrize(
    ("name", "together"),
    [
        ("REINFORCE leave-one-out", 8 * 2),
        ("REINFORCE greedy", 8 * 3),
        ("PPO leave-one-out", 24 * 2),
    ],
)
def test_a_run_ends_when_its_budget_is_spent(identity: Dataset, name: str, together: int) -> None:
    """What is judged together: a minibatch and its samples, the greedy one too; or a rollout."""
    env = LabelVectorEnv(dataset=identity, reward="budget(accuracy, judgements=50)")
    agent = AGENTS[name](LabelPolicy, env, policy_kwargs={"encoder": "tiny"})
    agent.n_steps = 24
    agent.learn(total_episodes=1000)
    assert env.reward.readings()["feedback_spent"] == -(-50 // together) * together
    assert agent.num_episodes <= 48  # it ended long before all was drawn
    agent.learn(total_episodes=1000, reset_num_timesteps=False)  # nothing is left
    assert env.reward.readings()["feedback_spent"] == -(-50 // together) * together


def test_stepping_is_judged_as_playing_is(identity: Dataset) -> None:
    """Chance of a text does not depend on what happens to others meanwhile."""
    env = LabelVectorEnv(dataset=identity, reward="noisy(clicks, p=0.3)", num_envs=5)
    env.reset(seed=0)
    random = np.random.default_rng(0)
    game, paid = env.game, np.zeros((5, env.episodes.max_units))
    finished = 0
    for _ in range(100):
        row, cursor = np.arange(5), game.cursor.copy()
        labels, examples = game.labels.copy(), game.examples.copy()
        actions = random.integers(0, 4, 5)
        labels[row, cursor] = actions
        lengths = game.lengths.copy()
        whole = env.episodes.batch(examples)
        width = whole.gold.shape[1]
        complete = np.maximum(labels[:, :width], 0)  # of ended rows all labels are known
        wanted = env.play(complete, whole, observe=False)
        _, rewards, done, _, _ = env.step(actions)
        paid[row, cursor] = rewards
        for ended in np.flatnonzero(done):
            n = lengths[ended]
            np.testing.assert_allclose(paid[ended, :n], wanted[ended, :n], rtol=0, atol=1e-12)
            finished += 1
    assert finished > 64  # into the second round of the texts


def test_chance_and_spending_go_on_after_a_save(identity: Dataset, tmp_path: Path) -> None:
    def env() -> LabelVectorEnv:
        return LabelVectorEnv(dataset=identity, reward="budget(noisy(bandit), judgements=999)")

    one = REINFORCE("LabelPolicy", env(), policy_kwargs={"encoder": "tiny"}, **OURS)
    one.learn(total_episodes=32).save(tmp_path / "agent")
    again = REINFORCE.load(tmp_path / "agent", env=env())
    assert again.label_env.reward.state() == one.label_env.reward.state()
    batch = again.label_env.episodes.batch(range(64))
    labels = np.zeros(batch.gold.shape, np.int32)
    first, second = (a.label_env.play(labels, batch) for a in (one, again))
    np.testing.assert_array_equal(first, second)
