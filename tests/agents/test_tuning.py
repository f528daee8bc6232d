"""From a trained policy to its scores; the search, the agents that tune, and their comparison."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO, SAC

from lingym.agents import Labeller, predict_labels
from lingym.agents.sarsa import SARSA
from lingym.agents.scores import scores_of, set_head
from lingym.agents.tuning import (
    TUNERS,
    Tuning,
    choose,
    compare,
    threshold_search,
    train_tuner,
)
from lingym.envs import Dataset, LabelVectorEnv, build, load_corpus
from lingym.envs.tasks import MultiLabel
from lingym.envs.tuning import Parameters, Scores, default_metric, generated_scores, measure
from lingym.policies import LabelPolicy
from lingym.scripts.tune_parameters import TuneParameters

SMALL = Tuning("bias", batch_size=100, horizon=5)


def policy_for(dataset: Dataset, randomise: Any, **given: Any) -> LabelPolicy:
    env = LabelVectorEnv(dataset=dataset)
    policy = LabelPolicy(
        *(env.single_observation_space, env.single_action_space, lambda _: 0.0),
        **{"encoder": "tiny", **given},
    )
    randomise(policy, 3)
    return policy


# The bridge.


@pytest.mark.parametrize("task", ["tagging", "classification"])
def test_scores_are_the_policys(
    commands: Callable[..., Dataset], randomise: Any, task: str
) -> None:
    """Their largest logits are the labels that the policy gives, and the head makes them."""
    dataset = commands(task)
    policy = policy_for(dataset, randomise)
    episodes = dataset["train"]
    with torch.no_grad():  # no label is far ahead, so that several are given
        policy.label_head.bias.sub_(torch.from_numpy(scores_of(policy, episodes).logits.mean(0)))
    policy.train(True)
    scores = scores_of(policy, episodes, budget=200)
    assert policy.training
    labels = predict_labels(policy, episodes)
    given = scores.logits.argmax(1).astype(np.int32)
    assert np.array_equal(scores.padded(given), labels)
    assert len(np.unique(given)) > 2
    assert np.array_equal(scores.padded_gold, episodes.gold_of(np.arange(64), episodes.max_units))
    metrics = episodes.task.metrics(episodes.complete(labels), episodes.space)
    for name in ("accuracy", "macro_f1", default_metric(scores)):
        assert measure(scores, name)(given) == pytest.approx(metrics[name], abs=1e-12)
    assert scores.features is not None
    again = scores_of(policy, episodes)
    assert again.logits == pytest.approx(scores.logits, abs=1e-4)


def test_a_moved_head_gives_the_moved_scores(
    commands: Callable[..., Dataset], randomise: Any
) -> None:
    """Tuning the scores is tuning the head: its bias and its weight."""
    dataset = commands("tagging")
    policy = policy_for(dataset, randomise)
    scores = scores_of(policy, dataset["dev"])
    parameters = Parameters.of(scores, "bias+subspace")
    random = np.random.default_rng(0)
    values = random.uniform(-2, 2, len(parameters))
    subspace, bias = parameters.kinds
    move = np.tensordot(values[:4], vars(subspace)["directions"], 1)
    with torch.no_grad():
        policy.label_head.weight.add_(torch.from_numpy(move))
        policy.label_head.bias.add_(torch.from_numpy(values[4:][vars(bias)["group"]]))
    wanted = scores_of(policy, dataset["dev"]).logits
    assert parameters.logits(scores, values) == pytest.approx(wanted, abs=1e-3)
    tuned = scores.padded(parameters.labels(scores, values))
    assert np.array_equal(tuned, predict_labels(policy, dataset["dev"]))


@pytest.mark.parametrize("spec", ["bias", "bias+temperature", "subspace", "bias+subspace"])
def test_values_go_into_the_head(
    commands: Callable[..., Dataset], randomise: Any, spec: str
) -> None:
    dataset = commands("tagging")
    policy = policy_for(dataset, randomise)
    scores = scores_of(policy, dataset["dev"])
    parameters = Parameters.of(scores, spec)
    values = np.random.default_rng(0).uniform(-2, 2, len(parameters))
    wanted = parameters.logits(scores, values)
    set_head(policy, parameters, values)
    assert scores_of(policy, dataset["dev"]).logits == pytest.approx(wanted, abs=1e-3)
    assert not np.allclose(wanted, scores.logits, atol=0.1)


def test_several_labels_to_a_text(tmp_path: Path, randomise: Any) -> None:
    random = np.random.default_rng(0)
    rows = [
        {"text": f"word{random.integers(9)} of a text", "labels": list(labels)}
        for labels in itertools.product(*[("", name) for name in ("joy", "love", "fear")])
    ]
    for row in rows:
        row["labels"] = [name for name in row["labels"] if name]
    file = tmp_path / "train.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    dataset = build(MultiLabel(), load_corpus(train=str(file)))
    policy = policy_for(dataset, randomise)
    scores = scores_of(policy, dataset["train"])
    assert scores.roles == ("fear", "joy", "love")
    labels = predict_labels(policy, dataset["train"])
    assert np.array_equal(scores.padded(scores.logits.argmax(1).astype(np.int32)), labels)
    episodes = dataset["train"]
    metrics = episodes.task.metrics(episodes.complete(labels), episodes.space)
    for name in ("sample_f1", "macro_f1", "micro_f1"):
        found = measure(scores, name)(scores.logits.argmax(1).astype(np.int32))
        assert found == pytest.approx(metrics[name], abs=1e-12)
    parameters, values = Parameters.of(scores, "thresholds+temperature"), [0.5, 1.0, -2.0, 0.1]
    wanted = parameters.logits(scores, values)
    set_head(policy, parameters, np.array(values))
    assert scores_of(policy, episodes).logits == pytest.approx(wanted, abs=1e-3)


def test_labellers_that_are_not_tuned(
    commands: Callable[..., Dataset], randomise: Any, tmp_path: Path
) -> None:
    dataset = commands("tagging")
    for given in ({"history": "previous"}, {"constrained": True}):
        with pytest.raises(ValueError, match="conditioned on each other"):
            scores_of(policy_for(dataset, randomise, **given), dataset["dev"])
    policy = policy_for(dataset, randomise)
    bare = replace(dataset["dev"], gold=np.full_like(dataset["dev"].gold, -1))
    with pytest.raises(ValueError, match="without gold labels"):
        scores_of(policy, bare)


# The search.


def test_search_finds_the_best_threshold() -> None:
    """As trying all of them does; of equals the one nearest to 0."""
    scores = generated_scores("sets", 60)
    tuning = Tuning("threshold", limit=2.0)
    values, best = threshold_search(scores, tuning, points=41)
    every = {v: tuning.evaluate(scores, np.array([v])) for v in np.linspace(-2, 2, 41)}
    assert best == max(every.values()) == tuning.evaluate(scores, values)
    equal = [v for v, score in every.items() if score == best]
    assert abs(values[0]) == min(abs(v) for v in equal)
    assert best > tuning.evaluate(scores, np.zeros(1))


def test_search_ends_where_no_parameter_alone_helps() -> None:
    scores = generated_scores("labels", 300)
    tuning = Tuning("bias+temperature")
    values, best = threshold_search(scores, tuning, points=13, rounds=20)
    assert best == tuning.evaluate(scores, values) > tuning.evaluate(scores, 0 * values)
    for place, value in itertools.product(range(len(values)), np.linspace(-3, 3, 13)):
        tried = values.copy()
        tried[place] = value
        assert tuning.evaluate(scores, tried) <= best
    once, less = threshold_search(scores, tuning, points=13, rounds=1)
    assert less <= best
    assert once.shape == values.shape


def test_nothing_to_find() -> None:
    """A labeller that is right already stays as it is."""
    scores = generated_scores("labels", 50)
    right = Scores(
        np.eye(5, dtype=np.float32)[scores.gold], scores.gold, scores.lengths, scores.names
    )
    values, best = threshold_search(right, Tuning("bias"))
    assert (values.tolist(), best) == ([0.0] * 5, 1.0)


@pytest.mark.parametrize("given", [{"points": 1}, {"rounds": 0}])
def test_bad_search(given: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="wanted 2 and 1, or more"):
        threshold_search(generated_scores("sets", 5), Tuning("threshold"), **given)


# The agents.


@pytest.mark.parametrize(("tuner", "kind"), [("sarsa", SARSA), ("ppo", PPO), ("sac", SAC)])
def test_agents_learn_save_and_load(tuner: Any, kind: Any, tmp_path: Path) -> None:
    scores = generated_scores("sets", 120)
    tuning = Tuning("threshold", batch_size=60, horizon=4)
    agent = train_tuner(tuner, scores, tuning, steps=200, seed=1)
    assert isinstance(agent, kind)
    assert agent.num_timesteps >= 200
    values, best = choose(agent, scores, tuning)
    again = train_tuner(tuner, scores, tuning, steps=200, seed=1)
    found, same = choose(again, scores, tuning)
    assert (found.tolist(), same) == (values.tolist(), best)
    assert best == tuning.evaluate(scores, values) >= tuning.evaluate(scores, 0 * values)
    file = tmp_path / "agent.npz"
    agent.save(file)
    found, same = choose(kind.load(file), scores, tuning)
    assert (found.tolist(), same) == (values.tolist(), best)


def test_no_such_agent() -> None:
    with pytest.raises(ValueError, match="no agent 'search': choose sarsa, ppo or sac"):
        train_tuner("search", generated_scores("sets", 9), Tuning("threshold"), 10)


@pytest.mark.slow
@pytest.mark.parametrize(("tuner", "steps"), [("sarsa", 3000), ("ppo", 6000), ("sac", 1500)])
def test_agents_beat_the_untouched_labeller(tuner: Any, steps: int) -> None:
    """On texts that neither learning nor choosing has seen, and by most of what search finds."""
    dev, test = generated_scores("sets", 800, 1), generated_scores("sets", 2000, 2)
    tuning = Tuning("threshold")
    untouched, search, agent = compare(dev, test, tuning, ("search", tuner), steps=steps)
    assert search.test > untouched.test + 0.05
    assert agent.test - untouched.test > 0.8 * (search.test - untouched.test)


# The comparison.


def test_compare_says_what_was_chosen_by_whom() -> None:
    dev, test = generated_scores("labels", 200, 1), generated_scores("labels", 200, 2)
    results = compare(dev, test, SMALL, TUNERS[:2], steps=150, seeds=(0, 1))
    assert [(r.tuner, r.seed) for r in results] == [
        *[("untouched", None), ("search", None), ("sarsa", 0), ("sarsa", 1)]
    ]
    untouched, search, first, second = results
    assert untouched.values == [0.0] * 5
    assert search.dev > untouched.dev
    for result in results:
        assert result.test == SMALL.evaluate(test, np.array(result.values))
    for result in (untouched, search):
        assert result.dev == SMALL.evaluate(dev, np.array(result.values))
    # An agent's dev is the half that it did not learn on, and the seed draws it.
    for result in (first, second):
        _, half = dev.halves(np.random.default_rng(result.seed))
        assert result.dev == SMALL.evaluate(half, np.array(result.values))
    assert first.dev != second.dev


def test_compare_with_texts_to_learn_on() -> None:
    train, dev, test = (generated_scores("labels", 100, seed) for seed in range(3))
    _, result = compare(dev, test, SMALL, ("sarsa",), train=train, steps=150)
    assert result.dev == SMALL.evaluate(dev, np.array(result.values))
    agent = train_tuner("sarsa", train, SMALL, 150, seed=0)
    assert choose(agent, dev, SMALL)[0].tolist() == result.values


# The command.


def test_command_on_generated_scores(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "tuned.json"
    command = TuneParameters("generated:sets", kind="thresholds", agent="search", out=out)
    command.run()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == ("sample_f1 of generated:sets; texts: dev 1000, test 4000; 8 parameters")
    assert [line.split()[0] for line in lines[3:]] == ["untouched", "search"]
    written = json.loads(out.read_text())
    assert written["parameters"][0] == "threshold topic A"
    untouched, search = written["results"]
    assert search["test"] > untouched["test"] + 0.05
    assert f"{search['test']:.4f}" in lines[4]


def test_command_is_the_same_twice(tmp_path: Path) -> None:
    def results(name: str) -> Any:
        file = tmp_path / name
        TuneParameters("generated:labels", agent="sarsa", steps=300, seeds=2, out=file).run()
        found = json.loads(file.read_text())["results"]
        return [{k: v for k, v in row.items() if k != "seconds"} for row in found]

    first = results("a.json")
    assert first == results("b.json")
    assert first[1]["dev"] != first[2]["dev"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"labeller": "generated:sets", "dev": "x.jsonl"}, "has its own texts: leave out --dev"),
        ({"labeller": "generated:words"}, "no form 'words'"),
        ({"labeller": "run"}, "no dev texts: give --dev FILE"),
        ({"labeller": "run", "dev": "dev.jsonl"}, "no test texts: give --test FILE"),
        ({"labeller": "generated:sets", "seeds": 0}, "seeds 0"),
        ({"labeller": "generated:sets", "metric": "bleu"}, "no metric 'bleu'"),
        ({"labeller": "generated:labels", "kind": "temperature"}, "alone changes no label"),
    ],
)
def test_command_refuses(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        TuneParameters(**given).run()


def test_command_on_a_saved_labeller(
    commands: Callable[..., Dataset],
    randomise: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dataset = commands("tagging")
    policy = policy_for(dataset, randomise)
    Labeller(policy, "tagging", dataset.tokenizer, 64).save(tmp_path / "model")
    corpus = "synthetic:commands?train=8&dev=8&test=40"
    for metric, agent in (("entity_f1", "search"), ("precision", "sarsa")):
        out = tmp_path / f"{metric}.json"
        TuneParameters(
            *(str(tmp_path), None, corpus, corpus),
            kind="bias+subspace",
            metric=metric,
            agent=agent,  # type: ignore[arg-type]
            steps=50,
            horizon=3,
            out=out,
            device="cpu",
        ).run()
        untouched, tuned = json.loads(out.read_text())["results"]
        assert tuned["dev"] >= untouched["dev"] - (agent == "sarsa")
        assert capsys.readouterr().out.startswith(f"{metric} of {tmp_path}; texts: dev 8, test 40")
    with pytest.raises(ValueError, match="no metric 'bleu': choose accuracy"):
        TuneParameters(str(tmp_path), None, corpus, corpus, metric="bleu", device="cpu").run()
