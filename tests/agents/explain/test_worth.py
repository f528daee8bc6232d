"""What labels were worth: equal to trying every other label by hand."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from lingym.agents.explain.others import AGAINST, Against, other_labels
from lingym.agents.explain.shapley import ORDERS, coalitions, shapley_values
from lingym.agents.explain.worth import worth
from lingym.envs import Episodes
from lingym.rewards import Reward, from_spec
from lingym.types import Batch, FloatArray, IntArray
from tests.envs.every_task import every_task

REWARDS = {
    "tagging": ("accuracy", "entity_f1(dense=True)", "entity_f1 + 0.5*accuracy", "exact_match"),
    "classification": ("accuracy", "cross_entropy"),
    "multilabel": ("sample_f1", "accuracy"),
    "spanqa": ("squad_f1", "exact_match"),
    "choice": ("exact_match",),
    "relation": ("relation_f1", "accuracy"),
    "summary": ("rouge",),
    "sentences": ("accuracy", "exact_match"),
    "slots and intent": ("accuracy",),
}
CASES = [(form, spec) for form, specs in REWARDS.items() for spec in specs]


def case(form: str, seed: int = 0) -> tuple[Episodes, Batch, IntArray, FloatArray]:
    """All texts of a split with labels by chance, half of them the gold ones."""
    episodes = every_task(form)["test"]
    batch = episodes.batch(range(len(episodes)))
    random = np.random.default_rng(seed)
    log_probs = np.log(random.dirichlet(np.ones(episodes.label_count), batch.gold.shape))
    inside = np.arange(batch.gold.shape[1]) < batch.lengths[:, None]
    given = np.where(random.random(batch.gold.shape) < 0.5, log_probs.argmax(-1), batch.gold)
    labels = np.where(inside & (given >= 0), given, 0).astype(np.int32)
    labels[~inside] = -1
    ended = batch.complete(labels).lengths
    labels[np.arange(labels.shape[1]) >= ended[:, None]] = -1
    return episodes, batch, labels, log_probs


def bound(spec: str, episodes: Episodes) -> Reward:
    reward = from_spec(spec)
    reward.bind(episodes.space)
    return reward


@pytest.mark.parametrize("against", ["best", "gold", "second"])
@pytest.mark.parametrize(("form", "spec"), CASES)
def test_worth_is_what_the_other_label_would_change(form: str, spec: str, against: Against) -> None:
    episodes, batch, labels, log_probs = case(form)
    reward = bound(spec, episodes)
    found = worth(reward, batch, labels, log_probs, against)
    np.testing.assert_allclose(found.score, reward.score(batch.complete(labels)), atol=1e-12)
    tried = 0
    for row in range(len(batch)):
        for unit in range(labels.shape[1]):
            if found.others[row, unit] < 0:
                assert np.isnan(found.worth[row, unit])
                continue
            changed = labels.copy()
            changed[row, unit] = found.others[row, unit]
            if changed[row, unit] == batch.stop:
                changed[row, unit + 1 :] = -1
            brute = reward.score(batch.complete(changed))[row]
            assert found.worth[row, unit] == pytest.approx(found.score[row] - brute, abs=1e-9)
            tried += 1
    assert tried >= len(batch)


@pytest.mark.parametrize("spec", ["accuracy", "cross_entropy", "0.5*accuracy + 2*cross_entropy"])
def test_shares_of_a_sum_are_exact(spec: str) -> None:
    episodes, batch, labels, log_probs = case("tagging")
    found = worth(bound(spec, episodes), batch, labels, log_probs)
    assert found.how == "exact" and found.shares is not None
    np.testing.assert_allclose(found.shares.sum(1), found.score, atol=1e-12)


def test_a_table_that_lies_is_refused() -> None:
    episodes, batch, labels, log_probs = case("tagging")
    reward = bound("accuracy", episodes)
    table = reward.table(batch.complete(labels), episodes.label_count)
    assert table is not None
    reward.table = lambda *_: table * 2  # type: ignore[method-assign]
    with pytest.raises(ValueError, match=r"reward accuracy .* miss its score by .*: its table is"):
        worth(reward, batch, labels, log_probs)


def test_others_are_the_gold_label_where_wrong_and_the_next_choice_where_right() -> None:
    batch = replace(
        case("tagging")[1],
        gold=np.array([[2, 1, -1, 0]], np.int32),
        lengths=np.array([4], np.int32),
    )
    labels = np.array([[2, 0, 1, 0]], np.int32)
    log_probs = np.log(np.tile([0.2, 0.3, 0.5], (1, 4, 1)))
    wanted = {
        "best": [1, 1, 2, 2],
        "gold": [2, 1, -1, 0],
        "second": [1, 2, 2, 2],
        "nothing": [0, 0, 0, 0],
    }
    for against in AGAINST:
        found = other_labels(batch, labels, log_probs, against, nothing=0)
        assert found.tolist() == [wanted[against]], against
    with pytest.raises(ValueError, match="needs the label that says nothing"):
        other_labels(batch, labels, log_probs, "nothing")


def by_orders(value: dict[frozenset[int], float], players: int) -> FloatArray:
    """Shapley's own definition: what a player adds when it comes, over all orders of coming."""
    found = np.zeros(players)
    orders = list(permutations(range(players)))
    for order in orders:
        here: frozenset[int] = frozenset()
        for player in order:
            found[player] += value[here | {player}] - value[here]
            here |= {player}
    return found / len(orders)


def test_shapley_values_are_the_mean_over_all_orders() -> None:
    random, kept = np.random.default_rng(0), coalitions(5)
    values = random.normal(size=len(kept))
    by_set = {frozenset(np.flatnonzero(k).tolist()): v for k, v in zip(kept, values, strict=True)}
    np.testing.assert_allclose(shapley_values(kept, values), by_orders(by_set, 5), atol=1e-12)


def test_sampled_shapley_values_sum_and_come_near() -> None:
    kept = coalitions(12, seed=3)
    assert len(kept) == 2 * ORDERS * 13
    np.testing.assert_array_equal(kept, coalitions(12, seed=3))
    weights = np.arange(12.0)
    pairs = kept[:, 0] & kept[:, 1]
    values = kept @ weights + 6.0 * pairs  # of two players together: three each
    found = shapley_values(kept, values)
    assert found.sum() == pytest.approx(weights.sum() + 6, abs=1e-9)
    np.testing.assert_allclose(found[2:], weights[2:], atol=1e-9)
    # Antithetic orders: in each pair one of the two players comes first once.
    np.testing.assert_allclose(found[:2], [3, 4], atol=1e-9)


def test_shapley_values_of_labels_sum_to_the_change_of_all() -> None:
    episodes, batch, labels, log_probs = case("multilabel")
    reward = bound("sample_f1", episodes)
    found = worth(reward, batch, labels, log_probs, how="shapley")
    assert found.how == "shapley"
    none = reward.score(batch.complete(found.others))
    np.testing.assert_allclose(np.nansum(found.worth, 1), found.score - none, atol=1e-9)
    with pytest.raises(ValueError, match="no Shapley values where a label ends the episode"):
        episodes, batch, labels, log_probs = case("summary")
        worth(bound("rouge", episodes), batch, labels, log_probs, how="shapley")
