"""Scores, diversity, bandits and a learned chooser, each against its formula."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from lingym.agents.active import (
    EXP3,
    HOWS,
    UCB1,
    Chooser,
    HeadOracle,
    View,
    badge,
    choose,
    inclusion,
    k_center,
    learn_chooser,
    scaled,
    weighted_accuracy,
)
from lingym.agents.active.choose import SCORES, how_of
from lingym.agents.active.view import features_of
from lingym.agents.masks import masked_features
from lingym.envs import Dataset
from lingym.envs.active import NAMES, ActiveLabellingEnv, Learned
from lingym.policies import LabelPolicy
from lingym.types import Rows

NONE = np.zeros(0, np.int32)


@pytest.fixture(scope="module")
def made(commands, vec_env, randomise):
    """A policy with random heads and its texts: ``made(task, history)``."""

    def make(task: str = "classification", history: str = "none") -> tuple[LabelPolicy, Dataset]:
        dataset = commands(task)
        env = vec_env(dataset)
        spaces = (env.observation_space, env.action_space)
        policy = LabelPolicy(*spaces, lambda _: 1e-3, encoder="tiny", history=history)  # type: ignore[arg-type]
        randomise(policy, 0)
        return policy, dataset

    return make


@pytest.mark.parametrize(("task", "history"), [("classification", "none"), ("tagging", "previous")])
def test_scores_of_a_text_by_their_formulas(made, task, history) -> None:
    policy, dataset = made(task, history)
    texts = dataset["dev"]
    view = View(policy, texts, budget=100)  # several batches
    found = {name: score(view) for name, score in SCORES.items() if name != "bald"}
    features = np.zeros((len(texts), policy.width))
    for row in range(len(texts)):
        batch = texts.batch([row])
        with torch.no_grad():
            read = policy.features(policy.texts(batch))
            said = policy.distribution(read, batch)
            features[row] = read[0].mean(0).numpy()
            mode = said.mode()
            log_p = said.log_probs(mode)[0].gather(-1, mode[0][:, None]).sum().item()
            p = (said.marginals() if history == "previous" else said.log_probs(mode).exp())[0]
        p = p.numpy().astype(np.float64)
        entropies = -(p * np.log(np.maximum(p, 1e-300))).sum(-1)
        best = np.sort(p, -1)
        units = len(p)
        assert found["least-confidence"][row] == pytest.approx(-log_p, abs=1e-4)
        assert found["mnlp"][row] == pytest.approx(-log_p / units, abs=1e-4)
        assert found["entropy"][row] == pytest.approx(entropies.sum(), abs=1e-4)
        assert found["entropy-mean"][row] == pytest.approx(entropies.mean(), abs=1e-4)
        gap = (best[:, -1] - best[:, -2]).mean()
        assert found["margin"][row] == pytest.approx(1 - gap, abs=1e-4)
    np.testing.assert_allclose(view.said.vectors, features, atol=1e-4)
    kept = View(policy, texts, features_of(policy, texts))
    np.testing.assert_allclose(kept.said.entropy, view.said.entropy, atol=1e-4)


def test_bald_is_its_formula_and_leaves_random_state_and_mode_alone(made) -> None:
    policy, dataset = made()
    texts = dataset["dev"]
    policy.train(True)
    before = torch.get_rng_state()
    found = View(policy, texts, passes=4, seed=7, budget=10**6).mutual_information
    assert torch.equal(before, torch.get_rng_state()) and policy.training
    policy.train(False)
    rows = np.argsort(-texts.token_counts, kind="stable")
    batch = texts.batch(rows)
    chances = []
    for seed in np.random.default_rng(7).integers(2**63, size=4).tolist():
        with torch.no_grad():
            shaken = policy.distribution(masked_features(policy, batch, seed), batch)
        chances.append(shaken.scores.softmax(-1)[:, 0].double().numpy())
    p = np.stack(chances)
    mean = p.mean(0)
    plain = -(mean * np.log(mean)).sum(-1) + (p * np.log(p)).sum(-1).mean(0)
    np.testing.assert_allclose(found[rows], plain, atol=1e-5)
    assert found.min() > -1e-6 and found.max() > 1e-4


def test_k_center_is_the_greedy_of_the_paper() -> None:
    points = np.random.default_rng(1).normal(size=(25, 3))
    chosen, scores = k_center(points, np.array([4, 9], np.int32), 6, np.random.default_rng(0))
    centres = [4, 9]
    for row, score in zip(chosen.tolist(), scores, strict=True):
        far = [min(np.linalg.norm(p - points[c]) for c in centres) for p in points]
        assert row == int(np.argmax(far)) and score == pytest.approx(max(far))
        centres.append(row)
    drawn = {int(k_center(points, NONE, 1, np.random.default_rng(s))[0][0]) for s in range(9)}
    assert len(drawn) > 1
    same = np.zeros((5, 2))  # nothing is far: still no text twice
    assert sorted(k_center(same, NONE, 5, np.random.default_rng(0))[0]) == [*range(5)]


def test_badge_measures_between_gradients_that_it_never_writes_out() -> None:
    random = np.random.default_rng(2)
    vectors, rest = random.normal(size=(12, 4)), random.normal(size=(12, 3))
    gradients = np.einsum("ek,ed->ekd", rest, vectors).reshape(12, -1)
    rows, scores = badge(vectors, rest, np.array([0], np.int32), 5, np.random.default_rng(3))
    assert rows[0] == 1 + np.linalg.norm(gradients[1:], axis=1).argmax()
    assert len(set(rows)) == 5 and 0 not in rows
    for place in range(1, 5):
        far = min(np.linalg.norm(gradients[rows[place]] - gradients[c]) for c in rows[:place])
        assert scores[place] == pytest.approx(far)
    same = badge(np.ones((4, 2)), np.ones((4, 2)), NONE, 4, np.random.default_rng(0))[0]
    assert sorted(same) == [0, 1, 2, 3]


@pytest.mark.parametrize("how", HOWS)
def test_every_way_chooses_new_texts_by_seed(made, how: str) -> None:
    policy, dataset = made()
    pool = View(policy, dataset["train"], passes=2)
    labelled = np.arange(0, 40, 2, dtype=np.int32)

    def rows(seed: int) -> list[int]:
        picked = choose(pool, labelled, 6, how, np.random.default_rng(seed))
        assert len(set(picked.rows) - set(labelled.tolist())) == 6
        if how in SCORES:
            assert all(one >= two for one, two in pairwise(picked.scores))
            others = np.setdiff1d(np.arange(len(pool)), [*labelled, *picked.rows])
            assert picked.scores.min() >= SCORES[how](pool)[others].max()
        return picked.rows.tolist()

    assert rows(1) == rows(1)
    if how in ("random", "badge"):
        assert len({tuple(rows(seed)) for seed in range(4)}) > 1


def test_choose_refuses(made) -> None:
    policy, dataset = made("tagging")
    pool = View(policy, dataset["dev"])
    generator = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"n is 17: wanted 1 \.\. 16"):
        choose(pool, NONE, 17, "random", generator)
    with pytest.raises(ValueError, match="no way 'best' to choose: one of random"):
        choose(pool, NONE, 1, "best", generator)
    with pytest.raises(ValueError, match="badge is for texts of one unit"):
        choose(pool, NONE, 1, "badge", generator)
    with pytest.raises(ValueError, match="passes is 1"):
        View(policy, dataset["dev"], passes=1)


def test_exp3_is_its_formula() -> None:
    bandit, weights = EXP3(3, gamma=0.3), np.ones(3)
    for arm, reward in ((0, 1.0), (2, 0.25), (0, 0.5), (1, 0.0)):
        p = 0.7 * weights / weights.sum() + 0.1
        np.testing.assert_allclose(bandit.probabilities(), p)
        bandit.update(arm, reward)
        weights[arm] *= np.exp(0.3 * reward / p[arm] / 3)
    assert EXP3.for_rounds(3, 100).gamma == pytest.approx(
        np.sqrt(3 * np.log(3) / ((np.e - 1) * 100))
    )
    assert EXP3.for_rounds(3, 1).gamma == 1
    with pytest.raises(ValueError, match=r"reward is 0 to 1, got 1\.5"):
        bandit.update(0, 1.5)


def test_ucb1_is_its_formula() -> None:
    bandit = UCB1(2)
    generator = np.random.default_rng(0)
    for arm, reward in ((0, 0.5), (1, 0.25)):
        assert bandit.draw(generator) == arm  # each once
        bandit.update(arm, reward)
    bandit.update(0, 1.0)
    bounds = [0.75 + np.sqrt(2 * np.log(3) / 2), 0.25 + np.sqrt(2 * np.log(3))]
    np.testing.assert_allclose(bandit.bounds(), bounds)


@pytest.mark.parametrize("kind", [EXP3, UCB1])
def test_bandits_find_the_better_arm(kind) -> None:
    random, bandit = np.random.default_rng(0), kind(3)
    asked = []
    for _ in range(900):
        asked.append(bandit.draw(random))
        bandit.update(asked[-1], float(random.random() < (0.3, 0.3, 0.7)[asked[-1]]))
    assert asked[-300:].count(2) > 200


def test_weighted_accuracy_is_right_on_average_over_what_may_be_chosen() -> None:
    """Every round that the two arms may come to, by its probability."""
    right, chances = np.array([1.0, 0.0, 1.0, 1.0]), np.array([0.25, 0.75])
    fixed = np.array([1, 2], np.int32)
    total = 0.0
    for arm, drawn, p in (
        (1, fixed, 0.75),
        *((0, np.array([i, j]), 0.25 / 6) for i in range(4) for j in range(i)),
    ):
        picks: list[Rows] = [drawn if arm == 0 else fixed, fixed]  # its own draw, or any
        q = inclusion(picks, chances, drawn, even=0, left=4)
        total += p * weighted_accuracy([right[drawn]], [q], [4])
    assert total == pytest.approx(0.75)
    assert [scaled(gain) for gain in (0.0, 0.05, 0.3, -0.1)] == [0.5, 0.75, 1.0, 0.0]


class Planted:
    """A pool in which a label is worth as much as the text's fourth number says."""

    def __init__(self) -> None:
        drawn = np.random.default_rng(5).normal(size=(60, len(NAMES)))
        self.features = np.linalg.qr(drawn - drawn.mean(0))[0] * np.sqrt(60)  # uncorrelated

    def __len__(self) -> int:
        return 60

    def __call__(self, labelled: Rows) -> Learned:
        return Learned(float(self.features[labelled, 3].sum()), self.features)


