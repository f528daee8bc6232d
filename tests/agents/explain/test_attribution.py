"""Attributions: complete, right where one word decides, and the same for every task and method."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lingym.agents import Supervised
from lingym.agents.explain import METHODS, Explainer, Method
from lingym.agents.explain.rollout import rolled
from lingym.agents.explain.scene import copies, embeddings, still
from lingym.envs import Classification, Episodes, LabelVectorEnv, build
from lingym.envs.corpora import Corpus, Record
from lingym.policies import LabelPolicy, ResidualPolicy
from lingym.policies.save import save_policy
from tests.envs.every_task import FORMS, every_task

Randomise = Callable[[LabelPolicy, int], None]
DIFFERENT = (
    *("tagging", "classification", "multilabel", "spanqa", "choice one by one", "relation"),
    *("summary", "sentences"),
)
"""Forms, one of each kind of unit and of episode."""


@cache
def trained() -> Any:
    """A classifier of noise, in which one word makes a text good; a mask is noise to it, too.

    The last 40 texts are good: of a text without the word no word says that it is bad.
    """
    random = np.random.default_rng(0)
    noise = [*(f"w{place}" for place in range(9)), "[MASK]", "[MASK]"]

    def record(place: int) -> Record:
        words = list(random.choice(noise, 7))
        label = "good" if place >= 400 else ["bad", "good"][random.integers(2)]
        if label == "good":
            words[random.integers(7)] = "lovely"
        return Record({"text": " ".join(words), "label": label}, "made", (place,))

    rows = [record(place) for place in range(440)]
    dataset = build(Classification(), Corpus(tuple(rows[:400]), (), tuple(rows[400:]), source={}))
    env = LabelVectorEnv(dataset=dataset)
    agent = Supervised("LabelPolicy", env, learning_rate=3e-3, device="cpu", seed=0)
    agent.learn(total_episodes=1600)
    return agent.policy, dataset


def of_form(form: str, randomise: Randomise, windows: bool = False, **arguments: Any) -> Any:
    dataset = every_task(form, windows)
    env = LabelVectorEnv(dataset=dataset)
    agent = Supervised("LabelPolicy", env, device="cpu", seed=0, policy_kwargs=arguments)
    randomise(agent.policy, 1)
    return agent.policy, dataset["test"]


@torch.no_grad()
def shout(policy: LabelPolicy) -> None:
    """Make a new encoder's words count: their embeddings are small beside their positions'."""
    for layer in embeddings(policy):
        layer.weight.mul_(8)  # type: ignore[operator]
    policy.label_head.weight.mul_(5)


@pytest.mark.parametrize("method", [name for name in METHODS if name not in ("random", "rollout")])
def test_the_word_that_decides_is_first(method: Method) -> None:
    policy, dataset = trained()
    hits = 0
    for found in Explainer(policy, method, tolerance=0.1).explain(dataset["test"], range(20)):
        hits += found.layout.words[found.scores[0].argmax()] == "lovely"
    assert hits >= 19


@pytest.mark.parametrize("form", DIFFERENT)
def test_integrated_gradients_sum_to_what_the_words_changed(
    form: str, randomise: Randomise
) -> None:
    policy, episodes = of_form(form, randomise, windows=True)
    shout(policy)
    for of in ("log-probability", "logit"):
        explainer = Explainer(policy, of=of, tolerance=0.02, budget=2048)
        [found] = explainer.explain(episodes, [1])
        assert found.error is not None and (found.error <= 0.02).all()
        change = found.whole - found.empty
        np.testing.assert_allclose(found.scores.sum(1), change, atol=0.021 * abs(change).max())
        if of == "logit":  # a label that was forced has no other log-probability than 0
            assert abs(change).max() > 0.03


@pytest.mark.parametrize("form", FORMS)
def test_every_method_scores_every_word(form: str, randomise: Randomise) -> None:
    policy, episodes = of_form(form, randomise)
    for method in METHODS:
        check_method(method, policy, episodes)


def check_method(method: Method, policy: LabelPolicy, episodes: Episodes) -> None:
    before = {name: value.clone() for name, value in policy.state_dict().items()}
    work = vars(policy.work).copy()
    one, again = (
        next(Explainer(policy, method, tolerance=0.5).explain(episodes, [0])) for _ in range(2)
    )
    assert one.scores.shape == (len(one.units), len(one.layout.words))
    assert np.isfinite(one.scores).all() and (one.scores != 0).any()
    np.testing.assert_array_equal(one.scores, again.scores)
    assert vars(policy.work) == work
    assert all(torch.equal(value, before[name]) for name, value in policy.state_dict().items())
    if method == "rollout":
        assert (one.scores >= 0).all() and (one.scores.sum(1) <= 1 + 1e-9).all()
    if method != "random":
        assert (one.scores[:, one.layout.marks] == 0).all()


@pytest.mark.parametrize("history", ["none", "previous"])
def test_leave_one_out_is_what_it_says(history: str, randomise: Randomise) -> None:
    """Against the policy asked one text at a time, the labels before being those given."""
    policy, episodes = of_form("tagging", randomise, history=history)
    explainer = Explainer(policy, "leave-one-out", units="all", budget=100)
    [found] = explainer.explain(episodes, [2])
    batch = episodes.batch([2])
    mask = episodes.encoding.units.tokenizer.token_to_id("[MASK]")
    labels = torch.from_numpy(policy.label(batch)).long()

    def says(gone: int) -> np.ndarray:
        ids = batch.input_ids.copy()
        ids[0, found.layout.tokens == gone] = mask
        changed = copies(batch, 1)
        object.__setattr__(changed, "input_ids", ids)
        with torch.no_grad():
            features = policy.features(policy.texts(changed))
            every = policy.distribution(features, changed).log_probs(labels)[0].double().numpy()
        return every[np.arange(len(found.units)), labels[0].numpy()]

    whole = says(-5)
    for word in range(len(found.layout.words)):
        np.testing.assert_allclose(found.scores[:, word], whole - says(word), atol=1e-5)
    np.testing.assert_allclose(found.probabilities, np.exp(whole), rtol=1e-5)


def test_gradient_times_input_is_the_derivative_of_scaling(randomise: Randomise) -> None:
    """Of a word's embeddings scaled by s, the slope at s = 1, by differences."""
    policy, episodes = of_form("classification", randomise)
    shout(policy)
    explainer = Explainer(policy, "gradient-x-input", of="logit")
    scene, _ = explainer.scene(episodes, 0)
    [found] = explainer.explain(episodes, [0])
    [layer] = embeddings(policy)

    def said(word: int, scale: float) -> float:
        factor = torch.from_numpy(np.where(scene.words == word, scale, 1.0)).float()[..., None]
        hook = layer.register_forward_hook(lambda *given: given[2] * factor)
        try:
            with torch.no_grad(), still(policy):
                return float(scene.say(scene.batch.input_ids, np.array([0]))[0])
        finally:
            hook.remove()

    slopes = [
        (said(word, 1.01) - said(word, 0.99)) / 0.02 for word in range(len(found.layout.words))
    ]
    np.testing.assert_allclose(found.scores[0], slopes, atol=0.01 * abs(found.scores).max())