def test_a_chooser_learns_what_is_worth_a_label_and_is_saved(tmp_path: Path, made) -> None:
    def learned(seed: int) -> Chooser:
        env = ActiveLabellingEnv(Planted(), start=2, horizon=5, candidates=8)
        return learn_chooser(env, updates=30, seed=seed)

    chooser = learned(0)
    assert chooser.weights[3] > 2 * np.abs(np.delete(chooser.weights, 3)).max()
    gains = chooser.about["gains"]
    assert np.mean(gains[-5:]) > np.mean(gains[:5]) + 2
    assert np.array_equal(chooser.weights, learned(0).weights)
    chooser.save(tmp_path / "chooser")
    again = how_of(str(tmp_path / "chooser"))
    assert isinstance(again, Chooser) and np.array_equal(again.weights, chooser.weights)
    policy, dataset = made()
    pool, labelled = View(policy, dataset["train"]), np.arange(5, dtype=np.int32)
    one, two = (choose(pool, labelled, 4, c, np.random.default_rng(0)) for c in (chooser, again))
    assert np.array_equal(one.rows, two.rows) and len({*one.rows, *labelled}) == 9
    free = np.setdiff1d(np.arange(len(pool)), labelled)
    dense = choose(pool, labelled, 4, Chooser(np.eye(5)[3]), np.random.default_rng(0)).rows
    assert set(dense) == set(free[np.argsort(-pool.density[free])[:4]])  # by density alone
    told = json.loads((tmp_path / "chooser" / "chooser.json").read_text())
    told["names"][0] = "luck"
    (tmp_path / "chooser" / "chooser.json").write_text(json.dumps(told))
    with pytest.raises(ValueError, match="a chooser has a weight for each of entropy, margin"):
        how_of(str(tmp_path / "chooser"))
    with pytest.raises(ValueError, match="and no such folder"):
        how_of(str(tmp_path / "none"))


@pytest.mark.parametrize("task", ["classification", "tagging"])
def test_the_oracle_of_heads_trains_on_what_is_labelled_and_forgets_it(made, task: str) -> None:
    policy, dataset = made(task)
    before = {name: weight.clone() for name, weight in policy.state_dict().items()}
    oracle = HeadOracle(policy, dataset["train"], dataset["dev"], "accuracy", steps=150)
    some, all_ = np.arange(4, dtype=np.int32), np.arange(64, dtype=np.int32)
    few = oracle(some)
    assert oracle(all_).metric > few.metric
    again = oracle(some)
    assert again.metric == few.metric and np.array_equal(again.features, few.features)
    assert few.features.shape == (64, len(NAMES)) and np.isfinite(few.features).all()
    assert all(torch.equal(before[name], now) for name, now in policy.state_dict().items())
    with pytest.raises(ValueError, match="no metric 'luck'"):
        HeadOracle(policy, dataset["train"], dataset["dev"], "luck")