def test_rollout_is_the_product_of_mixed_attention() -> None:
    one = torch.tensor([[[[0.5, 0.5], [0.0, 1.0]], [[0.1, 0.9], [0.4, 0.6]]]])
    two = torch.tensor([[[[1.0, 0.0], [0.2, 0.8]], [[0.0, 1.0], [0.8, 0.2]]]])
    first = np.array([[0.65, 0.35], [0.1, 0.9]])  # mean of heads, half of it the token itself
    second = np.array([[0.75, 0.25], [0.25, 0.75]])
    np.testing.assert_allclose(rolled([one, two])[0].numpy(), second @ first, atol=1e-7)


def test_attention_is_computed_as_before_after_a_rollout(randomise: Randomise) -> None:
    policy, episodes = of_form("tagging", randomise)
    config: Any = policy.encoder.config
    before = config._attn_implementation
    list(Explainer(policy, "rollout").explain(episodes, [0]))
    assert config._attn_implementation == before != "eager"


def test_a_label_that_was_not_given_can_be_asked_about() -> None:
    policy, dataset = trained()
    explainer = Explainer(policy, "leave-one-out", of="logit")
    [good], [bad] = (explainer.explain(dataset["test"], [0], label) for label in ("good", "bad"))
    assert good.probabilities[0] + bad.probabilities[0] == pytest.approx(1, abs=1e-6)
    assert (good.targets, bad.targets) == ([1], [0])
    with pytest.raises(ValueError, match="label 'goood' is not one of bad, good"):
        next(explainer.explain(dataset["test"], [0], "goood"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "lime"}, "method must be one of integrated-gradients, .*, got 'lime'"),
        ({"of": "odds"}, "of must be one of log-probability, logit, got 'odds'"),
        ({"blank": "none"}, "blank must be one of None, mask, pad, unk, got 'none'"),
        ({"units": "some"}, "units must be one of labelled, all, got 'some'"),
        ({"tolerance": 0.0}, "tolerance must be between 0 and 1, got 0.0"),
        ({"budget": 0}, "budget must be 1 or more, got 0"),
    ],
)
def test_what_cannot_be_is_refused(arguments: dict[str, Any], message: str) -> None:
    policy, _ = trained()
    with pytest.raises(ValueError, match=message):
        Explainer(policy, **arguments)


@pytest.mark.parametrize("tune", ["frozen", "top:1", "bitfit", "lora", "ia3", "adapter", "prompt"])
def test_what_is_trained_of_the_encoder_makes_no_difference(
    tune: str, randomise: Randomise
) -> None:
    if tune in ("lora", "ia3", "prompt"):
        pytest.importorskip("peft")
    policy, episodes = of_form("tagging", randomise, tune=tune)
    for method in METHODS:
        [found] = Explainer(policy, method, tolerance=0.02).explain(episodes, [1])
        assert (found.scores != 0).any()
        if method == "integrated-gradients":
            assert found.error is not None and (found.error <= 0.02).all()
    assert not policy.open


@pytest.mark.parametrize("tune", [None, "frozen"])
def test_a_correction_is_explained_with_its_labeller(
    tune: str | None, randomise: Randomise, tmp_path: Path
) -> None:
    """Gradients come through the frozen labeller's encoder too, whose every word counts."""
    labeller, episodes = of_form("tagging", randomise)
    save_policy(labeller, tmp_path)
    env = LabelVectorEnv(dataset=every_task("tagging"))
    spaces = (env.single_observation_space, env.single_action_space)
    policy = ResidualPolicy(*spaces, lambda _: 1e-3, residual=tmp_path, tune=tune)
    for method in ("integrated-gradients", "gradient-x-input", "leave-one-out"):
        one, other = (
            next(Explainer(each, method, tolerance=0.02).explain(episodes, [1]))
            for each in (labeller, policy)
        )
        assert one.error is None or (one.error <= 0.02).all()
        # The correction is zero, so all that the words do they do to the labeller.
        np.testing.assert_allclose(one.scores, other.scores, rtol=1e-3, atol=1e-4)
